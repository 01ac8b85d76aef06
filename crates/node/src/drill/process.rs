//! Processes that end at once, without a chance to say good-bye.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use sty_wire::observation::Failure;

use crate::run::Run;
use crate::wait::{Look, Wait};

/// The kernel ends a process at its next step; on a busy machine that may take a moment.
const LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// Kills the postmaster that runs in `data`; its children notice and end.
pub(super) fn kill_postgres(data: &str) -> Result<(), Failure> {
    let path = format!("{data}/postmaster.pid");
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::message(format!("no PostgreSQL runs in {data}: {path}: {error}"))
    })?;
    let first = text.lines().next().unwrap_or_default();
    kill(first, &format!("the postmaster of {data}"))
}

/// Kills the main process of `unit`.
pub(super) fn kill_unit(unit: &str) -> Result<(), Failure> {
    let show = Run::new("systemctl").args(["show", "--property=MainPID", "--value", unit]);
    let main = show.ok()?.stdout;
    kill(main.trim(), &format!("the main process of {unit}"))
}

/// Kills one process and waits until it is gone.
fn kill(id: &str, what: &str) -> Result<(), Failure> {
    // Zero stands for "none", and below it are process groups.
    let number = id.parse::<i32>().ok().filter(|number| *number > 1);
    let Some(pid) = number.and_then(Pid::from_raw) else {
        return Err(Failure::message(format!("{what} does not run (`{id}`)")));
    };
    match kill_process(pid, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => return Err(Failure::message(format!("cannot kill {what}: {error}"))),
    }
    let wait = Wait {
        what: &format!("{what} to end"),
        limit: LIMIT,
        pause: PAUSE,
    };
    wait.until(|| Ok(state(id)))
}

/// Whether a process is gone, or has ended and waits for its parent to notice.
fn state(id: &str) -> Look {
    match fs::read_to_string(Path::new("/proc").join(id).join("stat")) {
        Err(_) => Look::Reached,
        // `4711 (name) Z ...`
        Ok(stat)
            if stat
                .rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with('Z')) =>
        {
            Look::Reached
        }
        Ok(stat) => Look::NotYet(stat.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_gone_when_it_returns() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let data = tempfile::tempdir().unwrap();
        let pid = format!("{}\n/somewhere\n", child.id());
        fs::write(data.path().join("postmaster.pid"), pid).unwrap();
        kill_postgres(data.path().to_str().unwrap()).unwrap();
        assert!(child.try_wait().unwrap().is_some());
    }

    #[test]
    fn what_does_not_run_is_no_success() {
        for id in ["0", "-1", "1", "", "x"] {
            kill(id, "it").unwrap_err();
        }
        let failure = kill_postgres("/nonexistent").unwrap_err();
        assert!(failure.message.contains("/nonexistent"), "{failure:?}");
    }
}
