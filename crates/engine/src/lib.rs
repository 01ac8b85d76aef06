//! What `sty` does from the controller: reaches nodes, asks them, has them act, and keeps record.
//!
//! A node is reached by the system's `ssh` (or directly, when it is this machine). What answers
//! there is this very program, `sty node-session`, copied over on first contact. A [`Fleet`] is all nodes
//! of a run; [`execute`] works through a plan on them.
//!
//! Messages with secrets go to the standard input of a node program and nowhere else.

mod authority;
mod authority_error;
mod connect;
mod controller_lock;
mod directories;
mod drills;
mod error;
mod event;
mod execute;
mod fleet;
mod history;
mod interrupt;
mod journal;
mod leaf;
mod pipes;
mod pool;
mod program;
mod progress_board;
mod quorum;
mod session;
mod shell;
mod target;
mod timing;
mod upload;
mod worker;

pub use authority::{Authority, AuthorityOptions};
pub use authority_error::AuthorityError;
pub use connect::{ConnectOptions, connect};
pub use controller_lock::{ControllerLock, ControllerLockError};
pub use directories::{DirectoryError, operator, runtime_directory, state_directory};
pub use drills::{DrillRecord, drills};
pub use error::{ConnectError, ConnectProblem, SessionError};
pub use event::{Cause, Event, Summary};
pub use execute::{Outcome, PlanError, Signer, Work, execute};
pub use fleet::{Busy, ConnectEvent, Fleet, Observed};
pub use history::{Run, RunState, history};
pub use interrupt::Interrupt;
pub use journal::{Journal, JournalError, Opening, now};
pub use pool::for_each;
pub use program::{Program, ProgramError};
pub use session::{NodeLink, Session};
pub use target::{SshTarget, Target};
pub use timing::{Timing, timings};
