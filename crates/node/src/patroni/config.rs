//! Patroni's dynamic configuration: the leader's node sees to it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sty_core::Risk;
use sty_wire::observation::{Failure, Observation};
use sty_wire::resource::{PatroniAccess, PostgresAccess};
use ureq::http::Method;

use super::client::{Listed, Patroni, Status};
use super::compare::compare;
use super::effect;
use crate::context::Context;
use crate::wait::{Look, Wait};

const CHANGE_LIMIT: Duration = Duration::from_secs(15);
const PRESENT: Wait<'_> = Wait {
    what: "Patroni to have a configuration",
    ..STORED
};

/// A primary that becomes a standby stops, is rewound and starts again.
const TURNED: Wait<'_> = Wait {
    what: "the leader to change its role",
    limit: Duration::from_secs(180),
    ..STORED
};

const STORED: Wait<'static> = Wait {
    what: "Patroni to take up its configuration",
    limit: Duration::from_secs(60),
    pause: Duration::from_millis(100),
};

pub(crate) fn observe(
    access: &PatroniAccess,
    postgres: &PostgresAccess,
    config: &Value,
    own: &BTreeSet<String>,
    context: &Context,
) -> Observation {
    look(access, postgres, config, own, context)
        .unwrap_or_else(|failure| Observation::Failed { failure })
}

fn look(
    access: &PatroniAccess,
    postgres: &PostgresAccess,
    config: &Value,
    own: &BTreeSet<String>,
    context: &Context,
) -> Result<Observation, Failure> {
    let patroni = context.patroni.client(access)?;
    let status = match patroni.status() {
        Ok(status) => status,
        Err(error) if error.silent() => {
            let reason = "Patroni is not running".to_owned();
            return Ok(Observation::Pending { reason });
        }
        Err(error) => return Err(error.failure()),
    };
    // Asked at the same time as its status: Patroni opens its port just now.
    if patroni.members().is_err_and(|error| error.refused()) {
        let reason = "Patroni is starting".to_owned();
        return Ok(Observation::Pending { reason });
    }
    let leader = leader(&patroni, status)?;
    if leader == Leader::Elsewhere {
        let late = late(status, postgres, config, own)?;
        return Ok(late.unwrap_or(Observation::Elsewhere));
    }
    let observed = patroni.config().map_err(|error| error.failure())?;
    let Some(mut difference) = observed.map(|observed| compare(config, observed)) else {
        let reason = "Patroni has no configuration yet".to_owned();
        return Ok(Observation::Pending { reason });
    };
    let risk = match turn(&difference.patch) {
        Some(_) if leader == Leader::Nobody => {
            let reason = "the cluster has no leader".to_owned();
            return Ok(Observation::Pending { reason });
        }
        Some(Turn::ToPrimary) => Risk::Failover,
        Some(Turn::ToStandby) => Risk::Destroy,
        None => Risk::Reload,
    };
    if difference.changes.is_empty() {
        // Patroni has what it should have; that PostgreSQL takes it is another matter.
        return Ok(match refused(leader, config, postgres)? {
            Some(failure) => Observation::Failed { failure },
            None => late(status, postgres, config, own)?.unwrap_or(Observation::InSync),
        });
    }
    if leader == Leader::Here {
        effect::tell_restarts(&mut difference.changes, postgres)?;
    }
    Ok(Observation::Drift {
        changes: difference.changes,
        risk,
    })
}

/// What was stored a moment ago, and Patroni has not told the server here yet, of what needs a
/// restart: nobody knows yet that it waits for one.
fn late(
    status: &Status,
    postgres: &PostgresAccess,
    config: &Value,
    own: &BTreeSet<String>,
) -> Result<Option<Observation>, Failure> {
    if !status.runs() {
        return Ok(None);
    }
    let waiting = status.restart_reasons().into_iter();
    let known = waiting.map(|change| change.what).chain(own.iter().cloned());
    let changes = effect::late(config, &known.collect(), postgres)?;
    Ok((!changes.is_empty()).then_some(Observation::Drift {
        changes,
        risk: Risk::Reload,
    }))
}

/// Who leads, as the member here sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leader {
    /// The member here, and its server runs.
    Here,
    Elsewhere,
    /// Nobody with a server that runs: perhaps none starts with the settings as they are, so they
    /// must not wait for one.
    Nobody,
}

fn leader(patroni: &Patroni, status: &Status) -> Result<Leader, Failure> {
    if status.leads() {
        return Ok(match status.runs() {
            true => Leader::Here,
            false => Leader::Nobody,
        });
    }
    let members = patroni.members().map_err(|error| error.failure())?;
    Ok(match members.iter().any(Listed::leads) {
        true => Leader::Elsewhere,
        false => Leader::Nobody,
    })
}

/// What the server here has against its settings, where it runs.
fn refused(
    leader: Leader,
    config: &Value,
    postgres: &PostgresAccess,
) -> Result<Option<Failure>, Failure> {
    match leader {
        Leader::Here => effect::refused(config, postgres),
        Leader::Elsewhere | Leader::Nobody => Ok(None),
    }
}

/// Stores what differs, and waits until PostgreSQL here has it, if it runs. Where nothing differs
/// (another member has stored it), only waits. Settings in `own` are not the cluster's here.
pub(crate) fn converge(
    access: &PatroniAccess,
    postgres: &PostgresAccess,
    config: &Value,
    own: &BTreeSet<String>,
    context: &Context,
) -> Result<(), Failure> {
    let patroni = context.patroni.client(access)?;
    let difference = compare(config, &present(&patroni)?);
    context.say("waiting for Patroni and PostgreSQL to take up the settings");
    let turn = turn(&difference.patch);
    let mut goals = if difference.patch.is_empty() {
        // What Patroni raised for a start, or forgot while a server was starting, it writes anew.
        patroni.command(Method::POST, "/reload", &json!({}), CHANGE_LIMIT)?;
        effect::of_config(config)
    } else {
        let patch = Value::Object(difference.patch);
        patroni.command(Method::PATCH, "/config", &patch, CHANGE_LIMIT)?;
        stored(&patroni, config)?;
        effect::of_patch(&patch)
    };
    if let Some(turn) = turn {
        turned(&patroni, turn, context)?;
    }
    let status = patroni.status_now().map_err(|error| error.failure())?;
    if leader(&patroni, &status)? == Leader::Nobody {
        return Ok(());
    }
    goals.retain(|name, _| !own.contains(name));
    effect::wait(&goals, postgres)
}

/// Waits until PostgreSQL here has what another member has stored: the settings `changed`. Those
/// in `own` are not the cluster's here.
pub(crate) fn take_up(
    postgres: &PostgresAccess,
    config: &Value,
    own: &BTreeSet<String>,
    changed: &BTreeSet<String>,
    context: &Context,
) -> Result<(), Failure> {
    context.say("waiting for PostgreSQL to take up the settings");
    let changed = changed.difference(own).cloned().collect();
    effect::wait(&effect::of_names(&changed, config), postgres)
}

/// The whole cluster changes its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// A standby cluster ends following.
    ToPrimary,
    /// A cluster of its own begins to follow another one, and gives up what that one has not.
    ToStandby,
}

/// What a patch turns the cluster into.
fn turn(patch: &Map<String, Value>) -> Option<Turn> {
    match patch.get("standby_cluster")? {
        Value::Null => Some(Turn::ToPrimary),
        // Where it follows already, only what differs is patched.
        Value::Object(source) if source.contains_key("create_replica_methods") => {
            Some(Turn::ToStandby)
        }
        _ => None,
    }
}

/// Waits until the leader is what the cluster turned into.
fn turned(patroni: &Patroni, turn: Turn, context: &Context) -> Result<(), Failure> {
    let wanted = match turn {
        Turn::ToPrimary => "primary",
        Turn::ToStandby => "standby_leader",
    };
    context.say(format!("waiting for the leader to be {wanted}"));
    TURNED.until(|| {
        let status = match patroni.status_now() {
            Ok(status) => status,
            Err(error) if error.silent() => return Ok(Look::NotYet(error.failure().message)),
            Err(error) => return Err(error.failure()),
        };
        Ok(match status.role == wanted && status.runs() {
            true => Look::Reached,
            false => Look::NotYet(format!("{} {}", status.role, status.state())),
        })
    })
}

/// The configuration there is; a leader that has just made its cluster is about to write one.
fn present(patroni: &Patroni) -> Result<Value, Failure> {
    let mut found = None;
    PRESENT.until(|| {
        found = patroni.config_now().map_err(|error| error.failure())?;
        Ok(match found {
            Some(_) => Look::Reached,
            None => Look::NotYet("there is none".to_owned()),
        })
    })?;
    Ok(found.unwrap_or_default())
}

/// Waits until Patroni answers with what it was given; it reads it back in its next round.
fn stored(patroni: &Patroni, config: &Value) -> Result<(), Failure> {
    STORED.until(|| {
        let observed = patroni.config_now().map_err(|error| error.failure())?;
        let difference = compare(config, &observed.unwrap_or_default());
        let names: Vec<String> = difference.changes.into_iter().map(|c| c.what).collect();
        Ok(match names.is_empty() {
            true => Look::Reached,
            false => Look::NotYet(format!("still different: {}", names.join(", "))),
        })
    })
}
