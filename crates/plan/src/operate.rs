//! Operations that an operator asks for on one PostgreSQL cluster, as plans.

use std::collections::BTreeSet;

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::PatroniPeer;

use crate::build::{number, sorted};
use crate::patroni::{
    Script, Seat, Sizes, best_candidate, clusters, hindrance, is_leader, led_from_outside,
    restart_order, shrinks, unfit,
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

/// Plans an operation. With `force`, transactions that do not end in time are cut off, a failover
/// takes a member that may lack acknowledged transactions, the last one that could take over is
/// copied anew, and a paused cluster goes on although its primary may be one that does not answer.
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
        Operation::Switchover { to } => switchover(&mut script, seats, to.as_deref())?,
        Operation::Failover { to } => failover(&mut script, seats, to, force)?,
        Operation::Restart { members, in_place } => {
            restart(&mut script, seats, members, *in_place, force)?;
        }
        Operation::Reload { members } => {
            for seat in chosen(seats, members)? {
                let member = seat.id.to_owned();
                let title = format!("reload {}", seat.member.name);
                script.step(seat, Op::PatroniReload { member }, title, Risk::Reload);
            }
        }
        Operation::Reinitialize { member } => reinitialize(&mut script, seats, member, force)?,
        Operation::Update => update(&mut script, nodes, seats)?,
        Operation::Pause(paused) => pause(&mut script, seats, *paused, force)?,
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

/// The members that the Patroni of `seat` lists.
fn listed<'a>(seat: &Seat<'a>) -> Result<&'a [PatroniPeer], Refusal> {
    let name = &seat.member.name;
    let view = seat.view.filter(|view| view.running).ok_or_else(|| {
        refusal(
            format!("the Patroni of {name} does not answer"),
            "look at it with `sty status`",
        )
    })?;
    if view.members.is_empty() {
        return Err(refusal(
            format!("the Patroni of {name} cannot list the members: etcd does not answer it"),
            "when etcd has lost its leader, a new one is elected within seconds: try again; \
             `sty status` tells how etcd is",
        ));
    }
    Ok(&view.members)
}

fn switchover(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    to: Option<&str>,
) -> Result<(), Refusal> {
    if let Some((seat, leader)) = led_from_outside(seats) {
        let members = listed(seat)?;
        // Whoever leads next is to stay.
        let stays = |peer: &&PatroniPeer| {
            is_leader(peer) || seats.iter().any(|seat| seat.member.name == peer.name)
        };
        let members: Vec<PatroniPeer> = members.iter().filter(stays).cloned().collect();
        let next = next(&leader.name, &members, to)?;
        script.take_over(&leader.name, seat, &next.name, to.is_some());
        return Ok(());
    }
    let leader = leader(seats)?;
    let next = next(&leader.member.name, listed(leader)?, to)?;
    script.switch_over(leader, &next.name, to.is_some());
    Ok(())
}

/// Who takes over from `leader`: the one that was named, or the best.
fn next<'a>(
    leader: &str,
    members: &'a [PatroniPeer],
    to: Option<&str>,
) -> Result<&'a PatroniPeer, Refusal> {
    let Some(name) = to else {
        return best_candidate(leader, members).ok_or_else(|| {
            let reasons = members.iter().filter(|peer| !is_leader(peer));
            let reasons = reasons.filter_map(|peer| Some((peer, hindrance(peer, members)?)));
            let reasons: Vec<String> = reasons
                .map(|(peer, why)| format!("{}: {why}", peer.name))
                .collect();
            let why = match reasons.as_slice() {
                [] => ": it has no other".to_owned(),
                _ => format!(" ({})", reasons.join("; ")),
            };
            let next = "mend a replica first, or add one";
            refusal(format!("no member can take over{why}"), next)
        });
    };
    let peer = members.iter().find(|peer| peer.name == name);
    let peer = peer.ok_or_else(|| {
        let names: Vec<&str> = members.iter().map(|one| one.name.as_str()).collect();
        refusal(
            format!("the cluster has no member `{name}`"),
            format!("its members: {}", names.join(", ")),
        )
    })?;
    match hindrance(peer, members) {
        None => Ok(peer),
        Some(why) => Err(refusal(
            format!("{name} cannot take over: {why}"),
            "leave the member out, and the best one is taken",
        )),
    }
}

/// Who holds the lead in etcd is left alone, whether the controller reaches it or not: it serves
/// whoever does. A primary that is lost loses the lead by itself.
fn failover(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    to: &str,
    force: bool,
) -> Result<(), Refusal> {
    if let Some(leader) = seats.iter().find(|seat| seat.serves()) {
        return Err(refusal(
            format!("{} is the primary, and well", leader.member.name),
            "a switchover loses nothing: `sty cluster switchover`",
        ));
    }
    if let Some((_, leader)) = led_from_outside(seats) {
        return Err(refusal(
            format!(
                "{} is the primary, and well, though it is not in the inventory",
                leader.name
            ),
            "a switchover loses nothing: `sty cluster switchover`",
        ));
    }
    let target = seat(seats, to)?;
    let members = listed(target)?;
    let peer = members.iter().find(|peer| peer.name == to);
    let peer = peer.ok_or_else(|| {
        refusal(
            format!("{to} cannot take over: etcd does not know it as a member"),
            "look at it with `sty status`",
        )
    })?;
    const RUNS: [&str; 3] = ["running", "streaming", "in archive recovery"];
    if !RUNS.contains(&peer.state.as_str()) {
        return Err(refusal(
            format!("{to} cannot take over: its server is {}", peer.state),
            "start it first, or choose another member",
        ));
    }
    let leader = members.iter().find(|peer| is_leader(peer));
    if let Some(leader) = leader.filter(|_| !force) {
        return Err(refusal(
            format!(
                "{} holds the lead ({}), though it does not serve as seen from here",
                leader.name, leader.state
            ),
            format!(
                "a primary that is lost loses the lead by itself, within its lease; with `--force` \
                 {to} takes over at once, and what it has not received is lost"
            ),
        ));
    }
    let why = unfit(peer, members).or_else(|| lacks(to, seats));
    if let Some(why) = why.filter(|_| !force) {
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

/// Who has received what the member `name` has not.
fn lacks(name: &str, seats: &[Seat<'_>]) -> Option<String> {
    let received = |name: &str| {
        let seat = seats.iter().find(|seat| seat.member.name == name)?;
        Some((seat.view?.timeline?, seat.view?.wal_position?))
    };
    let own = received(name);
    let others = seats.iter().map(|seat| seat.member.name.as_str());
    let ahead = others.filter(|other| received(other) > own);
    let most = ahead.max_by_key(|other| received(other))?;
    Some(format!("{most} has received more of the log"))
}

fn restart(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    members: &BTreeSet<String>,
    in_place: bool,
    force: bool,
) -> Result<(), Refusal> {
    let wanted = chosen(seats, members)?;
    let smaller = shrinking(seats);
    // Of a primary that stays as it is, there is no before and after.
    let leaders = wanted.iter().filter(|seat| seat.leads());
    let sizes = Sizes::of(leaders.flat_map(|seat| seat.pending()));
    let mut order = restart_order(seats, sizes);
    order.retain(|one| wanted.iter().any(|w| w.id == one.id && w.node == one.node));
    let waits = |seat: &&Seat<'_>| seat.pending().any(shrinks);
    if let Some((leader, setting)) = smaller.as_ref().filter(|_| !force)
        && !order.iter().any(|seat| seat.leads())
        && order.iter().any(waits)
    {
        return Err(refusal(
            format!(
                "`{setting}` waits to become smaller, and replicas must have as much of it as the \
                 primary {leader}: they would wait for a restart as before"
            ),
            "restart the primary first: `sty cluster restart` of all members does so; or add `--force`",
        ));
    }
    for seat in order {
        let next = match seat.leads() && !in_place && smaller.is_none() {
            true => best_candidate(&seat.member.name, listed(seat)?),
            false => None,
        };
        match next {
            _ if !seat.leads() => script.restart_replica(seat),
            Some(next) => {
                script.switch_over(seat, &next.name, false);
                script.restart_replica(seat);
            }
            None => script.restart_leader(seat),
        }
    }
    Ok(())
}

/// The primary, and a setting that waits to become smaller there and that replicas must not have
/// less of.
fn shrinking(seats: &[Seat<'_>]) -> Option<(String, String)> {
    let leader = seats.iter().find(|seat| seat.leads())?;
    let setting = leader.pending().find(|change| shrinks(change))?;
    Some((leader.member.name.clone(), setting.what.clone()))
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
    force: bool,
) -> Result<(), Refusal> {
    let target = seat(seats, member)?;
    let leader = leader(seats)?;
    if leader.member.name == member {
        return Err(refusal(
            format!("{member} is the primary: its data is what the others are copied from"),
            "do a switchover first",
        ));
    }
    if !leader.serves() {
        return Err(refusal(
            format!(
                "the primary {} does not run: there is nobody to copy from, and the data of \
                 {member} may be needed",
                leader.member.name
            ),
            "look at it with `sty status`",
        ));
    }
    let members = listed(leader)?;
    let fit = |peer: &&PatroniPeer| hindrance(peer, members).is_none();
    let fit: Vec<&PatroniPeer> = members.iter().filter(fit).collect();
    if !force && matches!(fit[..], [only] if only.name == member) {
        return Err(refusal(
            format!(
                "{member} is the only member that could take over from {}: until it is copied, \
                 nobody can",
                leader.member.name
            ),
            "mend another replica first, or add `--force`",
        ));
    }
    let id = target.id.to_owned();
    let op = Op::Reinitialize { member: id };
    script.step(target, op, format!("copy {member} anew"), Risk::Destroy);
    Ok(())
}

/// Members that do not answer, where none that does takes itself for the leader.
fn may_lead_unseen(seats: &[Seat<'_>]) -> Option<String> {
    if seats.iter().any(Seat::leads) {
        return None;
    }
    let answering = seats.iter().filter(|seat| seat.answers());
    let declared = seats.iter().flat_map(|seat| &seat.member.members);
    let listed = seats.iter().filter_map(|seat| seat.view);
    let listed = listed.flat_map(|view| &view.members).map(|peer| &peer.name);
    let known: BTreeSet<&String> = declared.chain(listed).collect();
    let answering: BTreeSet<&String> = answering.map(|seat| &seat.member.name).collect();
    let silent = known.difference(&answering).copied();
    let silent: Vec<&str> = silent.map(String::as_str).collect();
    (!silent.is_empty()).then(|| silent.join(", "))
}

fn pause(
    script: &mut Script<'_, '_>,
    seats: &[Seat<'_>],
    paused: bool,
    force: bool,
) -> Result<(), Refusal> {
    let seat = seats.iter().find(|seat| seat.answers()).ok_or_else(|| {
        refusal(
            "no Patroni of the cluster answers",
            "look at it with `sty status`",
        )
    })?;
    if let Some(silent) = may_lead_unseen(seats).filter(|_| !paused && !force) {
        return Err(refusal(
            format!(
                "nobody that answers leads, and {silent} may: in a paused cluster a primary that \
                 has lost the lead goes on serving whoever reaches it, also beside the one that \
                 the others choose"
            ),
            format!(
                "bring {silent} back into reach; where you know that it is off, or that it still \
                 holds the lead, add `--force`"
            ),
        ));
    }
    let title = match paused {
        true => "switch automatic failover off",
        false => "switch automatic failover on",
    };
    let member = seat.id.to_owned();
    let op = Op::Pause { member, paused };
    script.step(seat, op, title.to_owned(), Risk::Reload);
    Ok(())
}
