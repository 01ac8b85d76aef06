//! Rules of who may log in.

use sty_stories::Ran;

use crate::stage::{Stage, at, everywhere};

const POSTGRES: [&str; 2] = ["write /pg/conf/pg_hba.conf", "reload PostgreSQL {member}"];
const POOLER: [&str; 3] = [
    "write /etc/pgbouncer/pgb_hba.conf",
    "reload pgbouncer.service",
    "reload pgbouncer-primary.service",
];
const RULE: &str = "{ user: test, db: all, addr: world, auth: deny, order: 1, title: closed }";

pub(crate) fn let_in_and_keep_out(stage: &Stage) {
    let direct = || stage.owner(5436, "select 1").code == 0;
    let pooled = || stage.owner(5433, "select 1").code == 0;
    assert!(direct() && pooled());
    stage.add("pg_hba_rules", RULE);
    stage.changes("a rule of PostgreSQL", &everywhere(&POSTGRES));
    assert!(!direct(), "PostgreSQL keeps the user out");
    stage.take_out("pg_hba_rules:");
    stage.take_out(RULE);
    stage.changes("no rule of PostgreSQL", &everywhere(&POSTGRES));
    assert!(direct(), "PostgreSQL lets the user in again");
    stage.add("pgb_hba_rules", RULE);
    stage.changes("a rule of PgBouncer", &everywhere(&POOLER));
    assert!(direct() && !pooled(), "PgBouncer keeps the user out");
    stage.take_out("pgb_hba_rules:");
    stage.take_out(RULE);
    stage.changes("no rule of PgBouncer", &everywhere(&POOLER));
    assert!(pooled(), "PgBouncer lets the user in again");
    a_file_exchanged_for_a_moment_is_read_again(stage);
    what_cannot_be_read_stops_no_server(stage);
}

/// The file has its old date again; the server has the rules of the other one.
fn a_file_exchanged_for_a_moment_is_read_again(stage: &Stage) {
    let (primary, _) = stage.primary();
    let script = "cd /pg/conf && cp -p pg_hba.conf kept && \
                  sed -i '1i host all all 0.0.0.0/0 trust' pg_hba.conf && \
                  runuser -u postgres -- psql -Xqc 'select pg_reload_conf()' && \
                  timeout 20 sh -c 'until runuser -u postgres -- psql -h 10.10.10.11 -wXqc \
                  \"select 1\"; do :; done' && mv kept pg_hba.conf";
    let script = script.replace("10.10.10.11", primary);
    stage.world.on(primary, &script).ok();
    let again = at(primary, "reload PostgreSQL {member}");
    stage.changes("a file that was exchanged", &[again]);
    let open = "runuser -u postgres -- psql -h 10.10.10.11 -wXqc 'select 1'";
    let open = open.replace("10.10.10.11", primary);
    assert_ne!(stage.world.on(primary, &open).code, 0, "nobody is trusted");
}

/// A server would not start again with such a line.
fn what_cannot_be_read_stops_no_server(stage: &Stage) {
    const RULE: &str = "{ title: raw, rules: [ 'host all /[[:no:]] 10.9.9.9/32 scram-sha-256' ] }";
    const WHY: &str = "PostgreSQL cannot read /pg/conf/pg_hba.conf, line";
    stage.add("pg_hba_rules", RULE);
    let told = |ran: &Ran| {
        assert_ne!(ran.code, 0, "{}", ran.all());
        assert!(ran.all().contains(WHY), "{}", ran.all());
    };
    told(&stage.apply("a rule that nobody can read", &[]));
    told(&stage.sty(&["plan", "--exit-code"]));
    told(&stage.sty(&["status"]));
    told(&stage.sty(&["cluster", "restart", "pg-test"]));
    stage.take_out("pg_hba_rules:");
    stage.take_out(RULE);
    stage.changes("no such rule", &everywhere(&POSTGRES));
    stage.sty(&["status"]).ok();
}
