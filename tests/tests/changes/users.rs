//! Users.

use sty_stories::Ran;

use crate::stage::{NODES, PASSWORDS, Stage, at, both, everywhere};

/// What the pooler's list of users takes.
pub(crate) const LIST: [&str; 3] = [
    "write /etc/pgbouncer/userlist.txt",
    "reload pgbouncer.service",
    "reload pgbouncer-primary.service",
];

pub(crate) fn come_change_and_go(stage: &Stage) {
    one_comes(stage);
    one_changes(stage);
    one_has_an_end(stage);
    one_goes(stage);
}

fn with_list(title: &str) -> Vec<String> {
    both(everywhere(&LIST), &[at(NODES[0], title)])
}

fn pooled(stage: &Stage, password: &str, sql: &str) -> Ran {
    stage.login(5433, ("dbuser_day2", password), "test", sql)
}

fn one_comes(stage: &Stage) {
    let entry = format!(
        "{{ name: dbuser_day2, password: {}, pgbouncer: true, roles: [ dbrole_readwrite ] }}",
        PASSWORDS[0]
    );
    stage.add("pg_users", &entry);
    stage.changes(
        "a new user",
        &with_list("create role dbuser_day2 in pg-test"),
    );
    let ran = pooled(stage, PASSWORDS[0], "select current_user");
    assert_eq!(ran.text(), "dbuser_day2", "{}", ran.all());
    let direct = stage.login(
        5436,
        ("dbuser_day2", PASSWORDS[0]),
        "test",
        "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    );
    assert_eq!(direct.text(), "t", "{}", direct.all());
}

fn one_changes(stage: &Stage) {
    stage
        .owner(
            5433,
            "create table notes (id int); insert into notes values (1)",
        )
        .ok();
    pooled(stage, PASSWORDS[0], "insert into notes values (2)").ok();
    stage.swap(PASSWORDS[0], PASSWORDS[1]);
    stage.swap(
        "roles: [ dbrole_readwrite ] }",
        "roles: [ dbrole_readonly ], connlimit: 7, expire_at: 2099-12-31, \
         parameters: { work_mem: 9MB, search_path: 'app, public' }, comment: altered }",
    );
    stage.changes(
        "an altered user",
        &with_list("alter role dbuser_day2 in pg-test"),
    );
    let old = pooled(stage, PASSWORDS[0], "select 1");
    assert_ne!(old.code, 0, "the old password is refused");
    let sql = "select count(*), current_setting('work_mem'), current_setting('search_path') \
               from public.notes";
    let new = stage.login(5436, ("dbuser_day2", PASSWORDS[1]), "test", sql);
    assert_eq!(new.text(), "2|9MB|app, public", "{}", new.all());
    pooled(stage, PASSWORDS[1], "select id from notes").ok();
    let refused = pooled(stage, PASSWORDS[1], "insert into notes values (3)");
    assert!(
        refused.stderr.contains("permission denied"),
        "{}",
        refused.all()
    );
    let limits = "select rolconnlimit, rolvaliduntil::date from pg_roles \
                  where rolname = 'dbuser_day2'";
    assert_eq!(
        stage.superuser(NODES[0], "postgres", limits),
        "7|2100-01-01"
    );
}

/// `expire_in` counts from the day the role gets it, and is not counted again every day.
fn one_has_an_end(stage: &Stage) {
    stage.swap("expire_at: 2099-12-31, ", "");
    let alter = at(NODES[0], "alter role dbuser_day2 in pg-test");
    stage.changes("a user without an end", std::slice::from_ref(&alter));
    stage.swap("comment: altered", "expire_in: 30, comment: altered");
    stage.changes("a user with an end", &[alter]);
    let days = "select rolvaliduntil::date - current_date from pg_roles \
                where rolname = 'dbuser_day2'";
    // The moment after the last day.
    assert_eq!(stage.superuser(NODES[0], "postgres", days), "31");
}

fn one_goes(stage: &Stage) {
    let sql = "create table theirs (id int); alter table theirs owner to dbuser_day2";
    stage.superuser(NODES[0], "test", sql);
    stage.swap("name: dbuser_day2,", "name: dbuser_day2, state: absent,");
    let held = "drop role dbuser_day2 in pg-test (held)";
    stage.changes("a user that goes, unconfirmed", &[at(NODES[0], held)]);
    pooled(stage, PASSWORDS[1], "select 1").ok();
    let plan = stage.sty(&["plan", "--exit-code"]);
    for word in ["1 object in test goes to postgres", "--confirm dbuser_day2"] {
        assert!(plan.all().contains(word), "`{word}` in: {}", plan.all());
    }
    stage.planned(&[at(NODES[0], held)]);
    let confirmed = ["--confirm", "dbuser_day2"];
    stage.apply("a user that goes", &confirmed).ok();
    stage.converged();
    assert_ne!(pooled(stage, PASSWORDS[1], "select 1").code, 0);
    let heir = "select tableowner from pg_tables where tablename = 'theirs'";
    assert_eq!(
        stage.superuser(NODES[0], "test", heir),
        "postgres",
        "tables stay"
    );
    stage.take_out("name: dbuser_day2,");
    stage.changes("a user forgotten", &everywhere(&LIST));
}
