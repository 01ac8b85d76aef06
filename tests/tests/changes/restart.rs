//! Parameters that need a restart.

use std::collections::BTreeSet;

use crate::parameters::dynamic;
use crate::stage::{NODES, PASSWORDS, Stage, at};
use sty_stories::Writer;

/// A setting that never came from a file: the server itself goes on saying that it waits.
pub(crate) fn not_for_what_was_taken_back(stage: &Stage) {
    const NAME: &str = "max_pred_locks_per_transaction";
    stage.set(&format!("pg_parameters: {{ {NAME}: 192 }}"));
    stage.apply("a parameter that needs a restart", &[]).ok();
    waiting(stage, &[NAME]);
    stage.take_out("pg_parameters:");
    // Every server has that value still.
    let plan = stage.sty(&["plan", "--restart"]).all();
    assert!(!plan.contains("restart PostgreSQL"), "{plan}");
    stage.apply("no such parameter any more", &[]).ok();
    waiting(stage, &[]);
    stage.converged();
}

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
    let ran = stage.apply("parameters that need a restart", &[]);
    ran.ok();
    ends_with(&ran.all(), "wait");
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
        let loaded = stage.superuser(node, "postgres", libraries);
        assert!(loaded.contains("auth_delay"), "{node}: {loaded}");
    }
    every_node_shows(stage, "max_locks_per_transaction", "192");
    let (primary, _) = stage.primary();
    assert_ne!(primary, NODES[0], "the primary has moved");
}

/// Server and poolers of each member listen at addresses of its own.
pub(crate) fn addresses_to_listen_at(stage: &Stage) {
    stage.set("pg_listen: '${ip},${lo}'");
    stage.apply("addresses to listen at", &["--restart"]).ok();
    for node in NODES {
        let script = "ss -Hltn | awk '{print $4}' | grep -E ':(5432|6432|6433)$'";
        let ran = stage.world.on(node, script);
        let found: BTreeSet<&str> = ran.ok().stdout.lines().collect();
        let own = |address| [5432, 6432, 6433].map(|port| format!("{address}:{port}"));
        let expected = [own(node), own("127.0.0.1")].concat();
        assert_eq!(found, expected.iter().map(String::as_str).collect());
    }
    stage.owner(5433, "select 1").ok();
}

/// The plan says what will wait for a restart, before anything is done.
fn told_before(stage: &Stage) {
    let text = stage.sty(&["plan"]).all();
    ends_with(&text, "will wait");
    for name in ["max_locks_per_transaction", "shared_preload_libraries"] {
        assert!(
            text.contains(&format!("{name} (needs a restart)")),
            "{text}"
        );
    }
}

/// The last line says who waits for a restart, why, and what to do.
fn ends_with(text: &str, verb: &str) {
    let expected = format!(
        "restart pg-test-1, pg-test-2 and pg-test-3 {verb} for a restart because of \
         max_locks_per_transaction and shared_preload_libraries: `sty apply --restart`"
    );
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    assert_eq!(last, Some(expected.as_str()), "{text}");
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
    every_node_shows(stage, "max_locks_per_transaction", "128");
}

fn every_node_shows(stage: &Stage, setting: &str, value: &str) {
    for node in NODES {
        let shown = stage.superuser(node, "postgres", &format!("show {setting}"));
        assert_eq!(shown, value, "{setting} of {node}");
    }
}

/// All but the primary start with no less than it has: also a replica that starts by itself before
/// it does, and is not forgotten for that.
pub(crate) fn one_larger_and_one_smaller(stage: &Stage) {
    const BOTH: &str = "max_locks_per_transaction: 192, max_worker_processes: 12";
    let values = |locks: &str, workers: &str| {
        every_node_shows(stage, "max_locks_per_transaction", locks);
        every_node_shows(stage, "max_worker_processes", workers);
    };
    let (primary, _) = stage.primary();
    let before = stage.superuser(primary, "postgres", "show max_worker_processes");
    stage.set(&format!("pg_parameters: {{ {BOTH} }}"));
    stage.apply("one larger and one smaller", &[]).ok();
    let replica = NODES.into_iter().find(|node| *node != primary);
    let replica = replica.expect("a replica");
    let kill = "kill -KILL $(head -1 /pg/data/postmaster.pid)";
    stage.world.on(replica, kill).ok();
    stage.world.sty(&["status", "--wait", "30"]).ok();
    waiting(stage, &["max_worker_processes"]);
    let mut writer = Writer::start(&stage.world, NODES[1]);
    writer.settles();
    stage.apply("their restarts", &["--restart"]).ok();
    writer.settles();
    let report = writer.stop(&stage.world, stage.primary().0);
    assert_eq!(report.errors, 0, "{report:?}");
    values("192", "12");
    waiting(stage, &[]);
    stage.converged();
    stage.take_out("pg_parameters:");
    stage.apply("the other way round", &["--restart"]).ok();
    values("128", &before);
    waiting(stage, &[]);
    stage.converged();
}

/// Nobody can lead, so nobody could take the setting back if the members had to come up first.
pub(crate) fn with_which_nobody_starts(stage: &Stage) {
    stage.set("pg_libs: 'pg_stat_statements, no_such_library'");
    stage.apply("a library that is not there", &[]).ok();
    for node in NODES {
        stage.world.on(node, "systemctl stop patroni").ok();
    }
    for node in NODES {
        stage.world.on(node, "systemctl start patroni").ok();
    }
    let ran = stage.apply("nobody starts", &[]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    assert!(ran.all().contains("no_such_library"), "{}", ran.all());
    stage.take_out("pg_libs:");
    let plan = stage.plan();
    let first = |what: &str| plan.iter().position(|action| action.contains(what));
    let stored = first("set Patroni's dynamic configuration");
    assert!(
        stored.is_some() && stored < first("PostgreSQL pg-test"),
        "{plan:?}"
    );
    stage.apply("the library taken back", &[]).ok();
    stage.world.sty(&["status", "--wait", "30"]).ok();
    stage.converged();
}

/// While a pooler waits for its restart it learns of users all the same.
pub(crate) fn holds_no_reload(stage: &Stage) {
    let meddle = "echo '; by hand' >> /etc/pgbouncer/listen.ini && systemctl reload pgbouncer";
    stage.world.on(NODES[1], meddle).ok();
    let user = ("dbuser_late", PASSWORDS[3]);
    let entry = format!(
        "{{ name: {}, password: {}, pgbouncer: true, roles: [ dbrole_readonly ] }}",
        user.0, user.1
    );
    stage.add("pg_users", &entry);
    stage.apply("a user, beside a restart that waits", &[]).ok();
    stage.login(6432, user, "test", "select 1").ok();
    stage.planned(&[at(NODES[1], "restart pgbouncer.service (held)")]);
    stage.apply("the restart", &["--restart"]).ok();
    stage.take_out(&format!("name: {}", user.0));
    stage.apply("the user forgotten", &[]).ok();
}
