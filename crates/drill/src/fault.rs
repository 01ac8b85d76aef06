//! What a drill breaks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Every class of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// SIGKILL to the primary's postmaster.
    PostgresKill,
    /// SIGKILL to Patroni beside the primary.
    PatroniKill,
    /// Power cut of the primary's node.
    NodeKill,
    /// Every process of the primary's node stops, and goes on later as if nothing had been.
    NodeFreeze,
    /// The primary's node is cut off from everyone.
    Partition,
    /// The primary's node is cut off from etcd alone.
    PartitionDcs,
    /// One member of etcd is killed and stays down for a while.
    EtcdMemberKill,
    /// So many members of etcd are killed that the rest has no quorum.
    EtcdQuorumLoss,
    /// Power cut of a replica's node.
    ReplicaKill,
    /// The primary's data volume is full.
    DiskFull,
    /// The primary moves, planned.
    Switchover,
    /// Every member restarts, planned: replicas first, the primary after it has handed over.
    Restart,
}

/// Whom a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The member that leads.
    Primary,
    /// A member that follows.
    Replica,
    /// So many members of etcd, given their number.
    Etcd {
        /// A majority of them; else one.
        majority: bool,
    },
}

/// How clients come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Through one node, which the fault does not strike.
    Bystander,
    /// Through the struck node; the client knows the other members too.
    Victim,
}

/// How long a fault lasts before it is healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// There is nothing to heal.
    None,
    /// Until writes are taken again elsewhere, and a moment longer.
    UntilWrites,
    /// So many seconds.
    Seconds(u64),
}

/// What a class means on nodes that are not of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// It can be done; what it does, in words.
    Safe(&'static str),
    /// It is refused, and why.
    Refused(&'static str),
}

/// A word that names no class of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFault(pub String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        write!(
            f,
            "`{}` is no class of fault: choose one of {}",
            self.0,
            known.join(", ")
        )
    }
}

impl std::error::Error for UnknownFault {}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::PostgresKill,
        Self::PatroniKill,
        Self::NodeKill,
        Self::NodeFreeze,
        Self::Partition,
        Self::PartitionDcs,
        Self::EtcdMemberKill,
        Self::EtcdQuorumLoss,
        Self::ReplicaKill,
        Self::DiskFull,
        Self::Switchover,
        Self::Restart,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::PostgresKill => "postgres-kill",
            Self::PatroniKill => "patroni-kill",
            Self::NodeKill => "node-kill",
            Self::NodeFreeze => "node-freeze",
            Self::Partition => "partition",
            Self::PartitionDcs => "partition-dcs",
            Self::EtcdMemberKill => "etcd-member-kill",
            Self::EtcdQuorumLoss => "etcd-quorum-loss",
            Self::ReplicaKill => "replica-kill",
            Self::DiskFull => "disk-full",
            Self::Switchover => "switchover",
            Self::Restart => "restart",
        }
    }

    /// Whether it is a planned move, which clients of the pooler do not notice.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::Switchover | Self::Restart)
    }

    /// Whom it strikes.
    pub fn victim(self) -> Victim {
        match self {
            Self::EtcdMemberKill => Victim::Etcd { majority: false },
            Self::EtcdQuorumLoss => Victim::Etcd { majority: true },
            Self::ReplicaKill => Victim::Replica,
            _ => Victim::Primary,
        }
    }

    /// Whether it strikes a whole node, so that clients and operators cannot reach it.
    pub fn takes_node(self) -> bool {
        matches!(
            self,
            Self::NodeKill | Self::NodeFreeze | Self::Partition | Self::ReplicaKill
        )
    }

    /// How clients come in while it is drilled: where the primary's node is struck, the worst
    /// case, through that very node.
    pub fn entry(self) -> Entry {
        match self {
            Self::NodeKill | Self::NodeFreeze | Self::Partition => Entry::Victim,
            _ => Entry::Bystander,
        }
    }

    /// How long it lasts, given the leader's lease (`ttl`) in seconds: what should change nothing
    /// lasts longer than the lease.
    pub fn hold(self, lease_seconds: u64) -> Hold {
        match self {
            Self::PostgresKill | Self::PatroniKill | Self::Switchover | Self::Restart => Hold::None,
            Self::NodeKill | Self::NodeFreeze | Self::Partition => Hold::UntilWrites,
            Self::PartitionDcs | Self::EtcdQuorumLoss => Hold::Seconds(lease_seconds + 5),
            Self::EtcdMemberKill | Self::ReplicaKill => Hold::Seconds(5),
            Self::DiskFull => Hold::Seconds(10),
        }
    }

    /// Whether it makes sense only where a replica can take over, or is the victim.
    pub fn needs_replica(self) -> bool {
        !matches!(
            self,
            Self::PostgresKill
                | Self::PatroniKill
                | Self::Restart
                | Self::EtcdMemberKill
                | Self::EtcdQuorumLoss
                | Self::PartitionDcs
        )
    }

    /// What it means outside a sandbox.
    pub fn elsewhere(self) -> Elsewhere {
        match self {
            Self::PostgresKill => Elsewhere::Safe("kills the postmaster of the primary (SIGKILL)"),
            Self::PatroniKill => Elsewhere::Safe("kills Patroni beside the primary (SIGKILL)"),
            Self::ReplicaKill => Elsewhere::Safe("kills the postmaster of a replica (SIGKILL)"),
            Self::Switchover => Elsewhere::Safe("moves the primary to a replica"),
            Self::Restart => Elsewhere::Safe("restarts PostgreSQL of every member, replicas first"),
            Self::EtcdMemberKill => {
                Elsewhere::Safe("kills one member of etcd (SIGKILL) and starts it again")
            }
            Self::NodeKill => {
                Elsewhere::Refused("`sty` cannot switch the power of a real machine on again")
            }
            Self::NodeFreeze => {
                Elsewhere::Refused("a real machine can be frozen only by what runs it")
            }
            Self::Partition | Self::PartitionDcs => {
                Elsewhere::Refused("a machine that is cut off cannot be told to end its isolation")
            }
            Self::EtcdQuorumLoss => Elsewhere::Refused(
                "etcd serves every cluster of the fleet, and all would lose it at once",
            ),
            Self::DiskFull => Elsewhere::Refused("a full volume endangers the data on it"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(fault));
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(json, format!("\"{}\"", fault.name()));
        }
        assert!("node-kil".parse::<Fault>().is_err());
    }

    #[test]
    fn what_needs_a_sandbox_to_be_healed_is_refused_elsewhere() {
        let refused: Vec<&str> = Fault::ALL
            .into_iter()
            .filter(|fault| matches!(fault.elsewhere(), Elsewhere::Refused(_)))
            .map(Fault::name)
            .collect();
        assert_eq!(
            refused,
            [
                "node-kill",
                "node-freeze",
                "partition",
                "partition-dcs",
                "etcd-quorum-loss",
                "disk-full"
            ]
        );
    }
}
