//! The engine against a real sshd on loopback and the real node side. Needs root and the package
//! openssh-server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where they fail"
)]

mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use sty_core::Risk;
use sty_engine::{
    Busy, ConnectEvent, ConnectOptions, ConnectProblem, Fleet, Interrupt, Program, SessionError,
    Signer, Target, Work, execute,
};
use sty_wire::action::{Action, Op};
use sty_wire::observation::{Failure, Observation};
use sty_wire::protocol::Supply;
use sty_wire::resource::{Access, Certificate, File, Module, Resource, ResourceKind, Stage};
use sty_wire::status::StatusQuery;

use sshd::{Sshd, program};

fn connect(sshd: &Sshd, targets: &[(String, Target)]) -> (Fleet, Vec<ConnectEvent>) {
    let mut events = Vec::new();
    let fleet = Fleet::connect(targets, &program(), &sshd.options(), &mut |event| {
        events.push(event);
    });
    (fleet, events)
}

fn uploads(events: &[ConnectEvent]) -> usize {
    events
        .iter()
        .filter(|event| matches!(event, ConnectEvent::Uploading { .. }))
        .count()
}

fn problem(fleet: &Fleet, host: &str) -> String {
    fleet
        .failures
        .get(host)
        .map_or_else(|| "none".to_owned(), ToString::to_string)
}

#[test]
fn copies_the_program_once() {
    let sshd = Sshd::start();
    let targets = sshd.goods(4);
    let old = sshd.node_directory().join("sty-0123456789abcdef");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, "").unwrap();

    let (fleet, events) = connect(&sshd, &targets);
    assert_eq!(fleet.sessions.len(), 4, "{:?}", fleet.failures);
    assert_eq!(uploads(&events), 4);
    assert_eq!(fleet.facts()["n-1"].arch, std::env::consts::ARCH);
    assert!(fleet.close().is_empty());
    let names: Vec<_> = fs::read_dir(old.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let name = format!("sty-{}", &program().sha256()[..16]);
    assert_eq!(names, [name]);

    let (fleet, events) = connect(&sshd, &targets);
    assert_eq!((fleet.sessions.len(), uploads(&events)), (4, 0));
    drop(fleet);

    for shared in [false, false, true, true] {
        if !shared {
            sshd.disconnect();
        }
        let program = program();
        let started = Instant::now();
        let fleet = Fleet::connect(&targets, &program, &sshd.options(), &mut |_| {});
        let connected = started.elapsed();
        assert_eq!(fleet.sessions.len(), 4);
        assert!(fleet.close().is_empty());
        println!(
            "4 nodes, shared {shared}: connected {connected:?}, closed {:?}",
            started.elapsed()
        );
    }
}

#[test]
fn every_bad_node_has_its_own_reason() {
    let sshd = Sshd::start();
    let node = |alias: &str, key: &str, known: &str, port| {
        (alias.to_owned(), sshd.target(alias, key, known, port))
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let targets = [
        node("good", "user", "known_hosts", sshd.port),
        node("refused", "stranger", "known_hosts", sshd.port),
        node("unknown", "user", "no_hosts", sshd.port),
        node("down", "user", "known_hosts", closed),
        node("chatty", "chatty", "known_hosts", sshd.port),
    ];
    let (fleet, _) = connect(&sshd, &targets);
    assert_eq!(Vec::from_iter(fleet.sessions.keys()), ["good"]);
    let is = |host: &str, kind: fn(&ConnectProblem) -> bool| {
        assert!(
            kind(&fleet.failures[host].problem),
            "{}",
            problem(&fleet, host)
        );
    };
    is("refused", |p| {
        matches!(p, ConnectProblem::LoginRefused { .. })
    });
    is("unknown", |p| matches!(p, ConnectProblem::HostKey { .. }));
    is("down", |p| matches!(p, ConnectProblem::Unreachable { .. }));
    is(
        "chatty",
        |p| matches!(p, ConnectProblem::Noise { detail } if detail == "welcome"),
    );
    assert!(problem(&fleet, "down").contains("Connection refused"));
}

#[test]
fn a_program_that_is_not_ours_is_refused() {
    let sshd = Sshd::start();
    let targets = sshd.goods(1);
    drop(connect(&sshd, &targets));
    let path = sshd
        .node_directory()
        .join(format!("sty-{}", &program().sha256()[..16]));

    let mut other = fs::read(&path).unwrap();
    other.extend_from_slice(b"another build");
    fs::remove_file(&path).unwrap();
    fs::write(&path, other).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let (fleet, events) = connect(&sshd, &targets);
    assert_eq!(uploads(&events), 0);
    let found = &fleet.failures["n-1"].problem;
    assert!(
        matches!(found, ConnectProblem::OtherProgram { .. }),
        "{found}"
    );

    fs::write(&path, "#!/bin/sh\necho out of order >&2\nexit 9\n").unwrap();
    let (fleet, _) = connect(&sshd, &targets);
    let found = problem(&fleet, "n-1");
    assert!(
        found.contains("exit code 9") && found.contains("out of order"),
        "{found}"
    );
}

#[test]
fn a_program_that_does_not_speak_is_given_up() {
    let sshd = Sshd::start();
    let targets = sshd.goods(1);
    drop(connect(&sshd, &targets));
    let path = sshd
        .node_directory()
        .join(format!("sty-{}", &program().sha256()[..16]));
    fs::write(
        &path,
        "#!/bin/sh\necho waiting for nothing >&2\nexec cat >/dev/null\n",
    )
    .unwrap();
    let options = ConnectOptions {
        hello_limit: Duration::from_secs(1),
        ..sshd.options()
    };
    let fleet = Fleet::connect(&targets, &program(), &options, &mut |_| {});
    let found = problem(&fleet, "n-1");
    assert!(
        found.contains("no answer within 1 seconds: waiting for nothing"),
        "{found}"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let sshd = Sshd::start();
    let options = ConnectOptions {
        node_directory: "/proc/sty/bin".to_owned(),
        ..sshd.options()
    };
    let fleet = Fleet::connect(&sshd.goods(1), &program(), &options, &mut |_| {});
    let found = &fleet.failures["n-1"].problem;
    assert!(matches!(found, ConnectProblem::Upload { .. }), "{found}");
    assert!(found.to_string().contains("/proc/sty"), "{found}");
}

#[test]
fn this_machine_needs_no_ssh() {
    let runtime = tempfile::tempdir().unwrap();
    let options = ConnectOptions::new(runtime.path().to_owned());
    let targets = [("here".to_owned(), Target::Local)];
    let fleet = Fleet::connect(&targets, &program(), &options, &mut |_| {});
    assert_eq!(fleet.sessions.len(), 1, "{}", problem(&fleet, "here"));
    assert_eq!(fs::read_dir(runtime.path()).unwrap().count(), 0);
    assert!(fleet.close().is_empty());

    let broken = runtime.path().join("broken");
    fs::write(&broken, "#!/bin/sh\nexit 3\n").unwrap();
    let not_executable = Program::at(&broken).unwrap();
    let fleet = Fleet::connect(&targets, &not_executable, &options, &mut |_| {});
    let found = problem(&fleet, "here");
    assert!(found.contains("is not an executable file"), "{found}");
}

#[test]
fn a_dead_shared_connection_is_made_anew() {
    let sshd = Sshd::start();
    let targets = sshd.goods(1);
    drop(connect(&sshd, &targets));
    for signal in ["-KILL", "-STOP"] {
        sshd.signal_connections(signal);
        let (fleet, _) = connect(&sshd, &targets);
        assert_eq!(
            fleet.sessions.len(),
            1,
            "{signal}: {}",
            problem(&fleet, "n-1")
        );
    }
    sshd.signal_connections("-KILL");
}

#[test]
fn a_lost_node_is_noticed_and_stays_lost() {
    let sshd = Sshd::start();
    let targets = sshd.goods(1);
    let status = |fleet: &mut Fleet| {
        let query = [("n-1".to_owned(), StatusQuery::default())];
        fleet.status(&query.into()).remove("n-1").unwrap()
    };
    let (mut fleet, _) = connect(&sshd, &targets);
    status(&mut fleet).unwrap();
    sshd.signal_connections("-KILL");
    let lost = status(&mut fleet).unwrap_err();
    assert!(matches!(lost, SessionError::Ended { .. }), "{lost}");
    assert!(lost.is_final());
    // And nothing is taken for an answer afterwards.
    assert!(status(&mut fleet).is_err());
}

#[test]
fn a_node_is_taken_by_one_at_a_time() {
    let sshd = Sshd::start();
    let targets = sshd.goods(2);
    // Both are this machine, so the second finds it taken by the first.
    let (mut fleet, _) = connect(&sshd, &targets);
    match fleet.lock("ann@ops, pid 1", &mut |_| false) {
        Err(Busy(holders)) => {
            assert_eq!(holders.len(), 1, "{holders:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(fleet.sessions.is_empty());

    let (mut fleet, _) = connect(&sshd, &targets[..1]);
    fleet.lock("bob@lab, pid 2", &mut |_| false).unwrap();
    let (mut second, _) = connect(&sshd, &targets[1..]);
    let refused = second
        .lock("ann@ops, pid 1", &mut |_| false)
        .unwrap_err()
        .to_string();
    assert_eq!(refused, "node `n-2` is taken by bob@lab, pid 2");
    assert!(fleet.close().is_empty());
    let (mut second, _) = connect(&sshd, &targets[1..]);
    second.lock("ann@ops, pid 1", &mut |_| false).unwrap();
    brings_files_about(&sshd, second);
}

/// Part of the test above, because only one at a time may hold this machine.
fn brings_files_about(sshd: &Sshd, mut fleet: Fleet) {
    let place = sshd.home.path().join("made");
    let resources = BTreeMap::from([("n-2".to_owned(), resources(place.to_str().unwrap()))]);
    let states = |fleet: &mut Fleet| {
        let observed = fleet.observe(&resources).remove("n-2").unwrap().unwrap();
        let is_there = |found: &Observation| *found == Observation::InSync;
        observed
            .observations
            .values()
            .map(is_there)
            .collect::<Vec<bool>>()
    };
    assert_eq!(states(&mut fleet), [false, false, false]);

    let actions: Vec<Action> = (1..).zip(&resources["n-2"]).map(converge).collect();
    let work = Work {
        unseen: &std::collections::BTreeSet::new(),
        resources: &resources,
        signer: &NoSigner,
        interrupt: &Interrupt::new(),
    };
    let mut events = Vec::new();
    let outcome = execute(&mut fleet.sessions, &actions, &work, &mut |event| {
        events.push(event.clone());
    })
    .unwrap();
    assert_eq!(outcome.done, [1, 2], "{:?}", outcome.failed);
    let failure = &outcome.failed[&3];
    assert!(!failure.message.is_empty());
    assert_eq!(states(&mut fleet), [true, true, false]);
    assert_eq!(
        fs::read_to_string(place.join("secret")).unwrap(),
        "hunter2\n"
    );
    let told = serde_json::to_string(&events).unwrap();
    assert!(
        told.contains("\"event\":\"done\"") && !told.contains("hunter2"),
        "{told}"
    );
    assert!(fleet.close().is_empty());
}

fn resources(place: &str) -> Vec<Resource> {
    let resource = |kind| Resource {
        id: String::new(),
        module: Module::Node,
        stage: Stage::Config,
        cluster: None,
        kind,
    };
    let file = |path: String, owner: &str| {
        resource(ResourceKind::File(File {
            path,
            content: "hunter2\n".into(),
            secret: true,
            access: Access::new(owner, "root", 0o600),
            check: None,
        }))
    };
    let mut all = vec![
        resource(ResourceKind::Directory {
            path: place.to_owned(),
            access: Access::root(0o755),
        }),
        file(format!("{place}/secret"), "root"),
        file(format!("{place}/orphan"), "nobody-of-that-name"),
    ];
    for (number, resource) in all.iter_mut().enumerate() {
        resource.id = format!("r{number}");
    }
    all
}

fn converge((id, resource): (u32, &Resource)) -> Action {
    Action {
        id,
        node: "n-2".into(),
        cluster: None,
        stage: resource.stage,
        op: Op::Converge {
            resource: resource.id.clone(),
        },
        title: resource.id.clone(),
        reason: "missing".into(),
        changes: Vec::new(),
        risk: Risk::Safe,
        needs: Vec::new(),
        undoes: None,
        held: None,
    }
}

struct NoSigner;

impl Signer for NoSigner {
    fn sign(&self, _: &Certificate) -> Result<Supply, Failure> {
        Err(Failure::message("there are no certificates here"))
    }
}
