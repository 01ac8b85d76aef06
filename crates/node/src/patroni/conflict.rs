//! Whether the node holds another instance than the one that is wanted here.
//!
//! A renamed cluster, another major version, another disk or another number would all start an
//! empty instance beside the data that is there. A person has to move the data, or remove it.

use std::fs;
use std::path::Path;

use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;

use super::file;

/// What the node holds instead of `member`; `None` when it holds it, or nothing.
pub(super) fn find(member: &PatroniMember) -> Option<Failure> {
    let (link, home) = &member.home;
    let there = fs::read_link(link).ok()?;
    let there = there.to_string_lossy();
    if there != home.as_str() && holds_data(&there) {
        return Some(conflict(
            member,
            &format!("`{link}` leads to `{there}`, which holds a database, and not to `{home}`"),
        ));
    }
    if let Some(port) = running_port(&member.data).filter(|port| *port != member.postgres.port) {
        return Some(moved(member, port));
    }
    let text = file::read(member)?;
    let (scope, name) = (file::field(&text, "scope")?, file::field(&text, "name")?);
    let same = scope == member.scope && name == member.name;
    let initialized = Path::new(&member.data).join("PG_VERSION").exists();
    (initialized && !same).then(|| {
        conflict(
            member,
            &format!("its data is that of member `{name}` of cluster `{scope}`"),
        )
    })
}

/// Where the server in `data` listens, as it notes itself in the fourth line of its lock file.
fn running_port(data: &str) -> Option<u16> {
    let text = fs::read_to_string(Path::new(data).join("postmaster.pid")).ok()?;
    text.lines().nth(3)?.trim().parse().ok()
}

/// Poolers, proxies and the other members all lead to a server's port, and it moves only by a
/// restart: no order of steps keeps clients served.
fn moved(member: &PatroniMember, port: u16) -> Failure {
    Failure {
        hint: Some(format!(
            "set `pg_port` back to {port}: a running cluster keeps its port"
        )),
        ..Failure::message(format!(
            "PostgreSQL of `{}` listens at port {port}, and the inventory says {}",
            member.name, member.postgres.port
        ))
    }
}

fn holds_data(home: &str) -> bool {
    Path::new(home).join("data/PG_VERSION").exists()
}

fn conflict(member: &PatroniMember, what: &str) -> Failure {
    Failure {
        hint: Some(format!(
            "undo the change of `pg_cluster`, `pg_seq`, `pg_version` or `pg_fs_main` in the \
             inventory; to give the node to `{}`, remove what it holds first with \
             `sty node remove` or `sty cluster remove`",
            member.scope
        )),
        ..Failure::message(format!(
            "the inventory wants member `{}` of cluster `{}` here, but {what}",
            member.name, member.scope
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_server_tells_its_port() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().to_string_lossy().into_owned();
        assert_eq!(running_port(&path), None);
        let text = "4242\n/pg/data\n1790000000\n5433\n/run/postgresql\n*\n";
        fs::write(data.path().join("postmaster.pid"), text).unwrap();
        assert_eq!(running_port(&path), Some(5433));
    }
}
