//! Settings made past Patroni: in PostgreSQL's own files, by `ALTER SYSTEM` and `ALTER ROLE ALL`.
//! They would win over the inventory's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sty_plan::postgres::quote::{literal, setting_name};
use sty_wire::observation::{Change, Failure};
use sty_wire::resource::{PatroniMember, PostgresAccess};

use super::client::Status;
use super::compare::shown;
use super::handwritten::{INITDB, differing, strangers, without_strangers};
use super::{file, reload};
use crate::context::Context;
use crate::os::atomic;
use crate::postgres::{self, Session};
use crate::wait::{Look, Wait};

const DATABASE: &str = "postgres";
/// What Patroni writes.
const CONF: &str = "postgresql.conf";
/// The cluster's configuration as the Patroni here took it up last. It comes along with a copy of
/// the data, from whoever that was copied from.
const TAKEN_UP: &str = "patroni.dynamic.json";
/// What only initdb writes.
const BASE: &str = "postgresql.base.conf";
/// Files that nobody else should write to: name, what is said of a setting there, and settings that
/// may be there.
const OTHERS: [(&str, &str, &[&str]); 2] = [
    (BASE, BASE, &INITDB),
    ("postgresql.auto.conf", "ALTER SYSTEM", &[]),
];
/// Patroni does not replace its file at one stroke, and notes what it has taken up a second later.
const AT_REST: Duration = Duration::from_secs(3);
const WRITTEN: Wait<'static> = Wait {
    what: "PostgreSQL's file to be as Patroni was told (it leaves out values that it finds invalid)",
    limit: Duration::from_secs(10),
    pause: Duration::from_millis(100),
};

/// What `ALTER ROLE ALL SET` set, for every role and database. Known where it can be taken back: on
/// the primary.
const FOR_ALL: &str = "
    SELECT coalesce(jsonb_agg(item ORDER BY item), '[]')
    FROM pg_db_role_setting, unnest(setconfig) AS item
    WHERE setrole = 0 AND setdatabase = 0 AND NOT pg_is_in_recovery()";

/// What is in the files of the server here, whether it runs or not, and should not be, or is not
/// and should.
pub(super) fn in_files(member: &PatroniMember, context: &Context) -> Result<Vec<Change>, Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let mut changes = match (patroni.status(), patroni.config()) {
        (Ok(status), Ok(Some(config))) if at_rest(&path(member, CONF)) => {
            by_patroni(member, status, config)?
        }
        _ => Vec::new(),
    };
    for (name, told, kept) in OTHERS {
        if let Some(text) = read(&path(member, name))? {
            changes.extend(strangers(told, &text, kept));
        }
    }
    Ok(changes)
}

fn at_rest(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|data| data.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= AT_REST))
}

/// In what the file that Patroni writes is neither what it would write by the cluster's
/// configuration nor by what it took up last: it may not have heard of a change yet.
fn by_patroni(
    member: &PatroniMember,
    status: &Status,
    config: &Value,
) -> Result<Vec<Change>, Failure> {
    let text = read(&path(member, CONF))?;
    let Some(text) = text.filter(|_| path(member, BASE).exists()) else {
        // Data is being made.
        return Ok(Vec::new());
    };
    let by = |config: &Value| differing(CONF, &text, &wanted(member, config), status.leads());
    let mut changes = by(config);
    let taken_up = read(&path(member, TAKEN_UP))?;
    let taken_up: Option<Value> = taken_up.and_then(|text| serde_json::from_str(&text).ok());
    if let Some(taken_up) = taken_up {
        let names: BTreeSet<String> = by(&taken_up).into_iter().map(|one| one.what).collect();
        changes.retain(|change| names.contains(&change.what));
    }
    // What no server of this version has, Patroni leaves out.
    let missing = changes.iter().filter(|change| change.from.is_none());
    let missing: Vec<&str> = missing.filter_map(setting_of).collect();
    let unknown = unknown(&missing, &member.postgres)?;
    changes.retain(|change| setting_of(change).is_none_or(|name| !unknown.contains(name)));
    Ok(changes)
}

/// Settings of the member, by their names in small letters: the cluster's and its own.
fn wanted(member: &PatroniMember, config: &Value) -> BTreeMap<String, String> {
    let parameters = config["postgresql"]["parameters"].as_object();
    let parameters = parameters.into_iter().flatten();
    let parameters = parameters.map(|(name, value)| (name.clone(), shown(value)));
    let own = file::read(member).map(|text| file::parameters(&text));
    let wanted = parameters.chain(own.unwrap_or_default());
    wanted
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

/// The setting that a change of [`CONF`] is about.
fn setting_of(change: &Change) -> Option<&str> {
    change.what.strip_prefix(CONF)?.strip_prefix(' ')
}

/// Those of `names` that the server does not have; all, when it does not run.
fn unknown(names: &[&str], access: &PostgresAccess) -> Result<BTreeSet<String>, Failure> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let list: Vec<String> = names.iter().map(|name| literal(name)).collect();
    let sql = format!(
        "SELECT string_agg(lower(name), ' ') FROM pg_settings WHERE lower(name) IN ({})",
        list.join(", ")
    );
    let known = postgres::value(access, &sql)?.unwrap_or_default();
    let known: BTreeSet<&str> = known.split(' ').collect();
    let unknown = names.iter().filter(|name| !known.contains(**name));
    Ok(unknown.map(|name| (*name).to_owned()).collect())
}

/// What is set for every role and database, and should not be.
pub(super) fn for_all(access: &PostgresAccess) -> Result<Vec<Change>, Failure> {
    let Some(text) = postgres::value(access, FOR_ALL)? else {
        return Ok(Vec::new());
    };
    let items: Vec<String> = serde_json::from_str(&text).map_err(|error| {
        Failure::message(format!(
            "what ALTER ROLE ALL set is not understood: {error}"
        ))
    })?;
    let change = |item: &String| {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        Change {
            what: format!("ALTER ROLE ALL {name}"),
            from: Some(value.to_owned()),
            ..Change::default()
        }
    };
    Ok(items.iter().map(change).collect())
}

/// Takes out of the files what Patroni does not write and nobody should; the server, where it runs,
/// has not read them again yet. Says whether there was anything.
pub(super) fn clean(member: &PatroniMember, context: &Context) -> Result<bool, Failure> {
    let mut changed = false;
    for (name, _, kept) in OTHERS {
        let path = path(member, name);
        let Some(text) = read(&path)? else {
            continue;
        };
        let clean = without_strangers(&text, kept);
        if clean == text {
            continue;
        }
        let unable = |error| unreadable(&path, &error);
        let data = fs::metadata(&path).map_err(unable)?;
        context.say(format!("taking what was set by hand out of {name}"));
        let (ids, mode) = ((data.uid(), data.gid()), data.permissions().mode() & 0o7777);
        atomic::replace(&path, clean.as_bytes(), ids, mode, |_| Ok(()))?;
        changed = true;
    }
    Ok(changed)
}

/// Takes back what is left on a server that may run. `cleaned`: it has to read its files again.
pub(super) fn remove(
    member: &PatroniMember,
    cleaned: bool,
    context: &Context,
) -> Result<(), Failure> {
    let access = &member.postgres;
    reset_for_all(access)?;
    let patroni = context.patroni.client(&member.patroni)?;
    let differing = || -> Result<Vec<String>, Failure> {
        let status = patroni.status_now().map_err(|error| error.failure())?;
        let config = patroni.config_now().map_err(|error| error.failure())?;
        let changes = by_patroni(member, &status, &config.unwrap_or_default())?;
        Ok(changes.into_iter().map(|change| change.what).collect())
    };
    if at_rest(&path(member, CONF)) && !differing()?.is_empty() {
        context.say("having Patroni write PostgreSQL's file anew");
        reload::patroni(member, context)?;
        return WRITTEN.until(|| {
            let left = differing()?;
            Ok(match left.is_empty() {
                true => Look::Reached,
                false => Look::NotYet(left.join(", ")),
            })
        });
    }
    match cleaned {
        true => reload::server(access),
        false => Ok(()),
    }
}

fn reset_for_all(access: &PostgresAccess) -> Result<(), Failure> {
    let found = for_all(access)?;
    if found.is_empty() {
        return Ok(());
    }
    let mut session = Session::open(access, DATABASE)?;
    for change in found {
        let name = change.what.rsplit(' ').next().unwrap_or_default();
        let sql = format!("ALTER ROLE ALL RESET {}", setting_name(name));
        let outcome = session.value(&sql);
        outcome.map_err(|error| session.failure(&error, "ALTER ROLE ALL RESET"))?;
    }
    Ok(())
}

fn path(member: &PatroniMember, name: &str) -> PathBuf {
    Path::new(&member.data).join(name)
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::message(format!("cannot look at {}: {error}", path.display()))
}
