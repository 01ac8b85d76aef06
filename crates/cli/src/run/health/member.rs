//! The health of one member.

use sty_inventory::model::Instance;
use sty_wire::standing::{Condition, Standing};
use sty_wire::status::PatroniStatus;

use super::{MemberHealth, leads};
use crate::run::since::Since;

/// Of a member whose node answers.
pub(super) fn told(
    view: &PatroniStatus,
    instance: &Instance,
    everybody: &[&PatroniStatus],
) -> MemberHealth {
    let listed = everybody
        .iter()
        .flat_map(|view| &view.members)
        .find(|listed| listed.name == view.name);
    // Patroni has it follow the leader when its upstream is gone.
    let known = |name: &str| {
        let mut listed = everybody.iter().flat_map(|view| &view.members);
        listed.any(|listed| listed.name == name)
    };
    let runs = matches!(view.state.as_str(), "running" | "streaming");
    let condition = condition(view, everybody);
    let problem = match (condition, &view.problem) {
        (Some(condition), _) => Some(condition.words().to_owned()),
        (None, Some(problem)) => Some(problem.clone()),
        (None, None) if !runs => Some(format!("is {}", view.state)),
        (None, None) => None,
    };
    // It may be why the rest is as it is.
    let problem = match (&view.full, problem) {
        (Some(full), Some(rest)) => Some(format!("{full}; {rest}")),
        (full, rest) => full.clone().or(rest),
    };
    MemberHealth {
        name: view.name.clone(),
        address: instance.address.to_string(),
        role: view.role.clone(),
        synchronous: listed.and_then(|listed| match listed.role.as_str() {
            "sync_standby" => Some("sync"),
            "quorum_standby" => Some("quorum"),
            _ => None,
        }),
        follows: listed
            .filter(|_| !leads(&view.role))
            .and_then(|listed| listed.follows.clone())
            .filter(|name| known(name)),
        delay: delay(instance),
        state: view.state.clone(),
        timeline: view.timeline,
        lag_bytes: listed.and_then(|listed| listed.lag_bytes),
        server_version: view.server_version,
        pending_restart: view.pending_restart.clone(),
        condition,
        since: condition.and(view.standing.since).and_then(Since::at),
        problem,
    }
}

fn delay(instance: &Instance) -> Option<String> {
    Some(instance.delay.clone()).filter(|delay| !delay.is_empty())
}

/// Why a member is not well, with what is known of the one that it follows.
fn condition(view: &PatroniStatus, everybody: &[&PatroniStatus]) -> Option<Condition> {
    let mut listed = everybody.iter().flat_map(|view| &view.members);
    let own = listed.find(|listed| listed.name == view.name);
    let follows = own.and_then(|own| own.follows.as_deref());
    let streams =
        |one: &&&PatroniStatus| Some(one.name.as_str()) == follows && one.state == "streaming";
    let leader = || everybody.iter().find(|one| leads(&one.role));
    let nobody = Standing::default();
    let upstream = everybody.iter().find(streams).or_else(leader);
    let upstream = upstream.map_or(&nobody, |one| &one.standing);
    view.standing.behind(&view.name, upstream)
}

/// A member whose node says nothing; the leader may know since when.
pub(super) fn silent(instance: &Instance, everybody: &[&PatroniStatus]) -> MemberHealth {
    let slots = everybody
        .iter()
        .filter_map(|view| view.standing.slot_of(&instance.name));
    let mut gone = slots.filter(|slot| !slot.active);
    MemberHealth {
        name: instance.name.clone(),
        address: instance.address.to_string(),
        role: "unknown".to_owned(),
        synchronous: None,
        follows: None,
        delay: delay(instance),
        state: "unknown".to_owned(),
        timeline: None,
        lag_bytes: None,
        server_version: None,
        pending_restart: Vec::new(),
        condition: None,
        since: gone
            .find_map(|slot| slot.inactive_since)
            .and_then(Since::at),
        problem: Some("its node does not answer".to_owned()),
    }
}
