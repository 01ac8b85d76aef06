//! What breaks comes back by itself, and in a paused cluster by `sty apply`, with every state named
//! meanwhile.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "a story")]

mod cluster;
mod power;
mod timelines;

use std::time::{Duration, Instant};

use cluster::{NODES, heals_within, primary, replica, replicas, shows};
use sty_stories::{World, Writer, until};

#[test]
fn what_breaks_comes_back() {
    let world = World::deployed("story-recovery");
    // Little log is kept, so that a replica soon misses some.
    world.replace(
        "        pg_cluster: pg-test\n",
        "        pg_cluster: pg-test\n        pg_parameters:\n          \
         wal_keep_size: 16MB\n          max_slot_wal_keep_size: 32MB\n          \
         min_wal_size: 32MB\n",
    );
    world.apply();
    heals_within(&world, 60);
    for (what, part) in PARTS {
        let begun = Instant::now();
        eprintln!("== {what}");
        part(&world);
        eprintln!("== {what}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    world.assert_converged();
}

/// Nodes of etcd's members.
const ETCD: [&str; 3] = ["10.10.10.10", "10.10.10.11", "10.10.10.12"];

/// The server of a paused cluster is nobody's: Patroni neither stops nor starts it.
const SERVER: &str = "runuser -u postgres -- /usr/pgsql/bin/pg_ctl -D /pg/data";

type Part = (&'static str, fn(&World));

const PARTS: [Part; 20] = [
    ("a killed server comes back", a_killed_server_comes_back),
    ("a killed Patroni comes back", a_killed_patroni_comes_back),
    ("a replica's power cut", power::a_replica_comes_back_soon),
    (
        "questions without a primary",
        power::who_comes_meanwhile_waits,
    ),
    (
        "a copy that was broken off",
        a_broken_off_copy_is_made_again,
    ),
    ("a copy whose Patroni died", a_copy_ends_with_its_patroni),
    (
        "a broken data directory",
        a_broken_data_directory_is_copied_anew,
    ),
    (
        "a primary's broken data",
        a_primary_with_broken_data_hands_over,
    ),
    ("data that ends its server", a_server_that_dies_of_its_data),
    (
        "data that ends the only replica's server",
        an_only_replica_that_dies_of_its_data,
    ),
    ("a port that is taken", a_port_that_is_taken_breaks_no_data),
    (
        "WAL that is gone",
        replicas_without_their_wal_are_copied_anew,
    ),
    (
        "a rewind that fails",
        timelines::who_cannot_be_rewound_is_copied_anew,
    ),
    ("a gap of timelines", timelines::a_gap_hides_nobody),
    (
        "a paused cluster",
        a_paused_cluster_is_mended_when_it_is_asked_for,
    ),
    ("an etcd member is killed", an_etcd_member_is_not_missed),
    ("etcd keeps its majority", etcd_keeps_its_majority),
    ("etcd is away", the_primary_stays_while_etcd_is_away),
    (
        "who led for a moment",
        timelines::who_led_last_is_waited_for,
    ),
    ("everything is without power", power::everything_comes_back),
];

fn a_killed_server_comes_back(world: &World) {
    let (_, node) = primary(world);
    world
        .on(node, "kill -KILL $(head -1 /pg/data/postmaster.pid)")
        .ok();
    heals_within(world, 60);
}

fn a_killed_patroni_comes_back(world: &World) {
    let (name, node) = primary(world);
    let started = postmaster(world, node);
    let mut writer = Writer::start(world, node);
    writer.settles();
    world
        .on(node, "systemctl kill --kill-whom=main -s KILL patroni")
        .ok();
    writer.settles();
    heals_within(world, 30);
    writer.settles();
    writer.stop(world, node);
    assert_eq!(primary(world).0, name);
    assert_eq!(postmaster(world, node), started, "PostgreSQL ran on");
}

fn postmaster(world: &World, node: &str) -> String {
    let sql = "select pg_postmaster_start_time()";
    let ran = world.superuser(node, "postgres", sql);
    ran.ok().text().to_owned()
}

/// Left by a power cut in the middle of a base backup: its beginning without its end.
fn a_broken_off_copy_is_made_again(world: &World) {
    let (_, node) = replica(world);
    let half = "systemctl stop patroni; cd /pg/data; touch backup_label mark; \
                rm global/pg_control; systemctl start patroni";
    world.on(node, half).ok();
    heals_within(world, 60);
    assert_ne!(
        world.on(node, "ls /pg/data/mark").code,
        0,
        "it is a new copy"
    );
}

/// Patroni dies while it copies. What goes on without it would end as what a primary leaves behind.
fn a_copy_ends_with_its_patroni(world: &World) {
    const ORPHANED: &str = "\
set -e; systemctl stop patroni; cd /pg/data; touch mark; rm global/pg_control; systemctl start patroni
timeout 60 sh -c 'until pkill -STOP -x pg_basebackup; do sleep 0.01; done'
systemctl kill --kill-whom=main -s KILL patroni";
    let (_, node) = replica(world);
    world.on(node, ORPHANED).ok();
    heals_within(world, 60);
    let gone = "! pgrep -x pg_basebackup && ! test -e /pg/data/mark";
    world.on(node, gone).ok();
    // So does a rewind.
    world
        .on(
            node,
            "set -e; systemd-run --quiet --collect --uid=postgres --unit=rewind bash -c \
             'exec -a \"pg_rewind -D /pg/data --source-server\" sleep 300'; \
             systemctl is-active rewind; systemctl restart patroni; \
             ! systemctl is-active rewind",
        )
        .ok();
    heals_within(world, 60);
}

fn a_broken_data_directory_is_copied_anew(world: &World) {
    let breakings = [
        "systemctl stop patroni; rm global/pg_control; systemctl start patroni",
        "systemctl stop patroni; rm global/pg_filenode.map; systemctl start patroni",
        // The server runs on.
        "rm global/pg_control",
        // Patroni tries to start it in each of its loops.
        "server=$(head -1 postmaster.pid); rm -r base PG_VERSION; kill -9 $server",
        "server=$(head -1 postmaster.pid); kill -9 $server; \
         dd if=/dev/urandom of=global/pg_control bs=8192 count=1 conv=notrunc",
        // It starts, and lets nobody in.
        "rm global/1260; kill -9 $(head -1 postmaster.pid)",
        "rm -r base/5; kill -9 $(head -1 postmaster.pid)",
    ];
    for breaking in breakings {
        let (name, node) = replica(world);
        let breaking = format!("cd /pg/data; touch mark; {breaking}");
        world.on(node, &breaking).ok();
        shows(world, &name, "data_broken");
        is_a_new_copy(world, node);
    }
}

/// Its server runs on without what its next start needs, and without what lets anybody log in. It is
/// not restarted; clients wait while another member takes over, and what is broken is copied anew.
fn a_primary_with_broken_data_hands_over(world: &World) {
    for file in ["pg_control", "1260"] {
        let (name, node) = primary(world);
        let mut writer = Writer::start(world, node);
        writer.settles();
        let breaking = format!("touch /pg/data/mark; rm /pg/data/global/{file}");
        world.on(node, &breaking).ok();
        shows(world, &name, "data_broken");
        let refused = world.sty(&["cluster", "restart", "pg-test", "--in-place"]);
        refused.exits(4);
        let why = format!("the data directory of {name} is broken");
        assert!(refused.all().contains(&why), "{}", refused.all());
        world.sty(&["cluster", "switchover", "pg-test"]).ok();
        writer.settles();
        let (_, next) = primary(world);
        let report = writer.stop(world, next);
        assert_eq!(report.errors, 0, "{report:?}");
        is_a_new_copy(world, node);
    }
}

/// It looks whole, and the server ends whenever it replays what was written to a part of it.
fn a_server_that_dies_of_its_data(world: &World) {
    let (name, node) = replica(world);
    let deadly = has_deadly_data(world, node);
    shows(world, &name, "data_broken");
    is_a_new_copy(world, node);
    deadly.end(world);
}

/// No other one is there to show whether it is for the data: they stay until somebody decides.
fn an_only_replica_that_dies_of_its_data(world: &World) {
    let (_, at) = primary(world);
    let (name, node) = replica(world);
    let mut others = NODES.into_iter().filter(|one| ![at, node].contains(one));
    let other = others.next().expect("another replica");
    world.on(other, "systemctl stop patroni").ok();
    let deadly = has_deadly_data(world, node);
    shows(world, &name, "replay_fails");
    let plan = world.planned();
    assert!(!plan.iter().any(|title| title.contains("anew")), "{plan:?}");
    world.on(node, "ls /pg/data/mark").ok();
    world
        .sty(&["cluster", "reinit", "pg-test", &name, "--confirm", &name])
        .ok();
    world.on(other, "systemctl start patroni").ok();
    is_a_new_copy(world, node);
    deadly.end(world);
}

/// A table, on the primary at this node, that ends a replica's server.
struct Deadly(&'static str);

fn has_deadly_data(world: &World, node: &str) -> Deadly {
    let (_, at) = primary(world);
    let table = "create table deadly as select 1 as id; select pg_relation_filepath('deadly')";
    let file = world.superuser(at, "test", table).ok().text().to_owned();
    let file = file.lines().last().expect("a path").to_owned();
    until("the table to arrive", Duration::from_secs(30), || {
        let there = world.on(node, &format!("test -s /pg/data/{file}"));
        (there.code == 0).then_some(()).ok_or(there.all())
    });
    let breaking = format!("systemctl stop patroni; chmod 0 /pg/data/{file}; touch /pg/data/mark");
    world.on(node, &breaking).ok();
    let more = "insert into deadly select generate_series(1, 1000)";
    world.superuser(at, "test", more).ok();
    world.on(node, "systemctl start patroni").ok();
    Deadly(at)
}

impl Deadly {
    fn end(self, world: &World) {
        world.superuser(self.0, "test", "drop table deadly").ok();
    }
}

/// A replica that was killed looks as one does that died while it replayed. That it does not start
/// again has nothing to do with its data.
fn a_port_that_is_taken_breaks_no_data(world: &World) {
    const TAKE: &str = "\
cat > /run/take.py <<'END'
import errno, signal, socket, time
port = socket.socket()
port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
while True:
    try:
        port.bind(('0.0.0.0', 5432))
        break
    except OSError as taken:
        assert taken.errno == errno.EADDRINUSE
        time.sleep(0.02)
port.listen()
open('/run/taken', 'w')
signal.pause()
END
patroni=$(systemctl show --property=MainPID --value patroni)
kill -STOP $patroni
systemd-run --quiet --unit=take python3 /run/take.py
kill -KILL $(head -1 /pg/data/postmaster.pid)
timeout 20 sh -c 'until [ -e /run/taken ]; do sleep 0.02; done'
touch /pg/data/mark
kill -CONT $patroni";
    let (name, node) = replica(world);
    world.on(node, TAKE).ok();
    shows(world, &name, "start_failed");
    let plan = world.planned();
    assert!(!plan.iter().any(|title| title.contains("anew")), "{plan:?}");
    world.on(node, "systemctl stop take").ok();
    heals_within(world, 90);
    world
        .on(node, "rm /run/take.py /run/taken /pg/data/mark")
        .ok();
}

/// While the cluster is paused they stay so. Once it is resumed, nobody has to do anything: each is
/// copied once, from the primary or from one that was copied before.
fn replicas_without_their_wal_are_copied_anew(world: &World) {
    const COPIES: &str = "journalctl --quiet --unit=patroni --since=@$(cat /run/story-since) \
                          | grep -c 'copying the data here anew'";
    let (leader, at) = primary(world);
    let members = replicas(world);
    world.sty(&["cluster", "pause", "pg-test"]).ok();
    for (name, node) in &members {
        let stop = format!("systemctl stop patroni; {SERVER} stop -m fast");
        world.on(node, &stop).ok();
        shows(world, name, "patroni_stopped");
    }
    for _ in 0..6 {
        let fill = "create temp table filling as select repeat('x', 1000) from \
                    generate_series(1, 100); select pg_logical_emit_message(true, 'story', 'x'), \
                    pg_switch_wal()";
        world.superuser(at, "postgres", fill).ok();
    }
    world.superuser(at, "postgres", "checkpoint").ok();
    for (_, node) in &members {
        let back = format!(
            "touch /pg/data/mark; date +%s > /run/story-since; \
             {SERVER} start -l /tmp/start.log; systemctl start patroni"
        );
        world.on(node, &back).ok();
    }
    for (name, _) in &members {
        shows(world, name, "wal_gone");
    }
    let told = world.sty(&["status"]).stdout;
    assert!(told.contains("is gone from the leader, for "), "{told}");
    world.sty(&["cluster", "resume", "pg-test"]).ok();
    for (_, node) in &members {
        is_a_new_copy(world, node);
        assert_eq!(world.on(node, COPIES).ok().text(), "1", "{node}");
        world.on(node, "rm /run/story-since").ok();
    }
    assert_eq!(primary(world).0, leader);
}

/// Nobody did anything.
fn is_a_new_copy(world: &World, node: &str) {
    heals_within(world, 120);
    let mark = world.on(node, "ls /pg/data/mark");
    assert_ne!(mark.code, 0, "it is the old data");
    world.assert_converged();
}

/// Nothing happens by itself while failover is switched off. The plan says what is to be done, and
/// nothing else; `sty apply` does it.
fn a_paused_cluster_is_mended_when_it_is_asked_for(world: &World) {
    let (name, node) = replica(world);
    world.sty(&["cluster", "pause", "pg-test"]).ok();
    let breaking = format!(
        "systemctl stop patroni; {SERVER} stop -m fast; rm /pg/data/global/pg_control; \
         systemctl start patroni"
    );
    world.on(node, &breaking).ok();
    shows(world, &name, "data_broken");
    let plan = world.planned();
    let copy = format!("copy {name} anew");
    let copies: Vec<&String> = plan.iter().filter(|title| title.contains("anew")).collect();
    assert!(
        matches!(&copies[..], [one] if one.ends_with(&copy)),
        "{plan:?}"
    );
    world.apply();
    world.sty(&["cluster", "resume", "pg-test"]).ok();
    heals_within(world, 30);
    world.assert_converged();
}

fn an_etcd_member_is_not_missed(world: &World) {
    let (_, node) = primary(world);
    let mut writer = Writer::start(world, node);
    writer.settles();
    world
        .on(NODES[1], "systemctl kill --kill-whom=main -s KILL etcd")
        .ok();
    heals_within(world, 30);
    writer.settles();
    let report = writer.stop(world, node);
    assert_eq!(report.errors, 0, "{report:?}");
}

/// A member of it restarts only while the others are a majority.
fn etcd_keeps_its_majority(world: &World) {
    let [first, second, _] = ETCD;
    let began = || {
        let show = "systemctl show --property=ActiveEnterTimestampMonotonic --value etcd";
        world.on(first, show).ok().text().to_owned()
    };
    let before = began();
    world.on(second, "systemctl stop etcd").ok();
    world
        .on(first, "echo '# by hand' >> /etc/etcd/etcd.env")
        .ok();
    let refused = world.sty(&["apply", "--limit", first, "--restart"]);
    assert_ne!(refused.code, 0, "{}", refused.all());
    let words = "without etcd-1 there are 2 members, of which 2 must be healthy and 1 are";
    assert!(refused.all().contains(words), "{}", refused.all());
    assert_eq!(began(), before, "etcd-1 ran on");
    world.sty(&["apply", "--restart"]).ok();
    assert_ne!(began(), before, "etcd-1 has restarted");
    heals_within(world, 30);
}

fn the_primary_stays_while_etcd_is_away(world: &World) {
    const AWAY: Duration = Duration::from_secs(60);
    let (name, node) = primary(world);
    let mut writer = Writer::start(world, node);
    writer.settles();
    for node in ETCD {
        world.on(node, "systemctl stop etcd").ok();
    }
    let told = world.sty(&["status"]).stdout;
    let silent = |line: &&str| line.starts_with("  etcd-") && line.ends_with("no answer");
    assert_eq!(told.lines().filter(silent).count(), ETCD.len(), "{told}");
    assert!(told.contains("running"), "PostgreSQL runs on: {told}");
    let begun = Instant::now();
    // Longer than a primary without etcd and without failsafe mode would stay one.
    while begun.elapsed() < AWAY {
        writer.settles();
    }
    for node in ETCD {
        world.on(node, "systemctl start --no-block etcd").ok();
    }
    heals_within(world, 60);
    let report = writer.stop(world, node);
    assert_eq!(report.errors, 0, "{report:?}");
    assert_eq!(primary(world).0, name);
}
