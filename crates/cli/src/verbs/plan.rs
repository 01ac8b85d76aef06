//! `sty plan`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use sty_core::{Diagnostic, ExitCode};
use sty_desired::{Context, Secrets};
use sty_inventory::model::Inventory;
use sty_plan::{NodeInput, Options, Plan, Problem};
use sty_wire::facts::Facts;
use sty_wire::observation::{Failure, Surroundings};

use crate::args::{Global, Selection};
use crate::context::{self, InventoryFile};
use crate::printer::{self, Printer};
use crate::refusal::{self, refused};
use crate::run::choice::Choice;
use crate::run::leftovers::Leftovers;
use crate::run::look::{self, Scene};
use crate::run::{authority, show_plan};

/// Show what `apply` would change and what it risks; changes nothing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty plan                       the whole fleet
  sty plan -l pg-test -m pgsql   one cluster, one module
  sty plan --exit-code           0: nothing to do, 3: changes pending
  sty plan --output json | jq 'select(.event == \"planned\") | .action.title'

For machines: one document a line, of which `event` says what it is; `planned` is an action, and the
last one, `plan`, counts them.")]
pub(crate) struct PlanVerb {
    #[command(flatten)]
    selection: Selection,
    /// Exit with 3 when there is something to do
    #[arg(long)]
    exit_code: bool,
    /// Show the restarts that `apply --restart` would do as part of the plan
    #[arg(long)]
    restart: bool,
    /// Reach no node: plan for blank nodes with the facts in this file (JSON, by host)
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// With `--facts`: print only how many actions there are
    #[arg(long, requires = "facts")]
    summary: bool,
}

impl PlanVerb {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::installable_inventory(global, printer)? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let hosts = context::limited(&inventory, &self.selection.limit)?;
        if let Some(path) = &self.facts {
            return self.blank(&file, &inventory, &hosts, path, printer);
        }
        let sandbox = context::sandbox(global, &file)?;
        let authority = authority::borrow(&file, &inventory)?;
        let all = look::with_peers(&inventory, &hosts);
        let targets = look::targets(&inventory, all.iter().cloned(), sandbox.as_ref())?;
        let fleet = look::connect(&targets, printer)?;
        let desired = look::desired_context(&authority, &inventory)?;
        let facts = fleet.facts();
        let choice = Choice::new(&inventory, &hosts, &self.selection);
        let wanted = match look::desired(&inventory, &all, &facts, &desired, &choice) {
            Ok(wanted) => wanted,
            Err(found) => return refusal::tell_all(&found, printer),
        };
        let mut scene = Scene::of(&inventory, fleet, hosts.clone());
        scene.look_at(wanted, printer);
        scene.tell_beside(printer);
        let mut plan = scene.plan(&self.options());
        let holds_else = |address: &str| scene.holds_else(&inventory, address);
        Leftovers::read(&file)?.add_to(&mut plan.unwanted, &inventory, &holds_else);
        show_plan::print(printer, &plan)?;
        Ok(if !plan.problems.is_empty() {
            ExitCode::Failed
        } else if self.exit_code && !plan.is_empty() {
            ExitCode::Pending
        } else {
            ExitCode::Done
        })
    }

    fn options(&self) -> Options {
        Options {
            restart: self.restart,
            confirm: BTreeSet::new(),
        }
    }

    /// Plans for blank nodes: a few clusters at a time on every processor, so that memory does not
    /// grow with the fleet.
    fn blank(
        &self,
        file: &InventoryFile,
        inventory: &Inventory,
        hosts: &[String],
        facts: &Path,
        printer: &Printer,
    ) -> anyhow::Result<ExitCode> {
        let name = facts.display();
        let text = std::fs::read_to_string(facts)
            .map_err(|error| refused(format!("cannot read facts `{name}`: {error}")))?;
        let facts: BTreeMap<String, Facts> = serde_json::from_str(&text)
            .map_err(|error| refused(format!("`{name}` holds no facts: {error}")))?;
        let authority = authority::borrow(file, inventory)?;
        let desired = Context {
            secrets: Secrets::left_out(),
            ..look::desired_context(&authority, inventory)?
        };
        let (known, unknown): (Vec<String>, Vec<String>) = hosts
            .iter()
            .cloned()
            .partition(|host| facts.contains_key(host));
        let unknown: Vec<Problem> = unknown
            .into_iter()
            .map(|host| without_facts(host, &name.to_string()))
            .collect();
        show_plan::print_problems(printer, &unknown)?;
        let groups = by_cluster(inventory, &known);
        let choice = Choice::new(inventory, hosts, &self.selection);
        let (width, mut count) = (look::processors(), 0);
        for batch in groups.chunks(width * CLUSTERS_AT_A_TIME) {
            let plans = sty_engine::for_each(batch.iter().collect(), width, |group| {
                self.blank_group(inventory, group, &facts, &desired, &choice)
            });
            for plan in plans {
                match plan {
                    Ok(Blank::Counted(actions)) => count += actions,
                    Ok(Blank::Listed(plan)) => {
                        count += plan.actions.len();
                        show_plan::print(printer, &plan)?;
                    }
                    Err(found) => return refusal::tell_all(&found, printer),
                }
            }
        }
        printer.note(format!(
            "{} on {}",
            printer::count(count, "action"),
            printer::count(known.len(), "blank node")
        ));
        Ok(if !unknown.is_empty() {
            ExitCode::Failed
        } else if self.exit_code && count > 0 {
            ExitCode::Pending
        } else {
            ExitCode::Done
        })
    }

    /// The plan for the nodes of one cluster.
    fn blank_group(
        &self,
        inventory: &Inventory,
        group: &[String],
        facts: &BTreeMap<String, Facts>,
        desired: &Context,
        choice: &Choice<'_>,
    ) -> Result<Blank, Vec<Diagnostic>> {
        let hosts = group.iter().cloned().collect();
        let wanted = look::desired(inventory, &hosts, facts, desired, choice)?;
        let (nothing, nobody) = (BTreeMap::new(), Surroundings::default());
        let witnesses = BTreeSet::new();
        let inputs: Vec<NodeInput<'_>> = wanted
            .resources
            .iter()
            .map(|(host, resources)| NodeInput {
                host,
                resources,
                observations: &nothing,
                surroundings: &nobody,
                witnesses: wanted.witnesses.get(host).unwrap_or(&witnesses),
                removal: None,
            })
            .collect();
        let plan = sty_plan::build(&inputs, &self.options());
        Ok(if self.summary {
            Blank::Counted(plan.actions.len())
        } else {
            Blank::Listed(Box::new(plan))
        })
    }
}

/// Why nothing is planned for a node.
fn without_facts(host: String, file: &str) -> Problem {
    Problem {
        node: host,
        subject: "it is not looked at".to_owned(),
        failure: Failure {
            hint: Some(
                "add its facts to the file, or leave the node out with `--limit`".to_owned(),
            ),
            ..Failure::message(format!("`{file}` has no facts of it"))
        },
    }
}

/// The plan for some blank nodes, as far as it is shown.
enum Blank {
    Counted(usize),
    Listed(Box<Plan>),
}

/// Clusters that one processor plans before what was planned is printed.
const CLUSTERS_AT_A_TIME: usize = 16;

/// Hosts grouped by PostgreSQL cluster; hosts without one are a group of their own.
fn by_cluster(inventory: &Inventory, hosts: &[String]) -> Vec<Vec<String>> {
    let chosen: BTreeSet<&String> = hosts.iter().collect();
    let mut placed: BTreeSet<&String> = BTreeSet::new();
    let mut groups = Vec::new();
    for cluster in inventory.clusters.values() {
        let members = cluster.instances.iter().map(|instance| &instance.host);
        let group: Vec<String> = members
            .filter(|host| chosen.contains(host) && placed.insert(host))
            .cloned()
            .collect();
        groups.push(group);
    }
    let rest = hosts.iter().filter(|host| !placed.contains(host));
    groups.push(rest.cloned().collect());
    groups.retain(|group| !group.is_empty());
    groups
}
