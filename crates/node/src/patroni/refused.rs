//! What PostgreSQL refuses of its configuration files.
//!
//! A server that reads its files again says nothing to whoever asked for it: what it could not
//! make sense of is in the view `pg_file_settings`, and in its log. One setting with a wrong value
//! is left as it was; an unknown name or a slip of syntax makes it leave everything as it was.

use serde::Deserialize;
use sty_plan::postgres::quote::{literal, setting_name};
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use super::handwritten::SECRET;
use super::tls;
use crate::postgres::Session;

const DATABASE: &str = "postgres";

/// A line that the server refuses.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    name: Option<String>,
    value: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    /// What the server says; `None` where it takes what OpenSSL may not.
    error: Option<String>,
    /// The setting exists.
    known: bool,
    /// What OpenSSL has against the value.
    #[serde(skip)]
    problem: Option<String>,
}

/// SQL of an array of [`Refused`]. What only waits for a restart is not refused: neither a line, nor
/// a setting that is gone from the files, of which the server says so in a row without a file. What
/// OpenSSL has to take as well is listed for [`judge`].
pub(super) const REFUSED: &str = "
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', f.name, 'value', f.setting, 'file', f.sourcefile, 'line', f.sourceline,
      'error', f.error, 'known', s.name IS NOT NULL) ORDER BY f.seqno), '[]')
    FROM pg_file_settings f LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)
    WHERE f.sourcefile IS NOT NULL AND (
      f.error IS NOT NULL AND NOT f.applied AND s.pending_restart IS NOT TRUE
      OR f.applied AND f.setting <> '' AND lower(f.name) LIKE 'ssl%')";

/// Of what [`REFUSED`] lists, what is refused: what only OpenSSL can tell is asked of it.
pub(super) fn judge(listed: Vec<Refused>) -> Result<Vec<Refused>, Failure> {
    let mut refused = Vec::new();
    for one in listed {
        let problem = match (&one.error, &one.name, &one.value) {
            (None, Some(name), Some(value)) => tls::problem(&name.to_ascii_lowercase(), value)?,
            _ => None,
        };
        if one.error.is_some() || problem.is_some() {
            refused.push(Refused { problem, ..one });
        }
    }
    Ok(refused)
}

/// The failure that `refused` is, unless there is none. The server itself is asked what it has
/// against a value: the view does not tell.
pub(super) fn failure(refused: &[&Refused], session: &mut Session) -> Option<Failure> {
    let (first, others) = refused.split_first()?;
    let reason = first.reason(session);
    let setting = match (&first.name, &first.value) {
        (Some(name), Some(value)) if !SECRET.contains(&name.as_str()) => {
            format!("`{name} = {value}`")
        }
        (Some(name), _) => format!("`{name}`"),
        (None, _) => "a line".to_owned(),
    };
    Some(Failure {
        tail: others.iter().map(|one| one.shown()).collect(),
        hint: Some(match &first.name {
            Some(name) => format!("mend `{name}` where it was written, then apply again"),
            None => "mend that line, then apply again".to_owned(),
        }),
        ..Failure::message(format!(
            "PostgreSQL refuses {setting} in {}: {reason}",
            first.place()
        ))
    })
}

/// What the server here refuses of its files as they are now.
pub(super) fn whole(postgres: &PostgresAccess) -> Result<Option<Failure>, Failure> {
    let mut session = Session::open(postgres, DATABASE)?;
    let refused = all(&mut session)?;
    Ok(failure(&refused.iter().collect::<Vec<_>>(), &mut session))
}

/// The first thing that the server here refuses of its files as they are now, in words. Changes
/// nothing.
pub(crate) fn first(postgres: &PostgresAccess) -> Result<Option<String>, Failure> {
    let refused = all(&mut Session::open(postgres, DATABASE)?)?;
    Ok(refused.first().map(Refused::shown))
}

fn all(session: &mut Session) -> Result<Vec<Refused>, Failure> {
    judge(session.document(&format!("SELECT ({REFUSED})"), "reading settings")?)
}

impl Refused {
    /// The line makes the server leave everything as it was, not only one setting.
    pub(super) fn blocks(&self) -> bool {
        !self.known
    }

    /// The setting and the value that are refused, where the line has both.
    pub(super) fn setting(&self) -> Option<(&str, &str)> {
        Some((self.name.as_deref()?, self.value.as_deref()?))
    }

    fn place(&self) -> String {
        let file = self.file.as_deref().unwrap_or("its configuration");
        match self.line {
            Some(line) => format!("{file}, line {line}"),
            None => file.to_owned(),
        }
    }

    fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or("(no name)");
        format!("{}: {name}: {}", self.place(), self.said())
    }

    fn said(&self) -> String {
        let said = self.problem.as_ref().or(self.error.as_ref());
        said.cloned().unwrap_or_default()
    }

    /// What the server says when it is given the value by hand.
    fn reason(&self, session: &mut Session) -> String {
        let (Some(name), Some(value), true, None) =
            (&self.name, &self.value, self.known, &self.problem)
        else {
            return self.said();
        };
        let name = setting_name(name);
        let Err(error) = session.value(&format!("ALTER SYSTEM SET {name} TO {}", literal(value)))
        else {
            // It is taken after all; what was only asked must not stay.
            let undone = session.value(&format!("ALTER SYSTEM RESET {name}"));
            return match undone {
                Ok(_) => self.said(),
                Err(error) => session.failure(&error, "ALTER SYSTEM RESET").message,
            };
        };
        match error.as_db_error() {
            Some(said) => [Some(said.message()), said.detail(), said.hint()]
                .into_iter()
                .flatten()
                .collect::<Vec<&str>>()
                .join("; "),
            None => self.said(),
        }
    }
}
