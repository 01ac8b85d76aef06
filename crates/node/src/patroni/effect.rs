//! Whether PostgreSQL has taken up what was written to Patroni's configuration.
//!
//! Patroni writes the settings to PostgreSQL's configuration file and has it read it; the file that
//! initdb wrote is kept beside it, and what is taken out of the one is what the other says. A setting
//! has arrived when the server has read the file since it was last written, the file has the
//! wanted value, and the server does not complain about it. What needs a restart has arrived as
//! well then: the server knows that it waits for one. What the server refuses will not get any
//! better by waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sty_plan::postgres::quote::literal;
use sty_wire::observation::{Change, Failure};
use sty_wire::resource::PostgresAccess;

use super::compare::{same_text, shown};
use super::refused::{self, REFUSED, Refused};
use crate::postgres::{self, Session};
use crate::wait::{Look, Wait};

const WAIT: Wait<'static> = Wait {
    what: "PostgreSQL to take up its settings",
    limit: Duration::from_secs(30),
    pause: Duration::from_millis(100),
};
const DATABASE: &str = "postgres";
/// A file that is being written may look broken; one that has lain for this long is whole.
const AT_REST: Duration = Duration::from_secs(1);

/// What should become of a setting in PostgreSQL's file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Goal {
    /// It has this value.
    Is(String),
    /// It has this value, where the file has it at all.
    IsIfThere(String),
    /// It is not there.
    Gone,
}

/// Goals by the name of the setting.
pub(super) type Goals = BTreeMap<String, Goal>;

/// Settings that Patroni writes whether they are asked for or not.
const ALWAYS_THERE: [&str; 4] = ["cluster_name", "hot_standby", "listen_addresses", "port"];

/// What a patch of the dynamic configuration changes about the settings of PostgreSQL.
pub(super) fn of_patch(patch: &Value) -> Goals {
    let parameters = patch["postgresql"]["parameters"].as_object();
    let goal = |(name, value): (&String, &Value)| match value {
        Value::Null if ALWAYS_THERE.contains(&name.as_str()) => None,
        Value::Null => Some((name.clone(), Goal::Gone)),
        value => Some((name.clone(), Goal::Is(shown(value)))),
    };
    parameters.into_iter().flatten().filter_map(goal).collect()
}

/// What has become of the settings `names` with the dynamic configuration.
pub(super) fn of_names(names: &BTreeSet<String>, config: &Value) -> Goals {
    let parameters = &config["postgresql"]["parameters"];
    let changed = names
        .iter()
        .map(|name| (name.clone(), parameters[name].clone()));
    let changed: Map<String, Value> = changed.collect();
    of_patch(&json!({ "postgresql": { "parameters": changed } }))
}

/// What the whole of the dynamic configuration says about the settings of PostgreSQL.
pub(super) fn of_config(config: &Value) -> Goals {
    let parameters = config["postgresql"]["parameters"].as_object();
    let goals = parameters.into_iter().flatten();
    goals
        .map(|(name, value)| (name.clone(), Goal::IsIfThere(shown(value))))
        .collect()
}

/// The server's view of its configuration file.
#[derive(Deserialize)]
struct Loaded {
    config_file: String,
    /// Seconds since 1970.
    loaded_at: f64,
    /// The settings asked for.
    settings: Vec<Line>,
    refused: Vec<Refused>,
}

impl Loaded {
    fn read(session: &mut Session, goals: &Goals) -> Result<Self, Failure> {
        let loaded: Self = session.document(&query(goals), "reading settings")?;
        let refused = refused::judge(loaded.refused)?;
        Ok(Self { refused, ..loaded })
    }
}

#[derive(Deserialize)]
struct Line {
    name: String,
    /// The server has such a setting, or takes any name of that form.
    known: bool,
    /// In the file; `None` when it is not there.
    value: Option<String>,
}

/// Waits until the PostgreSQL server here has taken up `settings` (name to value) from its
/// configuration file. Ends at once when it refuses one of them, or the file as a whole. Sets
/// nothing; connects as the superuser.
///
/// # Errors
/// The server refuses, cannot be asked, or does not take them up within 30 seconds.
pub fn settings_arrived(
    settings: &BTreeMap<String, String>,
    postgres: &PostgresAccess,
) -> Result<(), Failure> {
    arrive(settings, postgres)?.map_or(Ok(()), Err)
}

/// The same; a file that is refused as a whole, for a line that is none of `settings`, is told
/// and not waited for.
pub(super) fn arrive(
    settings: &BTreeMap<String, String>,
    postgres: &PostgresAccess,
) -> Result<Option<Failure>, Failure> {
    let goals = settings.iter();
    let goals = goals.map(|(name, value)| (name.clone(), Goal::Is(value.clone())));
    reach(&goals.collect(), postgres)
}

/// Waits until the server here has reached the goals.
pub(super) fn wait(goals: &Goals, postgres: &PostgresAccess) -> Result<(), Failure> {
    reach(goals, postgres)?.map_or(Ok(()), Err)
}

fn reach(goals: &Goals, postgres: &PostgresAccess) -> Result<Option<Failure>, Failure> {
    if goals.is_empty() {
        return Ok(None);
    }
    let mut blocked = None;
    WAIT.until(|| look(goals, postgres, &mut blocked))?;
    Ok(blocked)
}

fn look(
    goals: &Goals,
    postgres: &PostgresAccess,
    blocked: &mut Option<Failure>,
) -> Result<Look, Failure> {
    let mut session = Session::open(postgres, DATABASE)?;
    let loaded = Loaded::read(&mut session, goals)?;
    let unable =
        |error| Failure::message(format!("cannot look at {}: {error}", loaded.config_file));
    let written = fs::metadata(&loaded.config_file).and_then(|data| data.modified());
    let written = written.map_err(unable)?;
    let read = epoch(written) <= loaded.loaded_at;
    // A clock that was set back is no reason to wait.
    let whole = written.elapsed().is_ok_and(|age| age >= AT_REST);
    if read || whole {
        let mine = loaded.refused.iter().filter(|one| is_goal(one, goals));
        if let Some(failure) = refused::failure(&mine.collect::<Vec<_>>(), &mut session) {
            return Err(failure);
        }
    }
    if !read && whole {
        let others = loaded.refused.iter().filter(|one| one.blocks());
        *blocked = refused::failure(&others.collect::<Vec<_>>(), &mut session);
        if blocked.is_some() {
            return Ok(Look::Reached);
        }
    }
    if !read {
        return Ok(Look::NotYet("the file has not been read again".to_owned()));
    }
    let mut late = Vec::new();
    for line in &loaded.settings {
        if let Some(goal) = goals.get(&line.name) {
            late.extend(lacking(line, goal)?);
        }
    }
    Ok(match late.is_empty() {
        true => Look::Reached,
        false => Look::NotYet(late.join(", ")),
    })
}

/// Whether what is refused is what is waited for; what was there before may be mended meanwhile.
fn is_goal(refused: &Refused, goals: &Goals) -> bool {
    let Some((name, value)) = refused.setting() else {
        return false;
    };
    goals.iter().any(|(goal, wanted)| match wanted {
        Goal::Is(wanted) | Goal::IsIfThere(wanted) => {
            goal.eq_ignore_ascii_case(name) && same_text(wanted, value)
        }
        Goal::Gone => false,
    })
}

/// What is wrong with one setting; `None` when it has arrived.
fn lacking(line: &Line, goal: &Goal) -> Result<Option<String>, Failure> {
    let name = &line.name;
    let (wanted, value) = match (goal, &line.value) {
        (Goal::Gone, Some(value)) => return Ok(Some(format!("{name} is still `{value}`"))),
        (Goal::Gone, None) => return Ok(None),
        (Goal::Is(_) | Goal::IsIfThere(_), None) if !line.known => {
            return Err(Failure {
                hint: Some(format!(
                    "take `{name}` out of the inventory, or mend its name"
                )),
                ..Failure::message(format!("PostgreSQL here has no setting `{name}`"))
            });
        }
        (Goal::IsIfThere(_), None) => return Ok(None),
        (Goal::Is(_), None) => {
            return Ok(Some(format!(
                "{name} is not in PostgreSQL's file: Patroni leaves out values that it finds \
                 invalid"
            )));
        }
        (Goal::Is(wanted) | Goal::IsIfThere(wanted), Some(value)) => (wanted, value),
    };
    Ok(match same_text(value, wanted) {
        true => None,
        false => Some(format!("{name} is still `{value}`")),
    })
}

/// What the server here refuses now of the settings of the dynamic configuration.
pub(super) fn refused(
    config: &Value,
    postgres: &PostgresAccess,
) -> Result<Option<Failure>, Failure> {
    let goals = of_config(config);
    let mut session = Session::open(postgres, DATABASE)?;
    let loaded = Loaded::read(&mut session, &goals)?;
    let mine = loaded.refused.iter().filter(|one| is_goal(one, &goals));
    Ok(refused::failure(&mine.collect::<Vec<_>>(), &mut session))
}

/// Settings of the dynamic configuration that need a restart and are not in the server's file as
/// they are there. Those in `known` are left out: the server says itself that they wait, or they
/// are the member's own.
pub(super) fn late(
    config: &Value,
    known: &BTreeSet<String>,
    postgres: &PostgresAccess,
) -> Result<Vec<Change>, Failure> {
    let mut goals = of_config(config);
    goals.retain(|name, _| !known.contains(name));
    let loaded = Loaded::read(&mut Session::open(postgres, DATABASE)?, &goals)?;
    let mut changes = Vec::new();
    for line in &loaded.settings {
        if let (Some(Goal::IsIfThere(wanted)), Some(value)) = (goals.get(&line.name), &line.value)
            && !same_text(value, wanted)
        {
            let what = format!("postgresql.parameters.{}", line.name);
            changes.push(Change::new(what, value, wanted));
        }
    }
    tell_restarts(&mut changes, postgres)?;
    changes.retain(|change| change.restart);
    Ok(changes)
}

/// Says of the settings of PostgreSQL among `changes` which will wait for a restart.
pub(super) fn tell_restarts(
    changes: &mut [Change],
    access: &PostgresAccess,
) -> Result<(), Failure> {
    let waiting = needing_restart(changes.iter().filter_map(Change::parameter), access)?;
    for change in changes {
        let name = change.parameter();
        change.restart = name.is_some_and(|name| waiting.contains(name));
    }
    Ok(())
}

/// What the member's file will change about settings that need a restart.
pub(super) fn coming_restarts(
    from: &BTreeMap<String, String>,
    to: &BTreeMap<String, String>,
    access: &PostgresAccess,
) -> Result<Vec<Change>, Failure> {
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let change = |name: &&String| Change {
        what: (*name).clone(),
        from: from.get(*name).cloned(),
        to: to.get(*name).cloned(),
        restart: true,
    };
    let changes = names.iter().map(change);
    let mut changes: Vec<Change> = changes.filter(|one| !is_same(one)).collect();
    let names = changes.iter().map(|change| change.what.as_str());
    let waiting = needing_restart(names, access)?;
    changes.retain(|change| waiting.contains(&change.what));
    Ok(changes)
}

fn is_same(change: &Change) -> bool {
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => same_text(from, to),
        (from, to) => from == to,
    }
}

/// Those of `names` that the server here takes up when it starts, and only then.
fn needing_restart<'a>(
    names: impl Iterator<Item = &'a str>,
    access: &PostgresAccess,
) -> Result<BTreeSet<String>, Failure> {
    let names: Vec<String> = names.map(literal).collect();
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT string_agg(name, ' ') FROM pg_settings
         WHERE context = 'postmaster' AND name IN ({})",
        names.join(", ")
    );
    let waiting = postgres::value(access, &sql)?.unwrap_or_default();
    Ok(waiting.split_whitespace().map(str::to_owned).collect())
}

fn epoch(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

fn query(goals: &Goals) -> String {
    let names: Vec<String> = goals.keys().map(|name| literal(name)).collect();
    format!(
        "SELECT jsonb_build_object(
           'config_file', current_setting('config_file'),
           'loaded_at', extract(epoch FROM pg_conf_load_time()),
           'refused', ({REFUSED}),
           'settings', (
             SELECT coalesce(jsonb_agg(jsonb_build_object(
               'name', n.name, 'value', f.setting,
               'known', s.name IS NOT NULL OR position('.' IN n.name) > 0)), '[]')
             FROM unnest(ARRAY[{}]) AS n (name)
             LEFT JOIN pg_settings s ON lower(s.name) = lower(n.name)
             LEFT JOIN LATERAL (
               SELECT l.setting FROM pg_file_settings l
               WHERE lower(l.name) = lower(n.name)
                 AND l.sourcefile = current_setting('config_file')
               ORDER BY l.seqno DESC LIMIT 1) AS f ON true
             WHERE s.context IS DISTINCT FROM 'internal'))",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_what_should_arrive() {
        let patch = json!({ "ttl": 20, "postgresql": { "parameters": {
            "jit": null, "work_mem": "8MB", "port": null,
        } } });
        let goals = of_patch(&patch);
        let expected = [("jit", Goal::Gone), ("work_mem", is("8MB"))];
        assert_eq!(
            goals,
            expected.map(|(name, goal)| (name.to_owned(), goal)).into()
        );
        assert_eq!(of_patch(&json!({ "ttl": 20 })), Goals::new());
    }

    #[test]
    fn a_setting_that_is_new_or_gone_is_waited_for() {
        let config = json!({ "postgresql": { "parameters": { "work_mem": "8MB", "jit": "on" } } });
        let goals = of_names(
            &["work_mem".to_owned(), "lc_time".to_owned()].into(),
            &config,
        );
        let expected = [("lc_time", Goal::Gone), ("work_mem", is("8MB"))];
        let expected = expected.map(|(name, goal)| (name.to_owned(), goal));
        assert_eq!(goals, expected.into());
    }

    fn line(value: Option<&str>) -> Line {
        Line {
            name: "x".to_owned(),
            known: true,
            value: value.map(str::to_owned),
        }
    }

    fn is(value: &str) -> Goal {
        Goal::Is(value.to_owned())
    }

    #[test]
    fn a_setting_has_arrived_when_the_file_says_so() {
        let arrived = |line: &Line, goal: &Goal| lacking(line, goal).unwrap().is_none();
        assert!(arrived(&line(Some("on")), &is("true")));
        assert!(!arrived(&line(Some("4MB")), &is("8MB")));
        assert!(!arrived(&line(None), &is("8MB")));
        assert!(arrived(&line(None), &Goal::IsIfThere("8MB".to_owned())));
        let unknown = Line {
            known: false,
            ..line(None)
        };
        lacking(&unknown, &is("x")).unwrap_err();
    }

    #[test]
    fn what_was_removed_is_gone() {
        let there = line(Some("off"));
        assert!(lacking(&there, &Goal::Gone).unwrap().is_some());
        let gone = line(None);
        assert!(lacking(&gone, &Goal::Gone).unwrap().is_none());
    }
}
