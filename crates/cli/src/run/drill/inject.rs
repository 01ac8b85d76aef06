//! Making faults, and ending them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sty_drill::{Elsewhere, Entry, Fault, Victim};
use sty_inventory::model::{Inventory, PgCluster};
use sty_plan::Operation;
use sty_sandbox::{Cut, Peer};
use sty_wire::drill::{Disturbance, Volume};

use super::clients::Entries;
use super::stage::Stage;
use crate::printer::count;
use crate::run::health::Health;

/// How long a node may take to boot.
const BOOT_LIMIT: Duration = Duration::from_secs(90);
/// Room on a limited volume beside the data: enough to live, and soon full.
const SPARE_BYTES: u64 = 96 << 20;

/// What a fault strikes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) fault: Fault,
    /// Members of the cluster or of etcd.
    pub(crate) victims: Vec<String>,
    /// Their hosts.
    pub(crate) hosts: Vec<String>,
}

impl Target {
    /// Where clients come in while this is struck.
    pub(crate) fn entries(&self, stage: &Stage<'_>) -> Entries {
        let instances = stage.cluster.instances.iter();
        let mut hosts: Vec<String> = instances.map(|one| one.host.clone()).collect();
        let spared = hosts.iter().find(|host| !self.hosts.contains(host));
        // Where all are struck, etcd is, and PostgreSQL is not.
        let bystander = spared.or(hosts.first()).cloned().unwrap_or_default();
        let victim = self.hosts.first().cloned();
        let hosts = match self.fault.entry() {
            Entry::Bystander => vec![bystander.clone()],
            Entry::Victim => {
                hosts.sort_by_key(|host| Some(host) != victim.as_ref());
                hosts
            }
        };
        Entries {
            hosts,
            bystander,
            old_primary: victim.filter(|_| self.fault == Fault::NodeFreeze),
        }
    }
}

/// Whom `fault` would strike now.
pub(crate) fn aim(
    stage: &Stage<'_>,
    fault: Fault,
    health: &Health,
    leader: &str,
) -> anyhow::Result<Target> {
    let members = match fault.victim() {
        Victim::Primary => vec![(leader.to_owned(), stage.host_of(leader)?)],
        Victim::Replica => {
            let mut instances = stage.cluster.instances.iter();
            let replica = instances.find(|instance| instance.name != leader);
            let replica = replica.context("there is no replica")?;
            vec![(replica.name.clone(), replica.host.clone())]
        }
        Victim::Etcd { majority } => etcd_members(stage, health, majority)?,
    };
    let (victims, hosts) = members.into_iter().unzip();
    Ok(Target {
        fault,
        victims,
        hosts,
    })
}

/// The leader of etcd first: losing it costs the most.
fn etcd_members(
    stage: &Stage<'_>,
    health: &Health,
    majority: bool,
) -> anyhow::Result<Vec<(String, String)>> {
    let etcd = stage.inventory.etcd.as_ref().context("there is no etcd")?;
    let leads = |name: &str| health.etcd.iter().any(|one| one.leader && one.name == name);
    let mut members: Vec<_> = etcd.members.iter().collect();
    members.sort_by_key(|member| !leads(&member.name));
    let struck = match majority {
        true => members.len() / 2 + 1,
        false => 1,
    };
    let chosen = members.into_iter().take(struck);
    Ok(chosen
        .map(|member| (member.name.clone(), member.host.clone()))
        .collect())
}

/// Why a fault makes no sense, or is not allowed, on these nodes; `None` when it may be made.
pub(crate) fn obstacle(
    inventory: &Inventory,
    cluster: &PgCluster,
    in_sandbox: bool,
    fault: Fault,
) -> Option<String> {
    if let (false, Elsewhere::Refused(reason)) = (in_sandbox, fault.elsewhere()) {
        return Some(format!("it is for sandboxes: {reason}"));
    }
    if fault.needs_replica() && cluster.instances.len() < 2 {
        return Some(format!(
            "cluster {} has one member, and no replica",
            cluster.name
        ));
    }
    let etcd = inventory.etcd.as_ref();
    match etcd.map_or(0, |etcd| etcd.members.len()) {
        few @ 0..3 if fault == Fault::EtcdMemberKill => Some(format!(
            "etcd has {}: losing one is losing the quorum, which is `{}`",
            count(few, "member"),
            Fault::EtcdQuorumLoss
        )),
        _ => None,
    }
}

/// Moves the data of a member to a volume that can be filled.
pub(crate) fn limit_volume(stage: &mut Stage<'_>, host: &str) -> anyhow::Result<()> {
    let limit = Disturbance::LimitVolume {
        volume: volume(stage, host)?,
        spare_bytes: SPARE_BYTES,
    };
    stage.disturb(host, limit)
}

/// Moves it back, where it was moved.
pub(crate) fn release_volume(stage: &mut Stage<'_>, host: &str) -> anyhow::Result<()> {
    let volume = volume(stage, host)?;
    stage.disturb(host, Disturbance::ReleaseVolume { volume })
}

/// Makes the fault; returns when it is made.
pub(crate) fn strike(stage: &mut Stage<'_>, target: &Target) -> anyhow::Result<()> {
    for host in &target.hosts {
        strike_one(stage, target.fault, host)?;
    }
    Ok(())
}

fn strike_one(stage: &mut Stage<'_>, fault: Fault, host: &str) -> anyhow::Result<()> {
    let in_sandbox = stage.sandbox.is_some();
    match fault {
        Fault::PostgresKill => kill_postgres(stage, host),
        Fault::ReplicaKill if !in_sandbox => kill_postgres(stage, host),
        Fault::PatroniKill => {
            let unit = stage.patroni(host)?.unit.clone();
            stage.disturb(host, Disturbance::KillUnit { unit })
        }
        Fault::EtcdMemberKill | Fault::EtcdQuorumLoss => {
            let unit = stage.etcd(host)?.unit.clone();
            stage.disturb(host, Disturbance::DownUnit { unit })
        }
        Fault::DiskFull => {
            let volume = volume(stage, host)?;
            stage.disturb(host, Disturbance::FillVolume { volume })
        }
        Fault::Switchover => switchover(stage),
        Fault::Restart => restart(stage),
        Fault::PartitionDcs => cut_from_etcd(stage, host),
        Fault::NodeKill | Fault::ReplicaKill | Fault::NodeFreeze | Fault::Partition => {
            let (sandbox, node) = stage.sandbox_node(host)?;
            match fault {
                Fault::NodeFreeze => sandbox.freeze(&node)?,
                Fault::Partition => sandbox.partition(Cut {
                    node,
                    peer: Peer::Everyone,
                    port: None,
                })?,
                _ => sandbox.kill(&node)?,
            }
            Ok(())
        }
    }
}

fn kill_postgres(stage: &mut Stage<'_>, host: &str) -> anyhow::Result<()> {
    let data = stage.patroni(host)?.data.clone();
    stage.disturb(host, Disturbance::KillPostgres { data })
}

/// The planned move of the primary, as `sty cluster switchover` does it.
pub(crate) fn switchover(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.operate(&Operation::Switchover { to: None })
}

/// The planned restart of every member, as `sty cluster restart` does it.
fn restart(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.operate(&Operation::Restart {
        members: BTreeSet::new(),
        in_place: false,
    })
}

/// Between the node and every member of etcd, also its own one and that one's peers.
fn cut_from_etcd(stage: &Stage<'_>, host: &str) -> anyhow::Result<()> {
    let (sandbox, node) = stage.sandbox_node(host)?;
    let etcd = stage.inventory.etcd.as_ref().context("there is no etcd")?;
    for member in etcd.members.iter().filter(|member| member.host != host) {
        let (_, peer) = stage.sandbox_node(&member.host)?;
        for port in [etcd.client_port, etcd.peer_port] {
            sandbox.partition(Cut {
                node: node.clone(),
                peer: Peer::Node(peer.clone()),
                port: Some(port),
            })?;
        }
    }
    Ok(())
}

/// Ends the fault. What ended by itself is left alone.
pub(crate) fn heal(stage: &mut Stage<'_>, target: &Target) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for host in &target.hosts {
        // One that cannot be healed must not keep the others ill.
        failed.extend(heal_one(stage, target.fault, host).err());
        stage.take_back(host);
    }
    match failed.pop() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn heal_one(stage: &mut Stage<'_>, fault: Fault, host: &str) -> anyhow::Result<()> {
    match fault {
        Fault::PostgresKill | Fault::PatroniKill | Fault::Switchover | Fault::Restart => Ok(()),
        Fault::ReplicaKill if stage.sandbox.is_none() => Ok(()),
        Fault::EtcdMemberKill | Fault::EtcdQuorumLoss => {
            let unit = stage.etcd(host)?.unit.clone();
            stage.disturb(host, Disturbance::StartUnit { unit })
        }
        Fault::DiskFull => {
            let volume = volume(stage, host)?;
            stage.disturb(host, Disturbance::EmptyVolume { volume })
        }
        Fault::NodeKill | Fault::ReplicaKill => {
            let (sandbox, node) = stage.sandbox_node(host)?;
            Ok(sandbox.start(&node, BOOT_LIMIT)?)
        }
        Fault::NodeFreeze => {
            let (sandbox, node) = stage.sandbox_node(host)?;
            Ok(sandbox.thaw(&node)?)
        }
        Fault::Partition | Fault::PartitionDcs => {
            let (sandbox, node) = stage.sandbox_node(host)?;
            sandbox.heal(Some(&node))?;
            Ok(())
        }
    }
}

fn volume(stage: &Stage<'_>, host: &str) -> anyhow::Result<Volume> {
    let member = stage.patroni(host)?;
    let directory = stage.cluster.settings.fs_main.clone();
    if directory.is_empty() || directory == "/" {
        bail!(
            "the data directory of {} has no volume of its own",
            member.name
        );
    }
    Ok(Volume {
        directory,
        unit: member.unit.clone(),
        data: member.data.clone(),
    })
}
