//! `sty cluster switchover`, `restart` and what else changes who serves.

use clap::Args;
use sty_core::ExitCode;
use sty_plan::Operation;

use crate::args::Global;
use crate::printer::Printer;
use crate::refusal;
use crate::run::operation::Wanted;

/// Move the primary to another member; pooled clients wait a moment and notice nothing else
///
/// Who is connected through a pooled service (5433) stays connected: transactions end, new ones
/// wait until the new primary takes writes. Connections to PostgreSQL itself (5436) are cut, as
/// PostgreSQL stops. Transactions that do not end within 1 s stop the operation before anything
/// has moved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty cluster switchover pg-test              to the replica with the least to catch up
  sty cluster switchover pg-test --to pg-test-3
  sty cluster switchover pg-test --force      cuts off transactions that do not end")]
pub(crate) struct Switchover {
    /// Cluster
    name: String,
    /// Member that takes over
    #[arg(long, value_name = "MEMBER")]
    to: Option<String>,
    /// Cut off transactions that do not end
    #[arg(long)]
    force: bool,
}

impl Switchover {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let to = self.to.clone();
        Wanted {
            cluster: &self.name,
            operation: Operation::Switchover { to },
            force: self.force,
        }
        .run(global, printer)
    }
}

/// Make a member the primary of a cluster that has none
///
/// For a cluster that is paused, or whose replicas have received less than Patroni lets take over:
/// otherwise one takes over by itself, once the lease of the lost primary has run out. With a
/// primary that is well, do a switchover: it loses nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster failover pg-test --to pg-test-2 --confirm pg-test")]
pub(crate) struct Failover {
    /// Cluster
    name: String,
    /// Member that takes over
    #[arg(long, value_name = "MEMBER")]
    to: String,
    /// Take a member that may lack acknowledged transactions, or the lead from a primary that holds it
    /// and does not serve: what the member has not received is lost
    #[arg(long)]
    force: bool,
    /// The cluster's name again
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

impl Failover {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        if self.confirm.as_deref() != Some(&self.name) {
            let text = format!(
                "what the lost primary had acknowledged and {} has not received is lost; be sure that \
                 the lost primary is off: in a paused cluster it goes on serving whoever reaches it\n\
                 nothing was done: repeat with `--confirm {}`",
                self.to, self.name
            );
            return refusal::tell_unconfirmed(&text, printer);
        }
        let to = self.to.clone();
        Wanted {
            cluster: &self.name,
            operation: Operation::Failover { to },
            force: self.force,
        }
        .run(global, printer)
    }
}

/// Restart PostgreSQL, replicas first, the primary after it has handed over
///
/// Pooled clients wait a moment and notice nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty cluster restart pg-test                 every member
  sty cluster restart pg-test pg-test-2       one member
  sty cluster restart pg-test --in-place      the primary without a switchover")]
pub(crate) struct Restart {
    /// Cluster
    name: String,
    /// Members; all when none is named
    members: Vec<String>,
    /// Restart the primary where it is
    #[arg(long)]
    in_place: bool,
    /// Cut off transactions that do not end
    #[arg(long)]
    force: bool,
}

impl Restart {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        Wanted {
            cluster: &self.name,
            operation: Operation::Restart {
                members: self.members.iter().cloned().collect(),
                in_place: self.in_place,
            },
            force: self.force,
        }
        .run(global, printer)
    }
}

/// Install newer minor versions of PostgreSQL and Patroni, replicas first, without an outage
///
/// The versions are those of this controller's repository (`sty repo build --update` fetches newer
/// ones). Each member is restarted with what was installed; the primary hands over before. Pooled
/// clients wait a moment and notice nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty repo build --update && sty cluster update pg-test")]
pub(crate) struct Update {
    /// Cluster
    name: String,
    /// Cut off transactions that do not end
    #[arg(long)]
    force: bool,
}

impl Update {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        Wanted {
            cluster: &self.name,
            operation: Operation::Update,
            force: self.force,
        }
        .run(global, printer)
    }
}

/// Have Patroni and PostgreSQL read their configuration again
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster reload pg-test")]
pub(crate) struct Reload {
    /// Cluster
    name: String,
    /// Members; all when none is named
    members: Vec<String>,
}

impl Reload {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let members = self.members.iter().cloned().collect();
        Wanted {
            cluster: &self.name,
            operation: Operation::Reload { members },
            force: false,
        }
        .run(global, printer)
    }
}

/// Delete a replica's data and copy it anew
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster reinit pg-test pg-test-3 --confirm pg-test-3")]
pub(crate) struct Reinit {
    /// Cluster
    name: String,
    /// Member
    member: String,
    /// Also when no other member could take over meanwhile
    #[arg(long)]
    force: bool,
    /// The member's name again
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

impl Reinit {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        if self.confirm.as_ref() != Some(&self.member) {
            let text = format!(
                "this deletes the data of {0} and copies it from the cluster; until then {0} does not serve\n\
                 nothing was done: repeat with `--confirm {0}`",
                self.member
            );
            return refusal::tell_unconfirmed(&text, printer);
        }
        let member = self.member.clone();
        Wanted {
            cluster: &self.name,
            operation: Operation::Reinitialize { member },
            force: self.force,
        }
        .run(global, printer)
    }
}

/// Switch automatic failover off
///
/// Nothing takes over from a primary that is lost until `sty cluster resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster pause pg-test")]
pub(crate) struct Pause {
    /// Cluster
    name: String,
}

impl Pause {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        pause(&self.name, true, false, global, printer)
    }
}

/// Switch automatic failover on again
///
/// Refused while nobody that answers leads and a member does not answer: that one may be a primary
/// that goes on serving beside the next one.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster resume pg-test")]
pub(crate) struct Resume {
    /// Cluster
    name: String,
    /// Go on although the primary may be a member that does not answer
    ///
    /// What it acknowledges until it hears of the next one is lost.
    #[arg(long)]
    force: bool,
}

impl Resume {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        pause(&self.name, false, self.force, global, printer)
    }
}

fn pause(
    cluster: &str,
    paused: bool,
    force: bool,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    Wanted {
        cluster,
        operation: Operation::Pause(paused),
        force,
    }
    .run(global, printer)
}
