//! Parameters that need no restart.

use crate::databases::POOLS;
use crate::stage::{NODES, Stage, at, both, everywhere};

/// What a change of Patroni's own settings takes, led from `leader`.
fn own(leader: &str) -> Vec<String> {
    let mut lines = everywhere(&[
        "write /etc/patroni/patroni.yml",
        "reload PostgreSQL {member}",
    ]);
    lines.push(at(leader, "set Patroni's dynamic configuration"));
    lines
}

/// What a change of PostgreSQL's settings takes, led from `leader`.
pub(crate) fn dynamic(leader: &str) -> Vec<String> {
    let mut lines = own(leader);
    let others = NODES.iter().filter(|node| **node != leader);
    lines.extend(others.map(|node| at(node, "see PostgreSQL {member} take the settings up")));
    lines
}

fn shown(stage: &Stage, name: &str) -> Vec<String> {
    let sql = format!("show {name}");
    NODES
        .map(|node| stage.superuser(node, "postgres", &sql))
        .to_vec()
}

pub(crate) fn take_effect_at_once(stage: &Stage) {
    let before = shown(stage, "log_min_duration_statement");
    stage.set("pg_parameters: { log_min_duration_statement: 777ms }");
    stage.changes("a parameter", &dynamic(NODES[0]));
    assert_eq!(shown(stage, "log_min_duration_statement"), ["777ms"; 3]);
    stage.take_out("pg_parameters:");
    stage.changes("no parameter", &dynamic(NODES[0]));
    assert_eq!(shown(stage, "log_min_duration_statement"), before);
    // One that nothing but the inventory sets goes back to PostgreSQL's own default.
    stage.set("pg_parameters: { deadlock_timeout: 1234ms }");
    stage.apply("another parameter", &[]).ok();
    assert_eq!(shown(stage, "deadlock_timeout"), ["1234ms"; 3]);
    stage.take_out("pg_parameters:");
    stage.apply("no other parameter", &[]).ok();
    assert_eq!(shown(stage, "deadlock_timeout"), ["1s"; 3]);
}

/// What the server has in the file of its `initdb` comes back from there.
pub(crate) fn go_back_to_what_initdb_wrote(stage: &Stage) {
    let before = shown(stage, "lc_time");
    stage.set("pg_parameters: { lc_time: C.UTF-8 }");
    stage.changes("a parameter of initdb", &dynamic(NODES[0]));
    assert_eq!(shown(stage, "lc_time"), ["C.UTF-8"; 3]);
    stage.take_out("pg_parameters:");
    stage.apply("no parameter of initdb", &[]).ok();
    stage.converged();
    assert_eq!(shown(stage, "lc_time"), before);
}

/// A value that only the server knows to be wrong is refused at once, and told until it is mended;
/// so is one that it takes and would not start with.
pub(crate) fn refused_until_mended(stage: &Stage) {
    for (name, value) in [("datestyle", "Nowhere"), ("ssl_ciphers", "BOGUS")] {
        let refused = format!("PostgreSQL refuses `{name} = {value}`");
        let before = shown(stage, name);
        stage.set(&format!("pg_parameters: {{ {name}: {value} }}"));
        let ran = stage.apply("a parameter that is refused", &[]);
        ran.exits(4);
        assert!(ran.all().contains(&refused), "{}", ran.all());
        for _ in 0..2 {
            let plan = stage.sty(&["plan", "--exit-code"]);
            plan.exits(1);
            assert!(plan.all().contains(&refused), "{}", plan.all());
        }
        let (_, status) = stage.world.status();
        let problems = status["problems"].to_string();
        assert!(problems.contains("would not start again"), "{problems}");
        stage.take_out("pg_parameters:");
        stage.changes("a parameter mended", &dynamic(NODES[0]));
        stage.converged();
        assert_eq!(shown(stage, name), before);
    }
}

/// Patroni goes on at another port, then without TLS, while its servers run and clients write.
pub(crate) fn where_patroni_listens(stage: &Stage) {
    let mut expected = everywhere(&[
        "write /etc/patroni/patroni.yml",
        "reload PostgreSQL {member}",
        "write /etc/haproxy/haproxy.cfg",
        "reload haproxy.service",
    ]);
    expected.sort();
    let started = || {
        let sql = "select pg_postmaster_start_time()";
        NODES.map(|node| stage.superuser(node, "postgres", sql))
    };
    let before = started();
    for setting in ["patroni_port: 8009", "patroni_ssl_enabled: false"] {
        stage.set(setting);
        stage.changes("where Patroni listens", &expected);
        stage.converged();
        stage.owner(5433, "select 1").ok();
    }
    let elsewhere = "sed -i s/:8009/:8018/ /etc/patroni/patroni.yml && systemctl reload patroni";
    stage.world.on(NODES[0], elsewhere).ok();
    let mended = [
        "write /etc/patroni/patroni.yml",
        "reload PostgreSQL {member}",
    ];
    let mended = mended.map(|title| at(NODES[0], title));
    stage.changes("a port that somebody wrote", &mended);
    for setting in ["patroni_port:", "patroni_ssl_enabled:"] {
        stage.take_out(setting);
    }
    stage.changes("where Patroni listens as a rule", &expected);
    stage.converged();
    assert_eq!(started(), before);
}

pub(crate) fn plan_and_pools(stage: &Stage) {
    let proxy = everywhere(&["write /etc/haproxy/haproxy.cfg", "reload haproxy.service"]);
    let mut expected = both(own(NODES[0]), &proxy);
    // Its watchdog margin and timings are of Patroni's file as well.
    stage.set("pg_rto: fast");
    expected.sort();
    stage.changes("another recovery plan", &expected);
    stage.take_out("pg_rto: fast");
    stage.changes("the usual recovery plan", &expected);
    let pools = everywhere(&POOLS);
    stage.owner(5433, "select 1").ok();
    stage.set("pgbouncer_poolmode: session");
    stage.changes("another pool mode", &pools);
    let mode = "runuser -u postgres -- psql -X -At -h /var/run/postgresql -p 6432 -U postgres \
                pgbouncer -c 'show config' | grep '^pool_mode|'";
    let ran = stage.world.on(NODES[1], mode);
    assert!(ran.text().starts_with("pool_mode|session"), "{}", ran.all());
    stage.take_out("pgbouncer_poolmode:");
    stage.changes("the usual pool mode", &pools);
}
