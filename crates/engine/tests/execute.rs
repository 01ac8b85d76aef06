//! The executor over nodes of its own: which actions run, in which order, and what a failure, a
//! lost node or an interrupt leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where they fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use sty_core::{ExitCode, Risk};
use sty_engine::{
    Cause, Event, Interrupt, NodeLink, Outcome, PlanError, SessionError, Signer, Work, execute,
};
use sty_wire::action::{Action, Op};
use sty_wire::observation::Failure;
use sty_wire::protocol::{Reply, Request, Supply};
use sty_wire::resource::{Access, Certificate, Module, Resource, ResourceKind, Stage};

/// What all nodes of a test share: which resources are as they should be, and what was asked.
#[derive(Default)]
struct World {
    converged: BTreeSet<u32>,
    log: Vec<u32>,
    supplied: BTreeSet<u32>,
}

/// A node that converges what it is told to, except for what it was made to fail on.
struct Node {
    world: Arc<Mutex<World>>,
    fails: BTreeSet<u32>,
    /// Connection lost by this action.
    dies: BTreeSet<u32>,
    interrupt_at: Option<(usize, Interrupt)>,
}

impl NodeLink for Node {
    fn request(
        &mut self,
        request: &Request,
        _: Option<Duration>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Reply, SessionError> {
        let Request::Execute { action, supply, .. } = request else {
            panic!("only actions are run");
        };
        progress("at work");
        let mut world = self.world.lock().unwrap();
        world.log.push(*action);
        if let Some((count, interrupt)) = &self.interrupt_at
            && world.log.len() == *count
        {
            interrupt.set();
        }
        if self.dies.contains(action) {
            return Err(SessionError::Ended {
                host: "x".into(),
                exit_code: Some(255),
                tail: vec!["broken pipe".into()],
            });
        }
        if self.fails.contains(action) {
            return Ok(Reply::Failed {
                action: *action,
                failure: Failure::message("as wanted"),
            });
        }
        world.converged.insert(*action);
        if supply.is_some() {
            world.supplied.insert(*action);
        }
        Ok(Reply::Done {
            action: *action,
            changes: Vec::new(),
        })
    }
}

struct Paper;

impl Signer for Paper {
    fn sign(&self, certificate: &Certificate) -> Result<Supply, Failure> {
        if certificate.common_name == "forbidden" {
            return Err(Failure::message("not signed"));
        }
        Ok(Supply::Certificate {
            certificate: "certificate".into(),
            key: "key".into(),
        })
    }
}

fn action(id: u32, node: &str, cluster: Option<&str>, stage: Stage, needs: &[u32]) -> Action {
    Action {
        id,
        node: node.into(),
        cluster: cluster.map(Into::into),
        stage,
        op: Op::Converge {
            resource: format!("r{id}"),
        },
        title: format!("act {id}"),
        reason: "differs".into(),
        changes: Vec::new(),
        risk: Risk::Safe,
        needs: needs.to_vec(),
        undoes: None,
        held: None,
    }
}

#[derive(Default)]
struct Setting {
    fails: BTreeSet<u32>,
    dies: BTreeSet<u32>,
    absent: BTreeSet<String>,
    interrupt_after: Option<usize>,
}

struct Run {
    outcome: Outcome,
    events: Vec<Event>,
    world: World,
}

fn run(actions: &[Action], setting: &Setting, resources: &BTreeMap<String, Vec<Resource>>) -> Run {
    let world = Arc::new(Mutex::new(World::default()));
    let interrupt = Interrupt::new();
    let nodes: BTreeSet<&String> = actions.iter().map(|action| &action.node).collect();
    let mut links: BTreeMap<String, Node> = nodes
        .into_iter()
        .filter(|node| !setting.absent.contains(*node))
        .map(|node| {
            let link = Node {
                world: Arc::clone(&world),
                fails: setting.fails.clone(),
                dies: setting.dies.clone(),
                interrupt_at: setting.interrupt_after.map(|n| (n, interrupt.clone())),
            };
            (node.clone(), link)
        })
        .collect();
    let work = Work {
        resources,
        unseen: &BTreeSet::new(),
        signer: &Paper,
        interrupt: &interrupt,
    };
    let mut events = Vec::new();
    let outcome = execute(&mut links, actions, &work, &mut |event| {
        events.push(event.clone())
    });
    drop(links);
    let world = Arc::into_inner(world).unwrap().into_inner().unwrap();
    Run {
        outcome: outcome.unwrap(),
        events,
        world,
    }
}

/// Actions of a fleet: needs refer to earlier ones, nodes have several clusters.
fn plans() -> impl Strategy<Value = Vec<Action>> {
    let one = (
        0..4u8,
        prop::option::of(0..3u8),
        0..6usize,
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    );
    prop::collection::vec(one, 0..25).prop_map(|mut drafts| {
        // As the planner does: by stage over the whole fleet.
        drafts.sort_by_key(|(_, _, stage, _)| *stage);
        let stages = [
            Stage::Base,
            Stage::Config,
            Stage::Etcd,
            Stage::Postgres,
            Stage::Objects,
            Stage::Cleanup,
        ];
        let make = |(id, (node, cluster, stage, needs)): (
            u32,
            (u8, Option<u8>, usize, Vec<prop::sample::Index>),
        )| {
            let earlier = usize::try_from(id).unwrap() - 1;
            let needs: BTreeSet<u32> = needs
                .iter()
                .filter(|_| earlier > 0)
                .map(|index| u32::try_from(index.index(earlier)).unwrap() + 1)
                .collect();
            let cluster = cluster.map(|number| format!("pg-{number}"));
            let needs = Vec::from_iter(needs);
            action(
                id,
                &format!("node-{node}"),
                cluster.as_deref(),
                stages[stage],
                &needs,
            )
        };
        (1..).zip(drafts).map(make).collect()
    })
}

fn some_of(actions: &[Action], picks: &[prop::sample::Index]) -> BTreeSet<u32> {
    picks
        .iter()
        .filter(|_| !actions.is_empty())
        .map(|pick| pick.get(actions).id)
        .collect()
}

/// All that a failure of `roots` may keep from running: what needs it, and what builds upon it on
/// its node, in its cluster or, when it concerns the whole node, in any.
fn touched(actions: &[Action], roots: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut touched = roots.clone();
    for (position, action) in actions.iter().enumerate() {
        let below = |before: &&Action| {
            touched.contains(&before.id)
                && before.node == action.node
                && (before.cluster.is_none() || before.cluster == action.cluster)
                && carries(before.stage, action.stage)
        };
        if action.needs.iter().any(|need| touched.contains(need))
            || actions[..position].iter().any(|before| below(&before))
        {
            touched.insert(action.id);
        }
    }
    touched
}

/// Objects stand side by side; removal is strictly one after the other; else stage upon stage.
fn carries(before: Stage, after: Stage) -> bool {
    match before {
        Stage::Objects | Stage::Dynamic => false,
        Stage::Cleanup => true,
        _ => after > before,
    }
}

fn without(actions: &[Action], done: &BTreeSet<u32>) -> Vec<Action> {
    let left = actions.iter().filter(|action| !done.contains(&action.id));
    left.cloned()
        .map(|mut action| {
            action.needs.retain(|need| !done.contains(need));
            action
        })
        .collect()
}

proptest! {
    #[test]
    fn nothing_runs_before_its_needs(actions in plans()) {
        let run = run(&actions, &Setting::default(), &BTreeMap::new());
        let position: BTreeMap<u32, usize> =
            run.world.log.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        prop_assert_eq!(run.world.log.len(), actions.len());
        prop_assert_eq!(position.len(), actions.len());
        for action in &actions {
            for need in &action.needs {
                prop_assert!(position[need] < position[&action.id]);
            }
            for earlier in actions.iter().filter(|a| a.node == action.node && a.id < action.id) {
                prop_assert!(position[&earlier.id] < position[&action.id]);
            }
        }
        prop_assert_eq!(run.outcome.exit_code(), ExitCode::Done);
    }

    #[test]
    fn failures_stop_what_builds_upon_them_and_nothing_else(
        actions in plans(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let fails = some_of(&actions, &picks);
        let setting = Setting { fails: fails.clone(), ..Setting::default() };
        let run = run(&actions, &setting, &BTreeMap::new());
        let touched = touched(&actions, &fails);
        for action in &actions {
            prop_assert_eq!(run.world.converged.contains(&action.id), !touched.contains(&action.id));
        }
        let failed: BTreeSet<u32> = run.outcome.failed.keys().copied().collect();
        prop_assert!(failed.is_subset(&fails));
        for (skipped, cause) in &run.outcome.skipped {
            prop_assert!(touched.contains(skipped));
            match cause {
                Cause::Failed { action } => prop_assert!(failed.contains(action), "{} is no root", action),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn every_action_ends_once(
        actions in plans(),
        fails in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        dies in prop::collection::vec(any::<prop::sample::Index>(), 0..2),
        absent in prop::option::of(0..4u8),
        interrupt_after in prop::option::of(1..20usize),
    ) {
        let setting = Setting {
            fails: some_of(&actions, &fails),
            dies: some_of(&actions, &dies),
            absent: absent.iter().map(|node| format!("node-{node}")).collect(),
            interrupt_after,
        };
        let run = run(&actions, &setting, &BTreeMap::new());
        let mut ended = Vec::new();
        let mut started = BTreeSet::new();
        for event in &run.events {
            match event {
                Event::Started { action, .. } => prop_assert!(started.insert(*action)),
                Event::Done { action, .. } | Event::Failed { action, .. } => {
                    prop_assert!(started.contains(action));
                    ended.push(*action);
                }
                Event::Skipped { action, .. } => {
                    prop_assert!(!started.contains(action));
                    ended.push(*action);
                }
                _ => {}
            }
        }
        ended.sort_unstable();
        let all: Vec<u32> = actions.iter().map(|action| action.id).collect();
        prop_assert_eq!(ended, all);
        let summary = &run.outcome.summary;
        let total = summary.done + summary.failed + summary.skipped + summary.held + summary.not_started;
        prop_assert_eq!(total, actions.len());
        let last_is_summary = matches!(run.events.last(), Some(Event::Summary { .. }));
        prop_assert!(last_is_summary);
        // A need that did not come about is never built upon.
        for action in actions.iter().filter(|action| run.world.log.contains(&action.id)) {
            prop_assert!(action.needs.iter().all(|need| run.world.converged.contains(need)));
        }
    }

    #[test]
    fn interrupted_then_run_again_converges(actions in plans(), after in 1..10usize) {
        let setting = Setting { interrupt_after: Some(after), ..Setting::default() };
        let first = run(&actions, &setting, &BTreeMap::new());
        // At most one more per node was under way.
        prop_assert!(first.world.log.len() <= after + 4);
        prop_assert!(first.outcome.failed.is_empty());
        prop_assert_eq!(first.outcome.summary.interrupted, first.world.log.len() < actions.len());
        let rest = without(&actions, &first.world.converged);
        let second = run(&rest, &Setting::default(), &BTreeMap::new());
        let mut done = first.world.converged;
        done.extend(second.world.converged);
        prop_assert_eq!(done.len(), actions.len());
    }
}

#[test]
fn a_failed_cluster_leaves_its_neighbour_alone() {
    let actions = [
        action(1, "a", Some("pg-one"), Stage::Config, &[]),
        action(2, "a", Some("pg-two"), Stage::Config, &[]),
        action(3, "a", Some("pg-one"), Stage::Postgres, &[]),
        action(4, "b", Some("pg-one"), Stage::Postgres, &[3]),
        action(5, "b", Some("pg-two"), Stage::Postgres, &[2]),
        action(6, "b", Some("pg-one"), Stage::Services, &[]),
    ];
    let setting = Setting {
        fails: [1].into(),
        ..Setting::default()
    };
    let run = run(&actions, &setting, &BTreeMap::new());
    assert_eq!(run.world.converged, [2, 5].into());
    let because_of = |id| run.outcome.skipped[&id] == Cause::Failed { action: 1 };
    assert!(
        because_of(3) && because_of(4) && because_of(6),
        "{:?}",
        run.outcome.skipped
    );
    assert_eq!(run.outcome.exit_code(), ExitCode::Partial);
}

#[test]
fn what_is_held_and_what_needs_it_does_not_run() {
    let mut actions = [
        action(1, "a", Some("pg-one"), Stage::Objects, &[]),
        action(2, "b", None, Stage::Cleanup, &[1]),
        action(3, "a", Some("pg-one"), Stage::Services, &[]),
    ];
    actions[0].held = Some("destroys data: needs `--confirm app`".into());
    let run = run(&actions, &Setting::default(), &BTreeMap::new());
    assert_eq!(run.world.converged, [3].into());
    assert_eq!(run.outcome.skipped[&2], Cause::NeedsHeld { action: 1 });
    assert_eq!(run.outcome.summary.held, 2);
    assert_eq!(run.outcome.exit_code(), ExitCode::Done);
    assert!(run.events.iter().any(|event| matches!(
        event,
        Event::Skipped { action: 1, reason, .. } if reason.contains("--confirm app")
    )));
}

#[test]
fn a_lost_node_stops_only_itself() {
    let actions = [
        action(1, "a", None, Stage::Config, &[]),
        action(2, "a", Some("pg-one"), Stage::Config, &[]),
        action(3, "b", None, Stage::Config, &[]),
        action(4, "b", Some("pg-one"), Stage::Postgres, &[2]),
        action(5, "c", None, Stage::Config, &[]),
        action(6, "b", Some("pg-two"), Stage::Postgres, &[5]),
        action(7, "b", Some("pg-two"), Stage::Objects, &[]),
    ];
    let setting = Setting {
        dies: [1].into(),
        absent: ["c".to_owned()].into(),
        ..Setting::default()
    };
    let run = run(&actions, &setting, &BTreeMap::new());
    assert_eq!(
        run.world
            .log
            .iter()
            .filter(|id| [1, 2].contains(*id))
            .count(),
        1
    );
    assert!(run.world.converged.contains(&3));
    assert_eq!(run.outcome.failed[&1].tail, ["broken pipe"]);
    assert_eq!(run.outcome.skipped[&2], Cause::Failed { action: 1 });
    assert_eq!(run.outcome.skipped[&4], Cause::Failed { action: 1 });
    let unreachable = Cause::Unreachable { node: "c".into() };
    assert_eq!(run.outcome.skipped[&5], unreachable);
    assert_eq!(run.outcome.skipped[&6], unreachable);
    assert_eq!(run.outcome.skipped[&7], unreachable);
}

#[test]
fn certificates_are_signed_on_the_way() {
    let certificate = |id: u32, name: &str| Resource {
        id: format!("r{id}"),
        module: Module::Etcd,
        stage: Stage::Config,
        cluster: None,
        kind: ResourceKind::Certificate(Certificate {
            cert_path: "/etc/etcd/server.crt".into(),
            key_path: Some("/etc/etcd/server.key".into()),
            access: Access::root(0o600),
            common_name: name.into(),
            names: BTreeSet::new(),
            validity_days: 90,
            authority_sha256: "00".into(),
        }),
    };
    let resources = BTreeMap::from([(
        "a".to_owned(),
        vec![certificate(1, "etcd-1"), certificate(3, "forbidden")],
    )]);
    let actions = [
        action(1, "a", None, Stage::Config, &[]),
        action(2, "a", None, Stage::Config, &[]),
        action(3, "a", None, Stage::Config, &[]),
    ];
    let run = run(&actions, &Setting::default(), &resources);
    assert_eq!(run.world.supplied, [1].into());
    assert_eq!(run.outcome.failed[&3].message, "not signed");
    assert!(!run.world.log.contains(&3));
    let told = serde_json::to_string(&run.events).unwrap();
    assert!(!told.contains("\"key\""), "{told}");
}

#[test]
fn a_plan_that_is_none_runs_nothing() {
    let check = |actions: &[Action]| {
        let mut links: BTreeMap<String, Node> = BTreeMap::new();
        let work = Work {
            resources: &BTreeMap::new(),
            unseen: &BTreeSet::new(),
            signer: &Paper,
            interrupt: &Interrupt::new(),
        };
        execute(&mut links, actions, &work, &mut |_| {
            panic!("nothing may run")
        })
        .unwrap_err()
    };
    let needs_later = [
        action(1, "a", None, Stage::Base, &[2]),
        action(2, "b", None, Stage::Base, &[]),
    ];
    assert_eq!(check(&needs_later), PlanError::Order { action: 1, need: 2 });
    let twice = [
        action(1, "a", None, Stage::Base, &[]),
        action(1, "b", None, Stage::Base, &[]),
    ];
    assert_eq!(check(&twice), PlanError::Twice(1));
}

/// Two nodes hold their clients, one moves the primary, both let their clients go on.
fn hold_and_release() -> Vec<Action> {
    let step = |id, node, needs: &[u32]| action(id, node, Some("pg"), Stage::Services, needs);
    let release = |id, node, undone| Action {
        undoes: Some(undone),
        ..step(id, node, &[undone, 3])
    };
    vec![
        step(1, "a", &[]),
        step(2, "b", &[]),
        step(3, "a", &[1, 2]),
        release(4, "a", 1),
        release(5, "b", 2),
    ]
}

fn ran(setting: &Setting) -> BTreeSet<u32> {
    let run = run(&hold_and_release(), setting, &BTreeMap::new());
    run.world.log.into_iter().collect()
}

#[test]
fn what_was_begun_is_undone_come_what_may() {
    let failing = |id| Setting {
        fails: BTreeSet::from([id]),
        ..Setting::default()
    };
    let all = BTreeSet::from([1, 2, 3, 4, 5]);
    assert_eq!(ran(&Setting::default()), all);
    assert_eq!(ran(&failing(3)), all, "the work failed");
    assert_eq!(
        ran(&failing(2)),
        BTreeSet::from([1, 2, 4, 5]),
        "a hold failed"
    );
    let lost = Setting {
        dies: BTreeSet::from([3]),
        ..Setting::default()
    };
    assert_eq!(ran(&lost), BTreeSet::from([1, 2, 3, 5]), "a node was lost");
    let interrupted = Setting {
        interrupt_after: Some(2),
        ..Setting::default()
    };
    let ran = ran(&interrupted);
    assert!(!ran.contains(&3) || ran.is_superset(&BTreeSet::from([4, 5])));
    for (begun, undone) in [(1, 4), (2, 5)] {
        assert_eq!(ran.contains(&begun), ran.contains(&undone), "{ran:?}");
    }
}

#[test]
fn what_never_began_is_not_undone() {
    let absent = Setting {
        absent: BTreeSet::from(["b".to_owned()]),
        ..Setting::default()
    };
    assert_eq!(ran(&absent), BTreeSet::from([1, 4]));
}
