//! Health of this node, for `sty status`: everything at once, and nothing waited for long.

mod room;
mod services;

use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use sty_wire::observation::{EtcdPeer, Failure, Note};
use sty_wire::resource::{EtcdMember, PatroniMember, PoolerConsole};
use sty_wire::standing::Standing;
use sty_wire::status::{EtcdStatus, MemberStatus, NodeStatus, PatroniStatus, StatusQuery};

use crate::context::Context;
use crate::etcd::{self, Etcd};
use crate::os::drop_ins;
use crate::patroni::{self, Listed, Patroni};
use crate::systemd::Units;
use crate::{pooler, postgres};

/// A daemon that takes longer is not well. One that is well answers in milliseconds, and on a machine with
/// much else to do within a second or so.
const LIMIT: Duration = Duration::from_secs(2);

const ETCD_DATA_GONE: &str =
    "its data is gone: `sty apply` has it join anew, where the other members are a majority";

/// Looks at everything that `query` names. Changes nothing.
///
/// # Errors
/// When looking breaks off; what is unwell is told in the status.
pub(crate) fn collect(query: &StatusQuery, _context: &Context) -> Result<NodeStatus, Failure> {
    let _keeping = postgres::Keeping::begin();
    let members = query.patroni.iter().map(|member| &member.unit);
    let members = members.chain(query.etcd.iter().map(|member| &member.unit));
    let all = members.chain(query.poolers.iter().map(|(unit, _)| unit));
    let states = &Units::expecting(all.chain(&query.units).cloned().collect());
    thread::scope(|scope| {
        let etcd = query
            .etcd
            .as_ref()
            .map(|member| scope.spawn(move || etcd_status(member, states)));
        let patroni: Vec<_> = query
            .patroni
            .iter()
            .map(|member| scope.spawn(move || patroni_status(member, query.records, states)))
            .collect();
        let units = scope.spawn(|| units(&query.units, states));
        let poolers = scope.spawn(|| poolers(&query.poolers, states));
        let services = services::collect(&query.services);
        Ok(NodeStatus {
            etcd: etcd.map(|thread| ended(thread, "etcd")).transpose()?,
            patroni: patroni
                .into_iter()
                .map(|thread| ended(thread, "Patroni"))
                .collect::<Result<_, _>>()?,
            units: ended(units, "units")?,
            poolers: ended(poolers, "poolers")?,
            services,
            notes: notes(query),
        })
    })
}

/// Poolers of which something does not serve. One that does not run shows as a unit.
fn poolers(asked: &[(String, PoolerConsole)], states: &Units) -> Vec<(String, Vec<String>)> {
    let look = |(unit, console): &(String, PoolerConsole)| {
        if !states.get(unit).is_ok_and(|status| status.active()) {
            return None;
        }
        let found = match pooler::stopped(console, LIMIT) {
            Ok(stopped) => stopped
                .iter()
                .map(|one| format!("{}; `sty apply` has it serve", one.words()))
                .collect(),
            Err(failure) if !pooler::can_be_asked(console) => vec![format!(
                "its console cannot be asked: {}; `sty apply` mends that",
                failure.message
            )],
            Err(failure) => vec![format!(
                "its console does not answer: {}; `sty apply --restart` restarts it",
                failure.message
            )],
        };
        Some((unit.clone(), found)).filter(|(_, found): &(_, Vec<String>)| !found.is_empty())
    };
    asked.iter().filter_map(look).collect()
}

/// Of every unit that is asked about, and of the members' own.
fn notes(query: &StatusQuery) -> Vec<Note> {
    let etcd = query.etcd.iter().map(|member| &member.unit);
    let patroni = query.patroni.iter().map(|member| &member.unit);
    let units = etcd.chain(patroni).chain(&query.units);
    units.filter_map(|unit| drop_ins::of_unit(unit)).collect()
}

/// What a thread found.
fn ended<T>(thread: ScopedJoinHandle<'_, T>, what: &str) -> Result<T, Failure> {
    let broken = |_| Failure::message(format!("looking at {what} broke off: a fault of sty"));
    thread.join().map_err(broken)
}

fn etcd_status(member: &EtcdMember, states: &Units) -> EtcdStatus {
    let mut status = EtcdStatus {
        name: member.name.clone(),
        ..EtcdStatus::default()
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
            let unit = states.get(&member.unit).unwrap_or_default();
            status.problem = Some(match etcd::has_lost_its_data(member, &unit) {
                true => ETCD_DATA_GONE.to_owned(),
                false => error.failure().message,
            });
            return status;
        }
    };
    status.leader = health.leader;
    status.version = Some(health.version);
    status.db_size_bytes = Some(health.db_size_bytes);
    status.problem = match (health.has_leader, health.learner, etcd.healthy(url)) {
        (false, ..) => Some("it sees no leader".to_owned()),
        (_, true, _) => Some("it does not vote yet".to_owned()),
        (.., Ok(false)) => Some("it says that it is not healthy".to_owned()),
        (.., Err(error)) => Some(error.failure().message),
        (.., Ok(true)) => None,
    };
    if status.problem.is_none() {
        match etcd.peers(url) {
            Ok(listed) => status.strangers = strangers(member, listed),
            Err(error) => {
                let why = error.failure().message;
                status.problem = Some(format!("it does not list its members: {why}"));
            }
        }
    }
    if status.problem.is_none() {
        status.problem = match etcd.answers_everybody(url) {
            Ok(false) => None,
            Ok(true) => Some(
                "it answers everybody: authentication is off (`sty apply` switches it on)"
                    .to_owned(),
            ),
            Err(error) => Some(error.failure().message),
        };
    }
    status.healthy = status.problem.is_none();
    status
}

/// Members that the cluster should not have.
fn strangers(member: &EtcdMember, mut listed: Vec<EtcdPeer>) -> Vec<EtcdPeer> {
    listed.retain(|peer| !member.expects(peer));
    listed
}

fn patroni_status(member: &PatroniMember, records: bool, states: &Units) -> PatroniStatus {
    let mut status = PatroniStatus {
        scope: member.scope.clone(),
        name: member.name.clone(),
        ..PatroniStatus::default()
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
    if let Some(other) = own.as_ref().ok().and_then(|own| own.other_than(member)) {
        status.problem = Some(format!("{other} runs here instead"));
        return status;
    }
    let listed = members.as_ref().ok().and_then(|found| found.as_ref().ok());
    let listed = listed.map(Vec::as_slice).unwrap_or_default();
    match standing(member, &patroni, own.as_ref().ok(), listed, states) {
        Ok(standing) => status.standing = standing,
        Err(failure) => status.problem = Some(failure.message),
    }
    match own {
        Ok(own) => fill(&mut status, member, &own, listed),
        Err(error) => status.problem = Some(error.failure().message),
    }
    if records {
        match patroni.records() {
            Ok(records) => status.records = Some(records),
            Err(error) => status.problem = Some(error.failure().message),
        }
    }
    status.full = room::lacking(&member.data);
    let members = members.and_then(|members| members.map_err(|error| error.failure()));
    match members {
        Ok(members) => list(&mut status, member, members),
        Err(failure) => {
            let problem = format!("Patroni does not list its members: {}", failure.message);
            status.problem.get_or_insert(problem);
        }
    }
    status
}

fn standing(
    member: &PatroniMember,
    patroni: &Patroni,
    own: Option<&patroni::Status>,
    members: &[Listed],
    states: &Units,
) -> Result<Standing, Failure> {
    let unit = states.get(&member.unit)?;
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

fn fill(
    status: &mut PatroniStatus,
    member: &PatroniMember,
    own: &patroni::Status,
    listed: &[Listed],
) {
    status.role.clone_from(&own.role);
    own.state().clone_into(&mut status.state);
    status.timeline = own.timeline;
    status.wal_position = own.wal_position();
    status.server_version = own.server_version;
    status.paused = own.pause;
    status.failsafe = own.failsafe_mode_is_active;
    let pending = patroni::pending_restart(member, own, listed);
    status.pending_restart = pending.into_iter().map(|change| change.what).collect();
    if !own.runs() {
        status.problem = Some(format!("PostgreSQL is not running: {}", own.state));
        return;
    }
    if let Some(failure) = patroni::access_refused(&member.postgres).unwrap_or_else(Some) {
        status.problem.get_or_insert(failure.message);
    }
    match patroni::first_refused(&member.postgres) {
        Ok(None) => {}
        Ok(Some(refused)) => {
            let what = "PostgreSQL refuses its configuration, and would not start again";
            status.problem.get_or_insert(format!("{what}: {refused}"));
        }
        Err(failure) => {
            status.problem.get_or_insert(failure.message);
        }
    }
    if !own.leads() {
        return;
    }
    match patroni::gate_is_closed() {
        Ok(false) => {}
        Ok(true) => {
            let problem = "it leads, and its answers are turned back: its lease was not renewed \
                           in time (`journalctl -u patroni` on the node tells why)";
            status.problem.get_or_insert(problem.to_owned());
        }
        Err(failure) => {
            let what = "whether its answers are turned back is not known";
            status
                .problem
                .get_or_insert(format!("{what}: {}", failure.message));
        }
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

/// Units with their state.
fn units(names: &[String], states: &Units) -> Vec<(String, String)> {
    let state = |name: &String| match states.get(name) {
        Ok(unit) => unit.active_state,
        Err(failure) => failure.message,
    };
    names
        .iter()
        .map(|name| (name.clone(), state(name)))
        .collect()
}
