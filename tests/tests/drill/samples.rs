//! `sty status`, asked again and again while a drill goes on.

use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use sty_stories::World;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use sty_stories::drill::Report;

/// Between two questions: the nodes have other things to do.
const PAUSE: Duration = Duration::from_secs(2);
/// Where what is ill is well again after a second.
const SHORT_PAUSE: Duration = Duration::from_millis(100);
/// What dies and is started anew at once.
const SHORT: [&str; 2] = ["postgres-kill", "patroni-kill"];
/// Until what a fault does shows: etcd finds that a member is gone, Patroni asks in vain.
const NOTICED: Duration = Duration::from_secs(10);
/// Until a member that is silent has been given up.
const SILENT: Duration = Duration::from_secs(1);
/// In a span of this length at least one status is asked and answered.
const ENOUGH: Duration = Duration::from_secs(12);
/// From the last answer of clients until what is told of a state has followed.
const FOLLOWED: Duration = Duration::from_secs(3);

/// One answer of the status.
struct Sample {
    asked: OffsetDateTime,
    answered: OffsetDateTime,
    code: i32,
    said: Value,
}

impl Sample {
    fn healthy(&self) -> bool {
        self.said["healthy"].as_bool().expect("a status document")
    }
}

/// What the status said, in order.
pub(crate) struct Samples(Vec<Sample>);

/// Between two moments.
struct Span {
    from: OffsetDateTime,
    to: OffsetDateTime,
}

impl Span {
    fn of(value: &Value) -> Self {
        let moment = |name: &str| {
            let text = value[name].as_str().unwrap_or_default();
            OffsetDateTime::parse(text, &Rfc3339).expect("a moment")
        };
        Self {
            from: moment("from"),
            to: moment("to"),
        }
    }

    /// It begins later.
    fn after(self, delay: Duration) -> Self {
        let from = self.from + delay;
        Self { from, ..self }
    }

    /// It ends earlier.
    fn without_last(self, length: Duration) -> Self {
        let to = self.to - length;
        Self { to, ..self }
    }
}

impl Samples {
    /// Asks until the drill has ended.
    pub(crate) fn until_ended(world: &World, fault: &str, mut child: Child) -> (Child, Self) {
        let pause = match SHORT.contains(&fault) {
            true => SHORT_PAUSE,
            false => PAUSE,
        };
        let mut samples = Vec::new();
        while child.try_wait().expect("the drill can be asked").is_none() {
            let asked = OffsetDateTime::now_utc();
            let (code, said) = world.status();
            let answered = OffsetDateTime::now_utc();
            samples.push(Sample {
                asked,
                answered,
                code,
                said,
            });
            std::thread::sleep(pause);
        }
        (child, Self(samples))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Asked and answered within the span.
    fn within(&self, span: Span) -> impl Iterator<Item = &Sample> {
        let samples = self.0.iter();
        samples.filter(move |one| span.from <= one.asked && one.answered <= span.to)
    }

    /// What was broken was said to be broken, as long as it was and by its name, and nothing that
    /// cannot be.
    pub(crate) fn assert_true(&self, fault: &str, report: &Report) {
        for sample in &self.0 {
            assert_consistent(sample);
        }
        let run = report.run();
        let fault_span = || Span::of(&run["fault_span"]);
        let standing_still = Span::of(&run["writes"]["gap_span"]);
        let victims = report.victims();
        let victims_ill = |sample: &Value| {
            let mut victims = victims.iter();
            victims.all(|name| !member(sample, name)["problem"].is_null())
        };
        match fault {
            "node-kill" | "node-freeze" | "partition" => {
                self.all_show(fault_span().after(SILENT), "the victim is ill", victims_ill);
                self.one_shows("another member leads", |sample| {
                    let leader = &cluster(sample)["leader"];
                    leader.is_string() && *leader == run["leader_after"]
                });
            }
            "replica-kill" => {
                self.all_show(fault_span().after(SILENT), "one is ill", |sample| {
                    cluster(sample)["leader"] == run["leader_before"] && victims_ill(sample)
                });
            }
            "etcd-member-kill" | "etcd-quorum-loss" => {
                self.all_show(fault_span().after(SILENT), "etcd is ill", |sample| {
                    let mut victims = victims.iter();
                    victims.all(|name| !etcd_is_healthy(sample, name))
                });
                let leads = |sample: &Value| cluster(sample)["leader"] == run["leader_before"];
                self.all_show(fault_span().after(SILENT), "the primary stays", leads);
            }
            // Cut off, it may list its members all the same; then its failsafe mode tells.
            "partition-dcs" => {
                let told =
                    |sample: &Value| victims_ill(sample) || cluster(sample)["failsafe"] == true;
                self.all_show(fault_span().after(NOTICED), "the victim is ill", told);
            }
            "disk-full" => self.one_shows("the volume is full", |sample| {
                let mut victims = victims.iter();
                victims.all(|name| {
                    let problem = member(sample, name)["problem"].as_str();
                    problem.is_some_and(|problem| problem.contains("is full"))
                })
            }),
            fault if SHORT.contains(&fault) => {
                self.one_shows("the victim is ill", victims_ill);
            }
            _ => {
                let other = |sample: &Value| cluster_named(sample, "pg-meta")["members"][0].clone();
                let well = |sample: &Value| other(sample)["problem"].is_null();
                let slow = |sample: &Value| other(sample)["condition"] == "patroni_silent";
                self.one_shows("the other cluster is well", |sample| {
                    cluster_named(sample, "pg-meta")["leader"] == "pg-meta-1" && well(sample)
                });
                self.everyone_shows("the other cluster is well, or slow to answer", |sample| {
                    well(sample) || slow(sample)
                });
            }
        }
        // While clients of a planned move wait, nothing is wrong; a volume that moves restarts its
        // server.
        if !["switchover", "restart", "disk-full"].contains(&fault) {
            let span = standing_still.after(SILENT).without_last(SILENT);
            self.all_show(span, "writes stand still", |sample| {
                sample["healthy"] == false
            });
        }
        self.the_end_is_healthy(fault, run);
    }

    /// Nothing is lacking, so nothing is said to be. Where volumes move, members restart until the
    /// end.
    fn the_end_is_healthy(&self, fault: &str, run: &Value) {
        if fault == "disk-full" {
            return;
        }
        let restored = run["redundancy_ms"].as_u64().expect("a figure");
        let from = Span::of(&run["fault_span"]).from + Duration::from_millis(restored) + FOLLOWED;
        for sample in self.0.iter().filter(|one| from <= one.asked) {
            assert!(sample.healthy(), "after {fault}: {:#}", sample.said);
            assert_eq!(cluster(&sample.said)["leader"], run["leader_after"]);
        }
    }

    fn everyone_shows(&self, what: &str, shows: impl Fn(&Value) -> bool) {
        assert!(!self.0.is_empty(), "nobody asked whether {what}");
        for sample in &self.0 {
            assert!(shows(&sample.said), "not {what}: {:#}", sample.said);
        }
    }

    fn all_show(&self, span: Span, what: &str, shows: impl Fn(&Value) -> bool) {
        let (from, to) = (span.from, span.to);
        let samples: Vec<&Sample> = self.within(span).collect();
        let none = samples.is_empty() && to - from > ENOUGH;
        assert!(!none, "nobody asked between {from} and {to} whether {what}");
        for sample in samples {
            assert!(
                shows(&sample.said),
                "between {from} and {to} {what}; asked at {} the status said {:#}",
                sample.asked,
                sample.said
            );
        }
    }

    fn one_shows(&self, what: &str, shows: impl Fn(&Value) -> bool) {
        assert!(
            self.0.iter().any(|sample| shows(&sample.said)),
            "no status said that {what}; the last: {:#}",
            self.0
                .last()
                .map(|sample| sample.said.clone())
                .unwrap_or_default()
        );
    }
}

/// A status agrees with itself: what is healthy has everything.
fn assert_consistent(sample: &Sample) {
    let said = &sample.said;
    let healthy = sample.healthy();
    assert_eq!(sample.code == 0, healthy, "{said:#}");
    let problems = said["problems"].as_array().map_or(0, Vec::len);
    assert_eq!(healthy, problems == 0, "{said:#}");
    if !healthy {
        return;
    }
    for cluster in said["clusters"].as_array().into_iter().flatten() {
        let members = cluster["members"].as_array().expect("members");
        for member in members {
            let role = member["role"].as_str().unwrap_or_default();
            let expected = match member["name"] == cluster["leader"] {
                true => ("primary", "running"),
                false => ("replica", "streaming"),
            };
            let found = (role, member["state"].as_str().unwrap_or_default());
            assert_eq!(found, expected, "{said:#}");
        }
        let services = cluster["services"].as_array().expect("services");
        for service in services {
            let answering = service["answering"].as_array().map_or(0, Vec::len);
            assert!(answering > 0, "{said:#}");
        }
    }
}

fn cluster(sample: &Value) -> &Value {
    cluster_named(sample, "pg-test")
}

fn cluster_named<'a>(sample: &'a Value, name: &str) -> &'a Value {
    let mut clusters = sample["clusters"].as_array().into_iter().flatten();
    let found = clusters.find(|cluster| cluster["name"] == name);
    found.unwrap_or(&Value::Null)
}

pub(crate) fn member<'a>(sample: &'a Value, name: &str) -> &'a Value {
    let mut members = cluster(sample)["members"].as_array().into_iter().flatten();
    let found = members.find(|member| member["name"] == name);
    found.unwrap_or(&Value::Null)
}

fn etcd_is_healthy(sample: &Value, name: &str) -> bool {
    let mut members = sample["etcd"].as_array().into_iter().flatten();
    let found = members.find(|member| member["name"] == name);
    found.is_some_and(|member| member["healthy"] == true)
}
