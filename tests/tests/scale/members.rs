//! Members of a cluster come and go.

use std::time::Duration;

use sty_stories::{Ran, until};

use crate::fleet::{Fleet, NEIGHBOUR, TEST, elsewhere};

/// The plan touches the new node, and on its peers what must know it: names, access rules,
/// services. Nothing on the neighbour's node.
pub(crate) fn a_replica_is_added(fleet: &Fleet) {
    fleet.add_third();
    let planned = fleet.planned();
    let others = elsewhere(&planned, TEST[2]);
    let known = [
        "/etc/hosts",
        "pg_hba.conf",
        "pgb_hba.conf",
        "haproxy",
        "reload",
        "pgbouncer",
        "etcd",
    ];
    for title in &others {
        assert!(!title.starts_with(NEIGHBOUR), "{title}");
        assert!(
            known.iter().any(|word| title.contains(word)),
            "{title}: {others:#?}"
        );
    }
    let before = fleet.leader();
    fleet.apply();
    fleet.settle();
    assert_eq!(fleet.leader(), before, "no failover");
    fleet.rows_arrive(TEST[2], 5434, 0);
    fleet
        .sql(
            TEST[2],
            5433,
            "test",
            "test",
            "insert into story default values",
        )
        .ok();
    fleet.rows_arrive(TEST[0], 5438, 1);
    until(
        "the offline service is led to it",
        Duration::from_secs(20),
        || {
            let ran = fleet.sql(TEST[0], 5438, "test", "test", "select inet_server_addr()");
            match ran.text().trim_end_matches("/32") {
                found if found == TEST[2] => Ok(()),
                _ => Err(ran.all()),
            }
        },
    );
}

/// Deleting it from the inventory makes it unwanted; it goes once its name was typed, with its
/// data and files, and comes back when the inventory has it again.
pub(crate) fn a_replica_is_removed(fleet: &Fleet) {
    fleet.drop_third();
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.exits(3);
    assert!(plan.all().contains("--confirm pg-test-3"), "{}", plan.all());
    let before = fleet.leader();
    let held = fleet.apply();
    assert!(held.all().contains("--confirm pg-test-3"), "{}", held.all());
    fleet.on(TEST[2], "systemctl is-active patroni").ok();
    fleet.sty(&["apply", "--confirm", "pg-test-3"]).ok();
    fleet.assert_converged();
    fleet.sty(&["status"]).ok();
    assert_eq!(fleet.leader(), before, "no failover");
    nothing_is_left(fleet, TEST[2], "pg-test");
    fleet.add_third();
    fleet.apply();
    fleet.settle();
    let rows = fleet.rows();
    fleet.rows_arrive(TEST[2], 5438, rows);
}

/// The inventory still calls it a replica. Nobody is parted from it until another one leads.
pub(crate) fn the_leader_is_taken_out(fleet: &Fleet) {
    let switchover = |to: &str| {
        let words = ["cluster", "switchover", "pg-test", "--to", to];
        fleet.sty(&words).ok();
    };
    let writes = || {
        let sql = "create temp table written ()";
        fleet.sql(TEST[0], 5433, "test", "test", sql).ok();
        fleet.sql(TEST[1], 5436, "test", "test", sql).ok();
    };
    switchover("pg-test-3");
    fleet.drop_third();
    let held = fleet.apply();
    for words in ["pg-test-3 leads pg-test", "sty cluster switchover pg-test"] {
        assert!(held.all().contains(words), "{}", held.all());
    }
    writes();
    let (_, status) = fleet.status();
    let problems = status["problems"].to_string();
    assert!(problems.contains("is led by pg-test-3"), "{problems}");
    let failover = [
        "failover",
        "pg-test",
        "--to",
        "pg-test-1",
        "--confirm",
        "pg-test",
    ];
    let failover = fleet.sty(&[&["cluster"], &failover[..]].concat());
    failover.exits(2);
    assert!(failover.all().contains("switchover"), "{}", failover.all());
    fleet.sty(&["apply", "--confirm", "pg-test-3"]).exits(2);
    switchover("pg-test-1");
    fleet.sty(&["apply", "--confirm", "pg-test-3"]).ok();
    fleet.settle();
    writes();
    nothing_is_left(fleet, TEST[2], "pg-test");
    fleet.add_third();
    fleet.apply();
    fleet.settle();
}

/// What only the leader can do waits when the limit leaves it out, and plan and apply say so.
pub(crate) fn a_limit_leaves_the_leader_out(fleet: &Fleet) {
    let users = "        pg_users:\n          - name: test\n";
    let more = "        pg_users:\n          - { name: limited, roles: [ dbrole_readonly ] }\n          - name: test\n";
    fleet.replace(users, more);
    let waits = |ran: &Ran, code: i32| {
        ran.exits(code);
        let told = "1 change of pg-test waits for pg-test-1 (10.10.10.11)";
        for word in [told, "create role limited in pg-test", "--limit"] {
            assert!(ran.all().contains(word), "`{word}` in: {}", ran.all());
        }
    };
    waits(&fleet.sty(&["plan", "--exit-code", "-l", TEST[1]]), 3);
    waits(&fleet.sty(&["apply", "-l", TEST[1]]), 4);
    fleet.replace(more, users);
    fleet.settle();
}

/// Refused where it would cost data or service, done where it does not.
pub(crate) fn a_node_is_removed(fleet: &Fleet) {
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let ran = fleet.sty(arguments);
        ran.exits(code);
        for word in words {
            assert!(ran.all().contains(word), "`{word}` in: {}", ran.all());
        }
    };
    refused(
        &["node", "remove", "pg-test-3"],
        2,
        &[
            "10.10.10.13",
            "sty node remove pg-test-3 --confirm pg-test-3",
        ],
    );
    refused(
        &["node", "remove", TEST[2], "--confirm", "pg-test-3"],
        2,
        &["nothing was done"],
    );
    refused(
        &["node", "remove", TEST[0], "--confirm", TEST[0]],
        2,
        &["primary", "switchover"],
    );
    refused(
        &["node", "remove", NEIGHBOUR, "--confirm", NEIGHBOUR],
        2,
        &["only member of cluster pg-test2"],
    );
    fleet.replace(
        "        pg_cluster: pg-test\n",
        "        pg_cluster: pg-test\n        pg_safeguard: true\n",
    );
    refused(
        &["node", "remove", TEST[2], "--confirm", TEST[2]],
        2,
        &["guarded", "pg_safeguard"],
    );
    refused(
        &["cluster", "remove", "pg-test", "--confirm", "pg-test"],
        2,
        &["guarded", "pg_safeguard"],
    );
    fleet.replace("        pg_safeguard: true\n", "");
    let before = fleet.leader();
    fleet
        .sty(&["node", "remove", TEST[2], "--confirm", TEST[2]])
        .ok();
    nothing_is_left(fleet, TEST[2], "pg-test");
    // The inventory still has it.
    fleet.apply();
    fleet.settle();
    assert_eq!(fleet.leader(), before, "no failover");
}

/// Its member has to go first, by name; nobody is taken for a member of the other cluster meanwhile.
pub(crate) fn a_node_goes_to_another_cluster(fleet: &Fleet) {
    fleet.drop_third();
    fleet.add_other();
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.exits(1);
    let unwanted = plan.all().matches("unwanted").count();
    assert_eq!(unwanted, 1, "{}", plan.all());
    assert!(plan.all().contains("--confirm pg-test-3"), "{}", plan.all());
    let (_, status) = fleet.status();
    let text = status.to_string();
    assert!(
        text.contains("pg-test-3 of cluster pg-test runs here"),
        "{text}"
    );
    // What it holds is not what would be removed.
    let removed = fleet.sty(&["cluster", "remove", "pg-other", "--confirm", "pg-other"]);
    removed.exits(2);
    assert!(
        removed.all().contains("nothing was done"),
        "{}",
        removed.all()
    );
    fleet.on(TEST[2], "systemctl is-active patroni").ok();
    fleet.sty(&["apply", "--confirm", "pg-test-3"]).ok();
    fleet.settle();
    let name = "select current_setting('cluster_name')";
    let ran = fleet.superuser(TEST[2], "postgres", name);
    assert_eq!(ran.ok().text(), "pg-other");
    fleet
        .sty(&["cluster", "remove", "pg-other", "--confirm", "pg-other"])
        .ok();
    fleet.drop_other();
    fleet.add_third();
    fleet.apply();
    fleet.settle();
}

/// No process, unit, file or port of `cluster` is left on `node`. Its name and /etc/hosts are the
/// node's own.
pub(crate) fn nothing_is_left(fleet: &Fleet, node: &str, cluster: &str) {
    let script = format!(
        "pgrep -l -u postgres; \
         ls -d /pg /pg/data /data/postgres/{cluster}-17 /etc/pgbouncer \
            /etc/systemd/system/patroni.service /usr/pgsql /etc/sudoers.d/sty-postgres 2>/dev/null; \
         ls /etc/patroni | grep -vx -e config.yml.in -e dcs.yml; \
         grep -rlw {cluster} /etc --exclude=hosts --exclude=hostname --exclude-dir=ssh; \
         systemctl is-active patroni pgbouncer haproxy | grep -x active; \
         nft list tables | grep sty; \
         systemctl list-units --state=failed --plain --no-legend; \
         ss -Hltn | grep -E ':(5432|6432|5433|5434|5436|5438|8008) '; true"
    );
    let left = fleet.on(node, &script);
    assert_eq!(left.ok().text(), "", "left on {node}");
}
