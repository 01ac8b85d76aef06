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
