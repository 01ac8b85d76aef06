//! Patroni's dynamic configuration: the leader's node sees to it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use sty_core::Risk;
use sty_wire::observation::{Failure, Observation};
use sty_wire::resource::{PatroniAccess, PostgresAccess};
use ureq::http::Method;

use super::client::Patroni;
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
    context: &Context,
) -> Observation {
    look(access, postgres, config, context)
        .unwrap_or_else(|failure| Observation::Failed { failure })
}

fn look(
    access: &PatroniAccess,
    postgres: &PostgresAccess,
    config: &Value,
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
    if !status.leads() {
        return standing_by(&patroni);
    }
    let observed = patroni.config().map_err(|error| error.failure())?;
    let Some(mut difference) = observed.map(|observed| compare(config, observed)) else {
        let reason = "Patroni has no configuration yet".to_owned();
        return Ok(Observation::Pending { reason });
    };
    if difference.changes.is_empty() {
        // Patroni has what it should have; that PostgreSQL takes it is another matter.
        return Ok(match effect::refused(config, postgres)? {
            Some(failure) => Observation::Failed { failure },
            None => Observation::InSync,
        });
    }
    effect::tell_restarts(&mut difference.changes, postgres)?;
    Ok(Observation::Drift {
        risk: match turn(&difference.patch) {
            Some(Turn::ToPrimary) => Risk::Failover,
            Some(Turn::ToStandby) => Risk::Destroy,
            None => Risk::Reload,
        },
        changes: difference.changes,
    })
}

/// Another member leads, or nobody does yet.
fn standing_by(patroni: &Patroni) -> Result<Observation, Failure> {
    let members = patroni.members().map_err(|error| error.failure())?;
    Ok(if members.iter().any(super::client::Listed::leads) {
        Observation::Elsewhere
    } else {
        let reason = "the cluster has no leader".to_owned();
        Observation::Pending { reason }
    })
}

/// Stores what differs, and waits until PostgreSQL here has it. Where nothing differs (another
/// member has stored it), only waits. Settings in `own` are not the cluster's here.
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
    goals.retain(|name, _| !own.contains(name));
    effect::wait(&goals, postgres)
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
