//! What was changed by hand on the nodes.

use crate::stage::{Stage, at};

pub(crate) fn is_listed_and_mended(stage: &Stage) {
    let (primary, others) = stage.primary();
    let (first, second) = (others[0], others[1]);
    meddle(stage, primary, first, second);
    let expected = [
        at(first, "write /etc/haproxy/haproxy.cfg"),
        at(first, "issue certificate /etc/haproxy/server.pem"),
        at(first, "start haproxy.service"),
        at(first, "write /etc/pgbouncer/userlist.txt"),
        at(first, "install 1 package"),
        at(second, "set owner and mode of /pg/conf/patroni.pgpass"),
        at(second, "start pgbouncer.service"),
        at(second, "resume haproxy.service"),
        at(first, "resume pgbouncer.service"),
        at(second, "resume pgbouncer-primary.service"),
        at(primary, "reload haproxy.service"),
        at(primary, "reload pgbouncer.service"),
        at(primary, "reload PostgreSQL {member}"),
        at(second, "reload PostgreSQL {member}"),
        at(primary, "alter role test in pg-test"),
        at(primary, "alter role dbuser_clerk in pg-test"),
        at(primary, "alter database test in pg-test"),
        at(primary, "set Patroni's dynamic configuration"),
        at(first, "see PostgreSQL {member} take the settings up"),
        at(second, "see PostgreSQL {member} take the settings up"),
    ];
    told(stage);
    unwell(stage);
    stage.changes("drift of all kinds", &expected);
    let forget = "rm -r /etc/systemd/system/patroni.service.d && systemctl daemon-reload";
    stage.world.on(first, forget).ok();
    assert_eq!(
        stage.superuser(primary, "postgres", "show log_lock_waits"),
        "on"
    );
    assert_ne!(stage.superuser(second, "postgres", "show work_mem"), "99MB");
    let limits = "select count(*) from pg_db_role_setting where setrole = 0";
    assert_eq!(stage.superuser(primary, "postgres", limits), "0");
    let administers = "select pg_has_role('dbuser_clerk', 'dbuser_dba', 'member')";
    assert_eq!(stage.superuser(primary, "postgres", administers), "f");
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

/// What it hides is compared once it is mended.
pub(crate) fn that_hides_other_drift_is_mended_with_it(stage: &Stage) {
    let (_, others) = stage.primary();
    let replica = others[0];
    const EDIT: &str = "echo junk > /etc/pki/ca.crt && rm /usr/pgsql \
         && systemctl disable patroni";
    stage.world.on(replica, EDIT).ok();
    let ran = stage.sty(&["plan", "--exit-code"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(ran.all().contains("unseen"), "{}", ran.all());
    stage.sty(&["apply"]).ok();
    stage.world.assert_converged();
    let enabled = "systemctl is-enabled patroni";
    assert_eq!(stage.world.on(replica, enabled).text(), "enabled");
    // It runs on, and systemd knows of no file any more.
    const LOST: &str =
        "rm /etc/systemd/system/pgbouncer-primary.service && systemctl daemon-reload";
    stage.world.on(replica, LOST).ok();
    stage.sty(&["apply", "--restart"]).ok();
    stage.world.assert_converged();
}

/// Nobody is let in who would ask, or tell the server to read its files: on one node by its rules, on
/// another one by a library that every session asks for. A frontend that was shut down comes back as
/// well.
pub(crate) fn that_keeps_the_superuser_out_is_mended(stage: &Stage) {
    let (primary, others) = stage.primary();
    const RELOAD: &str = "kill -HUP $(head -1 /pg/data/postmaster.pid)";
    let rules = format!("echo '# nobody' > /pg/conf/pg_ident.conf && {RELOAD}");
    stage.world.on(primary, &rules).ok();
    let library = "alter system set session_preload_libraries = 'no_such_library'";
    stage.superuser(others[0], "postgres", library);
    stage.world.on(others[0], RELOAD).ok();
    const SHUT: &str = "python3 -c \"import socket; haproxy = socket.socket(socket.AF_UNIX); \
         haproxy.connect('/run/haproxy/admin.sock'); \
         haproxy.sendall(b'shutdown frontend pg-test-primary\\n'); haproxy.recv(99)\"";
    stage.world.on(others[1], SHUT).ok();
    let ran = stage.sty(&["plan", "--exit-code"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    for part in [
        "superuser",
        "session_preload_libraries",
        "frontend pg-test-primary",
    ] {
        assert!(ran.all().contains(part), "{part}: {}", ran.all());
    }
    stage.sty(&["apply"]).ok();
    stage.world.assert_converged();
    stage.superuser(others[0], "postgres", "select 1");
}

/// Neither a reload nor a start would go well with what is in the files.
pub(crate) fn is_mended_in_postgresql_s_own_files(stage: &Stage) {
    let (_, others) = stage.primary();
    let replica = others[0];
    const EDIT: &str = "cd /pg/data && echo 'huge_pages = = on' >> postgresql.base.conf \
         && sed -i \"s/^jit = .*/jit = 'on'/; /^track_functions/d\" postgresql.conf \
         && touch -d '9 seconds ago' postgresql.conf";
    let on = |script: &str| {
        stage.world.on(replica, script).ok();
    };
    on(EDIT);
    let text = stage.sty(&["plan", "-v"]).all();
    let parts = [
        "`huge_pages = = on` should go",
        "postgresql.conf jit: `on` should be `off`",
        "postgresql.conf track_functions: should be `all`",
    ];
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
    let reload = [at(replica, "reload PostgreSQL {member}")];
    stage.changes("PostgreSQL's own files", &reload);
    assert_eq!(stage.superuser(replica, "postgres", "show jit"), "off");

    // The server is down, and would stay down.
    stage.superuser(
        replica,
        "postgres",
        "alter system set shared_buffers = '900GB'",
    );
    on("echo 'oh no' >> /pg/data/postgresql.base.conf && systemctl stop patroni");
    let start = [at(replica, "bring up PostgreSQL {member}")];
    stage.changes("a server that cannot start", &start);
}

fn meddle(stage: &Stage, primary: &str, first: &str, second: &str) {
    let sql = [
        "alter role test connection limit 3",
        "alter role test password 'made-by-hand'",
        "alter role test set work_mem = '1MB'",
        "alter role dbuser_clerk in database test set work_mem = '2MB'",
        "grant pg_read_all_data to dbuser_clerk",
        "grant dbrole_admin to dbuser_clerk",
        "grant dbuser_dba to dbuser_clerk with admin option",
        "alter default privileges for role dbuser_dba revoke select on tables \
         from dbrole_readonly",
        "revoke create on database test from dbrole_admin",
    ];
    for statement in sql {
        stage.superuser(primary, "test", statement);
    }
    stage.superuser(second, "postgres", "alter system set work_mem = '99MB'");
    // No start would change it: Patroni names it on the command line.
    stage.superuser(second, "postgres", "alter system set max_connections = 999");
    stage.superuser(second, "postgres", "select pg_reload_conf()");
    let for_all = "alter role all set statement_timeout = '9min'";
    stage.superuser(primary, "postgres", for_all);
    let on = |node: &str, script: &str| {
        stage.world.on(node, script).ok();
    };
    on(
        first,
        "echo '# meddled' >> /etc/haproxy/haproxy.cfg; systemctl stop haproxy",
    );
    on(first, "chmod 644 /etc/pgbouncer/userlist.txt");
    on(first, "dpkg -r postgresql-17-repack");
    on(first, "echo junk >> /etc/haproxy/server.pem");
    on(second, "chown root:root /pg/conf/patroni.pgpass");
    on(second, "systemctl mask --now --runtime pgbouncer");
    on(first, &console(6432, "pause test"));
    on(second, &console(6433, "disable test"));
    on(second, &proxy("disable server pg-test-replica/pg-test-1"));
    on(second, &proxy("disable frontend pg-test-offline"));
    on(primary, &proxy("set weight pg-test-replica/pg-test-1 0"));
    on(primary, &proxy("set maxconn global 40"));
    on(primary, &proxy("set maxconn frontend pg-test-replica 3"));
    on(
        primary,
        &proxy("disable health pg-test.is-primary/pg-test-3"),
    );
    let elsewhere = "set server pg-test-replica/pg-test-2 addr 10.10.10.99 port 5432";
    on(primary, &proxy(elsewhere));
    on(primary, &console(6432, "set server_idle_timeout = 7"));
    on(primary, &console(6432, "set query_timeout = 8"));
    on(
        first,
        "mkdir /etc/systemd/system/patroni.service.d && cd /etc/systemd/system/patroni.service.d \
         && echo '[Service]' > nice.conf && systemctl daemon-reload",
    );
    on(
        primary,
        "runuser -u postgres -- patronictl -c /etc/patroni/patroni.yml edit-config --force \
         -p log_lock_waits=off -s loop_wait=7 pg-test",
    );
}

/// The status says what clients notice.
fn unwell(stage: &Stage) {
    let (_, status) = stage.world.status();
    let problems = status["problems"].to_string();
    let parts = [
        "database test is paused",
        "database test is disabled",
        "pg-test-1 is out of service by hand",
        "closed by hand in HAProxy",
    ];
    for part in parts {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    let notes = status["notes"].to_string();
    assert!(notes.contains("nice.conf"), "{notes}");
}

/// A command on the console of a pooler.
fn console(port: u16, command: &str) -> String {
    format!(
        "runuser -u postgres -- psql -X -h /var/run/postgresql -p {port} -U postgres pgbouncer \
         -c '{command}'"
    )
}

/// A command at HAProxy's socket.
fn proxy(command: &str) -> String {
    format!(
        "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); \
         s.connect(\"/run/haproxy/admin.sock\"); s.sendall(b\"{command}\\n\"); \
         print(s.recv(999).decode())'"
    )
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
        "ALTER ROLE ALL statement_timeout",
        "postgresql.parameters.log_lock_waits",
        "loop_wait",
        "database test: `paused` should be `serving`",
        "database test: `disabled` should be `serving`",
        "server pg-test-replica/pg-test-1: `maint` should be `serving`",
        "frontend pg-test-offline: `paused` should be `serving`",
        "connections at once of pg-test-replica",
        "check of server pg-test.is-primary/pg-test-3",
        "address of server pg-test-replica/pg-test-2",
        "server_idle_timeout: `7` should be `600`",
        "query_timeout: `8` should be `0`",
        "/etc/systemd/system/patroni.service.d/nice.conf",
        "# meddled",
        "0644",
    ] {
        assert!(
            text.contains(part),
            "the plan does not say `{part}`:\n{text}"
        );
    }
    assert!(!text.contains("--restart"), "{text}");
    assert!(
        !text.contains("SCRAM-SHA-256") && !text.contains("made-by-hand"),
        "{text}"
    );
}
