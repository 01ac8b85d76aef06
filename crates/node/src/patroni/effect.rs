//! Whether PostgreSQL has taken up what was written to Patroni's configuration.
//!
//! Patroni writes the settings to PostgreSQL's configuration file and has it read it. A setting
//! has arrived when the server has read the file since it was last written, the file has the
//! wanted value, and the server does not complain about it. What needs a restart has arrived as
//! well then: the server knows that it waits for one.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value;
use sty_plan::postgres::quote::literal;
use sty_wire::observation::{Change, Failure};
use sty_wire::resource::PostgresAccess;

use super::compare::{same_text, shown};
use crate::postgres::{self, Session};
use crate::wait::{Look, Wait};

const WAIT: Wait<'static> = Wait {
    what: "PostgreSQL to take up its settings",
    limit: Duration::from_secs(30),
    pause: Duration::from_millis(100),
};
const DATABASE: &str = "postgres";

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
    /// Those among the settings asked for that the server knows.
    settings: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    /// Changes only by a restart.
    restart: bool,
    /// In the file; `None` when it is not there.
    value: Option<String>,
    error: Option<String>,
}

/// Waits until the server here has reached the goals.
pub(super) fn wait(goals: &Goals, postgres: &PostgresAccess) -> Result<(), Failure> {
    if goals.is_empty() {
        return Ok(());
    }
    WAIT.until(|| look(goals, postgres))
}

fn look(goals: &Goals, postgres: &PostgresAccess) -> Result<Look, Failure> {
    let mut session = Session::open(postgres, DATABASE)?;
    let loaded: Loaded = session.document(&query(goals), "reading settings")?;
    let unable =
        |error| Failure::message(format!("cannot look at {}: {error}", loaded.config_file));
    let written = fs::metadata(&loaded.config_file).and_then(|data| data.modified());
    if epoch(written.map_err(unable)?) > loaded.loaded_at {
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

/// What is wrong with one setting; `None` when it has arrived. One that was read and refused
/// will not get any better.
fn lacking(line: &Line, goal: &Goal) -> Result<Option<String>, Failure> {
    let name = &line.name;
    let (wanted, value) = match (goal, &line.value) {
        (Goal::Gone, Some(value)) => return Ok(Some(format!("{name} is still `{value}`"))),
        (Goal::Gone | Goal::IsIfThere(_), None) => return Ok(None),
        (Goal::Is(_), None) => {
            return Ok(Some(format!(
                "{name} is not in PostgreSQL's file: Patroni leaves out values that it finds \
                 invalid"
            )));
        }
        (Goal::Is(wanted) | Goal::IsIfThere(wanted), Some(value)) => (wanted, value),
    };
    match &line.error {
        _ if !same_text(value, wanted) => Ok(Some(format!("{name} is still `{value}`"))),
        Some(error) if !line.restart => Err(Failure {
            hint: Some(format!("mend `{name}` in the inventory")),
            ..Failure::message(format!("PostgreSQL refuses `{name} = {wanted}`: {error}"))
        }),
        _ => Ok(None),
    }
}

/// Says of the settings of PostgreSQL among `changes` which will wait for a restart.
pub(super) fn tell_restarts(
    changes: &mut [Change],
    access: &PostgresAccess,
) -> Result<(), Failure> {
    const PATH: &str = "postgresql.parameters.";
    let names = changes
        .iter()
        .filter_map(|change| change.what.strip_prefix(PATH));
    let names: Vec<String> = names.map(literal).collect();
    if names.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT string_agg(name, ' ') FROM pg_settings
         WHERE context = 'postmaster' AND name IN ({})",
        names.join(", ")
    );
    let waiting = postgres::value(access, &sql)?.unwrap_or_default();
    let waiting: Vec<&str> = waiting.split(' ').collect();
    for change in changes {
        let name = change.what.strip_prefix(PATH);
        if name.is_some_and(|name| waiting.contains(&name)) {
            change.what.push_str(" (needs a restart)");
        }
    }
    Ok(())
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
           'settings', (
             SELECT coalesce(jsonb_agg(jsonb_build_object(
               'name', s.name, 'restart', s.context = 'postmaster',
               'value', f.setting, 'error', f.error)), '[]')
             FROM pg_settings s
             LEFT JOIN LATERAL (
               SELECT l.setting, l.error FROM pg_file_settings l
               WHERE l.name = s.name ORDER BY l.seqno DESC LIMIT 1) AS f ON true
             WHERE s.context <> 'internal' AND s.name IN ({})))",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    fn line(value: Option<&str>, error: Option<&str>, restart: bool) -> Line {
        Line {
            name: "x".to_owned(),
            restart,
            value: value.map(str::to_owned),
            error: error.map(str::to_owned),
        }
    }

    fn is(value: &str) -> Goal {
        Goal::Is(value.to_owned())
    }

    #[test]
    fn a_setting_has_arrived_when_the_file_says_so() {
        let arrived = |line: &Line, goal: &Goal| lacking(line, goal).unwrap().is_none();
        assert!(arrived(&line(Some("on"), None, false), &is("true")));
        assert!(!arrived(&line(Some("4MB"), None, false), &is("8MB")));
        assert!(!arrived(&line(None, None, false), &is("8MB")));
        assert!(arrived(
            &line(None, None, false),
            &Goal::IsIfThere("8MB".to_owned())
        ));
        let waits = line(Some("96"), Some("cannot be changed without restart"), true);
        assert!(arrived(&waits, &is("96")));
        lacking(&line(Some("x"), Some("invalid"), false), &is("x")).unwrap_err();
    }

    #[test]
    fn what_was_removed_is_gone() {
        let there = line(Some("off"), None, false);
        assert!(lacking(&there, &Goal::Gone).unwrap().is_some());
        let gone = line(None, None, false);
        assert!(lacking(&gone, &Goal::Gone).unwrap().is_none());
    }
}
