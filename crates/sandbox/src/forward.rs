//! Loopback forwards: a person on the host reaches a node's port as `127.0.0.1:PORT`.
//!
//! One process per sandbox listens in the host's network and connects in the sandbox's. It
//! lives in the sandbox's control group, so `down` ends it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::host::{last_lines, spawn_failed};
use crate::state::State;
use crate::{Dirs, Error, Result, Sandbox, SandboxName, cgroup, netns};

/// Printed by the helper when it listens on all ports.
const READY: &str = "ready";
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A port of the host's loopback that leads to a port of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Port on 127.0.0.1 of the host.
    pub listen: u16,
    /// Address within the sandbox.
    pub ip: Ipv4Addr,
    /// Port there.
    pub port: u16,
}

impl std::fmt::Display for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "127.0.0.1:{} -> {}:{}", self.listen, self.ip, self.port)
    }
}

/// Serves the forwards of a sandbox until it is killed; writes a line to `announce` when it
/// listens on all ports. This is the body of the helper process.
///
/// # Errors
/// When the sandbox does not exist, a port is in use, or listening fails later.
pub fn serve(dirs: &Dirs, name: &SandboxName, mut announce: impl Write) -> Result<()> {
    let sandbox = Sandbox::open(dirs, name)?;
    let broken = |detail: String| Error::Forward {
        sandbox: name.to_string(),
        detail,
    };
    raise_file_limit().map_err(|error| broken(format!("limit of open files: {error}")))?;
    let mut listeners = Vec::new();
    for forward in &sandbox.state.forwards {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, forward.listen));
        let listener =
            TcpListener::bind(address).map_err(|error| broken(format!("{forward}: {error}")))?;
        listeners.push((listener, forward.clone()));
    }
    // A socket stays in the network it was made in: these listen on the host, while threads
    // started from within the sandbox's network connect there.
    let (failed, failure) = channel();
    sandbox.within(move || {
        for (listener, forward) in listeners {
            let failed = failed.clone();
            thread::spawn(move || accept(&listener, &forward, &failed));
        }
    })?;
    writeln!(announce, "{READY}")
        .and_then(|()| announce.flush())
        .map_err(|error| broken(error.to_string()))?;
    drop(announce);
    // Every listener holds a sender: this returns when one of them fails.
    if let Ok(detail) = failure.recv() {
        return Err(broken(detail));
    }
    // There is none: the process lives on, as the place where forwards may come.
    loop {
        thread::park();
    }
}

/// A connection takes four open files, and the usual limit is 1,024.
fn raise_file_limit() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
}

fn accept(listener: &TcpListener, forward: &Forward, failed: &Sender<String>) {
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                let target = SocketAddr::from((forward.ip, forward.port));
                thread::spawn(move || carry(client, target));
            }
            // A shortage passes; the client sees a slow connect meanwhile.
            Err(error) if passing(&error) => thread::sleep(Duration::from_millis(100)),
            Err(error) => {
                // Nobody listens any more only when another listener failed first.
                let _ = failed.send(format!("{forward}: {error}"));
                return;
            }
        }
    }
}

fn passing(error: &std::io::Error) -> bool {
    use nix::libc::{ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    let code = error.raw_os_error().unwrap_or_default();
    [ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(&code)
}

/// Carries bytes both ways. A connection that cannot be made or breaks is closed: the client
/// sees exactly that.
fn carry(client: TcpStream, target: SocketAddr) {
    let Ok(server) = TcpStream::connect_timeout(&target, CONNECT_LIMIT) else {
        return;
    };
    let _delay_only = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let back = thread::spawn(move || pump(from_server, client));
    pump(from_client, server);
    let _ended = back.join();
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _closed_or_broken = std::io::copy(&mut from, &mut to);
    let _already_closed = to.shutdown(Shutdown::Write);
}

/// Makes the helper run if there is one; it may serve more than forwards. `anew` restarts one
/// that runs. Returns whether one was started.
pub(crate) fn ensure(dirs: &Dirs, state: &State, anew: bool) -> Result<bool> {
    let group = cgroup::forwards(&state.name)?;
    if group.populated()? && !anew && !state.forward_helper.is_empty() {
        return Ok(false);
    }
    group.kill()?;
    group.remove()?;
    if state.forward_helper.is_empty() {
        return Ok(false);
    }
    group.create()?;
    start(dirs, state, &group)?;
    Ok(true)
}

fn start(dirs: &Dirs, state: &State, group: &cgroup::Group) -> Result<()> {
    let what = format!("forward ports to sandbox `{}`", state.name);
    let log = dirs.place(&state.name).forward_log();
    let errors = File::create(&log).map_err(Error::io("create", &log))?;
    let join = r#"echo 0 >"$1"/cgroup.procs && shift && exec setsid --fork "$@""#;
    let mut command = Command::new("sh");
    command
        .args(["-c", join, "sh"])
        .arg(group.path())
        .args(&state.forward_helper)
        .current_dir("/");
    command
        .env("STY_STATE_DIR", &dirs.state)
        .env("STY_CACHE_DIR", &dirs.cache);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    let mut child = command
        .spawn()
        .map_err(|source| spawn_failed(&what, &command, &source))?;
    let mut answer = String::new();
    if let Some(pipe) = child.stdout.take() {
        // Ends with the line, or when the helper ends.
        BufReader::new(pipe)
            .read_line(&mut answer)
            .map_err(Error::io("read the answer of", &log))?;
    }
    child
        .wait()
        .map_err(|source| spawn_failed(&what, &command, &source))?;
    if answer.trim_end() == READY {
        return Ok(());
    }
    let said = std::fs::read_to_string(&log).map_err(Error::io("read", &log))?;
    let detail = format!(
        "`{}` said: {}",
        state.forward_helper.join(" "),
        last_lines(&said, 5)
    );
    Err(Error::Forward {
        sandbox: state.name.to_string(),
        detail,
    })
}

/// Whether the helper of a sandbox runs.
pub(crate) fn running(name: &SandboxName) -> Result<bool> {
    Ok(cgroup::forwards(name)?.populated()? && netns::path(&name.namespace()).exists())
}
