//! Whether the node holds another instance than the one that is wanted here.
//!
//! A renamed cluster, another major version, another disk or another number would all start an
//! empty instance beside the data that is there. A person has to move the data, or remove it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;

use super::client::Status;
use super::{data, file};
use crate::accounts::Accounts;
use crate::os;

/// What the node holds instead of `member`; `None` when it holds it, or nothing. `running` is what
/// the Patroni here says of itself.
pub(super) fn find(
    member: &PatroniMember,
    running: impl Fn() -> Option<Status>,
) -> Option<Failure> {
    let (link, home) = &member.home;
    let there = fs::read_link(link).ok()?;
    let there = there.to_string_lossy();
    if there != home.as_str() && data::is_there(Path::new(&*there).join("data")) {
        return Some(conflict(
            member,
            &format!("`{link}` leads to `{there}`, which holds a database, and not to `{home}`"),
        ));
    }
    if let Some(port) = running_port(&member.data).filter(|port| *port != member.postgres.port) {
        return Some(moved(member, port));
    }
    if let Some(account) = account(member).filter(|found| *found != member.postgres.user) {
        return Some(owned(member, &account));
    }
    let text = file::read(member)?;
    if let Some(old) = file::data(&text).filter(|old| is_left(old, &member.data)) {
        return Some(Failure {
            hint: Some(format!(
                "set `pg_data` back to `{old}`: a cluster that has data keeps its directory"
            )),
            ..Failure::message(format!(
                "the data of `{}` is in `{old}`, and the inventory says `{}`",
                member.name, member.data
            ))
        });
    }
    if let Some(old) = file::field(&text, "namespace").filter(|old| is_elsewhere(old, member)) {
        return Some(elsewhere(member, old));
    }
    let (scope, name) = (file::field(&text, "scope")?, file::field(&text, "name")?);
    let same = scope == member.scope && name == member.name;
    if same || !data::is_there(&member.data) {
        return None;
    }
    let running = running();
    let is_named = running.as_ref().is_some_and(Status::is_named);
    let other = running.and_then(|status| status.other_than(member));
    // Who was renamed in the inventory says its old name, and so does its certificate.
    match (other, is_certified(member)) {
        (None, certified) if is_named || certified => None,
        (Some(other), true) => Some(edited(member, &other)),
        _ => Some(conflict(
            member,
            &format!("its data is that of member `{name}` of cluster `{scope}`"),
        )),
    }
}

/// Whether the certificate here, which is made for one member, is that of `member`.
fn is_certified(member: &PatroniMember) -> bool {
    let name = file::certificate(member).and_then(os::common_name);
    name.is_some_and(|name| name == member.name)
}

/// A running Patroni keeps the name with which it has begun.
fn edited(member: &PatroniMember, other: &str) -> Failure {
    Failure {
        hint: Some(format!(
            "put `scope: {}` and `name: {}` back in its patroni.yml, restart Patroni, then apply \
             again",
            member.scope, member.name
        )),
        ..Failure::message(format!(
            "Patroni of `{}` was restarted with a file changed by hand, and runs as {other}",
            member.name
        ))
    }
}

/// Whether a server's data are in `old`, and none in the directory that is wanted.
fn is_left(old: &str, wanted: &str) -> bool {
    old != wanted && data::is_there(old) && !data::is_there(wanted)
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

/// The account that the server here runs as: that of its unit, or else the owner of its data.
fn account(member: &PatroniMember) -> Option<String> {
    if !data::is_there(&member.data) {
        return None;
    }
    file::account(member).or_else(|| {
        let owner = fs::metadata(&member.data).ok()?.uid();
        Some(Accounts::read().ok()?.user_name(owner))
    })
}

/// A running server cannot be given to another account, and its superuser has the account's name.
fn owned(member: &PatroniMember, account: &str) -> Failure {
    Failure {
        hint: Some(format!(
            "set `pg_dbsu` back to `{account}`: a cluster that has data keeps the account that \
             runs it"
        )),
        ..Failure::message(format!(
            "PostgreSQL of `{}` runs as `{account}`, and the inventory says `{}`",
            member.name, member.postgres.user
        ))
    }
}

/// Whether the keys of a member with data are under another prefix than they should be.
fn is_elsewhere(old: &str, member: &PatroniMember) -> bool {
    old.trim_matches('/') != member.namespace.trim_matches('/') && data::is_there(&member.data)
}

/// Under another prefix a Patroni finds no leader, and makes its member one; without the right to
/// the old prefix it can keep none.
fn elsewhere(member: &PatroniMember, old: &str) -> Failure {
    let shown = |namespace: &str| format!("/{}", namespace.trim_matches('/'));
    let (old, wanted) = (shown(old), shown(&member.namespace));
    Failure {
        hint: Some(format!(
            "set `pg_namespace` back to `{old}`: a cluster that has data keeps its prefix; to \
             move it, stop Patroni on every member first, then move its keys and the `namespace` \
             in each patroni.yml by hand"
        )),
        ..Failure::message(format!(
            "Patroni of `{}` keeps its keys in etcd under `{old}`, and the inventory says \
             `{wanted}`",
            member.name
        ))
    }
}

fn conflict(member: &PatroniMember, what: &str) -> Failure {
    Failure {
        hint: Some(format!(
            "undo the change of `pg_cluster`, `pg_seq`, `pg_version` or `pg_fs_main` in the \
             inventory; to give the node to `{}`, first remove the member that it holds: \
             `sty apply --confirm MEMBER` where its cluster stays in the inventory, else \
             `sty cluster remove` by an inventory that still has it",
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
    use crate::patroni::fixture;

    #[test]
    fn a_data_directory_is_not_left_for_an_empty_one() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = |path: &tempfile::TempDir| path.path().to_string_lossy().into_owned();
        let (old, new) = (text(&old), text(&new));
        assert!(!is_left(&old, &new));
        fs::write(Path::new(&old).join("PG_VERSION"), "17\n").unwrap();
        assert!(is_left(&old, &new) && !is_left(&old, &old));
    }

    /// A node's files of one member, and the member as it was declared when they were written.
    struct Node {
        files: tempfile::TempDir,
        member: PatroniMember,
    }

    impl Node {
        fn new() -> Self {
            let files = tempfile::tempdir().unwrap();
            let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
            let (link, home) = (path("pg"), path("home"));
            fs::create_dir_all(Path::new(&home).join("data")).unwrap();
            std::os::unix::fs::symlink(&home, &link).unwrap();
            let member = PatroniMember {
                data: format!("{link}/data"),
                reload_on: vec![path("patroni.yml")],
                restart_on: vec![path("patroni.service")],
                home: (link, home),
                ..fixture::member()
            };
            let node = Self { files, member };
            node.write("patroni.service", "[Service]\nUser=postgres\n");
            let text = format!(
                "scope: pg-test\nnamespace: /pg/\nname: pg-test-1\npostgresql:\n  data_dir: {}\n",
                node.member.data
            );
            node.write("patroni.yml", &text);
            node
        }

        fn with_data(self) -> Self {
            self.write("home/data/PG_VERSION", "17\n");
            self
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.files.path().join(name), text).unwrap();
        }

        fn certify(&mut self, name: &str) {
            let mut parameters = rcgen::CertificateParams::default();
            let common_name = rcgen::DnType::CommonName;
            parameters.distinguished_name.push(common_name, name);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            self.write("server.crt", &certificate.pem());
            let path = self.files.path().join("server.crt");
            let path = path.to_string_lossy().into_owned();
            self.member.reload_on.push(path);
        }

        /// Message and hint.
        fn found(&self) -> Option<String> {
            self.found_beside(None)
        }

        /// The same while a Patroni runs that names itself.
        fn found_beside(&self, running: Option<(&str, &str)>) -> Option<String> {
            let failure = find(&self.member, || {
                let (scope, name) = running?;
                let told = serde_json::json!({ "patroni": { "scope": scope, "name": name } });
                Some(serde_json::from_value(told).unwrap())
            })?;
            Some(format!("{}\n{}", failure.message, failure.hint.unwrap()))
        }
    }

    #[test]
    fn a_member_with_data_keeps_its_prefix_in_etcd() {
        let moved = |node: Node| {
            let mut node = node;
            node.member.namespace = "/other/".to_owned();
            node.found()
        };
        assert_eq!(Node::new().with_data().found(), None);
        assert_eq!(moved(Node::new()), None);
        insta::assert_snapshot!(moved(Node::new().with_data()).unwrap(), @"
        Patroni of `pg-test-1` keeps its keys in etcd under `/pg`, and the inventory says `/other`
        set `pg_namespace` back to `/pg`: a cluster that has data keeps its prefix; to move it, stop Patroni on every member first, then move its keys and the `namespace` in each patroni.yml by hand
        ");
    }

    /// A node whose file names a member of another cluster.
    fn renamed() -> Node {
        let node = Node::new().with_data();
        let text = "scope: pg-foo\nname: pg-test-1\n";
        node.write("patroni.yml", text);
        node
    }

    #[test]
    fn a_file_that_names_another_than_who_runs_was_changed_by_hand() {
        let node = renamed();
        assert_eq!(node.found_beside(Some(("pg-test", "pg-test-1"))), None);
        let other = node.found_beside(Some(("pg-foo", "pg-test-1"))).unwrap();
        assert!(other.contains("of cluster `pg-foo`"), "{other}");
        assert!(node.found_beside(Some(("pg-test", "pg-test-9"))).is_some());
        // Patroni 3 does not tell its name.
        assert!(node.found_beside(Some(("pg-test", ""))).is_some());
    }

    #[test]
    fn where_nobody_runs_the_certificate_tells_whose_the_data_is() {
        let mut node = renamed();
        assert!(node.found().is_some());
        node.certify("pg-test-1");
        assert_eq!(node.found(), None);
        assert_eq!(node.found_beside(Some(("pg-test", ""))), None);
        let other = node.found_beside(Some(("pg-foo", "pg-test-1"))).unwrap();
        insta::assert_snapshot!(other, @"
        Patroni of `pg-test-1` was restarted with a file changed by hand, and runs as pg-test-1 of cluster pg-foo
        put `scope: pg-test` and `name: pg-test-1` back in its patroni.yml, restart Patroni, then apply again
        ");
        node.certify("pg-foo-1");
        assert!(node.found().is_some());
    }

    #[test]
    fn a_member_with_data_keeps_its_account() {
        let given = |node: Node| {
            let mut node = node;
            node.member.postgres.user = "pgadmin".to_owned();
            node.found()
        };
        assert_eq!(given(Node::new()), None);
        insta::assert_snapshot!(given(Node::new().with_data()).unwrap(), @"
        PostgreSQL of `pg-test-1` runs as `postgres`, and the inventory says `pgadmin`
        set `pg_dbsu` back to `postgres`: a cluster that has data keeps the account that runs it
        ");
        // Without the unit's file the owner of the data tells.
        let node = Node::new().with_data();
        fs::remove_file(node.files.path().join("patroni.service")).unwrap();
        assert!(given(node).unwrap().contains("pg_dbsu"));
    }

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
