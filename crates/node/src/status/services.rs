//! Who answers behind each service, as HAProxy sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use sty_wire::status::{ServiceProbe, ServiceStatus};

use super::LIMIT;
use crate::proxy::{self, Line};

/// For how long a HAProxy that has just been started or reloaded is waited for: it begins its first
/// checks within the shortest interval between two of them, a second or two.
const FIRST_CHECKS: Duration = Duration::from_millis(2500);
const PAUSE: Duration = Duration::from_millis(50);

/// A line of HAProxy's statistics that is about a server.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    proxy: String,
    name: String,
    up: bool,
    /// It has been checked at least once, or never is: before, HAProxy takes it for up.
    asked: bool,
    /// Only asked when no other server is up.
    backup: bool,
    /// Out of service by hand.
    held: bool,
}

/// What HAProxy says of itself.
#[derive(Debug)]
struct Seen {
    servers: Vec<Server>,
    /// Sections whose door somebody has closed.
    closed: BTreeSet<String>,
}

pub(super) fn collect(probes: &[ServiceProbe]) -> Vec<ServiceStatus> {
    let mut sockets: BTreeMap<&str, io::Result<Seen>> = BTreeMap::new();
    for probe in probes {
        let socket = probe.stats_socket.as_str();
        sockets.entry(socket).or_insert_with(|| look(socket));
    }
    let seen = |probe: &ServiceProbe| match sockets.get(probe.stats_socket.as_str()) {
        Some(Ok(seen)) => judge(probe, seen),
        Some(Err(error)) => failed(
            probe,
            format!("HAProxy does not answer at {}: {error}", probe.stats_socket),
        ),
        None => failed(probe, "not looked at".to_owned()),
    };
    probes.iter().map(seen).collect()
}

/// What HAProxy says once it has asked every server, or as far as it has come after [`FIRST_CHECKS`].
fn look(socket: &str) -> io::Result<Seen> {
    let begun = Instant::now();
    loop {
        let seen = parse(&proxy::statistics(socket, LIMIT)?);
        let all_asked = seen.servers.iter().all(|server| server.asked);
        if all_asked || begun.elapsed() >= FIRST_CHECKS {
            return Ok(seen);
        }
        thread::sleep(PAUSE);
    }
}

/// Servers in HAProxy's statistics.
fn parse(text: &str) -> Seen {
    let lines = proxy::lines(text);
    let servers = lines.iter().filter(|line| line.is_server());
    let closed = lines
        .iter()
        .filter(|line| line.is("svname", "FRONTEND") && line.is_held());
    Seen {
        servers: servers.map(|line| server(line, &lines)).collect(),
        closed: closed.map(|line| line.get("pxname").to_owned()).collect(),
    }
}

fn server(line: &Line<'_>, all: &[Line<'_>]) -> Server {
    let backup = line.is("bck", "1");
    let unchecked = line.is("status", "no check");
    Server {
        proxy: line.get("pxname").to_owned(),
        name: line.get("svname").to_owned(),
        up: line.get("status").starts_with("UP") || (unchecked && !backup),
        asked: unchecked || is_asked(line, all),
        backup,
        held: line.is_held(),
    }
}

/// A server may go by the checks of another one, `section/server`. What is out of service is not
/// asked any more.
fn is_asked(line: &Line<'_>, all: &[Line<'_>]) -> bool {
    let by = match line.get("tracked").split_once('/') {
        None => Some(line),
        Some((section, server)) => {
            let mut lines = all.iter();
            lines.find(|one| one.is("pxname", section) && one.is("svname", server))
        }
    };
    // An asterisk: it is being checked again.
    let checked = by.map_or("", |by| by.get("check_status"));
    line.is_held()
        || by.is_some_and(Line::is_held)
        || !matches!(checked.trim_start_matches("* "), "" | "INI" | "UNK")
}

/// Those who get the next connection: servers that are up in every section on the way, those of
/// the last one named.
fn judge(probe: &ServiceProbe, seen: &Seen) -> ServiceStatus {
    let mut answering = Vec::new();
    let mut problem = None;
    for section in &probe.sections {
        if seen.closed.contains(section) {
            return failed(probe, "it was closed by hand in HAProxy".to_owned());
        }
        let own: Vec<&Server> = seen
            .servers
            .iter()
            .filter(|one| one.proxy == *section)
            .collect();
        if own.is_empty() {
            return failed(probe, format!("HAProxy has no section `{section}`"));
        }
        if !own.iter().all(|server| server.asked) {
            return failed(probe, "HAProxy has not asked every server yet".to_owned());
        }
        let held = own.iter().find(|server| server.held);
        let out = |server: &&Server| format!("{} is out of service by hand", server.name);
        problem = problem.or(held.map(out));
        answering = serving(&own);
        if answering.is_empty() {
            return failed(probe, "no server answers".to_owned());
        }
    }
    ServiceStatus {
        cluster: probe.cluster.clone(),
        name: probe.name.clone(),
        port: probe.port,
        answering,
        problem,
    }
}

/// Servers that are up, backups when there are no others. A backup without a check holds
/// connections until somebody is up, and a member may stand in under a second name,
/// `pg-test-1.primary`.
fn serving(own: &[&Server]) -> Vec<String> {
    let up = |backup: bool| -> Vec<String> {
        let fits = |one: &&&Server| one.up && one.backup == backup;
        let member = |one: &&Server| one.name.split('.').next().unwrap_or_default().to_owned();
        own.iter().filter(fits).map(member).collect()
    };
    let first = up(false);
    if first.is_empty() { up(true) } else { first }
}

fn failed(probe: &ServiceProbe, problem: String) -> ServiceStatus {
    ServiceStatus {
        cluster: probe.cluster.clone(),
        name: probe.name.clone(),
        port: probe.port,
        answering: Vec::new(),
        problem: Some(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATISTICS: &str = "\
# pxname,svname,qcur,status,weight,act,bck,chkfail,check_status,tracked,
pg-test.is-primary,pg-test-1,0,UP,1,1,0,0,L7OK,,
pg-test.is-primary,pg-test-2,0,UP,1,1,0,0,L7OK,,
pg-test.is-replica,pg-test-1,0,DOWN,1,1,0,0,L7STS,,
pg-test.is-replica,pg-test-2,0,UP 1/3,1,1,0,0,INI,,
pg-test-primary,FRONTEND,,OPEN,,,,,,,
pg-test-primary,pg-test-1,0,UP,100,1,0,0,* L7OK,,
pg-test-primary,pg-test-2,0,DOWN,100,1,0,3,L7STS,,
pg-test-primary,BACKEND,0,UP,100,1,0,,,,
pg-test-replica,pg-test-1,0,UP,100,0,1,0,L7OK,,
pg-test-replica,pg-test-2,0,DOWN,100,1,0,0,L7STS,,
pg-test-offline,pg-test-3,0,DOWN,100,1,0,0,L7STS,,
pg-test-pooled,pg-test-1,0,UP,100,1,0,0,L4OK,,
pg-test.to-primary,pg-test-1,0,DOWN 1/3,100,1,0,0,,pg-test.is-primary/pg-test-1,
pg-test.to-primary,pg-test-2,0,UP,100,1,0,0,,pg-test.is-primary/pg-test-2,
pg-test.to-primary,again,0,no check,100,0,1,0,,,
pg-test-alone,pg-test-1,0,DOWN,100,1,0,0,L7STS,,
pg-test-alone,pg-test-1.primary,0,UP,100,0,1,0,,pg-test.is-primary/pg-test-1,
pg-test.nobody,pg-test-1,0,DOWN,100,1,0,0,L7STS,,
pg-test.nobody,again,0,no check,100,0,1,0,,,
pg-test-fresh,pg-test-1,0,UP 1/3,100,1,0,0,* INI,,
pg-test-tracking,pg-test-1,0,DOWN,100,1,0,0,,pg-test.is-replica/pg-test-1,
pg-test-tracking,pg-test-2,0,UP 1/3,100,1,0,0,,pg-test.is-replica/pg-test-2,
pg-test-held,FRONTEND,,OPEN,,,,,,,
pg-test-held,pg-test-1,0,MAINT,100,1,0,0,,pg-test.is-primary/pg-test-1,
pg-test-held,pg-test-2,0,UP,100,1,0,0,,pg-test.is-primary/pg-test-2,
pg-test-closed,FRONTEND,,STOP,,,,,,,
pg-test-closed,pg-test-1,0,UP,100,1,0,0,L7OK,,
";

    fn check(name: &str) -> ServiceStatus {
        through(&[&format!("pg-test-{name}")])
    }

    fn through(sections: &[&str]) -> ServiceStatus {
        let probe = ServiceProbe {
            cluster: "pg-test".to_owned(),
            name: "any".to_owned(),
            port: 5433,
            sections: sections.iter().map(|&one| one.to_owned()).collect(),
            stats_socket: String::new(),
        };
        judge(&probe, &parse(STATISTICS))
    }

    #[test]
    fn those_that_are_up_answer() {
        assert_eq!(check("primary").answering, ["pg-test-1"]);
        assert_eq!(check("primary").problem, None);
    }

    #[test]
    fn a_backup_answers_when_nobody_else_does() {
        assert_eq!(check("replica").answering, ["pg-test-1"]);
    }

    #[test]
    fn a_service_without_servers_is_a_problem() {
        let problem = |name| check(name).problem.unwrap();
        assert_eq!(problem("offline"), "no server answers");
        assert_eq!(
            problem("default"),
            "HAProxy has no section `pg-test-default`"
        );
    }

    /// After its start and its reload, HAProxy takes every server for up until it has asked.
    #[test]
    fn who_was_not_asked_yet_does_not_answer() {
        let yet = "HAProxy has not asked every server yet";
        assert_eq!(check("fresh").problem.as_deref(), Some(yet));
        assert_eq!(check("tracking").problem.as_deref(), Some(yet));
    }

    #[test]
    fn what_is_out_of_service_by_hand_is_a_problem() {
        let held = check("held");
        assert_eq!(held.answering, ["pg-test-2"]);
        let problem = held.problem.unwrap();
        assert_eq!(problem, "pg-test-1 is out of service by hand");
        let closed = check("closed").problem.unwrap();
        assert_eq!(closed, "it was closed by hand in HAProxy");
    }

    #[test]
    fn behind_a_pooler_the_primary_answers() {
        let pooled = |last| through(&["pg-test-pooled", last]);
        assert_eq!(pooled("pg-test.to-primary").answering, ["pg-test-2"]);
        let waiting = pooled("pg-test.nobody");
        assert_eq!(waiting.problem.unwrap(), "no server answers");
    }

    #[test]
    fn a_member_that_stands_in_has_its_own_name() {
        assert_eq!(check("alone").answering, ["pg-test-1"]);
    }
}
