//! Mistakes: those that show in the inventory, and those that only PostgreSQL finds.

use crate::stage::{NODES, PASSWORDS, Stage};

pub(crate) fn stay_with_their_item(stage: &Stage) {
    an_unknown_parent_is_found_before_anything_is_done(stage);
    what_fails_stays_alone(stage);
    a_unit_that_does_not_start_names_what_changes_it(stage);
}

fn an_unknown_parent_is_found_before_anything_is_done(stage: &Stage) {
    stage.add("pg_users", "{ name: orphan, roles: [ nobody_at_all ] }");
    for verb in ["check", "plan", "apply"] {
        let ran = stage.sty(&[verb]);
        ran.exits(2);
        for part in ["nobody_at_all", "orphan", "pg-test", "pigsty.yml:"] {
            assert!(
                ran.all().contains(part),
                "{verb} does not say `{part}`: {}",
                ran.all()
            );
        }
    }
    stage.take_out("name: orphan");
    stage.converged();
}

fn what_fails_stays_alone(stage: &Stage) {
    stage.add(
        "pg_users",
        "{ name: dbuser_odd, parameters: { datestyle: Nowhere } }",
    );
    stage.add(
        "pg_databases",
        "{ name: odd, extensions: [ no_such_extension ] }",
    );
    let fine = format!(
        "{{ name: dbuser_fine, password: {}, pgbouncer: true, roles: [ dbrole_readonly ] }}",
        PASSWORDS[0]
    );
    stage.add("pg_users", &fine);
    stage.add("pg_databases", "{ name: fine }");
    let ran = stage.apply("two mistakes among four", &[]);
    ran.exits(4);
    let (primary, _) = stage.primary();
    for (item, words) in [
        ("create role dbuser_odd in pg-test", "DateStyle"),
        ("create database odd in pg-test", "no_such_extension"),
    ] {
        let line = ran.stderr.lines().find(|line| line.contains(item));
        let line = line.unwrap_or_else(|| panic!("nothing about `{item}`: {}", ran.all()));
        assert!(line.contains(primary) && line.contains(words), "{line}");
    }
    let login = stage.login(
        5433,
        ("dbuser_fine", PASSWORDS[0]),
        "fine",
        "select current_user",
    );
    assert_eq!(login.text(), "dbuser_fine", "{}", login.all());
    stage.swap("datestyle: Nowhere", "datestyle: ISO");
    stage.swap("no_such_extension", "hstore");
    stage.apply("mistakes mended", &[]).ok();
    let there = "select count(*) from pg_extension where extname = 'hstore'";
    assert_eq!(stage.superuser(primary, "odd", there), "1");
}

/// Somebody's drop-in may be why.
fn a_unit_that_does_not_start_names_what_changes_it(stage: &Stage) {
    const DROP_IN: &str = "/etc/systemd/system/haproxy.service.d/broken.conf";
    let break_it = format!(
        "mkdir -p $(dirname {DROP_IN}); printf '[Service]\\nExecStartPre=/bin/false\\n' > {DROP_IN}; \
         systemctl daemon-reload; systemctl stop haproxy"
    );
    stage.world.on(NODES[1], &break_it).ok();
    let ran = stage.apply("a unit that somebody broke", &[]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    let hint = format!("{DROP_IN} changes what it does");
    assert!(ran.stderr.contains(&hint), "{}", ran.all());
    let mend = format!("rm -r $(dirname {DROP_IN}); systemctl daemon-reload");
    stage.world.on(NODES[1], &mend).ok();
    stage.apply("the unit mended", &[]).ok();
}
