//! The nodes of the story, its inventory and what it knows to ask of them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use sty_stories::{Ran, World, run};

/// Nodes of `pg-test`, in the order of its members.
pub(crate) const NODES: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];
/// Passwords that the story gives out.
pub(crate) const PASSWORDS: [&str; 4] = [
    "Seaside-41-first",
    "Hillside-42-second",
    "Farside-43-third",
    "Broadside-44-fourth",
];

/// A deployed world.
pub(crate) struct Stage {
    pub(crate) world: World,
    /// What was changed, and the seconds that its apply took.
    times: RefCell<Vec<(String, f64)>>,
    /// Everything that `sty` said.
    said: RefCell<String>,
}

impl Stage {
    /// A deployed fleet.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            world: World::deployed(name),
            times: RefCell::default(),
            said: RefCell::default(),
        }
    }

    /// Runs `sty` and keeps what it said.
    pub(crate) fn sty(&self, arguments: &[&str]) -> Ran {
        let ran = self.world.sty(arguments);
        self.said.borrow_mut().push_str(&ran.all());
        ran
    }

    /// Everything that `sty` said so far.
    pub(crate) fn said(&self) -> String {
        self.said.borrow().clone()
    }

    /// `sty apply`, timed.
    pub(crate) fn apply(&self, what: &str, options: &[&str]) -> Ran {
        let ran = self.sty(&[&["apply"], options].concat());
        let time = (what.to_owned(), ran.took.as_secs_f64());
        self.times.borrow_mut().push(time);
        ran
    }

    pub(crate) fn converged(&self) {
        self.sty(&["plan", "--exit-code"]).ok();
    }

    /// Asserts that the plan is exactly `expected`, lines of [`Stage::plan`].
    #[track_caller]
    pub(crate) fn planned(&self, expected: &[String]) {
        assert_same(&self.plan(), expected);
    }

    /// Actions of the plan as `11 title`, with what each node's address ends in; held ones as
    /// `11 title (held)`.
    pub(crate) fn plan(&self) -> Vec<String> {
        let ran = self.sty(&["plan", "--output", "json", "--exit-code"]);
        assert!(matches!(ran.code, 0 | 3), "{}", ran.all());
        let lines = planned(&ran);
        assert_eq!(
            ran.code == 3,
            !lines.is_empty(),
            "3 means that there is something to do"
        );
        lines
    }

    /// What is planned is exactly `expected`, and applying it works. That nothing is left to do
    /// shows in the next plan: at the end of every chapter at the latest.
    #[track_caller]
    pub(crate) fn changes(&self, what: &str, expected: &[String]) {
        let ran = self.apply(what, &["--output", "json"]);
        assert_same(&planned(ran.ok()), expected);
    }

    /// Adds an entry to a list of cluster `pg-test`, which is made when there is none.
    pub(crate) fn add(&self, list: &str, entry: &str) {
        self.edit(|text| {
            let head = format!("        {list}:\n");
            let line = format!("          - {entry}\n");
            if text.contains(&head) {
                text.replacen(&head, &format!("{head}{line}"), 1)
            } else {
                format!("{head}{line}{text}")
            }
        });
    }

    /// Gives cluster `pg-test` a variable.
    pub(crate) fn set(&self, variable: &str) {
        self.edit(|text| format!("        {variable}\n{text}"));
    }

    /// Replaces what is written about cluster `pg-test`.
    pub(crate) fn swap(&self, from: &str, to: &str) {
        self.edit(|text| {
            assert!(text.contains(from), "no `{from}` in\n{text}");
            text.replacen(from, to, 1)
        });
    }

    /// Takes every line with `part` out of cluster `pg-test`.
    pub(crate) fn take_out(&self, part: &str) {
        self.edit(|text| {
            let lines = text.lines().filter(|line| !line.contains(part));
            lines.map(|line| format!("{line}\n")).collect()
        });
    }

    fn edit(&self, change: impl FnOnce(String) -> String) {
        const BEGIN: &str = "        pg_cluster: pg-test\n";
        const END: &str = "\n  vars:\n";
        self.world.edit(|text| {
            let (head, rest) = text.split_once(BEGIN).expect("the cluster is there");
            let (own, tail) = rest.split_once(END).expect("variables of all follow");
            format!("{head}{BEGIN}{}{END}{tail}", change(format!("{own}\n")))
        });
    }

    /// Runs SQL as a user with a password of the story's, over TLS.
    pub(crate) fn login(&self, port: u16, who: (&str, &str), database: &str, sql: &str) -> Ran {
        let (user, password) = who;
        let authority = self.world.home().join("files/pki/ca/ca.crt");
        let target = format!(
            "host={} port={port} user='{user}' dbname={database} sslmode=verify-ca \
             sslrootcert={} connect_timeout=5",
            NODES[1],
            authority.display()
        );
        let mut command = self.world.inside("psql");
        command
            .args([
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                sql,
                &target,
            ])
            .env("PGPASSWORD", password);
        run(command)
    }

    /// Runs SQL as the owner of database `test`.
    pub(crate) fn owner(&self, port: u16, sql: &str) -> Ran {
        self.world.sql(NODES[1], port, "test", "test", sql)
    }

    /// Runs SQL as the superuser on a node of `pg-test`.
    pub(crate) fn superuser(&self, node: &str, database: &str, sql: &str) -> String {
        let ran = self.world.superuser(node, database, sql);
        ran.ok();
        ran.text().to_owned()
    }

    /// Node of `pg-test`'s primary, and the others.
    pub(crate) fn primary(&self) -> (&'static str, Vec<&'static str>) {
        let (_, status) = self.world.status();
        let clusters = status["clusters"].as_array().expect("clusters");
        let cluster = clusters
            .iter()
            .find(|one| one["name"] == "pg-test")
            .expect("pg-test");
        let members = cluster["members"].as_array().expect("members");
        let leader = members.iter().find(|one| one["name"] == cluster["leader"]);
        let leader = leader.expect("a leader")["address"]
            .as_str()
            .expect("an address");
        let (mut at, mut others) = (None, Vec::new());
        for node in NODES {
            if node == leader {
                at = Some(node);
            } else {
                others.push(node);
            }
        }
        (at.expect("the leader is one of the nodes"), others)
    }

    /// Processes of the services on every node of `pg-test`.
    pub(crate) fn processes(&self) -> Vec<String> {
        const SCRIPT: &str = "systemctl show -p Id,MainPID patroni pgbouncer pgbouncer-primary haproxy; \
                              head -1 /pg/data/postmaster.pid";
        NODES
            .map(|node| self.world.on(node, SCRIPT).ok().stdout.clone())
            .to_vec()
    }

    pub(crate) fn tell_times(&self) {
        eprintln!("seconds that each apply took:");
        for (what, seconds) in self.times.borrow().iter() {
            eprintln!("  {seconds:>6.2}  {what}");
        }
    }
}

/// Actions that were planned, of what `sty` wrote as JSON.
fn planned(ran: &Ran) -> Vec<String> {
    let events = ran
        .stdout
        .lines()
        .map(serde_json::from_str::<serde_json::Value>);
    let events = events.map(|event| event.expect("one JSON document a line"));
    events
        .filter(|event| event["event"] == "planned")
        .map(|event| line(&event["action"]))
        .collect()
}

#[track_caller]
fn assert_same(found: &[String], expected: &[String]) {
    let expected: BTreeSet<&String> = expected.iter().collect();
    let found: BTreeSet<&String> = found.iter().collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "not planned: {missing:#?}\nplanned, and should not be: {more:#?}"
    );
}

/// An action in a line.
fn line(action: &serde_json::Value) -> String {
    let text = |key: &str| action[key].as_str().unwrap_or_default();
    let number = text("node").rsplit('.').next().unwrap_or_default();
    let held = if action["held"].is_null() {
        ""
    } else {
        " (held)"
    };
    format!("{number} {}{held}", text("title"))
}

/// A line of the plan for one node.
pub(crate) fn at(node: &str, title: &str) -> String {
    let number = node.rsplit('.').next().unwrap_or_default();
    let member = number.strip_prefix('1').unwrap_or(number);
    format!(
        "{number} {}",
        title.replace("{member}", &format!("pg-test-{member}"))
    )
}

/// Lines of the plan for every node of `pg-test`; `{member}` is the member's name.
pub(crate) fn everywhere(titles: &[&str]) -> Vec<String> {
    let all = NODES
        .iter()
        .flat_map(|node| titles.iter().map(|title| at(node, title)));
    all.collect()
}

/// Two parts of a plan.
pub(crate) fn both(mut left: Vec<String>, right: &[String]) -> Vec<String> {
    left.extend_from_slice(right);
    left
}
