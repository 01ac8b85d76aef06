//! Newer packages for a cluster that is in use: replicas first, then a switchover, then the old
//! primary.

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::observation::{Change, Observation};
use sty_wire::resource::ResourceKind;

use crate::patroni::{Script, Seat, best_candidate, replicas_first};
use crate::{NodeInput, Refusal};

/// Brings the packages of every member up to what its node says is wanted.
///
/// # Errors
/// When the packages of a member's node could not be looked at.
pub(crate) fn update(
    script: &mut Script<'_, '_>,
    nodes: &[NodeInput<'_>],
    seats: &[Seat<'_>],
) -> Result<(), Refusal> {
    for seat in replicas_first(seats) {
        let Some((resource, changes)) = due(&nodes[seat.node])? else {
            continue;
        };
        if seat.view.is_some_and(|view| view.paused) {
            return Err(paused(&seat.member.scope));
        }
        let members = seat.view.map(|view| view.members.as_slice());
        let members = members.filter(|_| seat.leads()).unwrap_or_default();
        let next = best_candidate(&seat.member.name, members);
        script.because(words(changes));
        if let Some(next) = next {
            script.switch_over(seat, &next.name, false);
        }
        let op = Op::Converge {
            resource: resource.to_owned(),
        };
        let title = format!("install newer packages for {}", seat.member.name);
        script.step(seat, op, title, Risk::Safe);
        match seat.leads() && next.is_none() {
            true => script.restart_leading_member(seat),
            false => script.restart_member(seat),
        }
    }
    Ok(())
}

/// A Patroni that ends in maintenance mode leaves its server running, as the program that it was.
fn paused(cluster: &str) -> Refusal {
    Refusal {
        message: format!("cluster {cluster} is paused: its servers would not restart"),
        hint: format!("run `sty cluster resume {cluster}` first"),
    }
}

/// What is older than wanted on a node, and the resource that wants it.
fn due<'a>(node: &NodeInput<'a>) -> Result<Option<(&'a str, &'a [Change])>, Refusal> {
    let mut resources = node.resources.iter();
    let wanted = resources.find(|one| matches!(one.kind, ResourceKind::PackageVersions { .. }));
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    match node.observations.get(&wanted.id) {
        Some(Observation::InSync) => Ok(None),
        Some(Observation::Drift { changes, .. }) => Ok(Some((&wanted.id, changes))),
        _ => Err(Refusal {
            message: format!("the packages of {} could not be looked at", node.host),
            hint: "see what `sty plan` says of this node".to_owned(),
        }),
    }
}

/// `patroni 4.0.6-1 to 4.0.7-1, ...`
fn words(changes: &[Change]) -> String {
    let version = |side: &Option<String>| side.clone().unwrap_or_default();
    let one = |change: &Change| {
        let name = change.what.trim_start_matches("package ");
        format!(
            "{name} {} to {}",
            version(&change.from),
            version(&change.to)
        )
    };
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}
