//! Whether a pooler is as its files say, and its databases serve: an administrator may have changed,
//! paused or disabled something by hand, and forgotten it.

use std::time::Duration;

use sty_wire::observation::{Change, Failure, SERVING};
use sty_wire::resource::PoolerConsole;

use super::console::{Console, LIMIT, cell, rows};
use super::{SAFETY_NET_UNIT, settings};
use crate::systemd;

/// What does not serve, and how it came to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// `PAUSE`: clients wait.
    Paused,
    /// `SUSPEND`: clients wait, and nothing is read from them.
    Suspended,
    /// `DISABLE`: clients are turned away.
    Disabled,
}

/// A database of a pooler, or all of it, that does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// `None` for the whole pooler.
    database: Option<String>,
    how: How,
}

impl Stopped {
    /// What should be otherwise.
    pub(crate) fn change(&self) -> Change {
        let what = match &self.database {
            Some(name) => format!("database {name}"),
            None => "all databases".to_owned(),
        };
        Change::new(what, self.how.word(), SERVING)
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        let word = self.how.word();
        match &self.database {
            Some(name) => format!("database {name} is {word}"),
            None => format!("all its databases are {word}"),
        }
    }

    fn remedy(&self) -> String {
        let command = match self.how {
            How::Disabled => "ENABLE",
            How::Paused | How::Suspended => "RESUME",
        };
        match &self.database {
            Some(name) => format!("{command} \"{}\"", name.replace('"', "\"\"")),
            None => command.to_owned(),
        }
    }
}

impl How {
    fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Disabled => "disabled",
        }
    }
}

/// What of a pooler that runs is not as its files say.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What does not serve.
    pub(crate) stopped: Vec<Stopped>,
    /// Settings that were changed in the console.
    pub(crate) settings: Vec<Change>,
}

/// What of a pooler that runs is not as it should be; asked within `limit`. That clients wait for a
/// planned move is.
///
/// # Errors
/// The console does not answer, or a file cannot be read.
pub(crate) fn look(pooler: &PoolerConsole, limit: Duration) -> Result<Found, Failure> {
    found(pooler, &["SHOW DATABASES", "SHOW CONFIG"], limit)
}

/// What of it does not serve; see [`look`].
///
/// # Errors
/// The console does not answer.
pub(crate) fn stopped(pooler: &PoolerConsole, limit: Duration) -> Result<Vec<Stopped>, Failure> {
    Ok(found(pooler, &["SHOW DATABASES"], limit)?.stopped)
}

fn found(pooler: &PoolerConsole, questions: &[&str], limit: Duration) -> Result<Found, Failure> {
    let console = Console::new(pooler)?;
    let ask = || parse(&console.answers("SHOW STATE", questions, limit)?);
    let found = ask()?;
    if found.stopped.is_empty() {
        return Ok(found);
    }
    match systemd::show_one(&format!("{SAFETY_NET_UNIT}.timer"))?.active() {
        true => Ok(Found {
            stopped: Vec::new(),
            ..found
        }),
        // The move may have ended between the two questions.
        false => ask(),
    }
}

/// Has everything of a pooler serve, with the settings of its file.
///
/// # Errors
/// The console does not answer, or refuses.
pub(crate) fn let_go_on(pooler: &PoolerConsole) -> Result<(), Failure> {
    let console = Console::new(pooler)?;
    let found = look(pooler, LIMIT)?;
    if !found.settings.is_empty() {
        console.command("RELOAD").ok()?;
    }
    for one in found.stopped {
        console.command(&one.remedy()).ok()?;
    }
    Ok(())
}

/// Reads the answers to `SHOW STATE`, a line for each state, `SHOW DATABASES` and `SHOW CONFIG`.
fn parse(answers: &str) -> Result<Found, Failure> {
    let mut found = Found::default();
    for (header, rows) in tables(answers) {
        match header.as_slice() {
            ["key", "value"] => found
                .stopped
                .extend(rows.iter().filter_map(|row| whole(row))),
            ["key", ..] => found.settings = settings::changed(&header, &rows)?,
            _ => {
                let databases = rows.iter().flat_map(|row| of_database(&header, row));
                found.stopped.extend(databases);
            }
        }
    }
    Ok(found)
}

/// A header and its rows.
type Table<'a> = (Vec<&'a str>, Vec<Vec<&'a str>>);

/// Tables one after the other, as `psql` prints them: each begins with its header.
fn tables(answers: &str) -> Vec<Table<'_>> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    for row in rows(answers) {
        let begins = row.starts_with(&["key", "value"]) || row.contains(&"current_connections");
        match tables.last_mut() {
            Some((_, rows)) if !begins => rows.push(row),
            _ => tables.push((row, Vec::new())),
        }
    }
    tables
}

fn whole(row: &[&str]) -> Option<Stopped> {
    let how = match row {
        ["paused", "yes"] => How::Paused,
        ["suspended", "yes"] => How::Suspended,
        _ => return None,
    };
    let database = None;
    Some(Stopped { database, how })
}

fn of_database(header: &[&str], row: &[&str]) -> Vec<Stopped> {
    let cell = |name: &str| cell(header, row, name);
    let Some(name) = cell("name") else {
        return Vec::new();
    };
    let states = [("paused", How::Paused), ("disabled", How::Disabled)];
    let stopped = states
        .into_iter()
        .filter(|(column, _)| cell(column) == Some("1"));
    let stopped = stopped.map(|(_, how)| Stopped {
        database: Some(name.to_owned()),
        how,
    });
    stopped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: &str, databases: &str) -> Vec<(String, String)> {
        let answers = format!(
            "key|value\n{state}\nname|host|port|database|pool_mode|current_connections|paused|disabled\n{databases}\n"
        );
        let found = parse(&answers).unwrap();
        found
            .stopped
            .iter()
            .map(|one| (one.words(), one.remedy()))
            .collect()
    }

    #[test]
    fn what_somebody_has_stopped_is_found() {
        const RUNS: &str = "active|yes\npaused|no\nsuspended|no";
        let databases = "app|/run|5432|app||3|0|0\nold|/run|5432|old||0|0|1\nx|/run|5432|x||0|1|0";
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pairs = pairs.iter();
            pairs
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        assert_eq!(
            check(RUNS, databases),
            owned(&[
                ("database old is disabled", "ENABLE \"old\""),
                ("database x is paused", "RESUME \"x\""),
            ])
        );
        assert_eq!(
            check(
                "active|no\npaused|yes\nsuspended|no",
                "app|/run|5432|app||3|0|0"
            ),
            owned(&[("all its databases are paused", "RESUME")])
        );
        assert!(check(RUNS, "app|/run|5432|app||3|0|0").is_empty());
    }
}
