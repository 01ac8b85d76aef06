//! Who holds the fleet, and what a run that was killed may still hold.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use sty_engine::{Fleet, Interrupt};

use crate::printer::Printer;

/// How long actions that a killed run left under way may take to end.
const LIMIT: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(200);

/// What others are told who find the fleet taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    operator: String,
    pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, pid {}", self.operator, self.pid)
    }
}

impl Holder {
    /// This process.
    pub(crate) fn own() -> Self {
        Self {
            operator: sty_engine::operator(),
            pid: std::process::id(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (operator, pid) = text.rsplit_once(", pid ")?;
        Some(Self {
            operator: operator.to_owned(),
            pid: pid.parse().ok()?,
        })
    }

    /// Whether it was a run of this operator on this machine that has ended.
    fn has_ended(&self) -> bool {
        self.operator == sty_engine::operator() && !is_alive(self.pid)
    }
}

/// Whether a process still does something. One that was killed and that its parent has not asked
/// after is still listed, and does nothing any more.
fn is_alive(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !matches!(state(&stat), Some('Z' | 'X' | 'x')),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// The state in `/proc/PID/stat`: `4711 (name) S 1 ...`. The name may have spaces and brackets.
fn state(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next()
}

/// Takes every connected node. Someone at work is an error at once; the last actions of a run
/// that was killed are waited for.
pub(crate) fn take(
    fleet: &mut Fleet,
    own: &Holder,
    interrupt: &Interrupt,
    printer: &Printer,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let result = fleet.lock(&own.to_string(), &mut |busy| {
        let wait = !interrupt.is_set() && begun.elapsed() < LIMIT && all_ended(busy);
        if wait {
            let hosts: Vec<&str> = busy.keys().map(String::as_str).collect();
            printer.progress(&format!(
                "waiting for what a run that was killed left under way on {}",
                hosts.join(", ")
            ));
            std::thread::sleep(PAUSE);
        }
        wait
    });
    printer.progress("");
    Ok(result?)
}

fn all_ended(busy: &BTreeMap<String, String>) -> bool {
    busy.values()
        .all(|holder| Holder::parse(holder).is_some_and(|holder| holder.has_ended()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dead_runs_of_this_machine_have_ended() {
        let own = Holder::own();
        assert_eq!(Holder::parse(&own.to_string()), Some(own.clone()));
        assert!(!own.has_ended());
        let dead = Holder { pid: 0, ..own };
        assert!(dead.has_ended());
        let other = Holder {
            operator: "ann@elsewhere".to_owned(),
            pid: 0,
        };
        assert!(!other.has_ended());
        assert_eq!(Holder::parse(""), None);
    }

    #[test]
    fn the_state_of_a_process_follows_its_name_whatever_that_is() {
        assert_eq!(state("7 (sty) S 1 7"), Some('S'));
        assert_eq!(state("7 (a) Z (b) S 1 7"), Some('S'));
        assert_eq!(state("7 (sty) Z 1 7"), Some('Z'));
        assert_eq!(state(""), None);
    }

    #[test]
    fn a_run_that_was_killed_has_ended_before_its_parent_asks_after_it() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let run = Holder {
            pid: child.id(),
            ..Holder::own()
        };
        assert!(!run.has_ended());
        child.kill().unwrap();
        let begun = Instant::now();
        while !run.has_ended() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(run.has_ended(), "nobody has waited for it, and it is dead");
        child.wait().unwrap();
    }
}
