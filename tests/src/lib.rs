//! Stories of use on real nodes: what a story needs to act as an operator and as a client.
//!
//! A [`World`] is a sandbox with an inventory. Everything is done through the `sty` program and
//! ordinary clients, as a person would. Needs root; takes the program from `STY_BIN`.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test harness"
)]

mod base;
mod command;
pub mod drill;
mod postgres;
mod watch;
mod writer;

pub use command::{Ran, run};
pub use watch::Watch;
pub use writer::{Report, Writer};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A sandbox, its inventory and the program that manages it. Taken down when dropped.
pub struct World {
    name: String,
    sty: PathBuf,
    home: tempfile::TempDir,
}

impl World {
    /// Writes an inventory from `template` and boots its nodes in the sandbox `name`.
    pub fn new(name: &str, template: &str) -> Self {
        let world = Self::empty(name);
        world.sty(&["init", template, "--keep-addresses"]).ok();
        world.boot();
        world
    }

    /// The deployed fleet of the template `full` in the sandbox `name`, and its inventory: it goes
    /// on from one that was deployed for all such stories, after a power cut of all its nodes.
    pub fn deployed(name: &str) -> Self {
        let world = Self::empty(name);
        let base = base::ensure(&world.sty);
        let mut copy = Command::new("cp");
        copy.args(["-a", "-T"]).arg(&base).arg(world.home());
        run(copy).ok();
        world
            .sty(&["sandbox", "up", name, "--from", base::SANDBOX])
            .ok();
        world.sty(&["status", "--wait", "60"]).ok();
        // By another program than that of now, perhaps.
        world.sty(&["apply", "--restart"]).ok();
        world.sty(&["status", "--wait", "60"]).ok();
        world
    }

    /// A place to work, with nothing in it.
    pub fn empty(name: &str) -> Self {
        let sty = std::env::var_os("STY_BIN").map(PathBuf::from);
        let sty = sty.expect("STY_BIN names the `sty` program: run stories by `make test-nodes`");
        let home = tempfile::Builder::new().prefix("sty-story-").tempdir();
        let world = Self {
            name: name.to_owned(),
            sty,
            home: home.expect("a temporary directory"),
        };
        world.remove_sandbox();
        world
    }

    /// Boots every node of the inventory that does not run yet.
    pub fn boot(&self) {
        self.sty(&["sandbox", "up", &self.name]).ok();
    }

    /// Directory of the inventory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The inventory file.
    pub fn inventory(&self) -> PathBuf {
        self.home().join("pigsty.yml")
    }

    /// Runs `sty` beside the inventory.
    pub fn sty(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments))
    }

    /// The command that [`World::sty`] would run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.sty);
        command.args(arguments).current_dir(self.home());
        command
    }

    /// Applies the inventory; fails the story if that does not succeed.
    pub fn apply(&self) -> Ran {
        let ran = self.sty(&["apply"]);
        ran.ok();
        ran
    }

    /// Titles of the actions that a plan lists, as `node: title`.
    pub fn planned(&self) -> Vec<String> {
        let ran = self.sty(&["plan", "--output", "json"]);
        ran.ok();
        let events = ran
            .stdout
            .lines()
            .map(serde_json::from_str::<serde_json::Value>);
        let mut titles = Vec::new();
        for event in events {
            let event = event.expect("plan writes one JSON document a line");
            if event["event"] == "planned" {
                let text = |key: &str| event["action"][key].as_str().unwrap_or_default().to_owned();
                titles.push(format!("{}: {}", text("node"), text("title")));
            }
        }
        titles
    }

    /// Asserts that nothing is left to do.
    pub fn assert_converged(&self) {
        let ran = self.sty(&["plan", "--exit-code"]);
        assert_eq!(
            ran.code, 0,
            "the plan should be empty:\n{}{}",
            ran.stdout, ran.stderr
        );
    }

    /// Changes the inventory; `change` must change it.
    pub fn edit(&self, change: impl FnOnce(String) -> String) {
        let path = self.inventory();
        let before = std::fs::read_to_string(&path).expect("the inventory can be read");
        let after = change(before.clone());
        assert_ne!(before, after, "the edit changed nothing");
        std::fs::write(&path, after).expect("the inventory can be written");
    }

    /// Replaces `from`, which must be there, by `to` in the inventory.
    pub fn replace(&self, from: &str, to: &str) {
        self.edit(|text| {
            assert!(text.contains(from), "the inventory has no `{from}`");
            text.replacen(from, to, 1)
        });
    }

    /// Runs a shell command as root on a node.
    pub fn on(&self, node: &str, script: &str) -> Ran {
        self.sty(&[
            "--sandbox",
            &self.name,
            "sandbox",
            "exec",
            node,
            "--",
            "sh",
            "-c",
            script,
        ])
    }

    /// Runs a sandbox verb on this sandbox: `kill`, `start`, `freeze`, ...
    pub fn sandbox(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["--sandbox", &self.name, "sandbox"];
        all.extend(arguments);
        self.sty(&all)
    }

    /// A program in the sandbox's network.
    pub fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/sty-{}", self.name))
            .arg(program)
            .current_dir(self.home());
        command
    }

    /// The status document.
    pub fn status(&self) -> (i32, serde_json::Value) {
        let ran = self.sty(&["status", "--output", "json"]);
        let document = serde_json::from_str(&ran.stdout).unwrap_or_default();
        (ran.code, document)
    }

    /// The passwords of the inventory.
    pub fn secrets(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.inventory()).expect("an inventory");
        let values = text
            .lines()
            .filter_map(|line| line.split_once("password: "));
        let word = |(_, rest): (&str, &str)| {
            let word: String = rest.chars().take_while(|c| !", }#".contains(*c)).collect();
            word.trim_matches(['"', '\'']).to_owned()
        };
        values.map(word).filter(|word| word.len() > 8).collect()
    }

    /// What the nodes have to say about a failed story: it goes with them.
    fn tell_logs(&self) {
        let script = "journalctl --no-pager --lines=120 --unit=patroni --unit=etcd; \
                      tail -n 40 \"$(ls -t /pg/log/postgres/*.log /pg/log/postgres/*.csv | head -1)\"";
        let text = std::fs::read_to_string(self.inventory()).unwrap_or_default();
        let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
        let nodes = words.filter(|word| word.starts_with("10.10.10.") && word.len() > 10);
        let nodes: BTreeSet<&str> = nodes.collect();
        for node in nodes {
            eprintln!("-- {node}\n{}", self.on(node, script).all());
        }
    }

    fn remove_sandbox(&self) {
        run(self.command(&["sandbox", "down", &self.name]));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_logs();
        }
        if std::env::var_os("STY_KEEP").is_some() {
            eprintln!(
                "kept: sandbox {}, inventory {}",
                self.name,
                self.inventory().display()
            );
            let kept = tempfile::TempDir::new().expect("a temporary directory");
            let _ = std::mem::replace(&mut self.home, kept).keep();
        } else {
            self.remove_sandbox();
        }
    }
}

/// Most probes start programs, which take time from what they wait for.
const BETWEEN_PROBES: Duration = Duration::from_millis(400);

/// Polls `probe` until it gives a value; fails the story with what it last said after `limit`.
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(value) => return value,
            Err(last) if start.elapsed() > limit => panic!("{what}: not within {limit:?}: {last}"),
            Err(_) => std::thread::sleep(BETWEEN_PROBES),
        }
    }
}
