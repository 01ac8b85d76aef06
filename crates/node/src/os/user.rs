//! Accounts.

use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::User;

use super::{directory, drift};
use crate::accounts::{Account, Accounts};
use crate::context::Context;
use crate::run::Run;

/// Numbers below are the system's own.
const FIRST_PERSON: u32 = 1000;

/// Compares home, shell and groups; numbers of an account that is there are its own.
pub(crate) fn observe(user: &User, context: &Context) -> Result<Observation, Failure> {
    let accounts = context.accounts()?;
    let Some(found) = accounts.users.get(&user.name) else {
        return Ok(drift(
            vec![Change {
                what: "account".to_owned(),
                from: None,
                to: Some(user.name.clone()),
                ..Change::default()
            }],
            Risk::Safe,
        ));
    };
    let missing = user
        .groups
        .iter()
        .find(|group| !accounts.groups.contains_key(*group));
    if let Some(group) = missing {
        let reason = format!("group `{group}` does not exist");
        return Ok(Observation::Pending { reason });
    }
    Ok(drift(compare(user, found, accounts), Risk::Safe))
}

fn compare(user: &User, found: &Account, accounts: &Accounts) -> Vec<Change> {
    let mut changes = Vec::new();
    if found.home != user.home {
        changes.push(Change::new("home", &found.home, &user.home));
    } else if !Path::new(&user.home).is_dir() {
        changes.push(Change::new("home", "missing", &user.home));
    }
    if found.shell != user.shell {
        changes.push(Change::new("shell", &found.shell, &user.shell));
    }
    for name in &user.groups {
        let is_in = accounts
            .groups
            .get(name)
            .is_some_and(|group| group.gid == found.gid || group.members.contains(&user.name));
        if !is_in {
            changes.push(Change::new(format!("group {name}"), "", "member"));
        }
    }
    changes
}

/// Makes the account with a group of its name, or alters what differs.
pub(crate) fn converge(user: &User, context: &Context) -> Result<(), Failure> {
    let accounts = context.accounts()?;
    match accounts.users.get(&user.name) {
        Some(found) => alter(user, found),
        None => create(user, accounts),
    }
}

/// With the number that is wanted, where no account or group has it: somebody's files are not to
/// become somebody else's.
fn create(user: &User, accounts: &Accounts) -> Result<(), Failure> {
    let free = |number: &u32| {
        let mut users = accounts.users.values();
        let mut groups = accounts.groups.iter();
        users.all(|other| other.uid != *number)
            && groups.all(|(name, group)| *name == user.name || group.gid != *number)
    };
    let number = user.uid.filter(free).map(|uid| uid.to_string());
    let system = user.uid.is_some_and(|uid| uid < FIRST_PERSON);
    if !accounts.groups.contains_key(&user.name) {
        let mut run = Run::new("groupadd");
        if let Some(number) = &number {
            run = run.args(["--gid", number]);
        }
        run.arg(&user.name).ok()?;
    }
    let mut run = Run::new("useradd")
        .args(["--gid", &user.name, "--shell", &user.shell])
        .args(["--create-home", "--home-dir", &user.home]);
    if let Some(number) = &number {
        run = run.args(["--uid", number]);
    }
    if system {
        run = run.arg("--system");
    }
    if !user.groups.is_empty() {
        run = run.args(["--groups", &user.groups.join(",")]);
    }
    run.arg(&user.name).ok().map(drop)
}

fn alter(user: &User, found: &Account) -> Result<(), Failure> {
    let mut run = Run::new("usermod").args(["--shell", &user.shell]);
    if found.home != user.home {
        run = run.args(["--home", &user.home]);
    }
    if !user.groups.is_empty() {
        run = run.args(["--append", "--groups", &user.groups.join(",")]);
    }
    run.arg(&user.name).ok()?;
    let home = Path::new(&user.home);
    match home.is_dir() {
        true => Ok(()),
        false => directory::make(home, (found.uid, found.gid), 0o700),
    }
}
