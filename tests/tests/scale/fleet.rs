//! The fleet of this story and the inventory it is edited in.

use std::ops::Deref;
use std::time::Duration;

use sty_stories::{World, until};

/// Runs etcd and the cluster `pg-test2`.
pub(crate) const NEIGHBOUR: &str = "10.10.10.10";
/// The members of `pg-test`.
pub(crate) const TEST: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];

const THIRD: &str =
    "        10.10.10.13: { pg_seq: 3, pg_role: replica, pg_offline_query: true }\n";
const OTHER_PLACE: &str = "  vars:\n    admin_ip";
const OTHER: &str = "    pg-other:\n      hosts:\n        10.10.10.13: { pg_seq: 1, pg_role: primary }\n      \
    vars: { pg_cluster: pg-other }\n";
const ETCD: [&str; 2] = [
    "        10.10.10.11: { etcd_seq: 2 }\n",
    "        10.10.10.12: { etcd_seq: 3 }\n",
];
const FIRST_ETCD: &str = "        10.10.10.10: { etcd_seq: 1 }\n";
const ELSEWHERE: &str = "        10.10.10.11: { etcd_seq: 1 }\n";
const SECOND: &str = "        10.10.10.12: { pg_seq: 2, pg_role: replica }\n";

/// A world with this story's inventory.
pub(crate) struct Fleet(World);

impl Deref for Fleet {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Fleet {
    /// Four nodes, of which three are in the inventory: one etcd member, `pg-test2` on the same
    /// node, and two members of `pg-test`.
    pub(crate) fn deployed(sandbox: &str) -> Self {
        let world = World::deployed(sandbox);
        let remove = ["cluster", "remove", "pg-meta", "--confirm", "pg-meta"];
        world.sty(&remove).ok();
        world.edit(|text| text.replace("pg-meta", "pg-test2"));
        let fleet = Self(world);
        fleet.drop_third();
        fleet.drop_etcd();
        let members = ["pg-test-3", "etcd-2", "etcd-3"];
        let confirmed = members.map(|member| ["--confirm", member]).concat();
        fleet.sty(&[&["apply"], &confirmed[..]].concat()).ok();
        fleet.settle();
        fleet
            .sql(
                TEST[0],
                5433,
                "test",
                "test",
                "create table story (at timestamptz default now(), id serial)",
            )
            .ok();
        fleet
            .sql(
                NEIGHBOUR,
                5433,
                "dbuser_meta",
                "meta",
                "create table story (id int); insert into story values (2)",
            )
            .ok();
        fleet
    }

    /// All is healthy, and nothing is left to do.
    pub(crate) fn settle(&self) {
        self.sty(&["status", "--wait", "60"]).ok();
        self.assert_converged();
    }

    /// Puts the third member of `pg-test` in.
    pub(crate) fn add_third(&self) {
        self.edit(|text| text.replacen(SECOND, &format!("{SECOND}{THIRD}"), 1));
    }

    /// Takes it out.
    pub(crate) fn drop_third(&self) {
        self.replace(THIRD, "");
    }

    /// Gives the third node to a cluster of its own.
    pub(crate) fn add_other(&self) {
        self.replace(OTHER_PLACE, &format!("{OTHER}{OTHER_PLACE}"));
    }

    /// And not any more.
    pub(crate) fn drop_other(&self) {
        self.replace(OTHER, "");
    }

    /// Puts the etcd member with this index (1, 2) in.
    pub(crate) fn add_etcd(&self) {
        self.edit(|text| {
            text.replacen(
                FIRST_ETCD,
                &format!("{FIRST_ETCD}{}{}", ETCD[0], ETCD[1]),
                1,
            )
        });
    }

    /// Puts the only etcd member on another host.
    pub(crate) fn move_etcd(&self) {
        self.replace(FIRST_ETCD, ELSEWHERE);
    }

    /// And back.
    pub(crate) fn move_etcd_back(&self) {
        self.replace(ELSEWHERE, FIRST_ETCD);
    }

    /// Takes all etcd members but the first out.
    pub(crate) fn drop_etcd(&self) {
        for member in ETCD {
            self.replace(member, "");
        }
    }

    /// The member of `pg-test` that leads, and the timeline.
    pub(crate) fn leader(&self) -> Option<(String, u64)> {
        let (_, status) = self.status();
        let clusters = status["clusters"].as_array()?;
        let cluster = clusters
            .iter()
            .find(|cluster| cluster["name"] == "pg-test")?;
        let name = cluster["leader"].as_str()?.to_owned();
        Some((name, cluster["timeline"].as_u64()?))
    }

    /// Waits until the rows of `pg-test` seen through `port` of `entry` are at least `count`.
    pub(crate) fn rows_arrive(&self, entry: &str, port: u16, count: i64) {
        until("the rows arrive", Duration::from_secs(30), || {
            let ran = self.sql(entry, port, "test", "test", "select count(*) from story");
            match ran.text().parse::<i64>() {
                Ok(found) if found >= count => Ok(()),
                _ => Err(ran.all()),
            }
        });
    }

    /// Rows of `pg-test`, asked of the primary.
    pub(crate) fn rows(&self) -> i64 {
        let ran = self.sql(TEST[1], 5433, "test", "test", "select count(*) from story");
        ran.ok().text().parse().expect("a number")
    }

    /// `pg-test2` serves reads and writes.
    pub(crate) fn neighbour_serves(&self) {
        let ran = self.sql(
            NEIGHBOUR,
            5433,
            "dbuser_meta",
            "meta",
            "update story set id = id; select sum(id) from story",
        );
        assert_eq!(ran.ok().text(), "2");
    }

    /// Keys in etcd below `prefix`, as `root`, asked on the first node.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let script = format!("{} get --prefix --keys-only {prefix}", self.etcdctl());
        let ran = self.on(NEIGHBOUR, &script);
        let lines = ran.ok().stdout.lines();
        lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Users that etcd knows.
    pub(crate) fn etcd_users(&self) -> Vec<String> {
        let ran = self.on(NEIGHBOUR, &format!("{} user list", self.etcdctl()));
        ran.ok().stdout.lines().map(str::to_owned).collect()
    }

    /// As somebody does by hand.
    pub(crate) fn set_etcd_password(&self, user: &str, password: &str) {
        let etcdctl = self.etcdctl();
        let script =
            format!("echo {password} | env {etcdctl} user passwd {user} --interactive=false");
        self.on(NEIGHBOUR, &script).ok();
    }

    /// As somebody does by hand.
    pub(crate) fn add_etcd_user(&self, user: &str, password: &str) {
        let etcdctl = self.etcdctl();
        let script = format!("echo {password} | env {etcdctl} user add {user} --interactive=false");
        self.on(NEIGHBOUR, &script).ok();
    }

    /// And takes back.
    pub(crate) fn delete_etcd_user(&self, user: &str) {
        let script = format!("{} user delete {user}", self.etcdctl());
        self.on(NEIGHBOUR, &script).ok();
    }

    /// Members of etcd by name.
    pub(crate) fn etcd_members(&self) -> Vec<String> {
        let ran = self.on(NEIGHBOUR, &format!("{} member list", self.etcdctl()));
        let name = |line: &str| line.split(", ").nth(2).unwrap_or_default().to_owned();
        let mut names: Vec<String> = ran.ok().stdout.lines().map(name).collect();
        names.sort();
        names
    }

    /// Has etcd let everybody in.
    pub(crate) fn disable_etcd_auth(&self) {
        let script = format!("{} auth disable", self.etcdctl());
        self.on(NEIGHBOUR, &script).ok();
    }

    fn etcdctl(&self) -> String {
        let text = std::fs::read_to_string(self.inventory()).expect("the inventory can be read");
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("etcd_root_password:"));
        let password = line.expect("the inventory has etcd's password").trim();
        format!(
            "ETCDCTL_USER=root ETCDCTL_PASSWORD={password} etcdctl --cacert /etc/pki/ca.crt \
             --endpoints https://127.0.0.1:2379"
        )
    }
}

/// Actions of a plan on nodes other than `except`.
pub(crate) fn elsewhere<'a>(planned: &'a [String], except: &str) -> Vec<&'a str> {
    let own = format!("{except}: ");
    planned
        .iter()
        .map(String::as_str)
        .filter(|title| !title.starts_with(&own))
        .collect()
}
