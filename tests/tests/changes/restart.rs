//! Parameters that need a restart.

use crate::parameters::dynamic;
use crate::stage::{NODES, Stage, at};
use sty_stories::Writer;

pub(crate) fn only_when_asked_for_and_rolling(stage: &Stage) {
    stage.set("pg_libs: 'pg_stat_statements, auto_explain, auth_delay'");
    stage.set("pg_parameters: { max_locks_per_transaction: 192 }");
    told_before(stage);
    let held = [
        at(NODES[0], "switch over from {member} to pg-test-2 (held)"),
        at(NODES[0], "restart PostgreSQL {member} (held)"),
        at(NODES[1], "restart PostgreSQL {member} (held)"),
        at(NODES[2], "restart PostgreSQL {member} (held)"),
    ];
    stage.planned(&dynamic(NODES[0]));
    stage.apply("parameters that need a restart", &[]).ok();
    stage.planned(&held);
    let libraries = "show shared_preload_libraries";
    assert!(
        !stage
            .superuser(NODES[0], "postgres", libraries)
            .contains("auth_delay")
    );
    waiting(
        stage,
        &["max_locks_per_transaction", "shared_preload_libraries"],
    );

    let mut writer = Writer::start(&stage.world, NODES[1]);
    writer.settles();
    stage.apply("rolling restart of three", &["--restart"]).ok();
    writer.settles();
    let report = writer.stop(&stage.world, stage.primary().0);
    assert_eq!(report.errors, 0, "{report:?}");
    stage.converged();
    waiting(stage, &[]);
    for node in NODES {
        assert_eq!(
            stage.superuser(node, "postgres", "show max_locks_per_transaction"),
            "192"
        );
        assert!(
            stage
                .superuser(node, "postgres", libraries)
                .contains("auth_delay")
        );
    }
    let (primary, _) = stage.primary();
    assert_ne!(primary, NODES[0], "the primary has moved");
}

/// The plan says what will wait for a restart, before anything is done.
fn told_before(stage: &Stage) {
    let text = stage.sty(&["plan", "-v"]).all();
    for name in ["max_locks_per_transaction", "shared_preload_libraries"] {
        assert!(
            text.contains(&format!("{name} (needs a restart)")),
            "{text}"
        );
    }
}

/// What `sty status` says that every member waits for.
fn waiting(stage: &Stage, expected: &[&str]) {
    let (_, status) = stage.world.status();
    let clusters = status["clusters"].as_array().expect("clusters");
    let cluster = clusters
        .iter()
        .find(|one| one["name"] == "pg-test")
        .expect("pg-test");
    for member in cluster["members"].as_array().expect("members") {
        let text = member["pending_restart"].to_string();
        assert_eq!(text == "[]", expected.is_empty(), "{member:#}");
        assert!(
            expected.iter().all(|name| text.contains(name)),
            "{member:#}"
        );
    }
}

/// Replicas start with no less than the primary has: it goes first, where it is. Setting and
/// restart in one go: what waits for a restart is known as soon as it is set.
pub(crate) fn a_smaller_setting(stage: &Stage) {
    let (primary, _) = stage.primary();
    stage.take_out("pg_parameters:");
    stage.take_out("pg_libs:");
    stage.planned(&dynamic(primary));
    let mut writer = Writer::start(&stage.world, NODES[1]);
    writer.settles();
    stage
        .apply("parameters back, and restart of three", &["--restart"])
        .ok();
    writer.settles();
    let report = writer.stop(&stage.world, stage.primary().0);
    assert_eq!(report.errors, 0, "{report:?}");
    stage.converged();
    waiting(stage, &[]);
    assert_eq!(stage.primary().0, primary, "the primary has stayed");
    for node in NODES {
        assert_eq!(
            stage.superuser(node, "postgres", "show max_locks_per_transaction"),
            "128"
        );
    }
}
