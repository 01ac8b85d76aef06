//! A subscriber in another cluster, over a switchover and a failover of its publisher.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use sty_stories::World;
use sty_stories::drill::drilled;

use super::view::{gives, leader, member, shows};
use super::{OTHER, TEST, set};

const HOSTS: &str = "host=10.10.10.11,10.10.10.12,10.10.10.13 target_session_attrs=read-write";
const ALL: &str =
    "select count(*), count(distinct id), md5(string_agg(id::text, ',' order by id)) from feed";

/// Inserts numbers one after the other and notes those that were acknowledged.
struct Writer {
    child: Child,
    ledger: PathBuf,
}

impl Writer {
    fn start(world: &World) -> Self {
        let ledger = world.home().join("acknowledged");
        let target =
            format!("{HOSTS} port=5436 user=test dbname=test sslmode=require connect_timeout=2");
        let script = format!(
            "i=0; while i=$((i + 1)); do psql -X -q -c \"insert into feed values ($i)\" \
             '{target}' && echo $i; done"
        );
        let file = fs::File::create(&ledger).expect("a ledger");
        let mut command = world.inside("sh");
        command
            .args(["-c", &script])
            .env("PGPASSFILE", world.passwords())
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(Stdio::null());
        let child = command.spawn().expect("a shell can be started");
        Self { child, ledger }
    }

    fn acknowledged(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.ledger).expect("the ledger");
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until more rows are acknowledged than were.
    fn goes_on(&self) {
        let before = self.acknowledged().len();
        sty_stories::until(
            "rows are written",
            std::time::Duration::from_secs(60),
            || match self.acknowledged().len() {
                now if now > before + 5 => Ok(()),
                now => Err(format!("{now} rows")),
            },
        );
    }

    fn stop(mut self) -> Vec<String> {
        self.child.kill().expect("the shell can be ended");
        self.child.wait().expect("the shell ends");
        self.acknowledged()
    }
}

/// Any replica may take over with all that was acknowledged, and the slots are there already.
pub(crate) fn a_subscriber_misses_and_repeats_nothing(world: &World) {
    world.replace("pg_rpo: 1048576", "pg_rpo: quorum");
    let on = "pg_parameters: { sync_replication_slots: on }";
    set(world, "pg_cluster: pg-test", on);
    world.apply();
    shows(world, "both replicas are waited for", |cluster| {
        ["pg-test-2", "pg-test-3"]
            .iter()
            .all(|name| member(cluster, name, "synchronous") == "quorum")
    });
    subscribe(world);
    copies_are_ready(world);
    let writer = Writer::start(world);
    writer.goes_on();
    world.sty(&["cluster", "switchover", "pg-test"]).ok();
    writer.goes_on();
    copies_are_ready(world);
    let lost = node_of(&leader(world));
    world.sandbox(&["kill", lost]).ok();
    writer.goes_on();
    world.sandbox(&["start", lost]).ok();
    let acknowledged = writer.stop();
    world.sty(&["status", "--wait", "60"]).ok();
    let primary = node_of(&leader(world));
    let list = format!("values ({})", acknowledged.join("), ("));
    let lacking =
        format!("select count(*) from ({list}) as a (id) where id not in (select id from feed)");
    gives(world, primary, "test", &lacking, "0");
    let published = world.superuser(primary, "test", ALL);
    gives(world, OTHER, "meta", ALL, published.ok().text());
    copies_are_ready(world);
    assert_eq!(drilled(world, "node-freeze").lost_rows(), 0);
    unsubscribe(world);
}

/// The subscriber's table has no key: a row that came twice would be there twice.
fn subscribe(world: &World) {
    let sql = "create table feed (id bigint); create publication feed for table feed";
    world.sql(TEST[0], 5436, "test", "test", sql).ok();
    let password = password(world, "dbuser_dba");
    let sql = format!(
        "create subscription feed connection '{HOSTS} port=5432 dbname=test user=dbuser_dba \
         password={password} sslmode=require' publication feed with (failover = true)"
    );
    world
        .superuser(OTHER, "meta", "create table feed (id bigint)")
        .ok();
    world.superuser(OTHER, "meta", &sql).ok();
}

fn unsubscribe(world: &World) {
    world
        .superuser(OTHER, "meta", "drop subscription feed")
        .ok();
}

/// Every replica has a copy that it would go on with as a primary.
fn copies_are_ready(world: &World) {
    const READY: &str = "select count(*) from pg_replication_slots where slot_name = 'feed' \
        and failover and not temporary and invalidation_reason is null \
        and (synced or not pg_is_in_recovery())";
    for node in TEST {
        gives(world, node, "postgres", READY, "1");
    }
}

fn node_of(member: &str) -> &'static str {
    let number = member.trim_start_matches("pg-test-").parse::<usize>();
    TEST[number.expect("pg-test-1 to 3") - 1]
}

fn password(world: &World, user: &str) -> String {
    let text = fs::read_to_string(world.passwords()).expect("the password file");
    let mut lines = text.lines();
    let found = lines.find_map(|line| line.strip_prefix(&format!("*:*:*:{user}:")));
    found.expect("its password").to_owned()
}
