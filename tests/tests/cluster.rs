//! Four nodes, two clusters: deployed, used, changed, damaged and mended.

#![allow(clippy::expect_used, reason = "a story")]

use std::time::Duration;

use sty_stories::{World, until};

const META: &str = "10.10.10.10";
const TEST: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];

#[test]
fn a_cluster_is_deployed_used_changed_and_mended() {
    let world = World::deployed("story-cluster");
    world.assert_converged();
    healthy(&world);
    rows_flow_through_every_service(&world);
    the_real_programs_accept_what_was_rendered(&world);
    patroni_knows_a_lost_majority_from_a_lost_lease(&world);
    patroni_knows_that_it_has_no_token(&world);
    patroni_confirms_no_lead_that_has_ended(&world);
    a_timeline_is_claimed_by_one(&world);
    an_opening_that_comes_late_opens_nothing(&world);
    an_opening_that_takes_too_long_leaves_the_one_before(&world);
    nobody_is_promoted_whose_lead_has_ended(&world);
    all_that_die_alike_keep_their_data(&world);
    who_lacks_log_is_copied_one_after_the_other(&world);
    copies_are_made_of_who_has_the_leaders_log(&world);
    an_etcd_that_is_away_ends_no_patroni_that_wants_a_copy(&world);
    patroni_ends_without_keeping_a_lock(&world);
    pgbench_runs_through_every_service(&world);
    jobs_have_somebody_to_run_them(&world);
    an_administrator_who_goes_loses_root_s_rights(&world);
    a_copy_of_the_inventory_wants_nothing(&world);
    every_module_alone_wants_nothing(&world);
    a_renamed_cluster_is_refused(&world);
    an_etcd_elsewhere_is_refused(&world);
    names_and_ports_changed_by_hand_are_drift(&world);
    a_cluster_that_left_the_inventory_keeps_its_ways(&world);
    a_password_that_etcd_does_not_accept_reaches_no_file(&world);
    patroni_that_started_with_a_wrong_password_is_restarted(&world);
    psql_opens_by_one_command(&world);
    a_server_that_stands_still_is_told_by_its_name(&world);
}

/// Nobody else is called silent for it, and who is connected is served on.
fn a_server_that_stands_still_is_told_by_its_name(world: &World) {
    let signal = |name: &str| {
        let script = format!("kill -{name} $(head -1 /pg/data/postmaster.pid)");
        world.on(META, &script).ok();
    };
    signal("STOP");
    let (code, status) = world.status();
    signal("CONT");
    assert_eq!(code, 1, "{status:#}");
    let mut clusters = status["clusters"].as_array().into_iter().flatten();
    let meta = clusters.find(|cluster| cluster["name"] == "pg-meta");
    let meta = meta.expect("the cluster of the node");
    assert_eq!(meta["leader"], "pg-meta-1", "{status:#}");
    let problem = meta["members"][0]["problem"].as_str().unwrap_or_default();
    assert!(problem.ends_with("no answer"), "{status:#}");
    assert_eq!(
        status["problems"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
    world.sty(&["status", "--wait", "30"]).ok();
}

fn jobs_have_somebody_to_run_them(world: &World) {
    let cluster = "        pg_cluster: pg-test\n";
    let jobs = "        node_crontab: [ '@daily root true' ]\n        \
                pg_crontab: [ '30 3 * * * true' ]\n";
    world.replace(cluster, &format!("{cluster}{jobs}"));
    world.apply();
    world.assert_converged();
    let there = "systemctl is-active cron && grep -x '@daily root true' /etc/cron.d/sty \
                 && grep -x '30 3 \\* \\* \\* postgres true' /etc/cron.d/sty-postgres";
    world.on(TEST[0], there).ok();
    world.replace(jobs, "");
    world.apply();
    world
        .on(TEST[0], "! ls /etc/cron.d/sty /etc/cron.d/sty-postgres")
        .ok();
}

fn an_administrator_who_goes_loses_root_s_rights(world: &World) {
    let vars = "\n  vars:\n";
    let second = format!("{vars}    node_admin_username: second\n");
    world.replace(vars, &second);
    world.apply();
    world.assert_converged();
    let rules = "cd /etc/sudoers.d; ls sty-*; grep -h ALL sty-second";
    assert_eq!(
        world.on(META, rules).ok().text(),
        "sty-postgres\nsty-second\nsecond ALL=(ALL:ALL) NOPASSWD: ALL"
    );
    let none = format!("{vars}    node_admin_enabled: false\n");
    world.replace(&second, &none);
    world.apply();
    assert_eq!(
        world.on(META, "ls /etc/sudoers.d/sty-*").text(),
        "/etc/sudoers.d/sty-postgres"
    );
    world.replace(&none, vars);
    world.apply();
    world.assert_converged();
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

/// Nodes are not told of what other modules should have there, and take none of it for strange.
fn every_module_alone_wants_nothing(world: &World) {
    for module in ["node", "etcd", "pgsql"] {
        world.sty(&["plan", "-m", module, "--exit-code"]).ok();
    }
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

/// Nobody would find etcd at another port before all have restarted: nothing is done at all.
fn an_etcd_elsewhere_is_refused(world: &World) {
    let digest = "sha256sum /etc/etcd/etcd.env /etc/patroni/patroni.yml";
    let files = || TEST.map(|node| world.on(node, digest).stdout);
    let kept = files();
    let before = std::fs::read_to_string(world.inventory()).expect("the inventory");
    world.replace("\n  vars:\n", "\n  vars:\n    etcd_port: 12379\n");
    let ran = world.sty(&["apply"]);
    ran.exits(1);
    assert!(
        ran.all().contains("set `etcd_port` back to 2379"),
        "{}",
        ran.all()
    );
    assert_eq!(files(), kept);
    world.edit(|_| before);
    world.assert_converged();
    world.sty(&["status"]).ok();
}

/// Who runs knows better than the file who and where it is.
fn names_and_ports_changed_by_hand_are_drift(world: &World) {
    let etcd = "sed -i '/^ETCD_ADVERTISE_CLIENT/s/2379/2399/' /etc/etcd/etcd.env";
    world.on(META, etcd).ok();
    let patroni = |edit: &str| format!("sed -i '{edit}' /etc/patroni/patroni.yml");
    world
        .on(TEST[0], &patroni("s/^scope: .*/scope: pg-foo/"))
        .ok();
    let stopped = format!(
        "{}; systemctl stop patroni",
        patroni("s/^name: .*/name: foo/")
    );
    world.on(TEST[2], &stopped).ok();
    world.sty(&["plan", "--exit-code"]).exits(3);
    world.sty(&["apply", "--restart"]).ok();
    world.assert_converged();
    world.sty(&["status"]).ok();
}

/// Its node stays, for etcd: who comes in there by HAProxy is not thrown out.
fn a_cluster_that_left_the_inventory_keeps_its_ways(world: &World) {
    let before = std::fs::read_to_string(world.inventory()).expect("the inventory");
    world.edit(|text| {
        let (start, rest) = text.split_once("    # One instance.").expect("pg-meta");
        let (_, end) = rest.split_once("    # Three instances").expect("pg-test");
        format!("{start}    # Three instances{end}")
    });
    let ran = world.sty(&["apply"]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    for told in [
        "pg-meta-1",
        "would close the ways",
        "sty cluster remove pg-meta",
    ] {
        assert!(ran.all().contains(told), "{told}: {}", ran.all());
    }
    let mut knock = world.inside("pg_isready");
    knock.args(["-h", META, "-p", "5433", "-d", "meta", "-U", "dbuser_meta"]);
    sty_stories::run(knock).ok();
    world.edit(|_| before);
    world.apply();
    world.assert_converged();
}

/// From root's password in etcd follow the clusters': with others Patroni could not go on.
fn a_password_that_etcd_does_not_accept_reaches_no_file(world: &World) {
    let digest = |node| world.on(node, "sha256sum /etc/patroni/patroni.yml").stdout;
    let files = TEST.map(digest);
    let before = std::fs::read_to_string(world.inventory()).expect("the inventory");
    world.edit(|text| {
        let lines = text
            .lines()
            .map(|line| match line.find("etcd_root_password:") {
                Some(at) => format!("{}etcd_root_password: not-the-one-etcd-has", &line[..at]),
                None => line.to_owned(),
            });
        lines.collect::<Vec<_>>().join("\n")
    });
    let ran = world.sty(&["apply"]);
    ran.exits(1);
    for told in ["does not accept the password", "etcdctl user passwd root"] {
        assert!(ran.all().contains(told), "{told}: {}", ran.all());
    }
    assert_eq!(TEST.map(digest), files);
    world.edit(|_| before);
    world.assert_converged();
}

/// It waits for etcd then, and reads no file again by itself.
fn patroni_that_started_with_a_wrong_password_is_restarted(world: &World) {
    let wrong = "sed -i '/^etcd3:/,/^[a-z]/s/password:.*/password: wrong/' /etc/patroni/patroni.yml \
                 && systemctl restart patroni";
    world.on(TEST[2], wrong).ok();
    world.apply();
    world.assert_converged();
    world.sty(&["status", "--wait", "60"]).ok();
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

/// What `script` prints, which has what starts Patroni as `start`.
fn beside_patronis_start(world: &World, script: &str) -> String {
    beside_patronis_start_on(world, TEST[0], script)
}

fn beside_patronis_start_on(world: &World, node: &str, script: &str) -> String {
    const START: &str = r#"
import importlib.util, sys
sys.path.insert(0, "/etc/patroni")
spec = importlib.util.spec_from_file_location("start", "/etc/patroni/within-lease.py")
start = importlib.util.module_from_spec(spec)
spec.loader.exec_module(start)
"#;
    let ran = world.on(node, &format!("python3 - <<'END'{START}{script}END"));
    ran.ok().text().to_owned()
}

/// As etcd answers a renewal. Taken for a lost lease, it would end the lead in spite of failsafe mode.
fn patroni_knows_a_lost_majority_from_a_lost_lease(world: &World) {
    const SCRIPT: &str = r#"
from patroni.dcs import etcd3
read = start.unwrapped(etcd3._raise_for_data)
def told(code, message):
    return [type(read(answer, 503)).__name__ for answer in (
        {"error": {"code": code, "message": message}}, {"error": message, "code": code})]
print(*told(14, "etcdserver: no leader"), *told(5, "etcdserver: requested lease not found"))
"#;
    let known = "Unavailable Unavailable LeaseNotFound LeaseNotFound";
    assert_eq!(beside_patronis_start(world, SCRIPT), known);
}

/// As etcd answers who has no token, which two threads of Patroni's can take from each other. A
/// primary that does not know this answer asks for no other one, and never leads again.
fn patroni_knows_that_it_has_no_token(world: &World) {
    const SCRIPT: &str = r#"
import json, ssl, urllib.error, urllib.request
from patroni.dcs import etcd3
trust = ssl.create_default_context(cafile="/etc/pki/ca.crt")
try:
    urllib.request.urlopen("https://127.0.0.1:2379/v3/kv/range", b'{"key": "YQ=="}', context=trust)
except urllib.error.HTTPError as refused:
    reply = json.load(refused)
read = start.unwrapped(etcd3._raise_for_data)
print(type(etcd3._raise_for_data(reply, 400)).__name__, type(read(reply, 400)).__name__)
"#;
    let ran = beside_patronis_start(world, SCRIPT);
    assert!(ran.ends_with("UserEmpty"), "{ran}");
}

/// Others may lead, who have not said so yet: that all agree to go on without etcd is worth nothing.
fn patroni_confirms_no_lead_that_has_ended(world: &World) {
    const SCRIPT: &str = r#"
import patroni.postgresql
from patroni import ha
ha.Ha.check_failsafe_topology = lambda self: True
Lease = start.within_lease(ha.Ha, start.Clock(), Exception)
one = Lease.__new__(Lease)
def confirmed(ends):
    one.lead_ends = ends
    return one.check_failsafe_topology()
print(confirmed(start.now() - 1), confirmed(start.now() + 9), confirmed(float("inf")))
"#;
    assert_eq!(beside_patronis_start(world, SCRIPT), "False True True");
}

/// A promotion that stood still goes on when another may lead, whether the lease has ended, or the
/// lead with it, which Patroni's main thread may notice first.
fn nobody_is_promoted_whose_lead_has_ended(world: &World) {
    const SCRIPT: &str = r#"
import time, types
import patroni.postgresql
from patroni import ha
import timelines
timelines.claim = lambda *about: None
ha.Ha.set_is_leader = lambda self, value: None
patroni.postgresql.Postgresql.promote = lambda self, wait, task, before: before() or "promoted"
patroni.postgresql.Postgresql.pg_control_timeline = lambda self: 1
Lease = start.within_lease(ha.Ha, start.Clock(), Exception)
Server = start.of_our_own(patroni.postgresql.Postgresql)
Server.wal_dir, Server.is_running = "/tmp", lambda self: True
def promoted(*leads, lease=60):
    one, server = Lease.__new__(Lease), Server.__new__(Server)
    one.state_handler, one.asking, one.dcs = server, False, types.SimpleNamespace(ttl=lease)
    server.dcs = one.dcs
    one.lead_until = lambda end: setattr(one, "lead_ends", end)
    server.lead_has_ended = one.lead_has_ended
    for value in leads:
        one.set_is_leader(value)
    time.sleep(0.1)
    try:
        return server.promote(1, None)
    except RuntimeError:
        return "refused"
print(promoted(True), promoted(True, lease=0), promoted(True, False), promoted(True, False, True))
"#;
    let told = "promoted refused refused promoted";
    assert_eq!(beside_patronis_start(world, SCRIPT), told);
}

/// In the cluster's own etcd, under another key. What only keeps a number taken is not followed.
fn a_timeline_is_claimed_by_one(world: &World) {
    const SCRIPT: &str = r#"
import os, tempfile
from patroni.config import Config
from patroni.dcs import get_dcs
import timelines
dcs = get_dcs(Config("/etc/patroni/patroni.yml"))
timelines.KEY = "story"
wal = tempfile.mkdtemp()
def claim(own):
    timelines.claim(dcs, wal, own)
    return timelines.claimed(dcs), sorted(os.listdir(wal))
print(*claim(1), *claim(1), end=" ")
seen = timelines.noted(dcs)
claim(1)
timelines.noted = lambda dcs: seen
try:
    claim(1)
except RuntimeError as refused:
    print(refused, end=" ")
with open(os.path.join(wal, "00000003.history"), "w") as real:
    print("1 0/5000000 no recovery target specified", file=real)
with open(os.path.join(wal, "00000005.history"), "w") as taken:
    taken.write(timelines.TAKEN)
timelines.forget_unused(wal)
print(*sorted(os.listdir(wal)))
dcs._client.deleterange(dcs.client_path("story"))
"#;
    let ran = beside_patronis_start(world, SCRIPT);
    let told = "2 [] 3 ['00000002.history'] another member claims a timeline at the same time \
                00000002.history 00000003.history";
    assert_eq!(ran, told);
}

/// The program that opens the gate stood still until the lease was over.
fn an_opening_that_comes_late_opens_nothing(world: &World) {
    const SCRIPT: &str = r#"
import time, lease_gate
def late(lease, seconds):
    gate, asked = lease_gate.Gate(), []
    apply, gate.apply = gate.apply, asked.append
    end = lease_gate.now() + lease_gate.MARGIN_SECONDS + lease
    gate.open_until(end)
    while seconds and lease_gate.now() < end + seconds:
        time.sleep(0.1)
    return apply(asked[0])
print(late(LATE))
"#;
    let node = TEST[2];
    let answers = || world.sql(node, 5432, "test", "test", "select 1").code == 0;
    for (late, open) in [("60, 0", true), ("1, 0.1", false)] {
        let script = SCRIPT.replace("LATE", late);
        assert_eq!(beside_patronis_start_on(world, node, &script), "True");
        assert_eq!(answers(), open, "lease, and how late: {late}");
    }
    world.on(node, "nft delete table inet sty_lease").ok();
    assert!(answers());
}

/// On a node under pressure what is open stays so until its end, and ends then.
fn an_opening_that_takes_too_long_leaves_the_one_before(world: &World) {
    const SCRIPT: &str = r#"
import os, subprocess, lease_gate
nft, slow = lease_gate.NFT, "/run/slow-nft"
def there():
    return subprocess.run([nft, "list", "table", "inet", "sty_lease"], capture_output=True).returncode == 0
def opened(program):
    lease_gate.NFT = program
    lease_gate.Gate().open_until(lease_gate.now() + 60)
    return there()
with open(slow, "w") as script:
    script.write('#!/bin/sh\nexec sleep 60\n')
os.chmod(slow, 0o755)
print(opened(nft), opened(slow))
os.unlink(slow)
"#;
    let node = TEST[2];
    let there = beside_patronis_start_on(world, node, SCRIPT);
    assert_eq!(there, "True True");
    world.on(node, "nft delete table inet sty_lease").ok();
}

/// Members as they tell of themselves.
const MEMBERS: &str = r#"
import types, fresh_copy
def member(name, state, replication=None, version="4.0.7", **tags):
    data = {"state": state, "version": version}
    if replication:
        data["replication_state"] = replication
    return types.SimpleNamespace(name=name, data=data, tags=tags)
def copy(name, *others, **more):
    leader = member("a", "running")
    cluster = types.SimpleNamespace(leader=leader, members=[leader, member(name, "running"), *others])
    server = types.SimpleNamespace(name=name, data_dir="/pg/data")
    return fresh_copy.FreshCopy(types.SimpleNamespace(cluster=cluster, state_handler=server, **more))
"#;

/// One that has died three times has its data copied only while another one lives with the same.
fn all_that_die_alike_keep_their_data(world: &World) {
    const SCRIPT: &str = r#"
def dies(*others):
    one = copy("b", *others)
    one.deaths = 3
    assert one.keeps_dying()
    return one.dies_of_its_data()
print(*map(dies, (
    member("c", "running", "streaming"), member("c", "running", version="3.0.2"),
    member("c", "running"), member("c", "start failed"), member("c", "running", "in archive recovery"),
    member("c", "running", "streaming", delay="1h"))), dies())
"#;
    let told = beside_patronis_start(world, &format!("{MEMBERS}{SCRIPT}"));
    assert_eq!(told, "True True False False False False False");
}

/// While those that lack log are copied, the primary has the only other data.
fn who_lacks_log_is_copied_one_after_the_other(world: &World) {
    const SCRIPT: &str = r#"
print(copy("b", member("c", "running")).turn(), copy("c", member("b", "running")).turn(),
      copy("c", member("b", "running", "streaming")).turn(),
      any(map(fresh_copy.is_copied, copy("b", member("c", "creating replica")).others())))
"#;
    let told = beside_patronis_start(world, &format!("{MEMBERS}{SCRIPT}"));
    assert_eq!(told, "0 1 0 True");
}

/// A copy of one that lacks log would lack it as well.
fn copies_are_made_of_who_has_the_leaders_log(world: &World) {
    const SCRIPT: &str = r#"
import json
from patroni.dcs import Cluster, Member
def cluster(**replicas):
    def one(name, replication):
        data = {"state": "running", "version": "4.0.7", "tags": {"clonefrom": True},
                "conn_url": "postgres://127.0.0.1", "replication_state": replication}
        return Member.from_node(1, name, "", json.dumps(data))
    members = [one("a", None), *(one(name, how) for name, how in replicas.items())]
    leader = types.SimpleNamespace(name="a")
    empty = Cluster.empty()
    fields = {name: getattr(empty, name) for name in empty._fields}
    return Cluster(**{**fields, "leader": leader, "members": members})
choose = fresh_copy.clone_member(Cluster.get_clone_member)
print(choose(cluster(b="streaming", c=None), "c").name, choose(cluster(b=None, c=None), "c").name,
      choose(cluster(b="streaming", c="streaming"), "b").name)
"#;
    let told = beside_patronis_start(world, &format!("{MEMBERS}{SCRIPT}"));
    assert_eq!(told, "b a c");
}

/// Patroni ends by what escapes from there, and the primary goes on without etcd only while every
/// member answers.
fn an_etcd_that_is_away_ends_no_patroni_that_wants_a_copy(world: &World) {
    const SCRIPT: &str = r#"
asked = []
def reinitialize():
    asked.append(1)
    raise RuntimeError("etcd has no leader")
one = copy("b", reinitialize=reinitialize, _async_executor=types.SimpleNamespace(busy=False))
one.count_deaths = one.tell_deaths = lambda: None
one.reason = lambda: ("it is broken", fresh_copy.SEEN)
for _ in range(4):
    one.look()
print(len(asked))
"#;
    let told = beside_patronis_start(world, &format!("{MEMBERS}{SCRIPT}"));
    assert_eq!(told, "2");
}

/// It is told to stop while it writes its log, again and again until a lock is kept by itself, and
/// five times as often as that took. With a lock kept, it would stop PostgreSQL and wait for itself.
fn patroni_ends_without_keeping_a_lock(world: &World) {
    const SCRIPT: &str = r#"
import random, signal
from patroni.daemon import AbstractPatroniDaemon
from patroni.log import QueueHandler

class Daemon(AbstractPatroniDaemon):
    def __init__(self):
        self.setup_signal_handlers()
    def _run_cycle(self): pass
    def _shutdown(self): pass

def work(daemon, handler):
    record = start.logger.makeRecord("x", 20, "", 0, "no action", (), None)
    signal.setitimer(signal.ITIMER_REAL, (1 + random.random()) / 1000)
    while not daemon.received_sigterm:
        handler.emit(record)

def kept():
    handler, daemon = QueueHandler(), Daemon()
    signal.signal(signal.SIGALRM, daemon.sigterm_handler)
    try:
        work(daemon, handler)
    except SystemExit:
        pass
    return not handler.queue.mutex.acquire(blocking=False)

tries = next(number for number in range(1, 10000) if kept())
start.STOP_AGAIN_SECONDS = 0.001
start.stop_safely(AbstractPatroniDaemon)
print(any(kept() for _ in range(max(300, 5 * tries))))
"#;
    assert_eq!(beside_patronis_start(world, SCRIPT), "False");
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
