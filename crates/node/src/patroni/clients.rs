//! Has the clients of the primary pooler wait while the primary moves or restarts, and go on.
//!
//! PgBouncer's `PAUSE` lets transactions end and keeps every client connected; `RESUME` opens new
//! connections, which HAProxy leads to the primary. A timer of systemd resumes as well, so that
//! clients go on even when this program and the controller are gone.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sty_wire::observation::Failure;
use sty_wire::resource::{PatroniMember, PrimaryPooler};

use super::client::Patroni;
use crate::context::Context;
use crate::pooler::{Console, SAFETY_NET_UNIT, words};
use crate::run::Run;
use crate::systemd;
use crate::wait::{Look, Wait};

/// Transactions that take longer are not waited for: everybody else waits with them. With the move
/// itself, which takes about as long, clients wait for two seconds.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);
/// For PgBouncer's answer to come in, on a machine with much else to do.
const TELLING: Duration = Duration::from_millis(500);
/// When clients go on by themselves: later than any planned move of a primary takes, sooner than
/// a client gives up waiting in the pooler.
const SAFETY_NET: Duration = Duration::from_secs(60);
const PRIMARY_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
const A_PRIMARY: Wait<'static> = Wait {
    what: "a primary for the clients",
    limit: PRIMARY_LIMIT,
    pause: PAUSE,
};
/// A member that has been the primary for so long stays it: Patroni begins a move that it was told
/// of in its next round, at once, and a machine with much else to do takes some seconds for that.
const SETTLED: Duration = Duration::from_secs(10);
const A_SETTLED_PRIMARY: Wait<'static> = Wait {
    what: "a primary that stays",
    limit: Duration::from_secs(25),
    pause: PAUSE,
};

/// Has the clients of the pooler here wait. When transactions do not end in time, everybody goes
/// on and the failure names them; with `force` they are left to be cut off, as sessions pooled as
/// such always are.
pub(crate) fn hold(member: &PatroniMember, force: bool, context: &Context) -> Result<(), Failure> {
    let Some(pooler) = &member.pooler else {
        return Ok(());
    };
    context.say("letting transactions end");
    let console = Console::new(&pooler.console)?;
    drop_safety_net()?;
    spread_safety_net(pooler)?;
    // It goes on waiting for the transactions, also after `RESUME`.
    let pausing = console.command_for("PAUSE", SAFETY_NET);
    let (sender, paused) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = sender.send(pausing.ok());
    });
    match paused.recv_timeout(DRAIN_LIMIT) {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(failure)) => return Err(not_drained(&console, Vec::new(), failure)),
        Err(_) if force => return Ok(()),
        Err(_) => {}
    }
    let busy = match console.busy() {
        Ok(busy) if busy.transactions.is_empty() && busy.sessions > 0 => return Ok(()),
        Ok(busy) => busy.transactions,
        Err(failure) => vec![failure.message],
    };
    // The last one may have ended meanwhile.
    let rest = match busy.is_empty() {
        true => TELLING,
        false => PAUSE,
    };
    match paused.recv_timeout(rest) {
        Ok(Ok(_)) => Ok(()),
        _ => {
            let silent = Failure::message("PgBouncer did not answer `PAUSE`");
            Err(not_drained(&console, busy, silent))
        }
    }
}

/// Everybody goes on; who was still at work is named.
fn not_drained(console: &Console<'_>, busy: Vec<String>, failure: Failure) -> Failure {
    let resumed = console.resume().and_then(|()| drop_safety_net());
    let not_resumed = resumed.err().map(|error| error.message);
    if busy.is_empty() {
        let mut failure = failure;
        failure.tail.extend(not_resumed);
        return failure;
    }
    let mut tail = busy;
    tail.extend(not_resumed);
    Failure {
        tail,
        hint: Some(
            "wait for these transactions or end them; `sty cluster switchover` and `restart` cut \
             them off with `--force`"
                .to_owned(),
        ),
        ..Failure::message(format!(
            "transactions did not end within {} s; nothing was moved or restarted",
            DRAIN_LIMIT.as_secs()
        ))
    }
}

/// Lets the clients of the pooler here go on, as soon as there is a primary. HAProxy is told who
/// it is: by itself it would find out some seconds later.
pub(crate) fn release(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let Some(pooler) = &member.pooler else {
        return Ok(());
    };
    let primary = primary(member, context);
    let told = match &primary {
        Ok(primary) => tell_haproxy(pooler, member, primary),
        Err(_) => Ok(()),
    };
    Console::new(&pooler.console)?.resume()?;
    drop_safety_net()?;
    primary.and(told)
}

/// Lets held clients go on after the controller has gone: a move that it began may still happen,
/// and is waited for.
pub(crate) fn let_go(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let settled = settled(member, context);
    release(member, context).and(settled)
}

fn settled(member: &PatroniMember, context: &Context) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let mut seen: Option<(String, Instant)> = None;
    A_SETTLED_PRIMARY.until_alone(|| {
        let name = match look_for_primary(&patroni) {
            Ok(name) => name,
            Err(said) => {
                seen = None;
                return Ok(Look::NotYet(said));
            }
        };
        match &seen {
            Some((known, since)) if *known == name && since.elapsed() >= SETTLED => {
                return Ok(Look::Reached);
            }
            Some((known, _)) if *known == name => {}
            _ => seen = Some((name.clone(), Instant::now())),
        }
        Ok(Look::NotYet(format!("{name} has just been seen")))
    })
}

/// The member that says it is the primary.
fn primary(member: &PatroniMember, context: &Context) -> Result<String, Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let mut found = None;
    A_PRIMARY.until(|| {
        Ok(match look_for_primary(&patroni) {
            Ok(name) => {
                found = Some(name);
                Look::Reached
            }
            Err(said) => Look::NotYet(said),
        })
    })?;
    found.ok_or_else(|| Failure::message("no member says that it is the primary"))
}

/// Who says so now; otherwise what was said, in words.
fn look_for_primary(patroni: &Patroni) -> Result<String, String> {
    let mut members = patroni
        .members_now()
        .map_err(|error| error.failure().message)?;
    members.sort_by_key(|listed| !listed.leads());
    let mut said = "no member says that it is".to_owned();
    for listed in members {
        match patroni.is_primary(&listed) {
            Ok(true) => return Ok(listed.name),
            Ok(false) => {}
            Err(error) => said = format!("{said}; {}: {}", listed.name, error.failure().message),
        }
    }
    Err(said)
}

fn tell_haproxy(
    pooler: &PrimaryPooler,
    member: &PatroniMember,
    primary: &str,
) -> Result<(), Failure> {
    let commands = member.members.iter().map(|name| {
        let health = if name == primary { "up" } else { "down" };
        format!("set server {}/{name} health {health}", pooler.checker)
    });
    // Readers are not led to the new primary either. A replica says so itself when it is one.
    let promoted = pooler.replica_checker.iter();
    let promoted = promoted.map(|checker| format!("set server {checker}/{primary} health down"));
    let line = commands.chain(promoted).collect::<Vec<_>>().join("; ") + "\n";
    ask(&pooler.stats_socket, &line).map(drop).map_err(|error| {
        Failure::message(format!(
            "HAProxy does not answer at {}: {error}",
            pooler.stats_socket
        ))
    })
}

fn ask(socket: &str, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PRIMARY_LIMIT))?;
    stream.set_write_timeout(Some(PRIMARY_LIMIT))?;
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Clients go on after a while, whatever becomes of this program.
fn spread_safety_net(pooler: &PrimaryPooler) -> Result<(), Failure> {
    Run::new("systemd-run")
        .args([
            "--quiet".to_owned(),
            "--collect".to_owned(),
            format!("--unit={SAFETY_NET_UNIT}"),
            format!("--on-active={}s", SAFETY_NET.as_secs()),
            "--timer-property=AccuracySec=1s".to_owned(),
            format!("--uid={}", pooler.console.account),
            pooler.console.psql.clone(),
        ])
        .args(words(&pooler.console, "RESUME"))
        .ok()
        .map(drop)
}

fn drop_safety_net() -> Result<(), Failure> {
    let timer = format!("{SAFETY_NET_UNIT}.timer");
    if systemd::show_one(&timer)?.missing() {
        return Ok(());
    }
    systemd::stop(&timer)
}
