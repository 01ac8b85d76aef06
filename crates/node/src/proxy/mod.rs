//! HAProxy while it runs: what an administrator has changed at its socket, which lasts until it
//! reads its file again.

mod written;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};

use sty_wire::observation::{Change, Failure, SERVING};
use sty_wire::resource::HAPROXY_CONFIG;

use crate::wait::{Look, Wait};

use written::Written;

/// How long it may take to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// After a reload the process from before answers for a moment, until the next one has taken over.
const TAKEN_OVER: Wait<'static> = Wait {
    what: "HAProxy to have read its file",
    limit: Duration::from_secs(10),
    pause: Duration::from_millis(50),
};

/// What was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByHand {
    /// What should be otherwise.
    pub(crate) change: Change,
    /// The command that takes it back; `None` where it has to read its file again.
    remedy: Option<String>,
    /// HAProxy says what that has done; otherwise what it says is why not.
    told: bool,
}

impl ByHand {
    fn new(what: String, from: &str, to: &str, remedy: String) -> Self {
        let change = Change::new(what, from, to);
        Self {
            change,
            remedy: Some(remedy),
            told: false,
        }
    }
}

/// What of a HAProxy that runs was changed by hand: what is out of service, weights, addresses and
/// checks of servers, and how many connections it takes.
///
/// # Errors
/// It does not answer at `socket`, its file cannot be read, or no process of it reads the file as it
/// is.
pub(crate) fn by_hand(socket: &str) -> Result<Vec<ByHand>, Failure> {
    let unable = |error| Failure::message(format!("cannot read {HAPROXY_CONFIG}: {error}"));
    let written = fs::read_to_string(HAPROXY_CONFIG).map_err(unable)?;
    let since = fs::metadata(HAPROXY_CONFIG).and_then(|file| file.modified());
    let answers = answers(socket, since.map_err(unable)?)?;
    let [info, statistics, state] = three(&answers)?;
    let written = Written::parse(&written);
    let lines = lines(statistics);
    let mut found: Vec<ByHand> = lines.iter().filter_map(Line::held).collect();
    found.extend(lines.iter().filter_map(|line| line.limited(&written)));
    let servers = servers(state);
    let servers = servers
        .iter()
        .map(|server| [server.weighed(), server.unchecked(), server.moved(&written)]);
    found.extend(servers.flatten().flatten());
    found.extend(connections(info));
    Ok(found)
}

/// What one process says, which began no earlier than `since`: of itself, its statistics, its servers.
fn answers(socket: &str, since: SystemTime) -> Result<String, Failure> {
    let since = since.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default().as_secs();
    let mut answers = String::new();
    TAKEN_OVER.until(|| {
        let all = "show info; show stat; show servers state";
        answers = ask(socket, all, LIMIT).map_err(|error| silent(socket, &error))?;
        let began = value(&answers, "Start_time_sec").and_then(|began| began.parse::<u64>().ok());
        Ok(match began {
            Some(began) if began < since => {
                Look::NotYet("the process from before answers".to_owned())
            }
            _ => Look::Reached,
        })
    })?;
    Ok(answers)
}

/// Three answers in a row, each with an empty line after it.
fn three(answers: &str) -> Result<[&str; 3], Failure> {
    let parts = answers.split("\n\n").map(str::trim_start);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let count = parts.len();
    parts
        .try_into()
        .map_err(|_| Failure::message(format!("HAProxy gave {count} answers to three questions")))
}

/// A value in an answer to `show info`.
fn value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Takes back what was changed by hand. What was shut down for good comes back with `reload`, and
/// everything else with it.
///
/// # Errors
/// It does not answer at `socket`, or refuses.
pub(crate) fn take_back(
    socket: &str,
    reload: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let commands = by_hand(socket)?.into_iter();
    let commands: Option<Vec<_>> = commands.map(|one| Some((one.remedy?, one.told))).collect();
    let Some(commands) = commands else {
        let asked = SystemTime::now();
        reload()?;
        return answers(socket, asked).map(drop);
    };
    for (remedy, told) in commands {
        let said = ask(socket, &remedy, LIMIT).map_err(|error| silent(socket, &error))?;
        if !told && !said.trim().is_empty() {
            let message = format!("HAProxy refuses `{remedy}`: {}", said.trim());
            return Err(Failure::message(message));
        }
    }
    Ok(())
}

/// Lines of an answer to `show servers state`: a version, the names of the columns, a line per server.
fn servers(text: &str) -> Vec<Server<'_>> {
    let lines = table(text.lines().skip(1), ' ').into_iter();
    lines.map(Server).collect()
}

/// A server and what it is told to be.
struct Server<'a>(Line<'a>);

impl Server<'_> {
    fn name(&self) -> String {
        format!("{}/{}", self.0.get("be_name"), self.0.get("srv_name"))
    }

    /// Its weight is not what it began with.
    fn weighed(&self) -> Option<ByHand> {
        let (now, first) = (self.0.get("srv_uweight"), self.0.get("srv_iweight"));
        let server = self.name();
        (now != first).then(|| {
            let what = format!("weight of server {server}");
            ByHand::new(what, now, first, format!("set weight {server} 100%"))
        })
    }

    /// Its check is switched off. Bits as in HAProxy's management guide, `srv_check_state`.
    fn unchecked(&self) -> Option<ByHand> {
        const CONFIGURED: u32 = 2;
        const ENABLED: u32 = 4;
        let state: u32 = self.0.get("srv_check_state").parse().ok()?;
        let server = self.name();
        (state & CONFIGURED != 0 && state & ENABLED == 0).then(|| {
            let what = format!("check of server {server}");
            ByHand::new(
                what,
                "disabled",
                "enabled",
                format!("enable health {server}"),
            )
        })
    }

    /// It has another address than in the file.
    fn moved(&self, written: &Written) -> Option<ByHand> {
        let server = self.name();
        let wanted = written.address(&server)?;
        let (address, port) = (self.0.get("srv_addr"), self.0.get("srv_port"));
        let is_there = address
            .parse::<IpAddr>()
            .is_ok_and(|found| found == wanted.ip())
            && port.parse() == Ok(wanted.port());
        (!is_there).then(|| {
            let (what, now) = (
                format!("address of server {server}"),
                format!("{address}:{port}"),
            );
            let (ip, port) = (wanted.ip(), wanted.port());
            let remedy = format!("set server {server} addr {ip} port {port}");
            ByHand {
                told: true,
                ..ByHand::new(what, &now, &wanted.to_string(), remedy)
            }
        })
    }
}

/// The number of connections, in an answer to `show info`, where it is not what it began with.
fn connections(text: &str) -> Option<ByHand> {
    let (now, first) = (value(text, "Maxconn")?, value(text, "Hard_maxconn")?);
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

    /// A frontend that takes another number of connections than in the file.
    fn limited(&self, written: &Written) -> Option<ByHand> {
        let section = self.get("pxname");
        let wanted = written
            .limit(section)
            .filter(|_| self.is("svname", "FRONTEND"))?;
        let now = self.get("slim");
        (now != wanted).then(|| {
            let what = format!("connections at once of {section}");
            ByHand::new(
                what,
                now,
                wanted,
                format!("set maxconn frontend {section} {wanted}"),
            )
        })
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
        let mut found = ByHand::new(what, &state, SERVING, remedy);
        // It was shut down for good.
        found.remedy.take_if(|_| self.is("status", "STOP"));
        self.is_held().then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{ByHand, Line, Server, Written, connections, lines, servers, three, value};

    #[test]
    fn what_is_out_of_service_by_hand_is_found() {
        let text = "\
# pxname,svname,status,
a,FRONTEND,PAUSED,
a,one,UP,
a,two,MAINT,
a,BACKEND,UP,
b,FRONTEND,OPEN,
b,two,MAINT (via a/two),
b,three,DRAIN,
c,FRONTEND,STOP,

";
        let held: Vec<_> = lines(text).iter().filter_map(Line::held).collect();
        assert_eq!(
            shown(&held),
            [
                ["frontend a", "paused", "enable frontend a"],
                ["server a/two", "maint", "set server a/two state ready"],
                ["server b/three", "drain", "set server b/three state ready"],
                ["frontend c", "stop", ""],
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
        let found: Vec<ByHand> = servers(text).iter().filter_map(Server::weighed).collect();
        assert_eq!(shown(&found), [weight]);
        let info = |now| format!("Name: HAProxy\nMaxconn: {now}\nHard_maxconn: 5000\n");
        let set = ["connections at once", "10", "set maxconn global 5000"];
        let found = connections(&info(10));
        assert_eq!(shown(found.as_slice()), [set]);
        assert_eq!(connections(&info(5000)), None);
    }

    #[test]
    fn answers_in_a_row_are_told_apart() {
        let answers = "Name: HAProxy\nPid: 7\n\n# pxname,svname,\na,one,\n\n1\n# be_id\n3 a\n\n";
        let [info, statistics, state] = three(answers).unwrap();
        assert_eq!(value(info, "Pid"), Some("7"));
        assert!(lines(statistics)[0].is("svname", "one"));
        assert!(state.starts_with("1\n# be_id"));
        three("Unknown command\n\n").unwrap_err();
    }

    #[test]
    fn addresses_checks_and_limits_that_were_set_are_found() {
        let written = "listen a\n maxconn 100\n server one 10.0.0.1:5432 check\n \
                       server two 10.0.0.2:5432 check\n";
        let written = Written::parse(written);
        let text = "\
1
# be_id be_name srv_id srv_name srv_addr srv_check_state srv_port
3 a 1 one 10.0.0.1 7 5432
3 a 2 two 10.0.0.9 3 5432
";
        let servers = servers(text);
        let moved: Vec<ByHand> = servers
            .iter()
            .filter_map(|one| one.moved(&written))
            .collect();
        let back = "set server a/two addr 10.0.0.2 port 5432";
        assert_eq!(
            shown(&moved),
            [["address of server a/two", "10.0.0.9:5432", back]]
        );
        let unchecked: Vec<ByHand> = servers.iter().filter_map(Server::unchecked).collect();
        let back = ["check of server a/two", "disabled", "enable health a/two"];
        assert_eq!(shown(&unchecked), [back]);
        let limits = "# pxname,svname,slim,\na,FRONTEND,1,\na,BACKEND,200,\nb,FRONTEND,5,\n";
        let limited: Vec<ByHand> = lines(limits)
            .iter()
            .filter_map(|line| line.limited(&written))
            .collect();
        let back = "set maxconn frontend a 100";
        assert_eq!(shown(&limited), [["connections at once of a", "1", back]]);
    }

    fn shown(found: &[ByHand]) -> Vec<[&str; 3]> {
        let mut shown = Vec::new();
        for one in found {
            let from = one.change.from.as_deref().unwrap_or_default();
            shown.push([
                one.change.what.as_str(),
                from,
                one.remedy.as_deref().unwrap_or_default(),
            ]);
        }
        shown
    }
}
