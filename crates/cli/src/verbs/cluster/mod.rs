//! `sty cluster ...`

mod databases;
mod operate;
mod remove;
mod show;

use clap::Subcommand;
use sty_core::ExitCode;
use sty_inventory::model::{Inventory, PgCluster};

use crate::args::Global;
use crate::printer::Printer;
use crate::refusal::refused;

/// Work on one cluster
#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Move the primary to another member; pooled clients wait a moment and notice nothing else
    Switchover(operate::Switchover),
    /// Make a member the primary of a cluster that has none
    Failover(operate::Failover),
    /// Restart PostgreSQL, replicas first, the primary after it has handed over
    Restart(operate::Restart),
    /// Install newer minor versions of PostgreSQL and Patroni, replicas first, without an outage
    Update(operate::Update),
    /// Have Patroni and PostgreSQL read their configuration again
    Reload(operate::Reload),
    /// Delete a replica's data and copy it anew
    Reinit(operate::Reinit),
    /// Switch automatic failover off
    Pause(operate::Pause),
    /// Switch automatic failover on again
    Resume(operate::Resume),
    /// When and where the primary has moved, timeline by timeline
    History(show::History),
    /// The dynamic configuration that Patroni keeps in etcd
    Config(show::Config),
    /// Stop a cluster and delete its data on every member, and its keys in etcd
    Remove(remove::Remove),
}

impl Cluster {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        match self {
            Self::Switchover(verb) => verb.run(global, printer),
            Self::Failover(verb) => verb.run(global, printer),
            Self::Restart(verb) => verb.run(global, printer),
            Self::Update(verb) => verb.run(global, printer),
            Self::Reload(verb) => verb.run(global, printer),
            Self::Reinit(verb) => verb.run(global, printer),
            Self::Pause(verb) => verb.run(global, printer),
            Self::Resume(verb) => verb.run(global, printer),
            Self::History(verb) => verb.run(global, printer),
            Self::Config(verb) => verb.run(global, printer),
            Self::Remove(verb) => verb.run(global, printer),
        }
    }
}

/// The cluster of this name.
fn named<'a>(inventory: &'a Inventory, name: &str) -> anyhow::Result<&'a PgCluster> {
    inventory
        .clusters
        .get(name)
        .ok_or_else(|| refused(format!("the inventory has no cluster `{name}`")))
}
