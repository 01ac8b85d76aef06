//! Health of this node, for `sty status`: everything at once, and nothing waited for long.

mod services;

use std::collections::BTreeSet;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use sty_wire::observation::Failure;
use sty_wire::resource::{EtcdMember, PatroniMember};
use sty_wire::standing::Standing;
use sty_wire::status::{EtcdStatus, MemberStatus, NodeStatus, PatroniStatus, StatusQuery};

use crate::context::Context;
use crate::etcd::Etcd;
use crate::patroni::{self, Listed, Patroni};
use crate::systemd;

/// A daemon that takes longer is not well.
const LIMIT: Duration = Duration::from_millis(900);

/// Looks at everything that `query` names. Changes nothing.
///
/// # Errors
/// When looking breaks off; what is unwell is told in the status.
pub(crate) fn collect(query: &StatusQuery, _context: &Context) -> Result<NodeStatus, Failure> {
    thread::scope(|scope| {
        let etcd = query
            .etcd
            .as_ref()
            .map(|member| scope.spawn(move || etcd_status(member)));
        let patroni: Vec<_> = query
            .patroni
            .iter()
            .map(|member| scope.spawn(move || patroni_status(member, query.records)))
            .collect();
        let units = scope.spawn(|| units(&query.units));
        let services = services::collect(&query.services);
        Ok(NodeStatus {
            etcd: etcd.map(|thread| ended(thread, "etcd")).transpose()?,
            patroni: patroni
                .into_iter()
                .map(|thread| ended(thread, "Patroni"))
                .collect::<Result<_, _>>()?,
            units: ended(units, "units")?,
            services,
        })
    })
}

/// What a thread found.
fn ended<T>(thread: ScopedJoinHandle<'_, T>, what: &str) -> Result<T, Failure> {
    let broken = |_| Failure::message(format!("looking at {what} broke off: a fault of sty"));
    thread.join().map_err(broken)
}

fn etcd_status(member: &EtcdMember) -> EtcdStatus {
    let mut status = EtcdStatus {
        name: member.name.clone(),
        healthy: false,
        leader: false,
        version: String::new(),
        db_size_bytes: 0,
        problem: None,
    };
    let client = Etcd::new(&member.access).map(|etcd| etcd.limit(LIMIT));
    let etcd = match client {
        Ok(etcd) => etcd,
        Err(error) => {
            status.problem = Some(error.failure().message);
            return status;
        }
    };
    let url = &member.client_url;
    let health = match etcd.status(url) {
        Ok(health) => health,
        Err(error) => {
            status.problem = Some(error.failure().message);
            return status;
        }
    };
    status.leader = health.leader;
    status.version = health.version;
    status.db_size_bytes = health.db_size_bytes;
    status.problem = match (health.has_leader, health.learner, etcd.healthy(url)) {
        (false, ..) => Some("it sees no leader".to_owned()),
        (_, true, _) => Some("it does not vote yet".to_owned()),
        (.., Ok(false)) => Some("it says that it is not healthy".to_owned()),
        (.., Err(error)) => Some(error.failure().message),
        (.., Ok(true)) => None,
    };
    status.healthy = status.problem.is_none();
    status
}

fn patroni_status(member: &PatroniMember, records: bool) -> PatroniStatus {
    let mut status = PatroniStatus {
        scope: member.scope.clone(),
        name: member.name.clone(),
        role: String::new(),
        state: String::new(),
        timeline: None,
        wal_position: None,
        server_version: None,
        pending_restart: Vec::new(),
        paused: false,
        members: Vec::new(),
        records: None,
        standing: Standing::default(),
        problem: None,
    };
    let client = Patroni::new(&member.patroni).map(|patroni| patroni.limit(LIMIT));
    let patroni = match client {
        Ok(patroni) => patroni,
        Err(error) => {
            status.problem = Some(error.failure().message);
            return status;
        }
    };
    let (own, members) = thread::scope(|scope| {
        let members = scope.spawn(|| patroni.members_now());
        (patroni.status_now(), ended(members, "members"))
    });
    let listed = members.as_ref().ok().and_then(|found| found.as_ref().ok());
    let listed = listed.map(Vec::as_slice).unwrap_or_default();
    // One that is late streams again when it has come to where the timeline changed.
    let late = listed
        .iter()
        .any(|listed| listed.name == member.name && listed.is_late());
    match standing(member, &patroni, own.as_ref().ok(), listed) {
        Ok(standing) => status.standing = standing,
        Err(failure) => status.problem = Some(failure.message),
    }
    match own {
        Ok(own) => fill(&mut status, member, &own, late),
        Err(error) => status.problem = Some(error.failure().message),
    }
    if records {
        match patroni.records() {
            Ok(records) => status.records = Some(records),
            Err(error) => status.problem = Some(error.failure().message),
        }
    }
    let members = members.and_then(|members| members.map_err(|error| error.failure()));
    match members {
        Ok(members) => list(&mut status, member, members),
        Err(failure) => drop(status.problem.get_or_insert(failure.message)),
    }
    status
}

fn standing(
    member: &PatroniMember,
    patroni: &Patroni,
    own: Option<&patroni::Status>,
    members: &[Listed],
) -> Result<Standing, Failure> {
    let unit = systemd::show_one(&member.unit)?;
    patroni::standing(member, patroni, own, members, &unit)
}

fn list(status: &mut PatroniStatus, member: &PatroniMember, members: Vec<Listed>) {
    if status.problem.is_none() && !members.iter().any(Listed::leads) {
        status.problem = Some("the cluster has no leader".to_owned());
    }
    let own = members.iter().find(|listed| listed.name == member.name);
    status.timeline = status.timeline.or(own.and_then(|own| own.timeline));
    status.members = members.into_iter().map(member_status).collect();
}

fn fill(status: &mut PatroniStatus, member: &PatroniMember, own: &patroni::Status, late: bool) {
    status.role.clone_from(&own.role);
    own.state().clone_into(&mut status.state);
    status.timeline = own.timeline;
    status.wal_position = own.wal_position();
    status.server_version = own.server_version;
    status.paused = own.pause;
    let pending = patroni::pending_restart(member, own);
    status.pending_restart = pending.into_iter().map(|change| change.what).collect();
    if !own.runs() {
        status.problem = Some(format!("PostgreSQL is not running: {}", own.state));
    } else if !own.leads() && !late && own.state() != "streaming" {
        status.problem = Some(format!(
            "it does not stream from the leader: {}",
            own.state()
        ));
    }
}

fn member_status(listed: Listed) -> MemberStatus {
    MemberStatus {
        lag_bytes: listed.lag_bytes(),
        follows: listed.follows().map(str::to_owned),
        name: listed.name,
        host: listed.host,
        role: listed.role,
        state: listed.state,
        timeline: listed.timeline,
    }
}

/// Units with their state, by one command.
fn units(names: &[String]) -> Vec<(String, String)> {
    if names.is_empty() {
        return Vec::new();
    }
    let states = systemd::show(&names.iter().cloned().collect::<BTreeSet<_>>());
    let state = |name: &String| match &states {
        Ok(states) => states
            .get(name)
            .map_or_else(|| "unknown".to_owned(), |unit| unit.active_state.clone()),
        Err(failure) => failure.message.clone(),
    };
    names
        .iter()
        .map(|name| (name.clone(), state(name)))
        .collect()
}
