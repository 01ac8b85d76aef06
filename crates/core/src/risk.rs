//! What an action may cost.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The worst that an action does to those who use the service, mildest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nobody notices.
    #[default]
    Safe,
    /// A service reads its configuration again; connections stay.
    Reload,
    /// A service restarts; its connections end.
    Restart,
    /// The primary moves to another member.
    Failover,
    /// Data is deleted.
    Destroy,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Safe => "safe",
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Failover => "failover",
            Self::Destroy => "destroy",
        })
    }
}
