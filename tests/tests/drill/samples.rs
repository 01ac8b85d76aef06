//! `sty status`, asked again and again while a drill goes on.

use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use sty_stories::World;

use crate::drill::Report;

/// Between two questions: the nodes have other things to do.
const PAUSE: Duration = Duration::from_millis(700);

/// What the status said, and how it exited.
pub(crate) struct Samples(Vec<(i32, Value)>);

impl Samples {
    /// Asks until the drill has ended.
    pub(crate) fn until_ended(world: &World, mut child: Child) -> (Child, Self) {
        let mut samples = Vec::new();
        while child.try_wait().expect("the drill can be asked").is_none() {
            samples.push(world.status());
            std::thread::sleep(PAUSE);
        }
        (child, Self(samples))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// What was broken was said to be broken, and nothing that cannot be.
    pub(crate) fn assert_true(&self, fault: &str, report: &Report) {
        for (code, sample) in &self.0 {
            let healthy = sample["healthy"].as_bool().expect("a status document");
            assert_eq!(*code == 0, healthy, "{sample:#}");
            let problems = sample["problems"].as_array().map_or(0, Vec::len);
            assert_eq!(healthy, problems == 0, "{sample:#}");
        }
        match fault {
            "node-kill" | "node-freeze" | "partition" => {
                self.one_shows("nobody leads, or somebody else", |sample| {
                    let leader = &cluster(sample)["leader"];
                    leader.is_null() || *leader != report.run()["leader_before"]
                });
                self.one_shows("the victim does not answer", |sample| {
                    let victims = report.victims();
                    victims
                        .iter()
                        .all(|name| !member(sample, name)["problem"].is_null())
                });
            }
            "replica-kill" => self.one_shows("the replica does not answer", |sample| {
                let victims = report.victims();
                let there = cluster(sample)["leader"].is_string();
                there
                    && victims
                        .iter()
                        .all(|name| !member(sample, name)["problem"].is_null())
            }),
            "etcd-member-kill" | "etcd-quorum-loss" => {
                self.one_shows("the members of etcd are not healthy", |sample| {
                    report
                        .victims()
                        .iter()
                        .all(|name| !etcd_is_healthy(sample, name))
                });
            }
            _ => {}
        }
    }

    fn one_shows(&self, what: &str, shows: impl Fn(&Value) -> bool) {
        assert!(
            self.0.iter().any(|(_, sample)| shows(sample)),
            "no status said that {what}; the last: {:#}",
            self.0
                .last()
                .map(|(_, sample)| sample.clone())
                .unwrap_or_default()
        );
    }
}

fn cluster(sample: &Value) -> &Value {
    let mut clusters = sample["clusters"].as_array().into_iter().flatten();
    let found = clusters.find(|cluster| cluster["name"] == "pg-test");
    found.unwrap_or(&Value::Null)
}

fn member<'a>(sample: &'a Value, name: &str) -> &'a Value {
    let mut members = cluster(sample)["members"].as_array().into_iter().flatten();
    let found = members.find(|member| member["name"] == name);
    found.unwrap_or(&Value::Null)
}

fn etcd_is_healthy(sample: &Value, name: &str) -> bool {
    let mut members = sample["etcd"].as_array().into_iter().flatten();
    let found = members.find(|member| member["name"] == name);
    found.is_some_and(|member| member["healthy"] == true)
}
