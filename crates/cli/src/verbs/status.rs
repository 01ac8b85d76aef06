//! `sty status`

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::Args;
use sty_core::ExitCode;
use sty_engine::Fleet;
use sty_inventory::model::Inventory;
use sty_wire::resource::{Resource, ResourceKind, UnitState};
use sty_wire::status::{ServiceProbe, StatusQuery};

use crate::args::{Global, Selection};
use crate::context;
use crate::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW, bytes, count, paint, table};
use crate::run::choice::Choice;
use crate::run::health::{ClusterHealth, Health, MemberHealth, assess};
use crate::run::{authority, look, notes, problems};

/// How long a node may take to be reached: who asks for the status wants it now.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks of `--wait`.
const PAUSE: Duration = Duration::from_millis(500);

/// Show clusters, members, services and their health
///
/// Exits with 1 when something is unhealthy.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only these hosts, groups or clusters; several separated by commas
    #[arg(short, long, value_delimiter = ',', value_name = "NAME")]
    limit: Vec<String>,
    /// Wait until all is healthy, at most this many seconds
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

impl Status {
    /// The whole fleet, waiting for its health.
    pub(crate) fn waiting(limit: Duration) -> Self {
        Self {
            limit: Vec::new(),
            wait: Some(limit.as_secs()),
        }
    }

    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let hosts = context::limited(&inventory, &self.limit)?;
        let sandbox = context::sandbox(global, &file)?;
        let targets = look::targets(&inventory, hosts.iter().cloned(), sandbox.as_ref())?;
        let mut fleet = look::connect_within(&targets, Some(PATIENCE), printer)?;
        let authority = authority::borrow(&file, &inventory)?;
        let desired = look::desired_context(&authority, &inventory)?;
        let facts = fleet.facts();
        let everything = Selection::default();
        let choice = Choice::new(&inventory, &hosts, &everything);
        let all = hosts.iter().cloned().collect();
        let wanted = look::desired(&inventory, &all, &facts, &desired, &choice)
            .map_err(|found| anyhow::anyhow!(found[0].message.clone()))?;
        let queries = queries(&inventory, &wanted.resources);
        let view = View {
            inventory: &inventory,
            asked: hosts.into_iter().collect(),
            queries,
        };
        let health = self.look(&view, &mut fleet, printer);
        if printer.is_json() {
            printer.json(&health)?;
        } else {
            print(&health, printer);
        }
        Ok(if health.healthy {
            ExitCode::Done
        } else {
            ExitCode::Failed
        })
    }

    fn look(&self, view: &View<'_>, fleet: &mut Fleet, printer: &Printer) -> Health {
        let deadline = Instant::now() + Duration::from_secs(self.wait.unwrap_or(0));
        loop {
            let health = ask(view, fleet);
            if health.healthy || Instant::now() >= deadline {
                printer.progress("");
                return health;
            }
            printer.progress(&format!("waiting: {}", health.problems[0]));
            std::thread::sleep(PAUSE);
        }
    }
}

/// What a status is about.
struct View<'a> {
    inventory: &'a Inventory,
    asked: BTreeSet<String>,
    queries: BTreeMap<String, StatusQuery>,
}

fn ask(view: &View<'_>, fleet: &mut Fleet) -> Health {
    let mut unreachable: BTreeMap<_, _> = fleet
        .failures
        .iter()
        .map(|(host, error)| (host.clone(), problems::unreachable(error)))
        .collect();
    let mut answers = BTreeMap::new();
    for (host, answer) in fleet.status(&view.queries) {
        match answer {
            Ok(status) => drop(answers.insert(host, status)),
            Err(error) => drop(unreachable.insert(host, error.into_failure())),
        }
    }
    assess(view.inventory, &view.asked, &answers, &unreachable)
}

/// What to ask each node, taken from what should run there.
pub(crate) fn queries(
    inventory: &Inventory,
    resources: &BTreeMap<String, Vec<Resource>>,
) -> BTreeMap<String, StatusQuery> {
    resources
        .iter()
        .map(|(host, resources)| {
            let mut query = StatusQuery::default();
            for resource in resources {
                match &resource.kind {
                    ResourceKind::EtcdMember(member) => query.etcd = Some(member.clone()),
                    ResourceKind::PatroniMember(member) => query.patroni.push(member.clone()),
                    ResourceKind::Unit(unit)
                        if unit.state == UnitState::Running && resource.cluster.is_some() =>
                    {
                        query.units.push(unit.name.clone());
                        let console = unit.console.iter().cloned();
                        let poolers = console.map(|console| (unit.name.clone(), console));
                        query.poolers.extend(poolers);
                    }
                    _ => {}
                }
            }
            query.services = probes(inventory, host);
            (host.clone(), query)
        })
        .collect()
}

fn probes(inventory: &Inventory, host: &str) -> Vec<ServiceProbe> {
    let here = inventory.clusters.values().filter(|cluster| {
        cluster
            .instances
            .iter()
            .any(|instance| instance.host == host)
    });
    here.flat_map(|cluster| {
        cluster
            .services
            .iter()
            .filter(|service| service.is_served())
            .map(|service| ServiceProbe {
                cluster: cluster.name.clone(),
                name: service.name.clone(),
                port: service.port,
                sections: sty_desired::service_sections(cluster, service),
                stats_socket: sty_desired::STATS_SOCKET.to_owned(),
            })
    })
    .collect()
}

fn print(health: &Health, printer: &Printer) {
    print_etcd(health, printer);
    for cluster in &health.clusters {
        printer.data("");
        print_cluster(cluster, printer);
    }
    printer.data("");
    notes::print(printer, health.notes.iter());
    for problem in &health.problems {
        printer.data(format!("{} {problem}", paint(RED.bold(), "problem")));
    }
    if health.healthy {
        printer.data(format!("{} everything is healthy", paint(GREEN, "ok")));
    }
}

fn print_etcd(health: &Health, printer: &Printer) {
    if health.etcd.is_empty() {
        return;
    }
    let good = health.etcd.iter().filter(|member| member.healthy).count();
    let count = format!("{good} of {} healthy", count(health.etcd.len(), "member"));
    let style = if good == health.etcd.len() {
        GREEN
    } else {
        RED
    };
    printer.data(format!("{}  {}", paint(BOLD, "etcd"), paint(style, count)));
    for member in &health.etcd {
        let name = &member.name;
        let (Some(version), Some(size)) = (&member.version, member.db_size_bytes) else {
            printer.data(format!("  {name:<12} {}", paint(RED, "no answer")));
            continue;
        };
        let role = if member.leader { "leader" } else { "follower" };
        let size = bytes(size);
        printer.data(format!("  {name:<12} {role:<9} {version:<8} {size}"));
    }
}

fn print_cluster(cluster: &ClusterHealth, printer: &Printer) {
    let leader = match &cluster.leader {
        Some(leader) => format!("primary {leader}"),
        None => paint(RED, &cluster.without_leader),
    };
    let timeline = cluster
        .timeline
        .map(|t| format!(", timeline {t}"))
        .unwrap_or_default();
    let paused = if cluster.paused {
        paint(YELLOW, ", paused")
    } else {
        String::new()
    };
    let failsafe = if cluster.failsafe {
        paint(YELLOW, ", in failsafe mode")
    } else {
        String::new()
    };
    printer.data(format!(
        "{}  {leader}{timeline}{paused}{failsafe}",
        paint(BOLD, &cluster.name)
    ));
    let mut members = table(&[
        "  MEMBER",
        "ADDRESS",
        "ROLE",
        "STATE",
        "LAG",
        "PENDING RESTART",
    ]);
    for member in &cluster.members {
        members.add_row(row(member));
    }
    printer.data(members.to_string());
    let mut services = table(&["  SERVICE", "PORT", "ANSWERED BY"]);
    let mut shown = BTreeSet::new();
    for service in &cluster.services {
        let answers = match &service.problem {
            Some(problem) => paint(RED, format_args!("{problem} (on {})", service.entry)),
            None => service.answering.join(", "),
        };
        if shown.insert((service.port, answers.clone())) {
            services.add_row([
                format!("  {}", service.name),
                service.port.to_string(),
                answers,
            ]);
        }
    }
    printer.data(services.to_string());
}

/// The role, and what is special about it.
fn role(member: &MemberHealth) -> String {
    let mut words = vec![member.role.clone()];
    words.extend(member.synchronous.map(str::to_owned));
    words.extend(member.follows.iter().map(|name| format!("of {name}")));
    words.extend(member.delay.iter().map(|delay| format!("{delay} late")));
    words.join(", ")
}

fn row(member: &MemberHealth) -> [String; 6] {
    let runs = member.condition.is_none() && matches!(&*member.state, "running" | "streaming");
    let state = match &member.problem {
        // The server is well; what is not stands below.
        Some(_) if runs => paint(YELLOW, &member.state),
        Some(problem) => match member.since {
            Some(since) => paint(RED, format_args!("{problem}, {}", since.words())),
            None => paint(RED, problem),
        },
        None => paint(GREEN, &member.state),
    };
    let lag = match member.lag_bytes {
        Some(lag) => bytes(lag),
        None => paint(DIM, "-"),
    };
    [
        format!("  {}", member.name),
        member.address.clone(),
        role(member),
        state,
        lag,
        member.pending_restart.join(", "),
    ]
}
