//! Looks at a fleet: connects, computes the desired state, has every node compare.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use sty_core::Diagnostic;
use sty_desired::Context;
use sty_engine::{Authority, ConnectEvent, ConnectOptions, Fleet, Observed, Program, Target};
use sty_inventory::model::{Inventory, PgCluster};
use sty_plan::{NodeInput, Operation, Options, Plan, Problem, Refusal};
use sty_sandbox::Sandbox;
use sty_wire::facts::Facts;
use sty_wire::observation::Failure;
use sty_wire::resource::Resource;

use crate::context;
use crate::printer::{DIM, Printer, bytes, count, paint};
use crate::run::choice::{Choice, Wanted};

/// A fleet as it was found.
pub(crate) struct Scene {
    /// Open sessions.
    pub(crate) fleet: Fleet,
    /// Hosts that the run concerns, in the order of the plan.
    pub(crate) hosts: Vec<String>,
    /// What should be there, by host.
    pub(crate) resources: BTreeMap<String, Vec<Resource>>,
    /// Resources that are only looked at, by host.
    pub(crate) witnesses: BTreeMap<String, BTreeSet<String>>,
    /// What is there, by host.
    pub(crate) observed: BTreeMap<String, Observed>,
    /// Hosts of which only things are removed, with the name to be typed.
    pub(crate) removals: BTreeMap<String, String>,
    /// Nodes that could not be looked at, and why.
    pub(crate) unseen: BTreeMap<String, Failure>,
    /// Nodes whose facts nothing that is chosen depends on: outside `--limit`, and of other
    /// PostgreSQL clusters.
    beside: BTreeSet<String>,
    /// Hosts on which the inventory has a member of PostgreSQL, whatever part of it the run is about.
    members: BTreeSet<String>,
}

/// Connects to `hosts`, all at once.
pub(crate) fn connect(targets: &[(String, Target)], printer: &Printer) -> anyhow::Result<Fleet> {
    connect_within(targets, None, printer)
}

/// The same, giving each node so long to answer.
pub(crate) fn connect_within(
    targets: &[(String, Target)],
    limit: Option<Duration>,
    printer: &Printer,
) -> anyhow::Result<Fleet> {
    let program = Program::current()?;
    let mut options = ConnectOptions::new(sty_engine::runtime_directory()?);
    if let Some(limit) = limit {
        options.connect_limit = limit;
        options.look_limit = options.look_limit.min(limit * 4);
    }
    printer.progress(&format!("connecting to {}", count(targets.len(), "node")));
    let fleet = Fleet::connect(targets, &program, &options, &mut |event| match event {
        ConnectEvent::Uploading { host, bytes: size } => {
            printer.progress(&format!("{host}: copying sty ({})", bytes(size)));
        }
        ConnectEvent::Connected { .. } | ConnectEvent::Failed { .. } => {}
    });
    printer.progress("");
    Ok(fleet)
}

/// Targets of inventory hosts.
pub(crate) fn targets(
    inventory: &Inventory,
    hosts: impl IntoIterator<Item = String>,
    sandbox: Option<&Sandbox>,
) -> anyhow::Result<Vec<(String, Target)>> {
    hosts
        .into_iter()
        .map(|host| {
            let node = inventory
                .nodes
                .get(&host)
                .context("a host of the inventory")?;
            Ok((host, context::target(node, sandbox)?))
        })
        .collect()
}

/// The chosen hosts and those that their clusters depend on: their peers and, of members of etcd,
/// its other members and all whose leaders it keeps.
pub(crate) fn with_peers(inventory: &Inventory, hosts: &[String]) -> BTreeSet<String> {
    let mut all = own_clusters(inventory, hosts);
    let etcd = inventory.etcd.iter().flat_map(|etcd| &etcd.members);
    let etcd: Vec<&String> = etcd.map(|member| &member.host).collect();
    if etcd.iter().any(|host| hosts.contains(host)) {
        let everybody = inventory.clusters.values().flat_map(members);
        all.extend(etcd.into_iter().chain(everybody).cloned());
    }
    all
}

/// The chosen hosts and all members of their PostgreSQL clusters, whose settings follow from the
/// facts of every member.
fn own_clusters(inventory: &Inventory, hosts: &[String]) -> BTreeSet<String> {
    let chosen: BTreeSet<&String> = hosts.iter().collect();
    let clusters = inventory.clusters.values();
    let own = clusters.filter(|cluster| members(cluster).any(|host| chosen.contains(host)));
    own.flat_map(members).chain(hosts).cloned().collect()
}

fn members(cluster: &PgCluster) -> impl Iterator<Item = &String> {
    cluster.instances.iter().map(|instance| &instance.host)
}

fn with_members(inventory: &Inventory) -> BTreeSet<String> {
    let clusters = inventory.clusters.values();
    let instances = clusters.flat_map(|cluster| &cluster.instances);
    instances.map(|instance| instance.host.clone()).collect()
}

/// What desired needs from outside the inventory.
pub(crate) fn desired_context(
    authority: &Authority,
    inventory: &Inventory,
) -> anyhow::Result<Context> {
    Ok(Context {
        catalogue: sty_catalog::Catalog::builtin(),
        authority: sty_desired::Authority {
            name: inventory.ca_common_name.clone(),
            pem: authority.certificate_pem().to_owned(),
            sha256: authority.sha256().to_owned(),
        },
        fleet_secret: authority.derive("scram"),
        packages: super::packages::source(inventory)?,
        secrets: sty_desired::Secrets::default(),
    })
}

/// Resources of every one of `hosts` whose facts are known, as far as `choice` wants them brought
/// about or looked at; problems are collected over all hosts.
pub(crate) fn desired(
    inventory: &Inventory,
    hosts: &BTreeSet<String>,
    facts: &BTreeMap<String, Facts>,
    context: &Context,
    choice: &Choice<'_>,
) -> Result<Wanted, Vec<Diagnostic>> {
    // Nodes of members that are removed may be in no inventory.
    let hosts = hosts
        .iter()
        .filter(|host| inventory.nodes.contains_key(*host));
    let hosts: BTreeSet<&String> = hosts.collect();
    let known = hosts
        .iter()
        .copied()
        .filter(|host| facts.contains_key(*host));
    // A node takes a millisecond: for a few it does not pay to divide the work.
    let width = if hosts.len() < 16 { 1 } else { processors() };
    let each = sty_engine::for_each(known.collect(), width, |host| {
        let all = sty_desired::node(inventory, host, facts, context);
        (host, all)
    });
    let mut wanted = Wanted::default();
    let mut problems = other_machines(inventory, &hosts, facts);
    for (host, all) in each {
        match all {
            Ok(all) => wanted.add(host, all, choice),
            Err(found) => problems.extend(found),
        }
    }
    problems.dedup();
    if problems.is_empty() {
        Ok(wanted)
    } else {
        Err(problems)
    }
}

/// Processors that this program may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Hosts that are not the machine the inventory means: a wrong `ansible_host` would put one
/// node's data on another.
fn other_machines(
    inventory: &Inventory,
    hosts: &BTreeSet<&String>,
    facts: &BTreeMap<String, Facts>,
) -> Vec<Diagnostic> {
    let nodes = hosts
        .iter()
        .filter_map(|host| Some((inventory.nodes.get(*host)?, facts.get(*host)?)));
    nodes
        .filter(|(node, facts)| {
            let addresses = facts
                .interfaces
                .iter()
                .flat_map(|interface| &interface.addresses);
            !addresses
                .into_iter()
                .any(|(address, _)| *address == node.address)
        })
        .map(|(node, facts)| {
            let message = format!(
                "the machine reached as `{}` (`{}`) does not have the address {}",
                node.host, facts.hostname, node.address
            );
            Diagnostic::error("node/other-machine", message)
                .help("check `ansible_host` and `ansible_port` of the host")
        })
        .collect()
}

/// Nodes that could not be reached, and those lost since.
fn not_seen(fleet: &Fleet) -> BTreeMap<String, Failure> {
    let unreachable =
        |(host, error): (&String, _)| (host.clone(), super::problems::unreachable(error));
    let failures = fleet.failures.iter().map(unreachable);
    failures.chain(fleet.lost.clone()).collect()
}

impl Scene {
    /// A scene of connected nodes, nothing looked at yet. Nodes that could not be reached are
    /// noted.
    pub(crate) fn new(fleet: Fleet, hosts: Vec<String>) -> Self {
        let unseen = not_seen(&fleet);
        Self {
            fleet,
            hosts,
            resources: BTreeMap::new(),
            witnesses: BTreeMap::new(),
            observed: BTreeMap::new(),
            removals: BTreeMap::new(),
            unseen,
            beside: BTreeSet::new(),
            members: BTreeSet::new(),
        }
    }

    /// The same for a part of an inventory.
    pub(crate) fn of(inventory: &Inventory, fleet: Fleet, hosts: Vec<String>) -> Self {
        let all = with_peers(inventory, &hosts);
        let own = own_clusters(inventory, &hosts);
        Self {
            beside: all.difference(&own).cloned().collect(),
            members: with_members(inventory),
            ..Self::new(fleet, hosts)
        }
    }

    /// Whether a node could not be looked at that the run depends on.
    pub(crate) fn is_unclear(&self) -> bool {
        self.problems().next().is_some()
    }

    /// Nothing depends on nodes that could not be looked at; tells of them.
    pub(crate) fn do_without_unseen(&mut self, printer: &Printer) {
        self.beside.extend(self.unseen.keys().cloned());
        self.tell_beside(printer);
    }

    /// Tells of nodes that could not be looked at and that nothing depends on.
    pub(crate) fn tell_beside(&self, printer: &Printer) {
        let beside = |(host, _): &(&String, _)| self.beside.contains(*host);
        for (host, failure) in self.unseen.iter().filter(beside) {
            printer.note(format!(
                "{} {host}, which `--limit` leaves out, could not be looked at; nothing here follows from its facts: {}",
                paint(DIM, "note"),
                failure.message
            ));
        }
    }

    /// Takes the nodes of another fleet in.
    pub(crate) fn absorb(&mut self, mut other: Fleet) {
        self.unseen.extend(not_seen(&other));
        self.fleet.sessions.append(&mut other.sessions);
    }

    /// Has the nodes compare themselves with what is wanted of them.
    pub(crate) fn look_at(&mut self, wanted: Wanted, printer: &Printer) {
        self.witnesses = wanted.witnesses;
        self.look(wanted.resources, printer);
    }

    /// Has the nodes of `resources` compare themselves, and remembers both.
    pub(crate) fn look(&mut self, resources: BTreeMap<String, Vec<Resource>>, printer: &Printer) {
        printer.progress("looking at the nodes");
        for (host, answer) in self.fleet.observe(&resources) {
            match answer {
                Ok(mut observed) => {
                    // With `--module` a node is not told of all that it should have.
                    if self.members.contains(&host) {
                        observed.surroundings.stray_patroni = None;
                    }
                    self.unseen.remove(&host);
                    self.observed.insert(host, observed);
                }
                Err(error) => {
                    // What was seen before is so no more.
                    self.observed.remove(&host);
                    self.unseen.insert(host, error.into_failure());
                }
            }
        }
        self.resources.extend(resources);
        printer.progress("");
    }

    /// Whether the node at `address` holds something else than what is wanted there.
    pub(crate) fn holds_else(&self, inventory: &Inventory, address: &str) -> bool {
        let mut nodes = inventory.nodes.values();
        let node = nodes.find(|node| node.address.to_string() == address);
        let observed = node.and_then(|node| self.observed.get(&node.host));
        let mut found = observed
            .into_iter()
            .flat_map(|seen| seen.observations.values());
        found.any(|one| one.conflict().is_some())
    }

    /// The plan for what was seen.
    pub(crate) fn plan(&self, options: &Options) -> Plan {
        let mut plan = sty_plan::build(&self.inputs(), options);
        plan.problems.extend(self.problems());
        plan
    }

    /// The plan of an operation on a cluster.
    ///
    /// # Errors
    /// When it is not possible now.
    pub(crate) fn operate(
        &self,
        cluster: &str,
        operation: &Operation,
        force: bool,
    ) -> Result<Plan, Refusal> {
        let mut plan = sty_plan::operate(&self.inputs(), cluster, operation, force)?;
        plan.problems.extend(self.problems());
        Ok(plan)
    }

    fn inputs(&self) -> Vec<NodeInput<'_>> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        let peers = self.resources.keys();
        let peers = peers.filter(|host| !self.hosts.contains(host));
        self.hosts
            .iter()
            .chain(peers)
            .filter_map(|host| {
                let observed = self.observed.get(host)?;
                Some(NodeInput {
                    host,
                    resources: self.resources.get(host)?,
                    observations: &observed.observations,
                    surroundings: &observed.surroundings,
                    witnesses: self.witnesses.get(host).unwrap_or(&NONE),
                    removal: self.removals.get(host).map(String::as_str),
                })
            })
            .collect()
    }

    fn problems(&self) -> impl Iterator<Item = Problem> {
        let needed = |(host, _): &(&String, _)| !self.beside.contains(*host);
        self.unseen.iter().filter(needed).map(|(host, failure)| {
            let subject = match self.hosts.contains(host) {
                true => "it could not be looked at",
                false => {
                    "it is outside `--limit`, but the settings of its cluster follow from its facts, \
                     and it could not be looked at"
                }
            };
            Problem {
                node: host.clone(),
                subject: subject.to_owned(),
                failure: failure.clone(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_limited_run_depends_on_the_clusters_it_is_about() {
        let mut templates = sty_inventory::templates().iter();
        let text = templates.find(|one| one.name == "full").unwrap().text;
        let text = text.replace(sty_inventory::template::RANDOM, "long-enough");
        let loaded = sty_inventory::load("x.yml", &text, &|_| Ok(String::new()));
        let inventory = loaded.inventory.unwrap();
        let depends = |host: &str| {
            let hosts = [host.to_owned()];
            let names = |hosts: BTreeSet<String>| Vec::from_iter(hosts).join(" ");
            let own = names(own_clusters(&inventory, &hosts));
            (own, names(with_peers(&inventory, &hosts)))
        };
        let (first, others) = ("10.10.10.10", "10.10.10.11 10.10.10.12 10.10.10.13");
        let everybody = format!("{first} {others}");
        assert_eq!(
            depends(first),
            (first.to_owned(), everybody),
            "etcd is here"
        );
        assert_eq!(
            depends("10.10.10.13"),
            (others.to_owned(), others.to_owned())
        );
    }
}
