//! Throw-away real nodes on one Linux machine.
//!
//! A sandbox is a network namespace with a bridge and one full Debian system per node behind
//! it, each with systemd, sshd, its own address and disk, run by systemd-nspawn. All share one
//! read-only image. Nothing leads out of the sandbox, and the host's own network is not
//! touched: to reach a node, enter the sandbox's network with [`Sandbox::enter_command`], or
//! open a loopback [`Forward`].
//!
//! Where things are on the host, for a sandbox `NAME` with a node `NODE`:
//! - network namespaces `sty-NAME` (bridge, controller) and `sty-NAME.NODE`;
//! - control groups `sty/NAME/node-NODE` of the unified hierarchy, which tell what runs;
//! - files in `STATE/sandbox/NAME`, images in `CACHE/images`;
//! - the lock `/run/sty/sandbox/NAME`.
//!
//! All operations need root and touch this machine only.

mod address;
mod cgroup;
mod dirs;
mod down;
mod error;
pub mod forward;
mod host;
pub mod image;
mod life;
mod lock;
mod mounts;
mod name;
mod netns;
mod partition;
mod progress;
mod sandbox;
mod saved;
mod ssh;
mod state;
mod status;
mod up;

pub use address::Address;
pub use dirs::Dirs;
pub use down::{Removed, down};
pub use error::{Error, Result};
pub use forward::Forward;
pub use host::{HOST_PACKAGES, preflight};
pub use image::Image;
pub use life::NodeState;
pub use name::{NodeName, SandboxName};
pub use partition::{Cut, Peer};
pub use progress::Progress;
pub use sandbox::Sandbox;
pub use saved::save;
pub use ssh::{SshTarget, USER};
pub use status::{ForwardStatus, NodeStatus, Status, find_for_inventory, list};
pub use up::{NodeOutcome, Outcome, Request, up};
