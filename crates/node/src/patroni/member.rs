//! The Patroni member of this node: how it is.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation, PatroniPeer, PatroniView};
use sty_wire::resource::{PatroniMember, PostgresAccess};
use sty_wire::standing::Standing;

use super::client::{Listed, Status};
use super::conflict;
use super::data;
use super::file;
use super::overrides;
use super::standing;
use crate::context::Context;
use crate::postgres::{self, Session};
use crate::systemd::UnitStatus;

const DATABASE: &str = "postgres";

pub(crate) fn observe(member: &PatroniMember, context: &Context) -> Observation {
    compare(member, context).unwrap_or_else(|failure| Observation::Failed { failure })
}

fn compare(member: &PatroniMember, context: &Context) -> Result<Observation, Failure> {
    if let Some(failure) = conflict::find(member) {
        return Ok(Observation::Conflict { failure });
    }
    let unit = context.unit(&member.unit)?;
    if unit.missing() {
        let reason = "Patroni is not installed".to_owned();
        return Ok(Observation::Pending { reason });
    }
    if !unit.active() && !initialized(member) {
        let reason = "not started yet".to_owned();
        return Ok(Observation::Pending { reason });
    }
    let mut found = Found::default();
    if data::is_broken(&member.data) {
        let change = Change::new("data directory", "broken", "as a server needs it");
        found.add(change, Risk::Safe);
        return Ok(found.judge());
    }
    if unit.file_state != "enabled" {
        let change = Change::new("start at boot", &unit.file_state, "enabled");
        found.add(change, Risk::Safe);
    }
    if unit.active() {
        health(member, context, &mut found)?;
        staleness(member, &unit, context, &mut found)?;
    } else {
        let change = Change::new("state", &unit.active_state, "running");
        found.add(change, Risk::Safe);
    }
    Ok(found.judge())
}

/// Differences with the worst that mending them does.
#[derive(Default)]
struct Found {
    changes: Vec<Change>,
    risk: Risk,
}

impl Found {
    fn add(&mut self, change: Change, risk: Risk) {
        self.changes.push(change);
        self.risk = self.risk.max(risk);
    }

    fn stale(&mut self, what: &str, files: &[String], risk: Risk) {
        if !files.is_empty() {
            let change = Change {
                what: what.to_owned(),
                from: None,
                to: Some(format!("with {} as changed", files.join(", "))),
            };
            self.add(change, risk);
        }
    }

    fn judge(self) -> Observation {
        let Self { changes, risk } = self;
        if changes.is_empty() {
            Observation::InSync
        } else {
            Observation::Drift { changes, risk }
        }
    }
}

fn health(member: &PatroniMember, context: &Context, found: &mut Found) -> Result<(), Failure> {
    let patroni = context.patroni.client(&member.patroni)?;
    let state = match patroni.status() {
        Ok(status) if settled(status) => return Ok(()),
        Ok(status) => described(status),
        Err(error) if error.silent() => "no answer".to_owned(),
        Err(error) => return Err(error.failure()),
    };
    found.add(Change::new("state", state, "running"), Risk::Safe);
    Ok(())
}

/// Whether the member leads or follows, and its server runs.
pub(super) fn settled(status: &Status) -> bool {
    status.runs() && (status.leads() || status.role == "replica")
}

/// Role and state in words.
pub(super) fn described(status: &Status) -> String {
    format!("{} {}", status.role, status.state())
}

fn staleness(
    member: &PatroniMember,
    unit: &UnitStatus,
    context: &Context,
    found: &mut Found,
) -> Result<(), Failure> {
    let changed = context.changed_since(&member.restart_on, unit.active_enter);
    found.stale("restart", &changed, Risk::Restart);
    let changed = context.changed_since(&member.reload_on, unit.state_change);
    found.stale("reload", &changed, Risk::Reload);
    let loaded = loaded_at(&member.postgres)?;
    let changed = context.changed_since(&member.postgres_reload_on, loaded);
    if loaded.is_some() {
        found.stale("reload PostgreSQL", &changed, Risk::Reload);
        for change in overrides::found(&member.postgres)? {
            found.add(change, Risk::Reload);
        }
    }
    Ok(())
}

/// When PostgreSQL last read its configuration; `None` when it does not run.
pub(super) fn loaded_at(access: &PostgresAccess) -> Result<Option<SystemTime>, Failure> {
    let text = postgres::value(access, "SELECT extract(epoch FROM pg_conf_load_time())")?;
    let seconds = text.and_then(|text| text.parse::<f64>().ok());
    let since = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(since.map(|since| SystemTime::UNIX_EPOCH + since))
}

/// Whether the data directory holds a PostgreSQL cluster.
pub(super) fn initialized(member: &PatroniMember) -> bool {
    Path::new(&member.data).join("PG_VERSION").exists()
}

/// The cluster as this member's node sees it.
pub(crate) fn view(member: &PatroniMember, context: &Context) -> PatroniView {
    let mut view = PatroniView {
        initialized: initialized(member),
        dcs: file::read(member)
            .map(|text| file::dcs(&text))
            .unwrap_or_default(),
        running: false,
        role: String::new(),
        state: String::new(),
        members: Vec::new(),
        pending_restart: Vec::new(),
        standing: Standing::default(),
    };
    // What does not answer shows in the observation of the member.
    let Ok(patroni) = context.patroni.client(&member.patroni) else {
        return view;
    };
    let status = patroni.status().ok();
    if let Some(status) = status {
        view.running = true;
        view.role.clone_from(&status.role);
        status.state().clone_into(&mut view.state);
    }
    // A list that cannot be had shows in the observation of the dynamic configuration.
    let listed = status.and_then(|_| patroni.members().ok());
    let listed = listed.unwrap_or_default();
    if let Ok(unit) = context.unit(&member.unit)
        && let Ok(standing) = standing::of(member, &patroni, status, listed, &unit)
    {
        view.standing = standing;
    }
    view.members = listed.iter().map(peer).collect();
    if let Some(status) = status.filter(|_| !listed.is_empty()) {
        view.pending_restart = pending_restart(member, status);
    }
    view
}

fn peer(listed: &Listed) -> PatroniPeer {
    PatroniPeer {
        name: listed.name.clone(),
        host: listed.host.clone(),
        role: listed.role.clone(),
        state: listed.state.clone(),
        timeline: listed.timeline,
        lag_bytes: listed.lag_bytes(),
        nofailover: listed.nofailover(),
        follows: listed.follows().map(str::to_owned),
    }
}

/// Settings that wait for a restart and mean something until then.
pub(crate) fn pending_restart(member: &PatroniMember, status: &Status) -> Vec<Change> {
    let mut waiting = waiting(member, status);
    if status.leads() && status.role != "standby_leader" {
        waiting.retain(|change| !is_for_recovery(&change.what));
    }
    waiting
}

/// Settings that only a server in recovery heeds. Patroni writes them for replicas; on one that
/// became the primary they are gone from the file, and wait for a restart that would change
/// nothing.
fn is_for_recovery(name: &str) -> bool {
    name == "recovery_target" || name.starts_with("recovery_target_")
}

/// From Patroni or, as it takes some time to find out and may not name them, from the server.
fn waiting(member: &PatroniMember, status: &Status) -> Vec<Change> {
    let reasons = status.restart_reasons();
    if !reasons.is_empty() || !status.runs() {
        return reasons;
    }
    let names = Session::open(&member.postgres, DATABASE)
        .and_then(|mut session| session.document::<Vec<Pending>>(PENDING, "reading settings"));
    match names {
        Ok(pending) => pending.into_iter().map(Into::into).collect(),
        Err(_) if !status.pending_restart => Vec::new(),
        Err(_) => vec![Change::named("unknown settings")],
    }
}

const PENDING: &str = "
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', s.name, 'current', current_setting(s.name), 'coming', (
        SELECT f.setting FROM pg_file_settings f
        WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1))), '[]')
    FROM pg_settings s WHERE s.pending_restart";

#[derive(serde::Deserialize)]
struct Pending {
    name: String,
    current: Option<String>,
    coming: Option<String>,
}

impl From<Pending> for Change {
    fn from(pending: Pending) -> Self {
        Self {
            what: pending.name,
            from: pending.current,
            to: pending.coming,
        }
    }
}
