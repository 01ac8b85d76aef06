//! What a drill does to a node.

use serde::{Deserialize, Serialize};

/// A disturbance, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "disturbance", rename_all = "snake_case")]
pub enum Disturbance {
    /// SIGKILL to the postmaster of a data directory.
    KillPostgres {
        /// Data directory.
        data: String,
    },
    /// SIGKILL to the main process of a unit; systemd may start it again.
    KillUnit {
        /// Unit.
        unit: String,
    },
    /// SIGKILL to the main process of a unit, which then stays down.
    DownUnit {
        /// Unit.
        unit: String,
    },
    /// Starts a unit.
    StartUnit {
        /// Unit.
        unit: String,
    },
    /// Moves the data volume of an instance to a file system in memory with little room left, so
    /// that it can be filled without harm to the node. The instance restarts.
    LimitVolume {
        /// The volume.
        volume: Volume,
        /// Room beside the data that is there, bytes.
        spare_bytes: u64,
    },
    /// Takes all room that is left on a limited volume.
    FillVolume {
        /// The volume.
        volume: Volume,
    },
    /// Gives that room back.
    EmptyVolume {
        /// The volume.
        volume: Volume,
    },
    /// Moves the data back to where it was. The instance restarts.
    ReleaseVolume {
        /// The volume.
        volume: Volume,
    },
}

impl Disturbance {
    /// What ends it; `None` where it ends by itself, or is the end of another.
    pub fn end(&self) -> Option<Self> {
        match self {
            Self::DownUnit { unit } => Some(Self::StartUnit { unit: unit.clone() }),
            Self::LimitVolume { volume, .. } => Some(Self::ReleaseVolume {
                volume: volume.clone(),
            }),
            Self::FillVolume { volume } => Some(Self::EmptyVolume {
                volume: volume.clone(),
            }),
            Self::KillPostgres { .. }
            | Self::KillUnit { .. }
            | Self::StartUnit { .. }
            | Self::EmptyVolume { .. }
            | Self::ReleaseVolume { .. } => None,
        }
    }
}

/// The volume that an instance keeps its data on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Where it is: `/data/postgres`.
    pub directory: String,
    /// Unit that uses it.
    pub unit: String,
    /// Data directory on it, whose server must be down while data moves.
    pub data: String,
}
