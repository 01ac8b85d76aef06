//! Where the time of a run went, read from its journal.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Serialize;
use sty_wire::resource::Stage;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::event::Event;
use crate::journal::{JournalError, Record};

/// One action that ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// Inventory hostname.
    pub node: String,
    /// Stage of the plan.
    pub stage: Stage,
    /// Title of the action.
    pub title: String,
    /// When it began, in seconds after the run's journal did.
    pub began: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Timing {
    /// When it ended, in seconds after the run's journal began.
    pub fn ended(&self) -> f64 {
        self.began + self.seconds
    }
}

/// The actions of a run that ended, well or not, in the order in which they did.
///
/// # Errors
/// When the journal cannot be read.
pub fn timings(journal: &Path) -> Result<Vec<Timing>, JournalError> {
    read(journal).map_err(|source| JournalError {
        path: journal.to_owned(),
        source,
    })
}

fn read(path: &Path) -> io::Result<Vec<Timing>> {
    let mut reader = Reader::default();
    for line in BufReader::new(File::open(path)?).lines() {
        // A torn line ends the journal of a run that died.
        let Ok(record) = serde_json::from_str(&line?) else {
            break;
        };
        reader.take(record);
    }
    Ok(reader.found)
}

#[derive(Default)]
struct Reader {
    opened: Option<OffsetDateTime>,
    stages: BTreeMap<u32, Stage>,
    found: Vec<Timing>,
}

impl Reader {
    fn take(&mut self, record: Record) {
        match record {
            Record::Opened { time, .. } => self.opened = parse(&time),
            Record::Planned { actions, .. } => {
                self.stages = actions.iter().map(|one| (one.id, one.stage)).collect();
            }
            Record::Happened { time, event } => self.event(&time, event),
            Record::Closed { .. } => {}
        }
    }

    fn event(&mut self, time: &str, event: Event) {
        let (Event::Done {
            action,
            node,
            title,
            seconds,
            ..
        }
        | Event::Failed {
            action,
            node,
            title,
            seconds,
            ..
        }) = event
        else {
            return;
        };
        let (Some(opened), Some(ended)) = (self.opened, parse(time)) else {
            return;
        };
        let Some(&stage) = self.stages.get(&action) else {
            return;
        };
        self.found.push(Timing {
            node,
            stage,
            title,
            began: ((ended - opened).as_seconds_f64() - seconds).max(0.0),
            seconds,
        });
    }
}

fn parse(time: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(time, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::Reader;

    #[test]
    fn an_action_begins_its_length_before_it_ends() {
        let mut reader = Reader::default();
        for line in [
            r#"{"record":"opened","time":"2030-01-01T00:00:00Z","pid":1,"operator":"a@b","inventory":"i",
                "inventory_sha256":"","command":[],"limit":[],"version":"0"}"#,
            r#"{"record":"planned","time":"2030-01-01T00:00:00Z","actions":[{"id":1,"node":"n",
                "cluster":null,"stage":"base","op":{"op":"converge","resource":"packages"},
                "title":"install","reason":"","changes":[],"risk":"safe","needs":[],"held":null}]}"#,
            r#"{"record":"happened","time":"2030-01-01T00:00:03Z","event":"done","action":1,
                "node":"n","title":"install","seconds":2.0,"changes":[]}"#,
        ] {
            reader.take(serde_json::from_str(line).unwrap());
        }
        let [timing] = &reader.found[..] else {
            unreachable!("one action ran")
        };
        assert!((timing.began - 1.0).abs() < 1e-6 && (timing.ended() - 3.0).abs() < 1e-6);
    }
}
