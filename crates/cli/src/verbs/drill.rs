//! `sty drill ...`

use clap::{Args, Subcommand};
use rand::random;
use sty_core::ExitCode;
use sty_drill::{Chance, Clients as DrillClients, Drill as Report, Fault, Summary};
use sty_engine::{ControllerLock, DrillRecord, Interrupt};
use sty_inventory::model::{Inventory, PgCluster, Synchronous};

use crate::args::Global;
use crate::context;
use crate::printer::Printer;
use crate::refusal::{self, refuse, refused};
use crate::run::drill::{self, Account, Clients, Order, Setting, Stage};
use crate::run::holder::Holder;
use crate::verbs::connect::{find_cluster, find_service};

/// What stands for a fault by chance.
const RANDOM: &str = "random";

/// Break things on purpose and measure what clients notice
#[derive(Debug, Subcommand)]
pub(crate) enum Drill {
    /// Make a fault while clients write and read, and measure how long they are not served
    Failover(Failover),
    /// List earlier drills, newest first
    History(History),
}

/// Make a fault while clients write and read, and measure how long they are not served
///
/// A writer commits numbered rows through a service and keeps a ledger of what was acknowledged;
/// a reader reads through the service `replica`. The fault is made, watched and ended, and the
/// cluster waited for until nothing is lacking. Exits with 1 when a promise to a client was
/// broken or the cluster did not become whole again. See docs/drills.md.
///
/// Faults: postgres-kill, patroni-kill, node-kill, node-freeze, partition, partition-dcs,
/// etcd-member-kill, etcd-quorum-loss, replica-kill, disk-full, switchover, restart; or random.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty drill failover pg-test --fault node-kill --runs 10
  sty drill failover pg-test --fault random --runs 30 --seed 7
  sty drill failover pg-test --fault switchover --confirm pg-test    on real servers")]
pub(crate) struct Failover {
    /// Cluster
    cluster: String,
    /// Class of fault, or `random` for one by chance in each run
    #[arg(long, value_name = "CLASS")]
    fault: String,
    /// How many runs, one after the other
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Rows written in a second
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Service that rows are written through
    #[arg(long, default_value = "primary")]
    service: String,
    /// Repeats a random order of faults; chosen and told when not given
    #[arg(long)]
    seed: Option<u64>,
    /// The name of the cluster again, where its nodes are not of a sandbox
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

/// List earlier drills, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty drill history pg-test
  sty drill history pg-test --by-fault      what a cluster's faults have cost so far")]
pub(crate) struct History {
    /// Only those of this cluster
    cluster: Option<String>,
    /// How many drills
    #[arg(short = 'n', long, default_value_t = 20)]
    count: usize,
    /// All runs of those drills together, by recovery plan and class of fault
    #[arg(long)]
    by_fault: bool,
}

impl Drill {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        match self {
            Self::Failover(failover) => failover.run(global, printer),
            Self::History(history) => history.run(printer),
        }
    }
}

impl Failover {
    fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let chosen = self.chosen()?;
        let cluster = find_cluster(&inventory, &self.cluster)?;
        let service = find_service(cluster, &self.service)?;
        if cluster.upstream.is_some() {
            refuse!(
                "{} is a standby cluster: nothing can be written to it",
                cluster.name
            );
        }
        let sandbox = context::sandbox(global, &file)?;
        let seed = chosen.is_none().then(|| self.seed.unwrap_or_else(random));
        let order = order(&inventory, cluster, sandbox.is_some(), chosen, seed)?;
        if sandbox.is_none() {
            drill::blast_radius(printer, cluster, order.faults(), self.runs);
            if self.confirm.as_deref() != Some(&self.cluster) {
                let text = format!("nothing was done: add\n  --confirm {}", self.cluster);
                return refusal::tell_unconfirmed(&text, printer);
            }
        }
        let interrupt = Interrupt::on_signals()?;
        let _lock = ControllerLock::acquire(
            &file.directory().join("files/pki/apply.lock"),
            &Holder::own().to_string(),
        )?;
        let mut stage = Stage::open(&file, &inventory, cluster, sandbox.as_ref(), printer)?;
        if let Some(seed) = seed {
            printer.note(format!(
                "seed {seed}: repeat this order with `--seed {seed}`"
            ));
        }
        if let Some(remark) = Account::of(cluster).remark {
            printer.note(remark);
        }
        let clients = Clients::new(&file, cluster, service, self.rate)?;
        let mut report = self.report(&file.path.display().to_string(), cluster, seed);
        report.clients.read_service = clients.read_service();
        let setting = Setting {
            clients,
            service: service.name.clone(),
            runs: self.runs,
            lease_seconds: cluster.settings.rto.ttl.into(),
            interrupt,
            printer,
        };
        let record = DrillRecord::new(&sty_engine::state_directory()?);
        let code = drill::run(&setting, &mut stage, order, &mut report, &record)?;
        match printer.is_json() {
            true => printer.json(&report)?,
            false => drill::print(printer, &report),
        }
        Ok(code)
    }

    /// The class that was asked for; `None` for one by chance.
    fn chosen(&self) -> anyhow::Result<Option<Fault>> {
        if self.fault == RANDOM {
            return Ok(None);
        }
        if self.seed.is_some() {
            refuse!("`--seed` orders faults by chance: it goes with `--fault {RANDOM}`");
        }
        let fault: Fault = self
            .fault
            .parse()
            .map_err(|unknown: sty_drill::UnknownFault| refused(format!("{unknown}, {RANDOM}")))?;
        Ok(Some(fault))
    }

    fn report(&self, inventory: &str, cluster: &PgCluster, seed: Option<u64>) -> Report {
        let settings = &cluster.settings;
        let synchronous = match settings.synchronous {
            Synchronous::Off => "off",
            Synchronous::On => "on",
            Synchronous::Quorum => "quorum",
        };
        Report {
            began: sty_engine::now(),
            ended: None,
            operator: sty_engine::operator(),
            inventory: inventory.to_owned(),
            cluster: cluster.name.clone(),
            fault: self.fault.clone(),
            seed,
            rto_plan: settings.rto.name.clone(),
            synchronous: synchronous.to_owned(),
            members: u64::try_from(cluster.instances.len()).unwrap_or(u64::MAX),
            clients: DrillClients {
                service: self.service.clone(),
                read_service: None,
                rate_per_second: self.rate,
            },
            runs: Vec::new(),
            summary: Summary::default(),
        }
    }
}

/// The faults of the runs. One that cannot be made here is refused, or left out of those by
/// chance.
fn order(
    inventory: &Inventory,
    cluster: &PgCluster,
    in_sandbox: bool,
    chosen: Option<Fault>,
    seed: Option<u64>,
) -> anyhow::Result<Order> {
    let obstacle = |fault| drill::obstacle(inventory, cluster, in_sandbox, fault);
    if let Some(fault) = chosen {
        return match obstacle(fault) {
            Some(obstacle) => Err(refused(format!(
                "`{fault}` cannot be drilled on {}: {obstacle}",
                cluster.name
            ))),
            None => Ok(Order::Always(fault)),
        };
    }
    let possible = |fault: &Fault| obstacle(*fault).is_none();
    let faults = Fault::ALL.into_iter().filter(possible).collect();
    Ok(Order::Random(faults, Chance::new(seed.unwrap_or_default())))
}

impl History {
    fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let state = sty_engine::state_directory()?;
        let drills = sty_engine::drills(&state, self.cluster.as_deref(), self.count)?;
        let by_fault = self.by_fault.then(|| sty_drill::measured(&drills));
        match (printer.is_json(), by_fault) {
            (true, None) => printer.json(&drills)?,
            (true, Some(measured)) => printer.json(&measured)?,
            (false, None) => drill::history(printer, &drills),
            (false, Some(measured)) => drill::measured(printer, &measured),
        }
        Ok(ExitCode::Done)
    }
}
