//! Services.

use std::time::Duration;

use sty_stories::until;

use crate::stage::{NODES, Stage, everywhere};

const PROXY: [&str; 2] = ["write /etc/haproxy/haproxy.cfg", "reload haproxy.service"];

pub(crate) fn come_and_go(stage: &Stage) {
    let ask = || stage.owner(5435, "select pg_is_in_recovery()");
    assert_ne!(ask().code, 0, "nobody answers yet");
    stage.add(
        "pg_services",
        "{ name: standby, port: 5435, selector: '[]', check: /replica, dest: postgres }",
    );
    stage.changes("a new service", &everywhere(&PROXY));
    // HAProxy asks everybody anew just now: whoever looks then is told how it is in the end.
    stage.sty(&["status"]).ok();
    until("the new service answers", Duration::from_secs(15), || {
        let ran = ask();
        if ran.text() == "t" {
            Ok(())
        } else {
            Err(ran.all())
        }
    });
    stage.take_out("pg_services:");
    stage.take_out("name: standby");
    stage.changes("a service that goes", &everywhere(&PROXY));
    assert_ne!(ask().code, 0, "nobody answers any more");
}

/// Poolers go when that is asked for, and come again.
pub(crate) fn switched_off(stage: &Stage) {
    const LOOK: &str = "systemctl is-active pgbouncer pgbouncer-primary; \
                        ls /etc/pgbouncer/userlist.txt /etc/pgbouncer/pgbouncer.ini";
    let look = |node: &str| stage.world.on(node, LOOK).all();
    stage.set("pgbouncer_enabled: false");
    stage.apply("no poolers, not asked for", &[]).ok();
    let plan = stage.plan();
    // More connections come straight to PostgreSQL, which takes a restart as well.
    for held in everywhere(&[
        "retire pgbouncer.service (held)",
        "retire pgbouncer-primary.service (held)",
    ]) {
        assert!(plan.contains(&held), "no `{held}` in {plan:#?}");
    }
    stage.owner(5433, "select 1").ok();
    stage.apply("no poolers", &["--restart"]).ok();
    stage.converged();
    for node in NODES {
        let found = look(node);
        let gone = found.matches("No such file").count();
        assert!(gone == 2 && !found.contains("\nactive"), "{found}");
    }
    stage.owner(5433, "select 1").ok();
    stage.take_out("pgbouncer_enabled:");
    stage.apply("poolers again", &["--restart"]).ok();
    until("the poolers answer", Duration::from_secs(15), || {
        let ran = stage.owner(5433, "select 1");
        if ran.code == 0 {
            Ok(())
        } else {
            Err(ran.all())
        }
    });
}
