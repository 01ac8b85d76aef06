//! Members of clusters, on their nodes.

use std::collections::BTreeMap;

use sty_wire::observation::{Change, PatroniPeer, PatroniView, is_synchronous};
use sty_wire::resource::{PatroniMember, ResourceKind};

use super::sizes::Sizes;
use crate::NodeInput;
use crate::candidate::Key;

/// States of a server that takes connections.
const RUNS: [&str; 2] = ["running", "streaming"];

/// A PostgreSQL member's node.
pub(crate) struct Seat<'a> {
    pub(crate) node: usize,
    pub(crate) id: &'a str,
    pub(crate) member: &'a PatroniMember,
    pub(crate) view: Option<&'a PatroniView>,
    /// `--limit` leaves its node out.
    pub(crate) outside: bool,
}

impl<'a> Seat<'a> {
    /// What waits for a restart of the member.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &'a Change> + use<'a> {
        let view = self.view.into_iter();
        view.flat_map(|view| &view.pending_restart)
    }

    pub(crate) fn leads(&self) -> bool {
        self.view.is_some_and(PatroniView::leads)
    }

    /// Whether its Patroni answers.
    pub(crate) fn answers(&self) -> bool {
        self.view.is_some_and(|view| view.running)
    }

    /// Whether the member leads with a server that runs.
    pub(crate) fn serves(&self) -> bool {
        self.leads()
            && self
                .view
                .is_some_and(|view| RUNS.contains(&view.state.as_str()))
    }

    /// Whether the member wanted here has this address: who runs there under another name is no
    /// stranger, but a conflict.
    pub(crate) fn is_at(&self, address: &str) -> bool {
        self.member.patroni.url.contains(&format!("//{address}:"))
    }

    pub(crate) fn key(&self) -> Key {
        (self.node, self.id.to_owned())
    }
}

/// Members by cluster.
pub(crate) fn clusters<'a>(nodes: &'a [NodeInput<'a>]) -> BTreeMap<&'a str, Vec<Seat<'a>>> {
    let mut clusters: BTreeMap<&str, Vec<Seat<'_>>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for resource in node.resources {
            if let ResourceKind::PatroniMember(member) = &resource.kind {
                clusters.entry(&member.scope).or_default().push(Seat {
                    node: index,
                    id: &resource.id,
                    member,
                    view: node.surroundings.patroni.get(&member.scope),
                    outside: node.witnesses.contains(&resource.id),
                });
            }
        }
    }
    clusters
}

/// Who leads and is no member of these, with one of them that says so.
pub(crate) fn led_from_outside<'a, 'b>(
    seats: &'b [Seat<'a>],
) -> Option<(&'b Seat<'a>, &'a PatroniPeer)> {
    if seats.iter().any(Seat::leads) {
        return None;
    }
    let views = seats.iter().filter_map(|seat| Some((seat, seat.view?)));
    let mut leaders = views.filter_map(|(seat, view)| {
        let leader = view.members.iter().find(|peer| is_leader(peer))?;
        Some((seat, leader))
    });
    leaders.find(|(seat, leader)| {
        let declared = seat.member.members.contains(&leader.name);
        let is_seat = seats.iter().any(|one| one.member.name == leader.name);
        !declared && !is_seat && RUNS.contains(&leader.state.as_str())
    })
}

/// The leader last.
pub(crate) fn replicas_first<'a, 'b>(seats: &'b [Seat<'a>]) -> Vec<&'b Seat<'a>> {
    restart_order(seats, Sizes::default())
}

/// In which order all restart: the primary last; or first, where a setting gets smaller. Where one
/// gets larger as well, the replicas restart before it with the larger of both, and once more after
/// it: all those that had less would stop when it has more.
pub(crate) fn restart_order<'a, 'b>(seats: &'b [Seat<'a>], sizes: Sizes) -> Vec<&'b Seat<'a>> {
    let (leaders, replicas): (Vec<&Seat<'_>>, Vec<_>) = seats.iter().partition(|one| one.leads());
    let before = replicas
        .clone()
        .into_iter()
        .filter(|_| !sizes.shrinks || sizes.grows);
    let after = replicas.into_iter().filter(|_| sizes.shrinks);
    before.chain(leaders).chain(after).collect()
}

/// The member that should take over from the leader: one that streams on the leader's timeline;
/// behind a synchronous cluster one that has every acknowledged transaction; of those the one
/// with the least to catch up.
pub(crate) fn best_candidate<'a>(
    leader: &str,
    members: &'a [PatroniPeer],
) -> Option<&'a PatroniPeer> {
    let others = members.iter().filter(|peer| peer.name != leader);
    let may = others.filter(|peer| hindrance(peer, members).is_none());
    may.min_by_key(|peer| (peer.lag_bytes.unwrap_or(u64::MAX), &peer.name))
}

/// Why a member should not take over.
pub(crate) fn hindrance(peer: &PatroniPeer, members: &[PatroniPeer]) -> Option<String> {
    let leader = members.iter().find(|one| is_leader(one));
    if is_leader(peer) {
        Some("it leads already".to_owned())
    } else if peer.state != "streaming" {
        Some(format!(
            "it does not stream from the leader: {}",
            peer.state
        ))
    } else if leader.is_some_and(|leader| is_another(leader.timeline, peer.timeline)) {
        Some("it is on another timeline".to_owned())
    } else {
        unfit(peer, members)
    }
}

/// A leader that nobody can log in to tells of no timeline.
fn is_another(leader: Option<u64>, own: Option<u64>) -> bool {
    leader.zip(own).is_some_and(|(leader, own)| leader != own)
}

/// Why a member should not lead, whether it could take over from somebody or not.
pub(crate) fn unfit(peer: &PatroniPeer, members: &[PatroniPeer]) -> Option<String> {
    let synchronous = |one: &PatroniPeer| is_synchronous(&one.role);
    if peer.nofailover {
        Some("it is never to lead (offline, or tagged `nofailover`)".to_owned())
    } else if members.iter().any(synchronous) && !synchronous(peer) {
        Some("it is not synchronous: it may lack acknowledged transactions".to_owned())
    } else {
        None
    }
}

pub(crate) fn is_leader(peer: &PatroniPeer) -> bool {
    matches!(peer.role.as_str(), "leader" | "standby_leader")
}
