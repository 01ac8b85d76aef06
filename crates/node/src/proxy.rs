//! HAProxy while it runs: what an administrator has taken out of service at its socket, which lasts
//! until it starts anew.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sty_wire::observation::{Change, Failure, SERVING};

/// How long it may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// What is out of service by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    section: String,
    /// `None` for the door by which clients come in.
    server: Option<String>,
    state: String,
}

impl Held {
    /// What should be otherwise.
    pub(crate) fn change(&self) -> Change {
        let what = match &self.server {
            Some(server) => format!("server {}/{server}", self.section),
            None => format!("frontend {}", self.section),
        };
        Change::new(what, self.state.to_lowercase(), SERVING)
    }

    fn remedy(&self) -> String {
        match &self.server {
            Some(server) => format!("set server {}/{server} state ready", self.section),
            None => format!("enable frontend {}", self.section),
        }
    }
}

/// What of a HAProxy that runs is out of service by hand.
///
/// # Errors
/// It does not answer at `socket`.
pub(crate) fn held(socket: &str) -> Result<Vec<Held>, Failure> {
    let text = statistics(socket, LIMIT).map_err(|error| silent(socket, &error))?;
    Ok(lines(&text).iter().filter_map(Line::held).collect())
}

/// Has everything serve again.
///
/// # Errors
/// It does not answer at `socket`, or refuses.
pub(crate) fn let_in(socket: &str) -> Result<(), Failure> {
    for one in held(socket)? {
        let remedy = one.remedy();
        let said = ask(socket, &remedy, LIMIT).map_err(|error| silent(socket, &error))?;
        if !said.trim().is_empty() {
            let message = format!("HAProxy refuses `{remedy}`: {}", said.trim());
            return Err(Failure::message(message));
        }
    }
    Ok(())
}

fn silent(socket: &str, error: &io::Error) -> Failure {
    Failure::message(format!("HAProxy does not answer at {socket}: {error}"))
}

/// Its statistics, CSV whose first line names the columns; within `limit`.
pub(crate) fn statistics(socket: &str, limit: Duration) -> io::Result<String> {
    ask(socket, "show stat", limit)
}

fn ask(socket: &str, command: &str, limit: Duration) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Lines of its statistics.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let header: Vec<&str> = header.split(',').collect();
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(|line| Line::new(&header, line)).collect()
}

/// Values by the names of their columns.
pub(crate) struct Line<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Line<'a> {
    fn new(header: &[&'a str], line: &'a str) -> Self {
        Self(header.iter().copied().zip(line.split(',')).collect())
    }

    pub(crate) fn is(&self, column: &str, value: &str) -> bool {
        self.get(column) == value
    }

    pub(crate) fn get(&self, column: &str) -> &'a str {
        self.0.get(column).copied().unwrap_or_default()
    }

    pub(crate) fn is_server(&self) -> bool {
        !matches!(self.get("svname"), "" | "FRONTEND" | "BACKEND")
    }

    /// Out of service by hand; a server that follows another one says `MAINT (via ...)`.
    pub(crate) fn is_held(&self) -> bool {
        match self.get("svname") {
            "FRONTEND" => !matches!(self.get("status"), "OPEN" | "FULL"),
            _ => self.is_server() && matches!(self.get("status"), "MAINT" | "DRAIN"),
        }
    }

    fn held(&self) -> Option<Held> {
        self.is_held().then(|| Held {
            section: self.get("pxname").to_owned(),
            server: self.is_server().then(|| self.get("svname").to_owned()),
            state: self.get("status").to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, lines};

    #[test]
    fn what_is_out_of_service_by_hand_is_found() {
        let text = "\
# pxname,svname,status,
a,FRONTEND,STOP,
a,one,UP,
a,two,MAINT,
a,BACKEND,UP,
b,FRONTEND,OPEN,
b,two,MAINT (via a/two),
b,three,DRAIN,

";
        let held: Vec<_> = lines(text).iter().filter_map(Line::held).collect();
        let shown = |one: &super::Held| {
            let change = one.change();
            (change.what, change.from.unwrap_or_default(), one.remedy())
        };
        let owned = |texts: [&str; 3]| texts.map(str::to_owned).into();
        assert_eq!(
            held.iter().map(shown).collect::<Vec<_>>(),
            [
                owned(["frontend a", "stop", "enable frontend a"]),
                owned(["server a/two", "maint", "set server a/two state ready"]),
                owned(["server b/three", "drain", "set server b/three state ready"]),
            ]
        );
    }
}
