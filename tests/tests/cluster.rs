//! Four nodes, two clusters: deployed, used, changed, damaged and mended.

#![allow(clippy::expect_used, reason = "a story")]

use std::time::Duration;

use sty_stories::{World, until};

const META: &str = "10.10.10.10";
const TEST: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];

#[test]
fn a_cluster_is_deployed_used_changed_and_mended() {
    let world = World::new("story-cluster", "full");
    world.apply();
    world.assert_converged();
    healthy(&world);
    rows_flow_through_every_service(&world);
    the_real_programs_accept_what_was_rendered(&world);
    pgbench_runs_through_every_service(&world);
    a_copy_of_the_inventory_wants_nothing(&world);
    a_renamed_cluster_is_refused(&world);
    psql_opens_by_one_command(&world);
}

fn a_copy_of_the_inventory_wants_nothing(world: &World) {
    let copy = world.home().join("copy.yml");
    std::fs::copy(world.inventory(), &copy).expect("a copy of the inventory");
    let name = copy.to_string_lossy().into_owned();
    let arguments = [
        "--sandbox",
        "story-cluster",
        "-i",
        &name,
        "plan",
        "--exit-code",
    ];
    world.sty(&arguments).ok();
}

/// Another name would start an empty cluster beside the data: nothing is done at all.
fn a_renamed_cluster_is_refused(world: &World) {
    world.replace("pg_cluster: pg-test", "pg_cluster: pg-renamed");
    let ran = world.sty(&["apply"]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    assert!(
        ran.all().contains("pg-renamed") && ran.all().contains("pg-test"),
        "{}",
        ran.all()
    );
    assert!(!ran.all().contains("unwanted"), "{}", ran.all());
    world.sty(&["status"]).exits(1); // no such cluster
    world.replace("pg_cluster: pg-renamed", "pg_cluster: pg-test");
    world.apply(); // other nodes had learnt the new names
    world.assert_converged();
    world.sty(&["status"]).ok();
}

fn psql_opens_by_one_command(world: &World) {
    let ran = world.sty(&[
        "connect",
        "pg-test",
        "-U",
        "test",
        "--",
        "-At",
        "-c",
        "select 42",
    ]);
    assert_eq!(ran.ok().text(), "42");
}

fn healthy(world: &World) {
    let ran = world.sty(&["status", "--wait", "60"]);
    ran.ok();
    let (code, status) = world.status();
    assert_eq!(code, 0, "{status:#}");
    assert_eq!(status["etcd"].as_array().map(Vec::len), Some(3));
    let clusters = status["clusters"].as_array().expect("clusters");
    let members: Vec<usize> = clusters
        .iter()
        .map(|c| c["members"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(members, [1, 3]);
}

/// A row written through 5433 is read through 5434 and 5438, by a business user over TLS, whose
/// password is stored as a SCRAM secret, the same in PostgreSQL and in the pooler.
fn rows_flow_through_every_service(world: &World) {
    let entry = TEST[1];
    let sql = |port, sql: &str| world.sql(entry, port, "test", "test", sql);
    sql(
        5433,
        "create table if not exists story (id int primary key); insert into story values (1)",
    )
    .ok();
    for port in [5434, 5438] {
        until("the row arrives", Duration::from_secs(10), || {
            let ran = sql(port, "select count(*) from story");
            match ran.text() {
                "1" => Ok(()),
                _ => Err(ran.all()),
            }
        });
    }
    let direct = sql(
        5436,
        "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    );
    assert_eq!(direct.text(), "t", "{}", direct.all());
    let reader = sql(5434, "select pg_is_in_recovery()");
    assert_eq!(
        reader.text(),
        "t",
        "the read-only service answers from a replica"
    );
    let offline = sql(5438, "select inet_server_addr()");
    assert_eq!(offline.text().trim_end_matches("/32"), TEST[2]);
    let stored = world.superuser(
        TEST[0],
        "postgres",
        "select rolpassword from pg_authid where rolname = 'test'",
    );
    assert!(
        stored.text().starts_with("SCRAM-SHA-256$4096:"),
        "{}",
        stored.all()
    );
    let list = world.on(TEST[2], "cat /etc/pgbouncer/userlist.txt");
    assert!(
        list.stdout.contains(stored.text()),
        "the pooler knows the same secret"
    );
}

fn the_real_programs_accept_what_was_rendered(world: &World) {
    for node in TEST.iter().chain([&META]) {
        world
            .on(node, "haproxy -c -f /etc/haproxy/haproxy.cfg")
            .ok();
        world
            .on(node, "runuser -u postgres -- patroni --validate-config --ignore-listen-port /etc/patroni/patroni.yml")
            .ok();
    }
}

fn pgbench_runs_through_every_service(world: &World) {
    let pgbench = |port: &str, script: &str| {
        let file = world.home().join("bench.sql");
        std::fs::write(&file, script).expect("a script file");
        let mut command = world.inside("pgbench");
        command
            .args([
                "-h", TEST[0], "-p", port, "-U", "test", "-n", "-c", "4", "-t", "50", "-f",
            ])
            .arg(&file)
            .arg("test")
            .env("PGPASSFILE", world.passwords())
            .env("PGSSLMODE", "require");
        let ran = sty_stories::run(command);
        ran.ok();
        assert!(
            ran.stdout.contains("number of failed transactions: 0"),
            "{}",
            ran.all()
        );
    };
    let write = "insert into story select coalesce(max(id), 0) + 1 + (random() * 1e6)::int from story on conflict do nothing;";
    for port in ["5433", "5436"] {
        pgbench(port, write);
    }
    for port in ["5434", "5438"] {
        pgbench(port, "select count(*) from story;");
    }
}
