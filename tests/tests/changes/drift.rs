//! What was changed by hand on the nodes.

use crate::stage::{Stage, at};

pub(crate) fn is_listed_and_mended(stage: &Stage) {
    let (primary, others) = stage.primary();
    let (first, second) = (others[0], others[1]);
    meddle(stage, primary, first, second);
    let expected = [
        at(first, "write /etc/haproxy/haproxy.cfg"),
        at(first, "start haproxy.service"),
        at(first, "write /etc/pgbouncer/userlist.txt"),
        at(first, "install 1 package"),
        at(second, "start pgbouncer.service"),
        at(second, "reload PostgreSQL {member}"),
        at(primary, "alter role test in pg-test"),
        at(primary, "alter role dbuser_clerk in pg-test"),
        at(primary, "alter database test in pg-test"),
        at(primary, "set Patroni's dynamic configuration"),
        at(first, "see PostgreSQL {member} take the settings up"),
        at(second, "see PostgreSQL {member} take the settings up"),
    ];
    told(stage);
    stage.changes("drift of all kinds", &expected);
    assert_eq!(
        stage.superuser(primary, "postgres", "show log_lock_waits"),
        "on"
    );
    assert_ne!(stage.superuser(second, "postgres", "show work_mem"), "99MB");
    stage.owner(5433, "select 1").ok();
    stage
        .world
        .on(
            first,
            "stat -c %a /etc/pgbouncer/userlist.txt | grep -x 600",
        )
        .ok();
    stage
        .world
        .on(first, "dpkg -s postgresql-17-repack >/dev/null")
        .ok();
    stage
        .world
        .on(first, "! grep -q meddled /etc/haproxy/haproxy.cfg")
        .ok();
}

fn meddle(stage: &Stage, primary: &str, first: &str, second: &str) {
    let sql = [
        "alter role test connection limit 3",
        "alter role test password 'made-by-hand'",
        "alter role test set work_mem = '1MB'",
        "grant pg_read_all_data to dbuser_clerk",
        "grant dbrole_admin to dbuser_clerk",
        "alter default privileges for role dbuser_dba revoke select on tables \
         from dbrole_readonly",
        "revoke create on database test from dbrole_admin",
    ];
    for statement in sql {
        stage.superuser(primary, "test", statement);
    }
    stage.superuser(second, "postgres", "alter system set work_mem = '99MB'");
    stage.superuser(second, "postgres", "select pg_reload_conf()");
    let on = |node: &str, script: &str| {
        stage.world.on(node, script).ok();
    };
    on(
        first,
        "echo '# meddled' >> /etc/haproxy/haproxy.cfg; systemctl stop haproxy",
    );
    on(first, "chmod 644 /etc/pgbouncer/userlist.txt");
    on(first, "dpkg -r postgresql-17-repack");
    on(second, "systemctl stop pgbouncer");
    on(
        primary,
        "runuser -u postgres -- patronictl -c /etc/patroni/patroni.yml edit-config --force \
         -p log_lock_waits=off -s loop_wait=7 pg-test",
    );
}

/// The plan says what differs, and nothing of what is secret.
fn told(stage: &Stage) {
    let text = stage.sty(&["plan", "-v"]).all();
    for part in [
        "connection limit",
        "membership in pg_read_all_data",
        "membership in dbrole_admin",
        "default SELECT on TABLES of dbuser_dba for dbrole_readonly",
        "ALTER SYSTEM work_mem",
        "postgresql.parameters.log_lock_waits",
        "loop_wait",
        "# meddled",
        "0644",
    ] {
        assert!(
            text.contains(part),
            "the plan does not say `{part}`:\n{text}"
        );
    }
    assert!(
        !text.contains("SCRAM-SHA-256") && !text.contains("made-by-hand"),
        "{text}"
    );
}
