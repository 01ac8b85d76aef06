//! The engine against whole nodes: an ordinary login user with sudo, a power cut, a node that
//! hangs. Needs root and what the sandbox needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where they fail"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sty_engine::{ConnectOptions, ConnectProblem, Fleet, Program, SessionError, SshTarget, Target};
use sty_sandbox::{Address, Dirs, NodeName, Request, Sandbox, SandboxName};
use sty_wire::status::StatusQuery;

const LIMIT: Duration = Duration::from_secs(90);

/// A sandbox of this test alone, gone with it.
struct Nodes {
    sandbox: Sandbox,
    targets: Vec<(String, Target)>,
    options: ConnectOptions,
}

impl Nodes {
    fn boot(count: u8) -> Self {
        let dirs = Dirs::from_environment();
        let quiet = |_: &str, _: &str| {};
        let node = |number: u8| {
            let address = Address {
                ip: [10, 79, 0, 10 + number].into(),
                prefix: 24,
            };
            (NodeName::new(&format!("n-{number}")).unwrap(), address)
        };
        let request = Request {
            from: None,
            name: name(),
            nodes: (1..=count).map(node).collect(),
            image: sty_sandbox::image::ensure(&dirs, &quiet).unwrap(),
            inventory: None,
            forwards: Vec::new(),
            forward_helper: Vec::new(),
            boot_limit: LIMIT,
        };
        sty_sandbox::down(&dirs, &request.name).unwrap();
        let sandbox = sty_sandbox::up(&dirs, &request, &quiet).unwrap().sandbox;
        let targets = request
            .nodes
            .keys()
            .map(|name| (name.to_string(), target(&sandbox, name)));
        Self {
            targets: targets.collect(),
            options: ConnectOptions {
                alive_interval: Duration::from_secs(1),
                connect_limit: Duration::from_secs(3),
                ..ConnectOptions::new(sty_engine::runtime_directory().unwrap())
            },
            sandbox,
        }
    }

    fn connect(&self, program: &Program) -> Fleet {
        Fleet::connect(&self.targets, program, &self.options, &mut |_| {})
    }

    fn disconnect(&self) {
        for (_, target) in &self.targets {
            target.disconnect(&self.options);
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.disconnect();
        sty_sandbox::down(&Dirs::from_environment(), &name()).unwrap();
    }
}

fn name() -> SandboxName {
    SandboxName::new("enginetest").unwrap()
}

fn target(sandbox: &Sandbox, node: &NodeName) -> Target {
    let found = sandbox.ssh_target(node).unwrap();
    Target::Ssh(SshTarget {
        host: found.address.ip.to_string(),
        user: Some(found.user.to_owned()),
        port: Some(found.port),
        private_key: Some(found.key),
        ssh_config: Some(found.config),
        prefix: sandbox.enter_prefix(),
    })
}

fn status(fleet: &mut Fleet) -> BTreeMap<String, Result<(), SessionError>> {
    let hosts = ["n-1", "n-2"].map(|host| (host.to_owned(), StatusQuery::default()));
    let answers = fleet.status(&hosts.into());
    answers
        .into_iter()
        .map(|(host, answer)| (host, answer.map(drop)))
        .collect()
}

#[test]
fn nodes_come_and_go() {
    let clock = Instant::now();
    let say = |what: &str| println!("{:6.1} s: {what}", clock.elapsed().as_secs_f64());
    let nodes = Nodes::boot(2);
    say("booted");
    let node = NodeName::new("n-2").unwrap();
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap();
    let program = Program::at(&built.join("examples/node")).unwrap();

    // First contact copies the program; the login user is not root.
    let mut fleet = nodes.connect(&program);
    assert_eq!(fleet.sessions.len(), 2, "{:?}", fleet.failures);
    assert_eq!(fleet.facts()["n-1"].os, "debian");
    say("first contact");
    fleet.lock("ann@ops, pid 1", &mut |_| false).unwrap();
    assert!(fleet.close().is_empty());
    let fleet = nodes.connect(&program);
    say("connected again, over shared connections");
    assert_eq!(fleet.sessions.len(), 2);
    drop(fleet);
    nodes.disconnect();
    say("disconnected");
    assert_eq!(nodes.connect(&program).sessions.len(), 2);
    say("connected anew");

    sudo_is_asked_for(&nodes, &program);
    say("sudo tried");

    // A node that hangs is given up; the other answers.
    let mut fleet = nodes.connect(&program);
    nodes.sandbox.freeze(&node).unwrap();
    let answers = status(&mut fleet);
    assert!(answers["n-1"].is_ok());
    assert!(
        matches!(answers["n-2"], Err(SessionError::Ended { .. })),
        "{answers:?}"
    );
    drop(fleet);
    let fleet = nodes.connect(&program);
    assert_eq!(Vec::from_iter(fleet.failures.keys()), ["n-2"]);
    say("hanging node not reached");
    nodes.sandbox.thaw(&node).unwrap();

    // A power cut is noticed, and so is the return.
    let mut fleet = nodes.connect(&program);
    assert_eq!(fleet.sessions.len(), 2, "{:?}", fleet.failures);
    nodes.sandbox.kill(&node).unwrap();
    assert!(status(&mut fleet)["n-2"].is_err());
    drop(fleet);
    let fleet = nodes.connect(&program);
    let problem = &fleet.failures["n-2"].problem;
    assert!(
        matches!(problem, ConnectProblem::Unreachable { .. }),
        "{problem}"
    );
    nodes.sandbox.start(&node, LIMIT).unwrap();
    say("started again");
    let mut fleet = nodes.connect(&program);
    // It came back without what the last session held.
    fleet.lock("ann@ops, pid 1", &mut |_| false).unwrap();
    assert!(status(&mut fleet).values().all(Result::is_ok));
}

/// Login users who cannot become root, each with the reason.
fn sudo_is_asked_for(nodes: &Nodes, program: &Program) {
    let node = NodeName::new("n-1").unwrap();
    let on_node = |script: &str| {
        let mut command = nodes
            .sandbox
            .exec_command(&node, &["sh", "-ec", script])
            .unwrap();
        assert!(command.status().unwrap().success(), "{script}");
    };
    let Target::Ssh(usual) = &nodes.targets[0].1 else {
        panic!("sandbox nodes are behind ssh");
    };
    let login = usual.user.as_deref().unwrap();
    let plain = SshTarget {
        user: Some("plain".to_owned()),
        ..usual.clone()
    };
    let connect = |target: &SshTarget| {
        let targets = [("n-1".to_owned(), Target::Ssh(target.clone()))];
        let mut fleet = Fleet::connect(&targets, program, &nodes.options, &mut |_| {});
        targets[0].1.disconnect(&nodes.options);
        fleet.failures.remove("n-1").expect("a failure").problem
    };

    on_node(&format!(
        "useradd --create-home --shell /bin/sh plain; mkdir /home/plain/.ssh; \
         cp $(getent passwd {login} | cut -d: -f6)/.ssh/authorized_keys /home/plain/.ssh; \
         chown -R plain: /home/plain/.ssh; chmod 700 /home/plain/.ssh"
    ));
    let refused = connect(&plain);
    assert!(
        matches!(refused, ConnectProblem::SudoRefused { .. }),
        "{refused}"
    );
    on_node("mv /usr/bin/sudo /usr/bin/sudo.away");
    let missing = connect(usual);
    assert!(matches!(missing, ConnectProblem::NoSudo), "{missing}");
    on_node("mv /usr/bin/sudo.away /usr/bin/sudo");
    let program_gone = "rm -r /opt/sty";
    on_node(program_gone);
    let refused = connect(&plain);
    assert!(
        matches!(refused, ConnectProblem::SudoRefused { .. }),
        "{refused}"
    );
}
