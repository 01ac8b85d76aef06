//! Operations that an operator asks for on one PostgreSQL cluster, as plans.

use std::collections::BTreeSet;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::PatroniView;

use crate::build::{number, sorted};
use crate::patroni::{
    Script, Seat, best_candidate, clusters, hindrance, is_leader, replicas_first,
};
use crate::update::update;
use crate::{NodeInput, Plan};

/// What to do with a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Move the primary to this member, or to the one with the least to catch up.
    Switchover {
        /// Member.
        to: Option<String>,
    },
    /// Make this member the primary although there is none to hand over.
    Failover {
        /// Member.
        to: String,
    },
    /// Restart PostgreSQL of these members, or of all: replicas first, the primary last, after it
    /// has handed over.
    Restart {
        /// Members; empty for all.
        members: BTreeSet<String>,
        /// Restart the primary where it is.
        in_place: bool,
    },
    /// Have Patroni and PostgreSQL read their configuration again.
    Reload {
        /// Members; empty for all.
        members: BTreeSet<String>,
    },
    /// Copy this member's data anew from the others.
    Reinitialize {
        /// Member.
        member: String,
    },
    /// Switch automatic failover off (`true`) or on.
    Pause(bool),
    /// Install the packages that the nodes were told to have, and restart what they bring: replicas
    /// first, the primary after it has handed over.
    Update,
}

/// Why an operation is not possible, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {hint}")]
pub struct Refusal {
    /// Why.
    pub message: String,
    /// What to do.
    pub hint: String,
}

fn refusal(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal {
        message: message.into(),
        hint: hint.into(),
    }
}

/// Plans an operation. With `force`, transactions that do not end in time are cut off, and a
/// member is taken that would lose acknowledged transactions.
///
/// # Errors
/// When it would lose data or is not possible now; the plan would have touched nothing.
pub fn operate(
    nodes: &[NodeInput<'_>],
    cluster: &str,
    operation: &Operation,
    force: bool,
) -> Result<Plan, Refusal> {
    let clusters = clusters(nodes);
    let seats = clusters.get(cluster).map(Vec::as_slice).unwrap_or_default();
    let mut script = Script::new(seats, None, force);
    script.because("asked for");
    match operation {
        Operation::Switchover { to } => switchover(&mut script, seats, to.as_deref(), force)?,
        Operation::Failover { to } => failover(&mut script, seats, to, force)?,
        Operation::Restart { members, in_place } => {
            restart(&mut script, seats, members, *in_place)?;
        }
        Operation::Reload { members } => {
            for seat in chosen(seats, members)? {
                let member = seat.id.to_owned();
                let title = format!("reload {}", seat.member.name);
                script.step(seat, Op::PatroniReload { member }, title, Risk::Reload);
            }
        }
        Operation::Reinitialize { member } => reinitialize(&mut script, seats, member)?,
        Operation::Update => update(&mut script, nodes, seats)?,
        Operation::Pause(paused) => pause(&mut script, seats, *paused)?,
    }
    let actions = number(nodes, sorted(script.finish()));
    Ok(Plan {
        actions,
        ..Plan::default()
    })
}

fn leader<'a, 'b>(seats: &'b [Seat<'a>]) -> Result<&'b Seat<'a>, Refusal> {
    let found = seats.iter().find(|seat| seat.leads());
    found.ok_or_else(|| {
        refusal(
            "the cluster has no primary that could be reached",
            "look at it with `sty status`; without a primary, `sty cluster failover` makes one",
        )
    })
}

fn seat<'a, 'b>(seats: &'b [Seat<'a>], name: &str) -> Result<&'b Seat<'a>, Refusal> {
    let found = seats.iter().find(|seat| seat.member.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = seats.iter().map(|one| one.member.name.as_str()).collect();
        refusal(
            format!("no member `{name}` could be reached"),
            format!("members that answer: {}", names.join(", ")),
        )
    })
}

fn view<'a>(seat: &Seat<'a>) -> Result<&'a PatroniView, Refusal> {
    seat.view.ok_or_else(|| {
        refusal(
            format!("nothing is known of {}", seat.member.name),
            "look at it with `sty status`",
        )
    })
}

fn switchover(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    to: Option<&str>,
    force: bool,
) -> Result<(), Refusal> {
    let leader = leader(seats)?;
    let members = &view(leader)?.members;
    let next = match to {
        None => best_candidate(&leader.member.name, members).ok_or_else(|| {
            let reasons = members.iter().filter(|peer| !is_leader(peer));
            let reasons = reasons.filter_map(|peer| Some((peer, hindrance(peer, members)?)));
            let reasons: Vec<String> = reasons
                .map(|(peer, why)| format!("{}: {why}", peer.name))
                .collect();
            refusal(
                format!("no member can take over ({})", reasons.join("; ")),
                "mend a replica first, or add one",
            )
        })?,
        Some(name) => {
            let mut peers = members.iter();
            let peer = peers.find(|peer| peer.name == name).ok_or_else(|| {
                let names: Vec<&str> = members.iter().map(|one| one.name.as_str()).collect();
                refusal(
                    format!("the cluster has no member `{name}`"),
                    format!("its members: {}", names.join(", ")),
                )
            })?;
            if let Some(why) = hindrance(peer, members).filter(|_| !force || is_leader(peer)) {
                return Err(refusal(
                    format!("{name} cannot take over: {why}"),
                    "leave the member out, and the best one is taken",
                ));
            }
            peer
        }
    };
    script.switch_over(leader, &next.name);
    Ok(())
}

fn failover(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    to: &str,
    force: bool,
) -> Result<(), Refusal> {
    if let Some(leader) = seats.iter().find(|seat| seat.leads()) {
        return Err(refusal(
            format!("{} is the primary, and well", leader.member.name),
            "a switchover loses nothing: `sty cluster switchover`",
        ));
    }
    let target = seat(seats, to)?;
    let members = &view(target)?.members;
    let peer = members.iter().find(|peer| peer.name == to);
    if let Some(why) = peer
        .and_then(|peer| hindrance(peer, members))
        .filter(|_| !force)
    {
        return Err(refusal(
            format!("{to} should not take over: {why}"),
            "choose another member; with `--force` acknowledged transactions may be lost",
        ));
    }
    let op = Op::Failover {
        member: target.id.to_owned(),
    };
    script.step(target, op, format!("make {to} the primary"), Risk::Failover);
    Ok(())
}

fn restart(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    members: &BTreeSet<String>,
    in_place: bool,
) -> Result<(), Refusal> {
    let wanted = chosen(seats, members)?;
    for seat in replicas_first(seats)
        .into_iter()
        .filter(|one| wanted.iter().any(|w| w.id == one.id && w.node == one.node))
    {
        let next = match seat.leads() && !in_place {
            true => best_candidate(&seat.member.name, &view(seat)?.members),
            false => None,
        };
        match next {
            _ if !seat.leads() => script.restart_replica(seat),
            Some(next) => {
                script.switch_over(seat, &next.name);
                script.restart_replica(seat);
            }
            None => script.restart_leader(seat),
        }
    }
    Ok(())
}

fn chosen<'a, 'b>(
    seats: &'b [Seat<'a>],
    members: &BTreeSet<String>,
) -> Result<Vec<&'b Seat<'a>>, Refusal> {
    if members.is_empty() {
        return Ok(seats.iter().collect());
    }
    members.iter().map(|name| seat(seats, name)).collect()
}

fn reinitialize(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    member: &str,
) -> Result<(), Refusal> {
    let target = seat(seats, member)?;
    let leader = leader(seats)?;
    if leader.member.name == member {
        return Err(refusal(
            format!("{member} is the primary: its data is what the others are copied from"),
            "do a switchover first",
        ));
    }
    let id = target.id.to_owned();
    let op = Op::Reinitialize { member: id };
    script.step(target, op, format!("copy {member} anew"), Risk::Destroy);
    Ok(())
}

fn pause(script: &mut Script<'_, '_>, seats: &[Seat<'_>], paused: bool) -> Result<(), Refusal> {
    let any = seats
        .iter()
        .find(|seat| seat.view.is_some_and(|view| view.running));
    let seat = any.ok_or_else(|| {
        refusal(
            "no Patroni of the cluster answers",
            "look at it with `sty status`",
        )
    })?;
    let title = match paused {
        true => "switch automatic failover off",
        false => "switch automatic failover on",
    };
    let member = seat.id.to_owned();
    let op = Op::Pause { member, paused };
    script.step(seat, op, title.to_owned(), Risk::Reload);
    Ok(())
}
