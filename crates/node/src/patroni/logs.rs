//! What Patroni and PostgreSQL said last, for failures.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;

use crate::run::Run;

/// Bytes read from the end of PostgreSQL's log.
const TAIL_BYTES: u64 = 8 * 1024;
const TAIL_LINES: usize = 15;
/// Lines of Patroni's journal.
const JOURNAL_LINES: &str = "40";

/// `failure` with the last lines of Patroni's journal and of PostgreSQL's log.
pub(super) fn with_logs(failure: Failure, member: &PatroniMember) -> Failure {
    let mut failure = journal(failure, &member.unit);
    if let Some(lines) = server_log(&member.data) {
        failure.tail.push("--- PostgreSQL's log:".to_owned());
        failure.tail.extend(lines);
    }
    failure
}

/// Patroni writes a traceback after the line that tells what happened: more lines than for other
/// units, without their own dates.
fn journal(failure: Failure, unit: &str) -> Failure {
    let journal = Run::new("journalctl")
        .args(["--no-pager", "--output=cat", "--lines", JOURNAL_LINES])
        .args(["--unit", unit])
        .ok();
    match journal {
        Ok(finished) => Failure {
            tail: finished.stdout.lines().map(str::to_owned).collect(),
            ..failure
        },
        // Why the log cannot be read must not hide why the member failed.
        Err(_) => failure,
    }
}

/// The end of the log that the server in `data` says it writes; none when it never got so far.
fn server_log(data: &str) -> Option<Vec<String>> {
    let data = Path::new(data);
    let current = std::fs::read_to_string(data.join("current_logfiles")).ok()?;
    let mut files = current.lines().filter_map(|line| line.split_once(' '));
    let (_, first) = files.next()?;
    let mut file = File::open(data.join(first)).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(TAIL_LINES);
    Some(
        lines
            .iter()
            .skip(skip)
            .map(|line| (*line).to_owned())
            .collect(),
    )
}
