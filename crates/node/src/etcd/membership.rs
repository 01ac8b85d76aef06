//! Who belongs to the cluster: one change at a time, quorum kept.

use std::time::Duration;

use serde_json::{Value, json};
use sty_wire::observation::Failure;
use sty_wire::resource::EtcdMember;

use super::client::{CHANGE_LIMIT, Etcd, Member, code};
use crate::context::Context;
use crate::wait::{Look, Wait};

const LIMIT: Duration = Duration::from_secs(30);
/// More than an election takes.
const ELECTED: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Adds a member through `via`, a member on this node. It joins as a learner, so that the quorum
/// does not depend on it before it runs; it is allowed to vote when it has started
/// ([`super::converge_member`]).
pub(crate) fn member_add(
    via: &EtcdMember,
    peer_url: &str,
    context: &Context,
) -> Result<(), Failure> {
    let etcd = context.etcd.client(&via.access)?;
    let members = list(&etcd, via)?;
    if members.iter().any(|member| has_peer(member, peer_url)) {
        return Ok(());
    }
    if let Some(waiting) = members.iter().find(|m| m.name.is_empty() || m.learner) {
        return Err(Failure {
            hint: Some("start or remove it first: members join one at a time".to_owned()),
            ..Failure::message(format!(
                "member with peer URL {} has been added and has not joined yet",
                waiting.peer_urls.join(", ")
            ))
        });
    }
    let body = json!({ "peerURLs": [peer_url], "isLearner": true });
    change(&etcd, via, "/v3/cluster/member/add", &body)?;
    let what = format!("the new member {peer_url} to be listed");
    wait_listed(&etcd, via, &what, |members| {
        members.iter().any(|member| has_peer(member, peer_url))
    })
}

/// Removes a member through `via`, a member on this node. Refuses when those that stay and
/// answer would be no majority.
pub(crate) fn member_remove(
    via: &EtcdMember,
    name: &str,
    peer_url: &str,
    context: &Context,
) -> Result<(), Failure> {
    let etcd = context.etcd.client(&via.access)?;
    let members = list(&etcd, via)?;
    let leaving = members.iter().find(|member| has_peer(member, peer_url));
    let Some(leaving) = leaving.filter(|m| name.is_empty() || m.name.is_empty() || m.name == name)
    else {
        return Ok(());
    };
    if !leaving.learner {
        wait_for_quorum(&etcd, &members, leaving, voters(&members) - 1)?;
    }
    let body = json!({ "ID": leaving.id });
    change(&etcd, via, "/v3/cluster/member/remove", &body)?;
    let what = format!("member {peer_url} to be gone");
    wait_listed(&etcd, via, &what, |members| {
        !members.iter().any(|member| member.id == leaving.id)
    })
}

/// Asks for a change of membership, waiting until all members have been connected for long enough
/// for etcd to allow one.
fn change(etcd: &Etcd, via: &EtcdMember, path: &str, body: &Value) -> Result<(), Failure> {
    let wait = Wait {
        what: "etcd to allow a change of membership",
        limit: LIMIT,
        pause: PAUSE,
    };
    wait.until(
        || match etcd.call(&via.client_url, path, body, CHANGE_LIMIT) {
            Ok(_) => Ok(Look::Reached),
            Err(error) if error.code() == Some(code::UNAVAILABLE) => {
                Ok(Look::NotYet(error.to_string()))
            }
            Err(error) => Err(error.failure()),
        },
    )
}

/// Waits until the others are a majority while the member here is away for a moment. Where it does
/// not serve as it is, nothing is lost; of one or two voters nobody can be away.
pub(super) fn wait_to_be_dispensable(etcd: &Etcd, here: &EtcdMember) -> Result<(), Failure> {
    if !etcd.healthy(&here.client_url).unwrap_or(false) {
        return Ok(());
    }
    let members = list(etcd, here)?;
    let own = members.iter().find(|one| has_peer(one, &here.peer_url));
    match own.filter(|own| !own.learner && voters(&members) > 2) {
        Some(own) => wait_for_quorum(etcd, &members, own, voters(&members)),
        None => Ok(()),
    }
}

fn voters(members: &[Member]) -> usize {
    members.iter().filter(|member| !member.learner).count()
}

/// Waits until enough of the others are healthy: after the last change they may elect a leader.
fn wait_for_quorum(
    etcd: &Etcd,
    members: &[Member],
    away: &Member,
    voters: usize,
) -> Result<(), Failure> {
    let wait = Wait {
        what: "the other members of etcd to be healthy",
        limit: ELECTED,
        pause: PAUSE,
    };
    let mut refusal = None;
    let waited = wait.until(|| match keep_quorum(etcd, members, away, voters) {
        Ok(()) => Ok(Look::Reached),
        Err(failure) => {
            let state = failure.message.clone();
            refusal = Some(failure);
            Ok(Look::NotYet(state))
        }
    });
    waited.map_err(|failure| refusal.unwrap_or(failure))
}

/// Whether those that answer are a majority of `voters` without `away`.
fn keep_quorum(
    etcd: &Etcd,
    members: &[Member],
    away: &Member,
    voters: usize,
) -> Result<(), Failure> {
    let stay: Vec<&Member> = members
        .iter()
        .filter(|member| !member.learner && member.id != away.id)
        .collect();
    let answers = |member: &&&Member| {
        let url = member.client_urls.first();
        url.is_some_and(|url| etcd.healthy(url).unwrap_or(false))
    };
    let (healthy, silent): (Vec<&Member>, Vec<&Member>) = stay.iter().partition(answers);
    let needed = voters / 2 + 1;
    if healthy.len() >= needed {
        return Ok(());
    }
    let silent: Vec<String> = silent.iter().map(|member| named(member)).collect();
    Err(Failure {
        hint: Some("bring these members back first".to_owned()),
        ..Failure::message(format!(
            "without {} there are {} members, of which {needed} must be healthy and {} are: \
             not healthy: {}",
            named(away),
            stay.len(),
            healthy.len(),
            if silent.is_empty() {
                "none".to_owned()
            } else {
                silent.join(", ")
            }
        ))
    })
}

fn named(member: &Member) -> String {
    if member.name.is_empty() {
        member.peer_urls.join(", ")
    } else {
        member.name.clone()
    }
}

fn has_peer(member: &Member, peer_url: &str) -> bool {
    member.peer_urls.iter().any(|url| url == peer_url)
}

fn list(etcd: &Etcd, via: &EtcdMember) -> Result<Vec<Member>, Failure> {
    etcd.members(&via.client_url)
        .map_err(|error| error.failure())
}

fn wait_listed(
    etcd: &Etcd,
    via: &EtcdMember,
    what: &str,
    reached: impl Fn(&[Member]) -> bool,
) -> Result<(), Failure> {
    let (limit, pause) = (LIMIT, PAUSE);
    let wait = Wait { what, limit, pause };
    wait.until(|| {
        let members = list(etcd, via)?;
        if reached(&members) {
            return Ok(Look::Reached);
        }
        let names: Vec<String> = members.iter().map(named).collect();
        Ok(Look::NotYet(format!("members {}", names.join(", "))))
    })
}
