//! A drill and its report.

use std::fmt;
use std::process::{Child, Stdio};

use crate::World;
use serde_json::Value;

/// Starts one run of a fault.
pub fn start(world: &World, fault: &str) -> Child {
    let mut command = world.command(&[
        "drill", "failover", "pg-test", "--fault", fault, "--output", "json",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().expect("sty can be started")
}

/// One run of a fault, and what holds of every one.
pub fn drilled(world: &World, fault: &str) -> Report {
    let report = Report::of(start(world, fault));
    report.assert_sound(fault);
    eprintln!("   {fault}: {report}");
    report
}

/// What a drill of one run reported.
#[derive(Debug)]
pub struct Report {
    code: Option<i32>,
    document: Value,
}

impl Report {
    /// Of a drill that has ended.
    pub fn of(child: Child) -> Self {
        let output = child.wait_with_output().expect("sty ends");
        let text = String::from_utf8_lossy(&output.stdout);
        Self {
            code: output.status.code(),
            document: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    /// The one run.
    pub fn run(&self) -> &Value {
        &self.document["runs"][0]
    }

    /// Rows acknowledged and lost, by whichever client.
    pub fn lost_rows(&self) -> u64 {
        self.document["summary"]["lost_rows"]
            .as_u64()
            .expect("a number")
    }

    /// No writer met an error.
    pub fn assert_unnoticed(&self) {
        let run = self.run();
        assert_eq!(run["writes"]["errors"], serde_json::json!({}), "{run:#}");
    }

    /// Members that were struck.
    pub fn victims(&self) -> Vec<&str> {
        let victims = self.run()["victims"].as_array();
        victims
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// What holds of every fault: who was idle is still connected, rows flowed, none is there twice, none is there that was
    /// refused, and nothing was lacking at the end.
    pub fn assert_sound(&self, fault: &str) {
        let run = self.run();
        assert_eq!(self.code, Some(0), "{fault}: {:#}", self.document);
        assert_eq!(run["fault"], fault, "{run:#}");
        assert_eq!(run["problems"], serde_json::json!([]), "{run:#}");
        assert!(
            run["writes"]["acknowledged_rows"].as_u64() > Some(40),
            "{run:#}"
        );
        assert_eq!(run["idle_client"]["survived"], true, "{run:#}");
        assert_eq!(run["writes"]["rows_seen_twice"], 0, "{run:#}");
        assert_eq!(run["writes"]["refused_rows_found"], 0, "{run:#}");
        assert!(run["redundancy_ms"].is_u64(), "{run:#}");
        if fault == "node-freeze" {
            let old = &run["old_primary"];
            assert!(old["acknowledged_rows"].as_u64() > Some(0), "{old:#}");
            assert_eq!(old["lost_rows_acknowledged_after_fault"], 0, "{old:#}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.run();
        write!(
            f,
            "no write {} ms, no read {} ms, redundant after {} ms, {} rows lost, errors {}",
            run["writes"]["gap_ms"],
            run["reads"]["gap_ms"],
            run["redundancy_ms"],
            self.lost_rows(),
            run["writes"]["errors"]
        )
    }
}
