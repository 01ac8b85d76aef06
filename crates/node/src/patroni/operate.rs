//! Restarts and switchovers, through Patroni.

use std::time::Duration;

use serde_json::json;
use sty_plan::postgres::quote::literal;
use sty_wire::observation::Failure;
use sty_wire::resource::PatroniMember;
use ureq::http::Method;

use super::client::{Listed, Patroni, Status};
use super::logs::with_logs;
use super::member::{described, settled};
use crate::context::Context;
use crate::postgres;
use crate::wait::{Look, Wait};

/// A restart writes everything to disk first.
const RESTART_LIMIT: Duration = Duration::from_secs(900);
/// Patroni answers within twice its loop, or ten seconds.
const SWITCHOVER_LIMIT: Duration = Duration::from_secs(180);
const SETTLE_LIMIT: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);
/// Before anything was written.
const START: &str = "0/0";

/// Restarts PostgreSQL of the member here through Patroni, and waits until it runs with its new
/// settings and, if it leads, until those that followed it follow again and know them.
pub(crate) fn restart(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let before = patroni.status_now().map_err(|error| error.failure())?;
    let followers = match before.leads() {
        true => followers(member, START)?,
        false => 0,
    };
    context.say("restarting PostgreSQL");
    let outcome = patroni.command(Method::POST, "/restart", &json!({}), RESTART_LIMIT);
    let restarted = outcome.map(drop).and_then(|()| {
        let what = format!("PostgreSQL {} to run again", member.name);
        wait(&what, || {
            let now = match patroni.status_now() {
                Ok(status) => status,
                Err(error) if error.silent() => return Ok(Look::NotYet(error.failure().message)),
                Err(error) => return Err(error.failure()),
            };
            Ok(again(&before, &now))
        })?;
        followed(member, followers)
    });
    restarted.map_err(|failure| with_logs(failure, member))
}

/// Standbys that follow the server here and have replayed up to `position`.
fn followers(member: &PatroniMember, position: &str) -> Result<u64, Failure> {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_replication
         WHERE state = 'streaming' AND replay_lsn >= {}::pg_lsn",
        literal(position)
    );
    let count = postgres::value(&member.postgres, &sql)?;
    Ok(count.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Waits until `wanted` standbys have replayed what was written here until now: one that is
/// restarted before it has heard of the primary's new settings would start with the old ones.
fn followed(member: &PatroniMember, wanted: u64) -> Result<(), Failure> {
    const NOW: &str = "SELECT pg_current_wal_lsn()";
    if wanted == 0 {
        return Ok(());
    }
    let position = postgres::value(&member.postgres, NOW)?.unwrap_or_else(|| START.to_owned());
    wait("the replicas to follow again", || {
        let found = followers(member, &position)?;
        Ok(if found >= wanted {
            Look::Reached
        } else {
            Look::NotYet(format!("{found} of {wanted} do"))
        })
    })
}

fn again(before: &Status, now: &Status) -> Look {
    let fresh = now.postmaster_start_time.is_some()
        && now.postmaster_start_time != before.postmaster_start_time;
    if !fresh {
        Look::NotYet(format!("{}, not restarted yet", described(now)))
    } else if !settled(now) || now.leads() != before.leads() {
        Look::NotYet(described(now))
    } else if now.pending_restart {
        Look::NotYet("settings still wait for a restart".to_owned())
    } else {
        Look::Reached
    }
}

/// Moves the primary away from the member here, and waits until it follows the new one.
pub(crate) fn switchover(
    member: &PatroniMember,
    to: Option<&str>,
    context: &Context,
) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let status = patroni.status_now().map_err(|error| error.failure())?;
    if !status.leads() {
        return Ok(());
    }
    let mut body = json!({ "leader": member.name });
    if let Some(candidate) = to {
        body["candidate"] = candidate.into();
    }
    context.say(match to {
        Some(candidate) => format!("moving the primary to {candidate}"),
        None => "moving the primary".to_owned(),
    });
    let outcome = patroni.command(Method::POST, "/switchover", &body, SWITCHOVER_LIMIT);
    let moved = outcome.map(drop).and_then(|()| {
        let what = format!("{} to follow a new primary", member.name);
        wait(&what, || follows(&patroni, member))
    });
    moved.map_err(|failure| with_logs(failure, member))
}

fn follows(patroni: &Patroni, member: &PatroniMember) -> Result<Look, Failure> {
    let (status, members) = match (patroni.status_now(), patroni.members_now()) {
        (Ok(status), Ok(members)) => (status, members),
        (Err(error), _) | (_, Err(error)) if error.silent() => {
            return Ok(Look::NotYet(error.failure().message));
        }
        (Err(error), _) | (_, Err(error)) => return Err(error.failure()),
    };
    let other = |listed: &&Listed| listed.leads() && listed.name != member.name;
    let Some(leader) = members.iter().find(other) else {
        return Ok(Look::NotYet("nobody else leads yet".to_owned()));
    };
    if status.role == "replica" && status.state() == "streaming" {
        return Ok(Look::Reached);
    }
    let state = described(&status);
    Ok(Look::NotYet(format!("{} leads; {state}", leader.name)))
}

fn wait(what: &str, look: impl FnMut() -> Result<Look, Failure>) -> Result<(), Failure> {
    let wait = Wait {
        what,
        limit: SETTLE_LIMIT,
        pause: PAUSE,
    };
    wait.until(look)
}
