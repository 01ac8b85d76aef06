//! What `sty history` must tell afterwards.

use serde_json::Value;
use sty_stories::{Ran, World};

/// Results of the applies so far, in order.
#[derive(Default)]
pub(crate) struct Told(Vec<&'static str>);

impl Told {
    /// Notes how an apply ended.
    pub(crate) fn push(&mut self, ran: &Ran) {
        self.0.push(match ran.code {
            0 => "done",
            1 => "failed",
            4 => "partial",
            130 => "interrupted",
            _ => "died",
        });
    }

    /// Asserts that the history of this inventory tells the same. An apply that was killed before
    /// it had planned anything left no trace.
    pub(crate) fn is_in_history(&self, world: &World) {
        let ran = world.sty(&["history", "-n", "200", "--output", "json"]);
        let runs: Vec<Value> = serde_json::from_str(&ran.ok().stdout).expect("a list of runs");
        let own = world.inventory().display().to_string();
        let results = runs
            .iter()
            .rev()
            .filter(|run| run["opening"]["inventory"] == own.as_str());
        let found: Vec<&str> = results.map(result).collect();
        let mut expected = self.0.iter().copied().peekable();
        for result in &found {
            while expected
                .peek()
                .is_some_and(|next| next != result && *next == "died")
            {
                expected.next();
            }
            assert_eq!(expected.next(), Some(*result), "{found:?} of {:?}", self.0);
        }
        let rest: Vec<&str> = expected.collect();
        assert!(
            rest.iter().all(|result| *result == "died"),
            "{found:?} of {:?}",
            self.0
        );
        assert_eq!(found.last(), Some(&"done"));
        assert!(
            found.contains(&"died") || !self.0.contains(&"died"),
            "{found:?}"
        );
    }
}

fn result(run: &Value) -> &str {
    let state = &run["state"];
    match state["state"].as_str().unwrap_or_default() {
        "ended" => state["result"].as_str().unwrap_or_default(),
        other => match other {
            "died" => "died",
            _ => "running",
        },
    }
}
