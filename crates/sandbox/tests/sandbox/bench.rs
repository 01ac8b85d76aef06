//! Sandboxes for tests, and what tests ask of their nodes.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sty_sandbox::{
    Address, Dirs, NodeName, Outcome, Request, Sandbox, SandboxName, down, image, up,
};

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Sandboxes of one test, taken down at its end, however it ends.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) names: Vec<SandboxName>,
}

impl Bench {
    pub(crate) fn new(names: &[&str]) -> Self {
        let names = names
            .iter()
            .map(|name| SandboxName::new(name).unwrap())
            .collect();
        Self {
            dir: tempfile::tempdir().unwrap(),
            names,
        }
    }

    pub(crate) fn dirs(&self) -> Dirs {
        Dirs {
            state: self.dir.path().join("state"),
            ..Dirs::from_environment()
        }
    }

    pub(crate) fn request(&self, index: usize, last_octets: &[u8]) -> Request {
        let node = |octet: &u8| {
            (
                node(*octet),
                Address {
                    ip: ip(*octet),
                    prefix: 24,
                },
            )
        };
        let name = self.names[index].clone();
        Request {
            forward_helper: vec![
                env!("CARGO_BIN_EXE_sty-sandbox-forward").to_owned(),
                name.to_string(),
            ],
            name,
            nodes: last_octets.iter().map(node).collect::<BTreeMap<_, _>>(),
            image: image::ensure(&self.dirs(), &say).unwrap(),
            from: None,
            inventory: None,
            forwards: Vec::new(),
            boot_limit: LIMIT,
        }
    }

    pub(crate) fn up(&self, request: &Request) -> Outcome {
        up(&self.dirs(), request, &say).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // The last first: they may have begun as the first.
        for name in self.names.iter().rev() {
            let removed = down(&self.dirs(), name);
            if !std::thread::panicking() {
                removed.unwrap();
            }
        }
    }
}

pub(crate) fn say(subject: &str, text: &str) {
    eprintln!("{subject}: {text}");
}

pub(crate) fn node(octet: u8) -> NodeName {
    NodeName::new(&format!("n{octet}")).unwrap()
}

pub(crate) fn ip(octet: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 10, 10, octet)
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat())
        .trim()
        .to_owned()
}

/// Runs a command that has to succeed.
pub(crate) fn good(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

pub(crate) fn exec(sandbox: &Sandbox, octet: u8, script: &str) -> String {
    good(
        &mut sandbox
            .exec_command(&node(octet), &["sh", "-c", script])
            .unwrap(),
    )
}

/// An ordinary user's ssh from the controller, with strict host key checking.
pub(crate) fn ssh(sandbox: &Sandbox, octet: u8, words: &str) -> Command {
    let target = sandbox.ssh_target(&node(octet)).unwrap();
    let mut command = sandbox.enter_command("ssh");
    command
        .arg("-F")
        .arg(target.config)
        .args(["-o", "ConnectTimeout=3"])
        .arg(format!("n{octet}"))
        .arg(words);
    command
}

/// Whether one packet comes back. The limit is longer than the kernel's second between two
/// attempts to resolve a neighbour, one of which may be under way from before a cut was healed.
pub(crate) fn pings(sandbox: &Sandbox, from: u8, to: Ipv4Addr) -> bool {
    ping(sandbox, from, to, "-W5")
}

/// Whether a packet is lost.
pub(crate) fn cut_off(sandbox: &Sandbox, from: u8, to: Ipv4Addr) -> bool {
    !ping(sandbox, from, to, "-W1")
}

fn ping(sandbox: &Sandbox, from: u8, to: Ipv4Addr, limit: &str) -> bool {
    let words = ["ping", "-c1", limit, &to.to_string()];
    sandbox
        .exec_command(&node(from), &words)
        .unwrap()
        .output()
        .unwrap()
        .status
        .success()
}

/// Whether the controller gets a connection.
pub(crate) fn connects(sandbox: &Sandbox, octet: u8, port: u16) -> bool {
    let address = SocketAddr::from((ip(octet), port));
    sandbox
        .within(|| TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok())
        .unwrap()
}

pub(crate) fn poll(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn nothing_is_left_behind(bench: &Bench, index: usize) {
    let name = &bench.names[index];
    let removed = down(&bench.dirs(), name).unwrap();
    assert!(removed.existed && !removed.nodes.is_empty());
    assert!(
        !bench
            .dirs()
            .state
            .join("sandbox")
            .join(name.as_str())
            .exists()
    );
    let own =
        |text: &str| text.contains(&format!("/{name}/")) || text.contains(&format!("sty-{name}."));
    let lines = |file: &str| {
        fs::read_to_string(file)
            .unwrap()
            .lines()
            .filter(|line| own(line))
            .count()
    };
    assert_eq!(lines("/proc/self/mountinfo"), 0);
    let names = |dir: &str| -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    };
    assert!(
        names("/run/netns")
            .iter()
            .all(|found| *found != format!("sty-{name}") && !own(found))
    );
    assert!(
        names("/run/systemd/nspawn/propagate")
            .iter()
            .all(|found| !own(found))
    );
    assert!(!names("/run/sty/sandbox").contains(&name.to_string()));
    let left = good(Command::new("ps").args(["-eo", "args"]));
    assert!(left.lines().all(|line| !own(line)), "{left}");
    assert!(
        !down(&bench.dirs(), name).unwrap().existed,
        "a second down finds nothing"
    );
}
