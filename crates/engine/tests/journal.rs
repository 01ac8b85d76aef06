//! Journals, and what history makes of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where they fail"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sty_core::Risk;
use sty_engine::{Event, Journal, Opening, RunState, Summary, history};
use sty_wire::action::{Action, Op};
use sty_wire::resource::Stage;
use tempfile::TempDir;

fn opening(command: &str) -> Opening {
    Opening {
        operator: "ann@ops".into(),
        inventory: "pigsty.yml".into(),
        inventory_sha256: "00".into(),
        command: vec!["sty".into(), command.into()],
        limit: Vec::new(),
        version: "0.1.0".into(),
    }
}

fn plan() -> Action {
    Action {
        id: 1,
        node: "pg-1".into(),
        cluster: None,
        stage: Stage::Config,
        op: Op::Converge {
            resource: "file:/etc/hosts".into(),
        },
        title: "write /etc/hosts".into(),
        reason: "content differs".into(),
        changes: Vec::new(),
        risk: Risk::Safe,
        needs: Vec::new(),
        undoes: None,
        held: None,
    }
}

fn started(action: u32) -> Event {
    Event::Started {
        action,
        node: "pg-1".into(),
        title: "write /etc/hosts".into(),
    }
}

#[test]
fn tells_how_runs_ended() {
    let state = TempDir::new().unwrap();
    assert!(history(state.path(), 10).unwrap().is_empty());

    let mut first = Journal::open(state.path(), opening("first")).unwrap();
    first.plan(&[plan()]).unwrap();
    first.event(&started(1)).unwrap();
    let path = first.path().to_owned();
    let running = &history(state.path(), 10).unwrap()[0];
    assert_eq!((running.planned, &running.state), (1, &RunState::Running));
    first
        .event(&Event::Done {
            action: 1,
            node: "pg-1".into(),
            title: "write /etc/hosts".into(),
            seconds: 0.5,
            changes: Vec::new(),
        })
        .unwrap();
    let summary = Summary {
        done: 1,
        seconds: 0.5,
        ..Summary::default()
    };
    first.close("done", &summary).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let mut second = Journal::open(state.path(), opening("second")).unwrap();
    second.plan(&[plan()]).unwrap();
    second.event(&started(1)).unwrap();
    let torn = second.path().to_owned();
    drop(second);
    let mut text = fs::read(&torn).unwrap();
    text.extend_from_slice(b"{\"record\":\"happened\",\"time\":\"2026-");
    fs::write(&torn, text).unwrap();

    let runs = history(state.path(), 10).unwrap();
    let commands: Vec<&str> = runs
        .iter()
        .map(|run| run.opening.command[1].as_str())
        .collect();
    assert_eq!(commands, ["second", "first"]);
    assert_eq!(runs[0].state, RunState::Died { running: vec![1] });
    assert!(matches!(&runs[1].state, RunState::Ended { result, .. } if result == "done"));
    assert_eq!(runs[1].summary, summary);
    assert_eq!(history(state.path(), 1).unwrap().len(), 1);
}

#[test]
fn keeps_a_thousand() {
    let state = TempDir::new().unwrap();
    let directory = state.path().join("journal");
    fs::create_dir_all(&directory).unwrap();
    for number in 0..1_005 {
        fs::write(
            directory.join(format!("2020-01-01T00:00:00.{number:06}Z-1.jsonl")),
            "",
        )
        .unwrap();
    }
    fs::write(directory.join("notes.txt"), "").unwrap();
    Journal::open(state.path(), opening("apply")).unwrap();
    let left = fs::read_dir(&directory).unwrap().count();
    assert_eq!(left, 1_001);
    assert!(
        !directory
            .join("2020-01-01T00:00:00.000005Z-1.jsonl")
            .exists()
    );
    assert!(
        directory
            .join("2020-01-01T00:00:00.000006Z-1.jsonl")
            .exists()
    );
    // Files that hold no run are no runs.
    assert_eq!(history(state.path(), 10).unwrap().len(), 1);
}
