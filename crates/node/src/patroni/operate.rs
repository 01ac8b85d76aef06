//! Restarts and switchovers, through Patroni.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sty_plan::postgres::quote::literal;
use sty_wire::action::Op;
use sty_wire::observation::{Failure, is_synchronous};
use sty_wire::resource::PatroniMember;
use ureq::http::Method;

use super::access;
use super::client::{Listed, Patroni, Status};
use super::clients;
use super::compare::same;
use super::data;
use super::logs::with_logs;
use super::member::{described, loaded_at, settled};
use super::refused;
use super::start;
use crate::context::Context;
use crate::postgres;
use crate::systemd;
use crate::wait::{Look, Wait};

/// A restart writes everything to disk first.
const RESTART_LIMIT: Duration = Duration::from_secs(900);
/// Patroni answers within twice its loop, or ten seconds.
const SWITCHOVER_LIMIT: Duration = Duration::from_secs(180);
const SETTLE_LIMIT: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);
/// While clients wait.
const LOOK: Duration = Duration::from_millis(20);
/// Before anything was written.
const START: &str = "0/0";
const STREAMING: &str = "streaming";
const NOT_SYNCHRONOUS: &str = "no replica is synchronous yet";

/// Does what an operation on a member asks for.
pub(crate) fn operate(op: &Op, member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    match op {
        Op::Checkpoint { .. } => checkpoint(member, context),
        Op::HoldClients { force, .. } => clients::hold(member, *force, context),
        Op::ReleaseClients { .. } => clients::release(member, context),
        Op::PostgresRestart { .. } => restart(member, context),
        Op::MemberRestart { .. } => restart_member(member, context),
        Op::Switchover {
            from, to, named, ..
        } => switchover(member, from.as_deref(), to, *named, context),
        Op::Settle { former, .. } => {
            settle(member, context)?;
            let former = former.as_deref();
            former.map_or(Ok(()), |former| follows(former, member, context))
        }
        Op::Failover { .. } => failover(member, context),
        Op::PatroniReload { .. } => reload(member, context),
        Op::DropLostSlot { slot, .. } => drop_lost_slot(member, slot),
        Op::Reinitialize { .. } => reinitialize(member, context),
        Op::Pause { paused, .. } => pause(member, *paused, context),
        Op::Converge { .. }
        | Op::Meanwhile { .. }
        | Op::TakeUp { .. }
        | Op::EtcdMemberAdd { .. }
        | Op::EtcdMemberRemove { .. } => Err(Failure::message(
            "this is no operation on a PostgreSQL member, a fault of sty",
        )),
    }
}

/// Writes a checkpoint, or on a replica a restartpoint: the server then stops the sooner. Over broken
/// data it would end at once, before its clients wait.
fn checkpoint(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    if data::is_broken(member) {
        context.say("no checkpoint: its data directory is broken");
        return Ok(());
    }
    context.say("writing a checkpoint");
    postgres::value(&member.postgres, "CHECKPOINT").map(drop)
}

/// Restarts PostgreSQL of the member here through Patroni, and waits until it runs with its new
/// settings.
fn restart(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    data::refuse_broken(member)?;
    would_start(member)?;
    let patroni = context.patroni.client(&member.patroni)?;
    let before = patroni.status_now().map_err(|error| error.failure())?;
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
        })
    });
    restarted.map_err(|failure| with_logs(failure, member))
}

/// Restarts Patroni, which stops PostgreSQL first and starts it again.
fn restart_member(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    data::refuse_broken(member)?;
    would_start(member)?;
    let patroni = context.patroni.client(&member.patroni)?;
    let before = patroni.status_now().map_err(|error| error.failure())?;
    context.say("restarting Patroni and PostgreSQL");
    systemd::restart(&member.unit)?;
    let what = format!("Patroni and PostgreSQL {} to run again", member.name);
    let restarted = wait(&what, || match patroni.status_now() {
        Ok(now) => Ok(again(&before, &now)),
        Err(error) if error.silent() => Ok(Look::NotYet(error.failure().message)),
        Err(error) => Err(error.failure()),
    });
    restarted.map_err(|failure| with_logs(failure, member))
}

/// A server that runs is not stopped where it would not start again.
fn would_start(member: &PatroniMember) -> Result<(), Failure> {
    match loaded_at(&member.postgres)? {
        Some(_) => access::refused(&member.postgres)?.map_or(Ok(()), Err),
        None => Ok(()),
    }
}

fn again(before: &Status, now: &Status) -> Look {
    let fresh = now.postmaster_start_time.is_some()
        && now.postmaster_start_time != before.postmaster_start_time;
    if !fresh {
        Look::NotYet(format!("{}, not restarted yet", described(now)))
    } else if !settled(now) || now.leads() != before.leads() {
        Look::NotYet(described(now))
    } else if now.pending_restart && !waits_for_its_primary(now) {
        Look::NotYet("settings still wait for a restart".to_owned())
    } else {
        Look::Reached
    }
}

/// A replica starts with no less than its primary has, and restarts once more after that.
fn waits_for_its_primary(status: &Status) -> bool {
    let reasons = status.restart_reasons();
    status.role != "primary" && !reasons.is_empty() && reasons.iter().all(sty_plan::shrinks)
}

/// Waits until the member here runs: a replica streams; behind a leader, the other members follow
/// and have replayed what was written until now, and failsafe mode is over; and one is synchronous where that is asked for, as
/// nobody could take over otherwise. One that is restarted before it has heard of the primary's new settings would start with the old
/// ones. What Patroni lists is waited for as well: whoever looks next decides by it.
fn settle(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    const NOW: &str = "SELECT pg_current_wal_lsn()";
    let patroni = context.patroni.client(&member.patroni)?;
    let mut position = None;
    // It may let nobody in who would ask it: what Patroni lists has to do.
    let broken = data::is_broken(member);
    let outcome = wait(&format!("{} and those that follow it", member.name), || {
        let (status, members) = match (patroni.status_now(), patroni.members_now()) {
            (Ok(status), Ok(members)) => (status, members),
            (Err(error), _) | (_, Err(error)) if error.silent() => {
                return Ok(Look::NotYet(error.failure().message));
            }
            (Err(error), _) | (_, Err(error)) => return Err(error.failure()),
        };
        let hands_over = broken && status.leads();
        if !hands_over && !settled(&status) {
            return Ok(Look::NotYet(described(&status)));
        }
        let alive =
            |listed: &&Listed| !listed.leads() && !listed.is_late() && listed.state != "stopped";
        let alive: Vec<&Listed> = members.iter().filter(alive).collect();
        if !status.leads() || status.role == "standby_leader" {
            let listed = members.iter().find(|listed| listed.name == member.name);
            let known = listed.is_some_and(|listed| listed.state == STREAMING);
            let written = members.iter().any(|listed| listed.role == "leader");
            return Ok(match status.state() {
                STREAMING if known && written && lacks_synchronous(&alive, &patroni)? => {
                    Look::NotYet(NOT_SYNCHRONOUS.to_owned())
                }
                STREAMING if known => Look::Reached,
                _ => Look::NotYet(described(&status)),
            });
        }
        if let Some(name) = in_failsafe_mode(&patroni, &members)? {
            return Ok(Look::NotYet(format!("{name} is in failsafe mode")));
        }
        if position.is_none() && !broken {
            position = postgres::value(&member.postgres, NOW)?;
        }
        if let Some(late) = alive.iter().find(|listed| listed.state != STREAMING) {
            return Ok(Look::NotYet(format!("{} is {}", late.name, late.state)));
        }
        let wanted = alive.iter().filter(|listed| !listed.cascades()).count();
        let found = match broken {
            true => wanted,
            false => followers(member, position.as_deref().unwrap_or(START))?,
        };
        Ok(if found < wanted {
            Look::NotYet(format!("{found} of {wanted} replicas follow"))
        } else if lacks_synchronous(&alive, &patroni)? {
            Look::NotYet(NOT_SYNCHRONOUS.to_owned())
        } else {
            Look::Reached
        })
    });
    outcome.map_err(|failure| with_logs(failure, member))
}

/// A member that was told, less than a lease ago, that the leader goes on without etcd: it would
/// believe in that leader until then, whoever has the lead.
fn in_failsafe_mode<'a>(
    patroni: &Patroni,
    members: &'a [Listed],
) -> Result<Option<&'a str>, Failure> {
    for listed in members {
        match patroni.status_of(listed) {
            Ok(status) if status.failsafe_mode_is_active => return Ok(Some(&listed.name)),
            Ok(_) => {}
            // Who does not answer takes nothing over.
            Err(error) if error.silent() => {}
            Err(error) => return Err(error.failure()),
        }
    }
    Ok(None)
}

/// Role of a member that is one of several, of which any may confirm a write.
const QUORUM_STANDBY: &str = "quorum_standby";

/// Whether writes should wait for a replica and Patroni has not yet said for which: nobody can take
/// over meanwhile. Where any of several will do, it has to be any of all: writes would stand still
/// while the only one restarts.
fn lacks_synchronous(alive: &[&Listed], patroni: &Patroni) -> Result<bool, Failure> {
    let may = |listed: &&&Listed| !listed.nofailover() && !listed.cascades();
    let roles: Vec<&str> = alive.iter().filter(may).map(|one| &*one.role).collect();
    if roles.iter().all(|role| is_synchronous(role)) {
        return Ok(false);
    }
    if roles.iter().any(|role| is_synchronous(role)) {
        return Ok(roles.contains(&QUORUM_STANDBY));
    }
    let config = patroni.config_now().map_err(|error| error.failure())?;
    let on = |mode: &Value| !mode.is_null() && !same(mode, &Value::Bool(false));
    Ok(config.is_some_and(|config| on(&config["synchronous_mode"])))
}

/// Standbys that follow the server here and have replayed up to `position`.
fn followers(member: &PatroniMember, position: &str) -> Result<usize, Failure> {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_replication
         WHERE state = 'streaming' AND replay_lsn >= {}::pg_lsn",
        literal(position)
    );
    let count = postgres::value(&member.postgres, &sql)?;
    let count = count.and_then(|text| text.parse().ok());
    count.ok_or_else(|| Failure::message("PostgreSQL did not count its standbys"))
}

/// Moves the primary away from the member here, and waits until the other one takes writes.
fn switchover(
    member: &PatroniMember,
    from: Option<&str>,
    to: &str,
    named: bool,
    context: &Context,
) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let members = patroni.members_now().map_err(|error| error.failure())?;
    let from = from.unwrap_or(&member.name);
    if !members
        .iter()
        .any(|listed| listed.name == from && listed.leads())
    {
        return Err(Failure::message(format!("{from} does not lead")));
    }
    // What is broken is copied anew, and does not have to start.
    if !data::is_broken(member) {
        would_start(member)?;
    }
    let target = match named {
        true => None,
        false => synchronous_instead(to, &members),
    };
    let target = target.or_else(|| members.iter().find(|listed| listed.name == to));
    let target = target.ok_or_else(|| Failure::message(format!("Patroni knows no member {to}")))?;
    let to = &target.name;
    context.say(format!("moving the primary to {to}"));
    let body = json!({ "leader": from, "candidate": to });
    let (sender, refused) = mpsc::channel();
    let asking = Arc::clone(&patroni);
    // Patroni looks once a second whether it is done, and answers late: only a refusal counts.
    thread::spawn(move || {
        let answer = asking.command(Method::POST, "/switchover", &body, SWITCHOVER_LIMIT);
        // Nobody listens any more once the primary has moved.
        let _ = answer.map_err(|refusal| sender.send(refusal));
    });
    let wait = Wait {
        what: &format!("{to} to take writes"),
        limit: SETTLE_LIMIT,
        pause: LOOK,
    };
    let moved = wait.until(|| match patroni.is_primary(target) {
        Ok(true) => Ok(Look::Reached),
        answer => match refused.try_recv() {
            Ok(refusal) => Err(refusal),
            Err(_) => Ok(Look::NotYet(match answer {
                Err(error) => error.failure().message,
                Ok(_) => "it does not lead yet".to_owned(),
            })),
        },
    });
    moved.map_err(|failure| with_logs(failure, member))
}

/// Waits until `former`, which led and which nobody else waits for, follows: until then it looks
/// like a member that has gone.
fn follows(former: &str, member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    wait(&format!("{former} to follow"), || {
        let members = match patroni.members_now() {
            Ok(members) => members,
            Err(error) if error.silent() => return Ok(Look::NotYet(error.failure().message)),
            Err(error) => return Err(error.failure()),
        };
        let found = members.iter().find(|listed| listed.name == former);
        Ok(match found {
            Some(listed) if listed.state != STREAMING => Look::NotYet(listed.state.clone()),
            _ => Look::Reached,
        })
    })
}

/// Who takes over in the place of a member that writes no longer wait for, as after its restart;
/// `None` where it can take over itself.
fn synchronous_instead<'a>(to: &str, members: &'a [Listed]) -> Option<&'a Listed> {
    let mut synchronous = members.iter().filter(|listed| is_synchronous(&listed.role));
    let kept = synchronous.clone().any(|listed| listed.name == to);
    synchronous.find(|listed| !kept && listed.state == "streaming" && !listed.nofailover())
}

fn failover(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let body = json!({ "candidate": member.name });
    patroni.command(Method::POST, "/failover", &body, SWITCHOVER_LIMIT)?;
    let taken = wait(&format!("{} to take writes", member.name), || {
        let status = patroni.status_now().map_err(|error| error.failure())?;
        Ok(match status.leads() && status.runs() {
            true => Look::Reached,
            false => Look::NotYet(described(&status)),
        })
    });
    taken.map_err(|failure| with_logs(failure, member))
}

fn reload(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let before = loaded_at(&member.postgres)?;
    patroni.command(Method::POST, "/reload", &json!({}), RESTART_LIMIT)?;
    postgres::value(&member.postgres, "SELECT pg_reload_conf()")?;
    wait("PostgreSQL to read its configuration", || {
        if let Some(failure) = refused::whole(&member.postgres)? {
            return Err(failure);
        }
        Ok(match loaded_at(&member.postgres)? > before {
            true => Look::Reached,
            false => Look::NotYet("it has the old one".to_owned()),
        })
    })
}

/// Its replica may try to use it just now: then again.
fn drop_lost_slot(member: &PatroniMember, slot: &str) -> Result<(), Failure> {
    let name = literal(slot);
    let lost = format!("slot_name = {name} AND wal_status = 'lost'");
    let drop = format!(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
         WHERE {lost} AND NOT active"
    );
    let there = format!("SELECT 1 FROM pg_replication_slots WHERE {lost}");
    wait(&format!("slot {slot} to be free"), || {
        postgres::value(&member.postgres, &drop)?;
        Ok(match postgres::value(&member.postgres, &there)? {
            None => Look::Reached,
            Some(_) => Look::NotYet("somebody is connected to it".to_owned()),
        })
    })
}

/// Patroni answers at once and copies afterwards.
fn reinitialize(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    if !systemd::show_one(&member.unit)?.active() {
        context.say("starting Patroni");
        systemd::start(&member.unit)?;
    }
    wait("Patroni to answer", || {
        // Of a server without its files it cannot tell anything; the cluster it knows all the same.
        Ok(match patroni.members_now() {
            Ok(_) => Look::Reached,
            Err(error) => Look::NotYet(error.failure().message),
        })
    })?;
    let identity = data_identity(member);
    context.say("copying the data anew");
    let body = json!({ "force": true });
    patroni.command(Method::POST, "/reinitialize", &body, SWITCHOVER_LIMIT)?;
    start::wait(member, context, || data_identity(member) != identity)
}

/// Tells one data directory from its successor.
fn data_identity(member: &PatroniMember) -> Option<(u64, i64, i64)> {
    let version = Path::new(&member.data).join("PG_VERSION");
    let found = fs::metadata(version).ok()?;
    Some((found.ino(), found.ctime(), found.ctime_nsec()))
}

fn pause(member: &PatroniMember, paused: bool, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let value = if paused { json!(true) } else { json!(null) };
    patroni.command(
        Method::PATCH,
        "/config",
        &json!({ "pause": value }),
        SWITCHOVER_LIMIT,
    )?;
    let members = patroni.members_now().map_err(|error| error.failure())?;
    wait("every member to know", || {
        for listed in &members {
            match patroni.status_of(listed) {
                Ok(status) if status.pause == paused => {}
                Ok(_) => return Ok(Look::NotYet(format!("{} does not know yet", listed.name))),
                // It reads it when it comes back.
                Err(error) if error.silent() => {}
                Err(error) => return Err(error.failure()),
            }
        }
        Ok(Look::Reached)
    })
}

fn wait(what: &str, look: impl FnMut() -> Result<Look, Failure>) -> Result<(), Failure> {
    let wait = Wait {
        what,
        limit: SETTLE_LIMIT,
        pause: PAUSE,
    };
    wait.until(look)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Listed, synchronous_instead};

    fn listed(members: Value) -> Vec<Listed> {
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn who_became_synchronous_meanwhile_takes_over() {
        let members = listed(json!([
            { "name": "a", "role": "leader", "state": "running" },
            { "name": "b", "role": "replica", "state": "streaming" },
            { "name": "c", "role": "sync_standby", "state": "streaming" },
        ]));
        let instead = |to| synchronous_instead(to, &members).map(|one| one.name.as_str());
        assert_eq!(instead("b"), Some("c"));
        assert_eq!(instead("c"), None);
        assert!(synchronous_instead("b", &members[..2]).is_none());
    }
}
