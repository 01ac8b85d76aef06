//! Databases.

use crate::stage::{NODES, PASSWORDS, Stage, at, both, everywhere};
use crate::users::LIST;

pub(crate) const POOLS: [&str; 4] = [
    "write /etc/pgbouncer/pgbouncer.ini",
    "reload pgbouncer.service",
    "write /etc/pgbouncer/primary.ini",
    "reload pgbouncer-primary.service",
];

pub(crate) fn come_change_and_go(stage: &Stage) {
    owners(stage);
    one_comes(stage);
    what_admins_make_can_be_read(stage);
    one_changes(stage);
    one_is_not_what_creation_made_it(stage);
    one_goes(stage);
}

/// A member of the admin group gives others a share of what it makes: in every database.
fn owners(stage: &Stage) {
    for (name, password, role) in [
        ("dbuser_shop", PASSWORDS[2], "dbrole_admin"),
        ("dbuser_clerk", PASSWORDS[3], "dbrole_readonly"),
    ] {
        stage.add(
            "pg_users",
            &format!(
                "{{ name: {name}, password: {password}, pgbouncer: true, roles: [ {role} ] }}"
            ),
        );
    }
    let titles = [
        "create role dbuser_shop in pg-test",
        "create role dbuser_clerk in pg-test",
        "alter database template1 in pg-test",
        "alter database postgres in pg-test",
        "alter database test in pg-test",
    ];
    let own: Vec<String> = titles.iter().map(|title| at(NODES[0], title)).collect();
    stage.changes("two users, one an admin", &both(everywhere(&LIST), &own));
}

fn one_comes(stage: &Stage) {
    let baseline = "create table base.seed (id int); insert into base.seed values (7);\n";
    std::fs::write(stage.world.home().join("shop.sql"), baseline).expect("a baseline");
    stage.add(
        "pg_databases",
        "{ name: shop, owner: dbuser_shop, baseline: shop.sql, \
           schemas: [ base, { name: stock, owner: test } ], \
           extensions: [ { name: hstore, schema: base }, pg_trgm ], \
           parameters: { work_mem: 12MB }, pool_mode: session, pool_size: 7, connlimit: 40, \
           revokeconn: true, comment: the shop }",
    );
    let own = at(NODES[0], "create database shop in pg-test");
    stage.changes("a new database", &both(everywhere(&POOLS), &[own]));
    let shop = |sql: &str| stage.login(5433, ("dbuser_shop", PASSWORDS[2]), "shop", sql);
    let seen = shop("select id, current_setting('work_mem') from base.seed");
    assert_eq!(seen.text(), "7|12MB", "{}", seen.all());
    let names = shop(
        "select string_agg(extname || ' ' || nspname, ',' order by extname) from \
                      pg_extension join pg_namespace n on n.oid = extnamespace \
                      where extname in ('hstore', 'pg_trgm')",
    );
    assert_eq!(
        names.text(),
        "hstore base,pg_trgm public",
        "{}",
        names.all()
    );
    let owner = shop("select nspowner::regrole from pg_namespace where nspname = 'stock'");
    assert_eq!(owner.text(), "test", "{}", owner.all());
    let clerk = stage.login(5436, ("dbuser_clerk", PASSWORDS[3]), "shop", "select 1");
    assert!(
        clerk.stderr.contains("permission denied for database"),
        "{}",
        clerk.all()
    );
}

fn what_admins_make_can_be_read(stage: &Stage) {
    let shop = ("dbuser_shop", PASSWORDS[2]);
    let clerk = |sql: &str| stage.login(5436, ("dbuser_clerk", PASSWORDS[3]), "test", sql);
    let make = "create schema made; create table made.later (id int); \
                insert into made.later values (5)";
    stage.login(5433, shop, "test", make).ok();
    let read = clerk("select id from made.later");
    assert_eq!(read.text(), "5", "{}", read.all());
    for sql in [
        "insert into made.later values (6)",
        "create table made.mine ()",
    ] {
        let refused = clerk(sql);
        assert!(
            refused.stderr.contains("permission denied"),
            "{}",
            refused.all()
        );
    }
    stage
        .login(5433, shop, "test", "drop schema made cascade")
        .ok();
}

fn one_changes(stage: &Stage) {
    stage.swap(
        "owner: dbuser_shop, baseline: shop.sql, schemas: [ base,",
        "owner: test, baseline: shop.sql, schemas: [ extra, base,",
    );
    stage.swap(
        "{ name: hstore, schema: base }, pg_trgm",
        "{ name: hstore, schema: stock }, { name: pg_trgm, state: absent }",
    );
    stage.swap("work_mem: 12MB", "statement_timeout: 30s");
    stage.swap(
        "pool_mode: session, pool_size: 7, connlimit: 40, revokeconn: true, comment: the shop",
        "connlimit: 30, comment: the new shop",
    );
    let own = at(NODES[0], "alter database shop in pg-test");
    stage.changes("an altered database", &both(everywhere(&POOLS), &[own]));
    let clerk = stage.login(
        5436,
        ("dbuser_clerk", PASSWORDS[3]),
        "shop",
        "select current_setting('work_mem') <> '12MB', current_setting('statement_timeout')",
    );
    assert_eq!(clerk.text(), "t|30s", "{}", clerk.all());
    let facts = "select datdba::regrole, datconnlimit, shobj_description(oid, 'pg_database') \
                 from pg_database where datname = 'shop'";
    assert_eq!(
        stage.superuser(NODES[0], "postgres", facts),
        "test|30|the new shop"
    );
    let inside = "select string_agg(extname, ',' order by extname), \
                  to_regnamespace('extra') is not null from pg_extension \
                  where extname in ('hstore', 'pg_trgm')";
    assert_eq!(stage.superuser(NODES[0], "shop", inside), "hstore|t");
}

/// What only creation can set is told, and no action follows.
fn one_is_not_what_creation_made_it(stage: &Stage) {
    stage.swap(
        "comment: the new shop",
        "comment: the new shop, template: template0, encoding: LATIN1",
    );
    let plan = stage.sty(&["plan", "--exit-code"]);
    plan.ok();
    for part in [
        "database shop of pg-test",
        "is `UTF8`, declared is `LATIN1`",
    ] {
        assert!(plan.all().contains(part), "{part}: {}", plan.all());
    }
    stage.swap(
        "the new shop, template: template0, encoding: LATIN1",
        "the new shop",
    );
}

/// It serves until its name is typed; the pool goes with its line in the inventory.
fn one_goes(stage: &Stage) {
    stage.swap("{ name: shop,", "{ name: shop, state: absent,");
    let held = at(NODES[0], "drop database shop in pg-test (held)");
    stage.planned(std::slice::from_ref(&held));
    stage.apply("a database that goes, unconfirmed", &[]).ok();
    stage.planned(std::slice::from_ref(&held));
    let clerk = stage.login(5433, ("dbuser_clerk", PASSWORDS[3]), "shop", "select 1");
    assert_eq!(clerk.text(), "1", "{}", clerk.all());
    stage
        .apply("the same with another's name", &["--confirm", "test"])
        .ok();
    stage.planned(&[held]);
    let there = "select count(*) from pg_database where datname = 'shop'";
    assert_eq!(stage.superuser(NODES[0], "postgres", there), "1");
    stage
        .apply("a database that goes", &["--confirm", "shop"])
        .ok();
    stage.converged();
    assert_eq!(stage.superuser(NODES[0], "postgres", there), "0");
    stage.take_out("{ name: shop,");
    stage.changes("a database forgotten", &everywhere(&POOLS));
}

/// Both in one edit, and one name to type.
pub(crate) fn go_with_their_owner(stage: &Stage) {
    let entry = format!(
        "{{ name: \"odd user\", password: {}, pgbouncer: true, roles: [ dbrole_readwrite ] }}",
        PASSWORDS[2]
    );
    stage.add("pg_users", &entry);
    stage.add("pg_databases", "{ name: pair, owner: \"odd user\" }");
    stage.add(
        "pg_hba_rules",
        "{ user: odd user, db: pair, addr: world, auth: ssl, order: 1, title: odd }",
    );
    stage.add(
        "pgb_hba_rules",
        "{ user: odd user, db: pair, addr: world, auth: ssl, order: 1, title: odd }",
    );
    stage
        .apply("a database, its owner and their rules", &[])
        .ok();
    let user = ("odd user", PASSWORDS[2]);
    for port in [5433, 5436] {
        let made = format!("create table made{port} ()");
        stage.login(port, user, "pair", &made).ok();
    }
    stage.swap(
        "{ name: \"odd user\",",
        "{ name: \"odd user\", state: absent,",
    );
    stage.swap("{ name: pair,", "{ name: pair, state: absent,");
    let held = [
        at(NODES[0], "drop database pair in pg-test (held)"),
        at(NODES[0], "drop role odd user in pg-test (held)"),
    ];
    stage.planned(&held);
    stage.apply("both go, unconfirmed", &[]).ok();
    for port in [5433, 5436] {
        stage.login(port, user, "pair", "select 1").ok();
    }
    stage.apply("both go", &["--confirm", "pair"]).ok();
    stage.converged();
    let there = "select count(*) from pg_roles where rolname = 'odd user'";
    assert_eq!(stage.superuser(NODES[0], "postgres", there), "0");
    for part in [
        "pg_hba_rules:",
        "pgb_hba_rules:",
        "user: odd user",
        "\"odd user\"",
    ] {
        stage.take_out(part);
    }
    stage.apply("both forgotten", &[]).ok();
}

/// What people make by hand is told, and nobody's to do anything about.
pub(crate) fn made_by_hand(stage: &Stage) {
    let run = |sql: &str| stage.superuser(NODES[0], "postgres", sql);
    run("create role by_hand");
    run("create database by_hand_too");
    let plan = stage.sty(&["plan", "--exit-code"]);
    plan.ok();
    let words =
        "pg-test has role by_hand and database by_hand_too that the inventory does not declare";
    assert!(plan.all().contains(words), "{}", plan.all());
    run("drop database by_hand_too");
    run("drop role by_hand");
    let plan = stage.sty(&["plan", "--exit-code"]);
    assert!(!plan.all().contains("does not declare"), "{}", plan.all());
}
