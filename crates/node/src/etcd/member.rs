//! The etcd member of this node.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use sty_core::Risk;
use sty_wire::observation::{AT_BOOT, Change, EtcdView, Failure, Observation};
use sty_wire::resource::EtcdMember;

use super::client::{CHANGE_LIMIT, Etcd, EtcdError, Health, Member, code};
use super::data;
use super::election;
use super::present::present;
use crate::context::Context;
use crate::systemd::{self, UnitStatus};
use crate::wait::{Look, Wait};

const HEALTHY: Wait<'static> = Wait {
    what: "the etcd member to be healthy",
    limit: Duration::from_secs(120),
    pause: Duration::from_millis(100),
};

pub(crate) fn observe(member: &EtcdMember, context: &Context) -> Observation {
    match compare(member, context) {
        Ok(observation) => observation,
        Err(failure) => Observation::Failed { failure },
    }
}

fn compare(member: &EtcdMember, context: &Context) -> Result<Observation, Failure> {
    if let Some(failure) = present().and_then(|found| moved(member, &found.client_url))
        && !is_served(member, context)
    {
        return Ok(Observation::Conflict { failure });
    }
    let unit = context.unit(&member.unit)?;
    if let Some(lost) = unit.lost() {
        return Ok(lost);
    }
    if unit.missing() {
        let reason = "etcd is not installed".to_owned();
        return Ok(Observation::Pending { reason });
    }
    if !initialized(member, &unit) {
        let reason = match has_begun(member) {
            true => "its data is gone",
            false => "the member has no data yet",
        };
        let reason = reason.to_owned();
        return Ok(Observation::Pending { reason });
    }
    let mut changes = Vec::new();
    let mut risk = Risk::Safe;
    if unit.file_state != "enabled" {
        changes.push(Change::new(AT_BOOT, &unit.file_state, "enabled"));
    }
    if !unit.active() {
        changes.push(Change::new("state", &unit.active_state, "running"));
    } else {
        let changed = context.changed_since(&member.restart_on, unit.active_enter);
        if !changed.is_empty() {
            risk = Risk::Restart;
            changes.push(Change {
                what: "restart".to_owned(),
                from: None,
                to: Some(format!("with {} as changed", changed.join(", "))),
                ..Change::default()
            });
        }
        changes.extend(ailments(member, context)?);
    }
    Ok(if changes.is_empty() {
        Observation::InSync
    } else {
        Observation::Drift { changes, risk }
    })
}

/// Every Patroni and every other member know this one by its port, and it moves only by a restart:
/// no order of steps keeps all of them served.
fn moved(member: &EtcdMember, there: &str) -> Option<Failure> {
    let port = |url: &str| url.rsplit(':').next().map(str::to_owned);
    let (found, wanted) = (port(there)?, port(&member.client_url)?);
    (found != wanted).then(|| Failure {
        hint: Some(format!(
            "set `etcd_port` back to {found}: an etcd that has data keeps its port"
        )),
        ..Failure::message(format!(
            "etcd of `{}` serves at port {found}, and the inventory says {wanted}",
            member.name
        ))
    })
}

/// Whether a member serves at the port that the inventory says, which is the same for all: this
/// one's file was changed by hand.
fn is_served(member: &EtcdMember, context: &Context) -> bool {
    let Ok(etcd) = context.etcd.client(&member.access) else {
        return false;
    };
    let answers = |url: &String| matches!(etcd.cluster_version(url), Ok(Some(_)));
    etcd.endpoints().iter().any(answers)
}

/// What a running member lacks.
fn ailments(member: &EtcdMember, context: &Context) -> Result<Vec<Change>, Failure> {
    let etcd = context.etcd.client(&member.access)?;
    let url = &member.client_url;
    let well =
        |status: &Health| status.learner || status.has_leader && etcd.healthy(url).unwrap_or(false);
    let status = match election::after(|| etcd.status(url), well) {
        Ok(status) => status,
        Err(error) if error.silent() => {
            return Ok(vec![Change::new("health", "no answer", "healthy")]);
        }
        Err(error) => return Err(error.failure()),
    };
    let mut changes = Vec::new();
    if status.learner {
        changes.push(Change::new("vote", "learner", "voter"));
        return Ok(changes);
    }
    if !status.has_leader || !etcd.healthy(url).unwrap_or(false) {
        let found = if status.has_leader {
            "unhealthy"
        } else {
            "no leader"
        };
        changes.push(Change::new("health", found, "healthy"));
        return Ok(changes);
    }
    let members = etcd.members(url).map_err(|error| error.failure())?;
    if let Some(listed) = members.iter().find(|listed| listed.id == status.id)
        && !listed.peer_urls.contains(&member.peer_url)
    {
        let found = listed.peer_urls.join(", ");
        changes.push(Change::new("peer URL", found, &member.peer_url));
    }
    Ok(changes)
}

pub(crate) fn converge(member: &EtcdMember, context: &Context) -> Result<(), Failure> {
    let etcd = context.etcd.client(&member.access)?;
    let unit = systemd::read_anew(&member.unit)?;
    let data = directory(member);
    if data.is_dir() && !unit.active() && is_expected_anew(member, &etcd) {
        context.say("removing the data of an earlier membership");
        // systemd may be starting it again and again.
        systemd::stop(&member.unit)?;
        let unable = |error| Failure::message(format!("cannot remove {}: {error}", data.display()));
        fs::remove_dir_all(&data).map_err(unable)?;
    }
    let initialized = initialized(member, &unit);
    if !initialized {
        systemd::stop(&member.unit)?;
        let text = join(member, &etcd)?;
        write(&member.join_path, &text)?;
    }
    if unit.file_state != "enabled" {
        systemd::enable(&member.unit)?;
    }
    let changed = context.changed_since(&member.restart_on, unit.active_enter);
    if unit.active() && initialized && !changed.is_empty() {
        super::membership::wait_to_be_dispensable(&etcd, member)?;
        context.say("restarting etcd");
        systemd::restart(&member.unit)?;
    } else {
        context.say("starting etcd");
        // It is ready only when it has a majority, which may never be.
        systemd::begin_start(&member.unit)?;
    }
    wait_healthy(member, &etcd, context)?;
    mend_peer_url(member, &etcd).map_err(|error| error.failure())
}

/// Has a member that waits for its restart start at boot.
pub(crate) fn meanwhile(member: &EtcdMember) -> Result<(), Failure> {
    match systemd::read_anew(&member.unit)?.file_state.as_str() {
        "enabled" => Ok(()),
        _ => systemd::enable(&member.unit),
    }
}

/// Whether the data directory holds a member. One that runs has its data wherever it was told to.
fn initialized(member: &EtcdMember, unit: &UnitStatus) -> bool {
    let data = directory(member);
    data.is_dir() && (unit.active() || data::is_there(&data))
}

fn directory(member: &EtcdMember) -> PathBuf {
    Path::new(&member.data).join("member")
}

/// Whether the member was started here once.
fn has_begun(member: &EtcdMember) -> bool {
    Path::new(&member.join_path).exists()
}

/// Whether the member was started here once, does not run, and has nothing of what it had stored.
pub(crate) fn has_lost_its_data(member: &EtcdMember, unit: &UnitStatus) -> bool {
    has_begun(member) && !unit.active() && !initialized(member, unit)
}

/// Whether the others, a majority, wait for this member as one that has never started and does not
/// vote: data that is here belongs to a membership that has ended. etcd does not run on such data.
fn is_expected_anew(member: &EtcdMember, etcd: &Etcd) -> bool {
    let others = etcd.endpoints().iter();
    let mut others = others.filter(|url| **url != member.client_url);
    others.any(|endpoint| {
        if !etcd.healthy(endpoint).unwrap_or(false) {
            return false;
        }
        let members = etcd.members(endpoint).unwrap_or_default();
        let mut own = members
            .iter()
            .filter(|listed| listed.peer_urls.contains(&member.peer_url));
        own.any(|listed| listed.learner && listed.name.is_empty())
    })
}

/// What the first start needs to know: with whom to make a cluster, or which one to join.
fn join(member: &EtcdMember, etcd: &Etcd) -> Result<String, Failure> {
    let others = etcd
        .endpoints()
        .iter()
        .filter(|url| **url != member.client_url);
    let mut led_once = None;
    for endpoint in others {
        let Ok(status) = etcd.status(endpoint) else {
            continue;
        };
        if status.has_leader {
            let members = etcd.members(endpoint).map_err(|error| error.failure())?;
            return existing(member, &members, endpoint);
        }
        let version = etcd.cluster_version(endpoint);
        if version.map_err(|error| error.failure())?.is_some() {
            led_once = Some(endpoint);
        }
    }
    if let Some(endpoint) = led_once {
        return Err(Failure {
            hint: Some("bring its other members up first, then apply again".to_owned()),
            ..Failure::message(format!(
                "the cluster of {endpoint} has lost its quorum: a member without data cannot join it"
            ))
        });
    }
    let pairs = member
        .cluster
        .iter()
        .map(|(name, url)| format!("{name}={url}"));
    Ok(environment(member, &pairs.collect::<Vec<_>>(), "new"))
}

fn existing(member: &EtcdMember, members: &[Member], endpoint: &str) -> Result<String, Failure> {
    let is_self = |listed: &Member| listed.peer_urls.contains(&member.peer_url);
    if !members.iter().any(is_self) {
        let names: Vec<&str> = members.iter().map(|listed| listed.name.as_str()).collect();
        return Err(Failure {
            hint: Some("it must be added before it starts: plan and apply again".to_owned()),
            ..Failure::message(format!(
                "the cluster at {endpoint} ({}) has no member with peer URL {}",
                names.join(", "),
                member.peer_url
            ))
        });
    }
    let pairs = members.iter().flat_map(|listed| {
        let name = if is_self(listed) {
            &member.name
        } else {
            &listed.name
        };
        listed
            .peer_urls
            .iter()
            .map(move |url| format!("{name}={url}"))
    });
    Ok(environment(member, &pairs.collect::<Vec<_>>(), "existing"))
}

fn environment(member: &EtcdMember, pairs: &[String], state: &str) -> String {
    format!(
        "ETCD_INITIAL_CLUSTER={}\nETCD_INITIAL_CLUSTER_STATE={state}\n\
         ETCD_INITIAL_CLUSTER_TOKEN={}\n",
        pairs.join(","),
        member.token
    )
}

fn write(path: &str, text: &str) -> Result<(), Failure> {
    let unable = |error| Failure::message(format!("cannot write {path}: {error}"));
    let fresh = format!("{path}.new");
    fs::write(&fresh, text).map_err(unable)?;
    fs::rename(&fresh, path).map_err(unable)
}

/// Waits until the member serves, and votes.
fn wait_healthy(member: &EtcdMember, etcd: &Etcd, context: &Context) -> Result<(), Failure> {
    context.say("waiting for etcd to be healthy");
    let url = &member.client_url;
    let outcome = HEALTHY.until(|| {
        let status = match etcd.status(url) {
            Ok(status) => status,
            Err(error) if error.silent() => return still_running(member, &error.failure().message),
            Err(error) => return Err(error.failure()),
        };
        if status.learner {
            let told = promote(member, etcd, &status.id)?;
            return Ok(Look::NotYet(told));
        }
        if !status.has_leader {
            return Ok(Look::NotYet("it sees no leader".to_owned()));
        }
        Ok(match etcd.healthy(url) {
            Ok(true) => Look::Reached,
            Ok(false) => Look::NotYet("it says it is not healthy".to_owned()),
            Err(error) => Look::NotYet(error.failure().message),
        })
    });
    outcome.map_err(|failure| systemd::with_journal(failure, &member.unit))
}

/// A member that does not answer must at least be running.
fn still_running(member: &EtcdMember, last: &str) -> Result<Look, Failure> {
    let unit = systemd::show_one(&member.unit)?;
    let ended = matches!(unit.active_state.as_str(), "failed" | "inactive")
        || unit.sub_state == "auto-restart";
    if ended && !unit.job {
        return Err(Failure::message(format!(
            "{} ended while it was starting ({})",
            member.unit, unit.result
        )));
    }
    Ok(Look::NotYet(format!("{last}; unit {}", unit.active_state)))
}

/// Asks the others to let a learner vote; they refuse until it has caught up.
fn promote(member: &EtcdMember, etcd: &Etcd, id: &str) -> Result<String, Failure> {
    let mut told = "it is a learner and no other member answers".to_owned();
    let others = etcd
        .endpoints()
        .iter()
        .filter(|url| **url != member.client_url);
    for endpoint in others {
        let body = json!({ "ID": id });
        match etcd.call(endpoint, "/v3/cluster/member/promote", &body, CHANGE_LIMIT) {
            Ok(_) => return Ok("it has just been allowed to vote".to_owned()),
            Err(error) if error.silent() || not_yet(&error) => {
                told = format!("it is a learner: {}", error.failure().message);
            }
            Err(error) => return Err(error.failure()),
        }
    }
    Ok(told)
}

/// A learner that has not caught up, or members that have not been connected for long enough.
fn not_yet(error: &EtcdError) -> bool {
    matches!(
        error.code(),
        Some(code::FAILED_PRECONDITION | code::UNAVAILABLE)
    )
}

fn mend_peer_url(member: &EtcdMember, etcd: &Etcd) -> Result<(), EtcdError> {
    let url = &member.client_url;
    let id = etcd.status(url)?.id;
    let members = etcd.members(url)?;
    let listed = members.iter().find(|listed| listed.id == id);
    if listed.is_none_or(|listed| listed.peer_urls.contains(&member.peer_url)) {
        return Ok(());
    }
    let body = json!({ "ID": id, "peerURLs": [member.peer_url] });
    etcd.call(url, "/v3/cluster/member/update", &body, CHANGE_LIMIT)?;
    Ok(())
}

/// etcd as this member sees it.
pub(crate) fn view(member: &EtcdMember, context: &Context) -> EtcdView {
    // A unit that cannot be read shows in the observation of the member, which may run.
    let initialized = match context.unit(&member.unit) {
        Ok(unit) => initialized(member, &unit),
        Err(_) => directory(member).is_dir(),
    };
    let mut view = EtcdView {
        initialized,
        healthy: false,
        leader: false,
        members: Vec::new(),
    };
    // A member that does not answer shows in its observation.
    let Ok(etcd) = context.etcd.client(&member.access) else {
        return view;
    };
    let url = &member.client_url;
    let Ok(status) = election::after(|| etcd.status(url), |status| status.has_leader) else {
        return view;
    };
    view.leader = status.leader;
    view.healthy = status.has_leader && !status.learner && etcd.healthy(url).unwrap_or(false);
    match etcd.peers(url) {
        Ok(members) => view.members = members,
        // Nothing is decided from a list that is not there: everybody would be missing in it.
        Err(_) => view.healthy = false,
    }
    view
}
