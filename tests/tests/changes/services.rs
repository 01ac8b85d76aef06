//! Services.

use std::time::Duration;

use sty_stories::until;

use crate::stage::{Stage, everywhere};

const PROXY: [&str; 2] = ["write /etc/haproxy/haproxy.cfg", "reload haproxy.service"];

pub(crate) fn come_and_go(stage: &Stage) {
    let ask = || stage.owner(5435, "select pg_is_in_recovery()");
    assert_ne!(ask().code, 0, "nobody answers yet");
    stage.add(
        "pg_services",
        "{ name: standby, port: 5435, selector: '[]', check: /replica, dest: postgres }",
    );
    stage.changes("a new service", &everywhere(&PROXY));
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
