//! What can go wrong with a sandbox, one variant per situation a caller may treat differently.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Address;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed sandbox operation. Messages say what, where and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Namespaces, mounts and containers need root.
    #[error(
        "a sandbox needs root: it makes network namespaces, mounts and containers\nhint: run the same command with `sudo`"
    )]
    NotRoot,

    /// Programs that the sandbox runs are not installed.
    #[error("the sandbox needs {} on this machine, which {} not installed\nhint: install the packages with\n  apt-get install {packages}", list(.programs), if .programs.len() == 1 { "is" } else { "are" })]
    MissingPrograms {
        /// Programs not found in the search path.
        programs: Vec<String>,
        /// Debian packages that hold them, separated by spaces.
        packages: String,
    },

    /// A sandbox or node name that cannot be used in host-side names.
    #[error("`{name}` cannot be the name of a {kind}: {rule}")]
    BadName {
        /// `sandbox` or `node`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },

    /// The addresses of the nodes do not fit together.
    #[error("{0}")]
    BadAddress(String),

    /// A partition that makes no sense.
    #[error("node `{0}` cannot be cut off from itself")]
    SelfCut(String),

    /// More than one running sandbox was made for an inventory.
    #[error("several running sandboxes were made for {}: {}\nhint: name the one that is meant", .inventory.display(), list(.names))]
    SeveralSandboxes {
        /// The inventory.
        inventory: PathBuf,
        /// The sandboxes.
        names: Vec<String>,
    },

    /// A node exists already with another address.
    #[error(
        "node `{node}` of sandbox `{sandbox}` has address {found}, but {wanted} is wanted now\nhint: take the sandbox down first: `sty sandbox down {sandbox}`"
    )]
    AddressChanged {
        /// The sandbox.
        sandbox: String,
        /// The node.
        node: String,
        /// Its address.
        found: Address,
        /// The address asked for.
        wanted: Address,
    },

    /// Another state directory owns a sandbox of this name.
    #[error(
        "a sandbox `{sandbox}` is kept in {owner}, not in {mine}\nhint: choose another name, or set STY_STATE_DIR to the directory it belongs to"
    )]
    NameTaken {
        /// The sandbox.
        sandbox: String,
        /// State directory of the owner.
        owner: PathBuf,
        /// State directory asked for.
        mine: PathBuf,
    },

    /// There is no such sandbox.
    #[error(
        "there is no sandbox `{name}` in {dir}\nhint: `sty sandbox list` shows those that exist, `sty sandbox up` makes one"
    )]
    NoSandbox {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        dir: PathBuf,
    },

    /// A saved sandbox does not change any more.
    #[error(
        "sandbox `{0}` is saved: its nodes do not run again\nhint: `sty sandbox up OTHER --from {0}` makes one that goes on from there"
    )]
    Saved(String),

    /// A sandbox that may still change is no beginning for another.
    #[error(
        "sandbox `{0}` is not saved: what another begins as must not change any more\nhint: `sty sandbox save {0}` ends it and keeps the disks of its nodes"
    )]
    NotSaved(String),

    /// The sandbox exists already and began otherwise.
    #[error(
        "sandbox `{sandbox}` is there already, and did not begin as `{from}`\nhint: choose another name, or remove it first: `sty sandbox down {sandbox}`"
    )]
    OtherOrigin {
        /// The sandbox.
        sandbox: String,
        /// The one that it was to begin as.
        from: String,
    },

    /// Others lie over the disks of a saved sandbox.
    #[error(
        "sandbox `{sandbox}` cannot go: {} began as it\nhint: `sty sandbox down` removes those first", list(.others)
    )]
    StillNeeded {
        /// The sandbox.
        sandbox: String,
        /// Those that began as it.
        others: Vec<String>,
    },

    /// The sandbox has no such node.
    #[error("sandbox `{sandbox}` has no node `{node}`; it has {}", list(.nodes))]
    NoNode {
        /// The sandbox.
        sandbox: String,
        /// The node asked for.
        node: String,
        /// The nodes it has.
        nodes: Vec<String>,
    },

    /// The node is in a state in which the operation makes no sense.
    #[error("node `{node}` is {state}; {hint}")]
    WrongState {
        /// The node.
        node: String,
        /// Its state.
        state: crate::NodeState,
        /// What to do first.
        hint: &'static str,
    },

    /// A node did not become reachable within the limit.
    #[error("node `{node}` did not answer over ssh within {} s: {last}\nlast lines of {}:\n{tail}", .limit.as_secs(), .log.display())]
    Boot {
        /// The node.
        node: String,
        /// The limit.
        limit: Duration,
        /// The state when the limit was reached.
        last: String,
        /// The console log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },

    /// Several nodes failed; each failure is kept.
    #[error("{} nodes failed:\n{}", .0.len(), each(.0))]
    Nodes(Vec<Error>),

    /// The process that forwards ports ended or did not become ready.
    #[error(
        "the port forwards of sandbox `{sandbox}` could not start: {detail}\nhint: another program may use a port; `ss -ltnp` shows which"
    )]
    Forward {
        /// The sandbox.
        sandbox: String,
        /// What it reported.
        detail: String,
    },

    /// A condition did not come true within its limit.
    #[error("waited {} s for {what}: {last}", .limit.as_secs())]
    Timeout {
        /// The condition.
        what: String,
        /// The limit.
        limit: Duration,
        /// The state when the limit was reached.
        last: String,
    },

    /// A program of the host failed.
    #[error("could not {what}: `{command}` ended with {status}{}", tail(.output))]
    Command {
        /// What it was run for.
        what: String,
        /// The command line.
        command: String,
        /// Exit code or signal.
        status: String,
        /// Last lines of what it printed.
        output: String,
    },

    /// A file operation failed.
    #[error("could not {what} {}: {source}", .path.display())]
    Io {
        /// What was tried, such as `write`.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A state file is not what this version writes.
    #[error("{} cannot be read as a sandbox's state: {source}\nhint: `sty sandbox down` removes the sandbox also without it", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
}

impl Error {
    /// For `map_err`: an I/O error with its path and what was tried.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { what, path, source }
    }

    /// The same for the system calls that report an error number.
    pub(crate) fn errno(what: &'static str, path: &Path) -> impl FnOnce(nix::Error) -> Error {
        let path = path.to_path_buf();
        move |errno| Error::Io {
            what,
            path,
            source: errno.into(),
        }
    }
}

fn list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    quoted.join(", ")
}

fn each(errors: &[Error]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn tail(output: &str) -> String {
    if output.is_empty() {
        String::new()
    } else {
        format!("\n{output}")
    }
}
