//! Having Patroni and PostgreSQL read changed files.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sty_wire::observation::Failure;
use sty_wire::resource::{PatroniMember, PostgresAccess};

use super::access;
use super::data::Postmaster;
use super::effect;
use super::member::loaded_at;
use super::refused::{self, REFUSED, Refused};
use crate::context::Context;
use crate::postgres::{self, Session};
use crate::systemd::{self, UnitStatus};
use crate::wait::{Look, Wait};

const DATABASE: &str = "postgres";
const PAUSE: Duration = Duration::from_millis(50);
const ANSWERS: Wait<'static> = Wait {
    what: "Patroni to answer after its reload",
    limit: Duration::from_secs(30),
    pause: PAUSE,
};
const TAKEN_UP: Wait<'static> = Wait {
    what: "Patroni to have read its files",
    limit: Duration::from_secs(30),
    pause: PAUSE,
};
const LET_IN: Wait<'static> = Wait {
    what: "PostgreSQL to let the superuser in",
    limit: Duration::from_secs(10),
    pause: PAUSE,
};
const READ: Wait<'static> = Wait {
    what: "PostgreSQL to have read its files",
    limit: Duration::from_secs(30),
    pause: PAUSE,
};

/// Reloads what has not read its files as they are now, and has it start at boot; what wants a
/// restart goes on waiting for it.
pub(crate) fn meanwhile(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let unit = systemd::read_anew(&member.unit)?;
    if unit.file_state != "enabled" {
        systemd::enable(&member.unit)?;
    }
    files(member, &unit, context)
}

/// Reloads what has not read its files as they are now.
pub(super) fn files(
    member: &PatroniMember,
    unit: &UnitStatus,
    context: &Context,
) -> Result<(), Failure> {
    let changed = context.changed_since(&member.reload_on, unit.state_change);
    if !changed.is_empty() {
        context.say("reloading Patroni");
        patroni(member, context)?;
        arrived(member, context)?;
    }
    let Some(loaded) = loaded_at(&member.postgres)? else {
        return Ok(());
    };
    let changed = context.placed_since(&member.postgres_reload_on, Some(loaded));
    if !changed.is_empty() {
        context.say("reloading PostgreSQL");
        server(&member.postgres)?;
    }
    access::refused(&member.postgres)?.map_or(Ok(()), Err)
}

/// Has a server that lets the superuser not in read its files, which may say otherwise by now.
/// Whoever could tell it by a session is not let in either.
pub(super) fn let_in(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let Some(mut last) = postgres::shut_out(&member.postgres) else {
        return Ok(());
    };
    context.say("reloading PostgreSQL, which lets the superuser not in");
    if let Some(server) = Postmaster::of(Path::new(&member.data)) {
        server.reload()?;
    }
    let outcome = LET_IN.until(|| match postgres::shut_out(&member.postgres) {
        Some(failure) => {
            last = failure;
            Ok(Look::NotYet(last.message.clone()))
        }
        None => Ok(Look::Reached),
    });
    outcome.map_err(|_| last)
}

/// Has Patroni read its file, and write that of PostgreSQL anew.
pub(super) fn patroni(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let before = loaded_at(&member.postgres)?;
    systemd::reload(&member.unit)?;
    taken_up(&member.postgres, before)?;
    answers(member, context)
}

/// Waits until Patroni has read its files. It has PostgreSQL read its own last of all: after it
/// has closed its port and opened it again for a new certificate. Without a server that runs there
/// is nothing to tell.
fn taken_up(access: &PostgresAccess, before: Option<SystemTime>) -> Result<(), Failure> {
    if before.is_none() {
        return Ok(());
    }
    TAKEN_UP.until(|| match loaded_at(access)? {
        Some(loaded) if Some(loaded) == before => Ok(Look::NotYet(
            "PostgreSQL was not told to read its own yet".to_owned(),
        )),
        Some(_) | None => Ok(Look::Reached),
    })
}

/// How late a replica replays.
const DELAY: &str = "recovery_min_apply_delay";

/// Waits until PostgreSQL has the settings that Patroni's file gives this member; a server that
/// does not run will read them when it starts.
fn arrived(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    if loaded_at(&member.postgres)?.is_none() {
        return Ok(());
    }
    let mut wanted = member.parameters.clone();
    // Patroni writes it where there is something to follow.
    if postgres::value(&member.postgres, "SELECT pg_is_in_recovery()::text")?.as_deref()
        != Some("true")
    {
        wanted.remove(DELAY);
    }
    let blocked = effect::arrive(&wanted, &member.postgres)?;
    if let Some(failure) = blocked {
        // Not this member's doing: the cluster's configuration comes next, and may mend it.
        context.say(&failure.message);
    }
    Ok(())
}

fn answers(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let outcome = ANSWERS.until(|| match patroni.status_now() {
        Ok(_) => Ok(Look::Reached),
        Err(error) if error.silent() => Ok(Look::NotYet(error.failure().message)),
        Err(error) => Err(error.failure()),
    });
    outcome.map_err(|failure| systemd::with_journal(failure, &member.unit))
}

/// Has PostgreSQL read its files, and waits until it has. Refuses when it would reject them.
pub(super) fn server(postgres: &PostgresAccess) -> Result<(), Failure> {
    if let Some(failure) = access::refused(postgres)? {
        return Err(failure);
    }
    let before = loaded_at(postgres)?;
    let mut session = Session::open(postgres, DATABASE)?;
    let outcome = session.value("SELECT pg_reload_conf()");
    outcome.map_err(|error| session.failure(&error, "pg_reload_conf"))?;
    READ.until(|| {
        let loaded = loaded_at(postgres)?;
        match loaded {
            Some(_) if loaded > before => return Ok(Look::Reached),
            Some(_) => {}
            None => return Ok(Look::NotYet("PostgreSQL is not running".to_owned())),
        }
        // Files with a slip of syntax are not taken to have been read.
        let refused: Vec<Refused> = session.document(REFUSED, "reading settings")?;
        let blocking: Vec<&Refused> = refused.iter().filter(|one| one.blocks()).collect();
        match refused::failure(&blocking, &mut session) {
            Some(failure) => Err(failure),
            None => Ok(Look::NotYet("not read again yet".to_owned())),
        }
    })
}
