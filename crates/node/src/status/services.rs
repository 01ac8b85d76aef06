//! Who answers behind each service, as HAProxy sees it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use sty_wire::status::{ServiceProbe, ServiceStatus};

use super::LIMIT;

/// A line of HAProxy's statistics that is about a server.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    proxy: String,
    name: String,
    up: bool,
    /// Only asked when no other server is up.
    backup: bool,
}

pub(super) fn collect(probes: &[ServiceProbe]) -> Vec<ServiceStatus> {
    let mut sockets: BTreeMap<&str, io::Result<Vec<Server>>> = BTreeMap::new();
    for probe in probes {
        let socket = probe.stats_socket.as_str();
        sockets.entry(socket).or_insert_with(|| ask(socket));
    }
    let seen = |probe: &ServiceProbe| match sockets.get(probe.stats_socket.as_str()) {
        Some(Ok(servers)) => judge(probe, servers),
        Some(Err(error)) => failed(
            probe,
            format!("HAProxy does not answer at {}: {error}", probe.stats_socket),
        ),
        None => failed(probe, "not looked at".to_owned()),
    };
    probes.iter().map(seen).collect()
}

fn ask(socket: &str) -> io::Result<Vec<Server>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(b"show stat\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(parse(&text))
}

/// Servers in the CSV that HAProxy writes; its first line names the columns.
fn parse(text: &str) -> Vec<Server> {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let column = |name: &str| header.split(',').position(|column| column == name);
    let (Some(proxy), Some(server), Some(status), Some(backup)) = (
        column("pxname"),
        column("svname"),
        column("status"),
        column("bck"),
    ) else {
        return Vec::new();
    };
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let field = |index: usize| fields.get(index).copied();
            let (name, status) = (field(server)?, field(status)?);
            (!matches!(name, "FRONTEND" | "BACKEND")).then(|| Server {
                proxy: field(proxy).unwrap_or_default().to_owned(),
                name: name.to_owned(),
                up: status.starts_with("UP")
                    || (status == "no check" && field(backup) != Some("1")),
                backup: field(backup) == Some("1"),
            })
        })
        .collect()
}

/// Those who get the next connection: servers that are up in every section on the way, those of
/// the last one named.
fn judge(probe: &ServiceProbe, servers: &[Server]) -> ServiceStatus {
    let mut answering = Vec::new();
    for section in &probe.sections {
        let own: Vec<&Server> = servers.iter().filter(|one| one.proxy == *section).collect();
        if own.is_empty() {
            return failed(probe, format!("HAProxy has no section `{section}`"));
        }
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
        problem: None,
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
# pxname,svname,qcur,status,weight,act,bck,chkfail,
pg-test-primary,FRONTEND,,OPEN,,,,,
pg-test-primary,pg-test-1,0,UP,100,1,0,0,
pg-test-primary,pg-test-2,0,DOWN,100,1,0,3,
pg-test-primary,BACKEND,0,UP,100,1,0,,
pg-test-replica,pg-test-1,0,UP,100,0,1,0,
pg-test-replica,pg-test-2,0,DOWN,100,1,0,0,
pg-test-offline,pg-test-3,0,DOWN,100,1,0,0,
pg-test-pooled,pg-test-1,0,UP,100,1,0,0,
pg-test.to-primary,pg-test-1,0,DOWN 1/3,100,1,0,0,
pg-test.to-primary,pg-test-2,0,UP,100,1,0,0,
pg-test.to-primary,again,0,no check,100,0,1,0,
pg-test-alone,pg-test-1,0,DOWN,100,1,0,0,
pg-test-alone,pg-test-1.primary,0,UP,100,0,1,0,
pg-test.nobody,pg-test-1,0,DOWN,100,1,0,0,
pg-test.nobody,again,0,no check,100,0,1,0,
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
