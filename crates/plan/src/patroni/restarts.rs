//! Restarts of PostgreSQL that pending settings ask for.

use sty_core::Risk;

use super::script::Script;
use super::seat::{Seat, best_candidate, replicas_first};
use crate::Options;
use crate::candidate::{Candidate, Hold, Key};

/// Replicas first, then the primary, which hands over before. Where a setting that replicas must
/// not have less of gets smaller, the primary is restarted first, where it is: a new one would
/// have the old value and keep it. Members outside are left alone, but a primary that must come
/// first is waited for.
pub(super) fn postgres_restarts(
    seats: &[Seat<'_>],
    options: &Options,
    previous: Option<Key>,
    candidates: &mut Vec<Candidate>,
) {
    let pending = |seat: &&Seat<'_>| seat.view.is_some_and(|v| !v.pending_restart.is_empty());
    let shrinks = seats.iter().any(|seat| seat.leads() && shrinks(seat));
    let mut order = replicas_first(seats);
    if shrinks {
        order.sort_by_key(|seat| !seat.leads());
    }
    let concerned = |seat: &&Seat<'_>| !seat.outside || (seat.leads() && shrinks);
    let order: Vec<&Seat<'_>> = order
        .into_iter()
        .filter(pending)
        .filter(concerned)
        .collect();
    let mut script = Script::new(seats, previous, false);
    for seat in order {
        script.because(waiting(seat));
        let members = seat.view.map(|view| view.members.as_slice());
        match members.and_then(|members| best_candidate(&seat.member.name, members)) {
            _ if seat.outside => script.restart(seat),
            _ if !seat.leads() => script.restart_replica(seat),
            Some(next) if !shrinks => {
                script.switch_over(seat, &next.name);
                script.restart_replica(seat);
            }
            _ => script.restart_leader(seat),
        }
    }
    let steps = script.finish().into_iter();
    candidates.extend(steps.filter_map(|step| match options.restart {
        true => Some(step),
        false => held(step),
    }));
}

/// What nobody has asked for yet is told without its small steps.
fn held(step: Candidate) -> Option<Candidate> {
    (step.risk >= Risk::Restart).then_some(Candidate {
        held: Some(Hold::Restart),
        ..step
    })
}

/// Whether a setting waits to become smaller that the replicas' must not be below: they start
/// with no less than the primary has.
fn shrinks(seat: &Seat<'_>) -> bool {
    const AT_LEAST_THE_PRIMARYS: [&str; 5] = [
        "max_connections",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "max_wal_senders",
        "max_worker_processes",
    ];
    let number = |side: &Option<String>| side.as_ref()?.parse::<u64>().ok();
    let waiting = seat.view.map(|view| view.pending_restart.iter());
    waiting.into_iter().flatten().any(|change| {
        AT_LEAST_THE_PRIMARYS.contains(&change.what.as_str())
            && number(&change.to) < number(&change.from)
    })
}

fn waiting(seat: &Seat<'_>) -> String {
    let changes = seat
        .view
        .map(|v| v.pending_restart.as_slice())
        .unwrap_or_default();
    let names: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    format!("{} wait for a restart", names.join(", "))
}
