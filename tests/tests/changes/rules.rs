//! Rules of who may log in.

use crate::stage::{Stage, everywhere};

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
}
