//! HAProxy while it runs: what an administrator has changed at its socket, which lasts until it
//! reads its file again.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sty_wire::observation::{Change, Failure, SERVING};

/// How long it may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// What was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByHand {
    /// What should be otherwise.
    pub(crate) change: Change,
    /// The command that takes it back.
    remedy: String,
}

impl ByHand {
    fn new(what: String, from: &str, to: &str, remedy: String) -> Self {
        let change = Change::new(what, from, to);
        Self { change, remedy }
    }
}

/// What of a HAProxy that runs was changed by hand: what is out of service, weights of servers, and
/// how many connections it takes.
///
/// # Errors
/// It does not answer at `socket`.
pub(crate) fn by_hand(socket: &str) -> Result<Vec<ByHand>, Failure> {
    let ask = |command| ask(socket, command, LIMIT).map_err(|error| silent(socket, &error));
    let mut found: Vec<ByHand> = lines(&ask("show stat")?)
        .iter()
        .filter_map(Line::held)
        .collect();
    found.extend(weights(&ask("show servers state")?));
    found.extend(connections(&ask("show info")?));
    Ok(found)
}

/// Takes back what was changed by hand.
///
/// # Errors
/// It does not answer at `socket`, or refuses.
pub(crate) fn take_back(socket: &str) -> Result<(), Failure> {
    for ByHand { remedy, .. } in by_hand(socket)? {
        let said = ask(socket, &remedy, LIMIT).map_err(|error| silent(socket, &error))?;
        if !said.trim().is_empty() {
            let message = format!("HAProxy refuses `{remedy}`: {}", said.trim());
            return Err(Failure::message(message));
        }
    }
    Ok(())
}

/// Servers whose weight is not what the file says, in an answer to `show servers state`: a version,
/// the names of the columns, a line per server.
fn weights(text: &str) -> Vec<ByHand> {
    let found = table(text.lines().skip(1), ' ')
        .into_iter()
        .filter_map(|line| {
            let (now, first) = (line.get("srv_uweight"), line.get("srv_iweight"));
            let server = format!("{}/{}", line.get("be_name"), line.get("srv_name"));
            (now != first).then(|| {
                let what = format!("weight of server {server}");
                ByHand::new(what, now, first, format!("set weight {server} 100%"))
            })
        });
    found.collect()
}

/// The number of connections, in an answer to `show info`, where it is not what it began with.
fn connections(text: &str) -> Option<ByHand> {
    let value = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let (now, first) = (value("Maxconn")?, value("Hard_maxconn")?);
    (now != first).then(|| {
        let what = "connections at once".to_owned();
        ByHand::new(what, now, first, format!("set maxconn global {first}"))
    })
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
    table(text.lines(), ',')
}

/// Lines whose first one names the columns, as far as they are not empty.
fn table<'a>(mut lines: impl Iterator<Item = &'a str>, separator: char) -> Vec<Line<'a>> {
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let header: Vec<&str> = header.split(separator).collect();
    let lines = lines.filter(|line| !line.is_empty());
    let line = |line: &'a str| Line(header.iter().copied().zip(line.split(separator)).collect());
    lines.map(line).collect()
}

/// Values by the names of their columns.
pub(crate) struct Line<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Line<'a> {
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

    fn held(&self) -> Option<ByHand> {
        let (section, server) = (self.get("pxname"), self.get("svname"));
        let (what, remedy) = match self.is_server() {
            true => (
                format!("server {section}/{server}"),
                format!("set server {section}/{server} state ready"),
            ),
            false => (
                format!("frontend {section}"),
                format!("enable frontend {section}"),
            ),
        };
        let state = self.get("status").to_lowercase();
        let found = ByHand::new(what, &state, SERVING, remedy);
        self.is_held().then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{ByHand, Line, connections, lines, weights};

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
        assert_eq!(
            shown(&held),
            [
                ["frontend a", "stop", "enable frontend a"],
                ["server a/two", "maint", "set server a/two state ready"],
                ["server b/three", "drain", "set server b/three state ready"],
            ]
        );
    }

    #[test]
    fn weights_and_connections_that_were_set_are_found() {
        let text = "\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
3 a 1 one 10.0.0.1 2 0 100 100
3 a 2 two 10.0.0.2 2 0 0 100

";
        let weight = ["weight of server a/two", "0", "set weight a/two 100%"];
        let found = weights(text);
        assert_eq!(shown(&found), [weight]);
        let info = |now| format!("Name: HAProxy\nMaxconn: {now}\nHard_maxconn: 5000\n");
        let set = ["connections at once", "10", "set maxconn global 5000"];
        let found = connections(&info(10));
        assert_eq!(shown(found.as_slice()), [set]);
        assert_eq!(connections(&info(5000)), None);
    }

    fn shown(found: &[ByHand]) -> Vec<[&str; 3]> {
        let mut shown = Vec::new();
        for one in found {
            let from = one.change.from.as_deref().unwrap_or_default();
            shown.push([one.change.what.as_str(), from, one.remedy.as_str()]);
        }
        shown
    }
}
