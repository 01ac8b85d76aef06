//! The Patroni member of this node: how it is.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use sty_core::Risk;
use sty_wire::observation::{AT_BOOT, Change, Failure, Observation, PatroniPeer, PatroniView};
use sty_wire::resource::{PatroniMember, PostgresAccess};
use sty_wire::standing::Standing;

use super::access;
use super::client::{Listed, Status};
use super::conflict;
use super::data;
use super::effect;
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
    if let Some(failure) = conflict::find(member, || running(member, context)) {
        return Ok(Observation::Conflict { failure });
    }
    let unit = context.unit(&member.unit)?;
    if let Some(lost) = unit.lost() {
        return Ok(lost);
    }
    if unit.missing() {
        let reason = "Patroni is not installed".to_owned();
        return Ok(Observation::Pending { reason });
    }
    if !unit.active() && !initialized(member) {
        let reason = "not started yet".to_owned();
        return Ok(Observation::Pending { reason });
    }
    let mut found = Found::default();
    if data::is_broken(member) {
        let change = Change::new("data directory", "broken", "as a server needs it");
        found.add(change, Risk::Safe);
        if unit.active() {
            restart_due(member, &unit, context, &mut found);
        }
        return Ok(found.judge());
    }
    if unit.file_state != "enabled" {
        let change = Change::new(AT_BOOT, &unit.file_state, "enabled");
        found.add(change, Risk::Safe);
    }
    let rereading = match unit.active() {
        true => Risk::Reload,
        false => Risk::Safe,
    };
    for change in overrides::in_files(member, context)? {
        found.add(change, rereading);
    }
    if unit.active() {
        health(member, context, &mut found)?;
        match postgres::shut_out(&member.postgres) {
            // What cannot be asked of it for that tells why.
            Some(_) => {
                let change = Change::new("superuser", "not let in", "let in");
                found.add(change, Risk::Reload);
            }
            None => staleness(member, &unit, context, &mut found)?,
        }
    } else {
        let change = Change::new("state", &unit.active_state, "running");
        found.add(change, Risk::Safe);
    }
    Ok(found.judge())
}

/// What the Patroni here says of itself; `None` where none answers.
fn running(member: &PatroniMember, context: &Context) -> Option<Status> {
    let patroni = context.patroni.client(&member.patroni).ok()?;
    patroni.status().ok().cloned()
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
                ..Change::default()
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

fn restart_due(member: &PatroniMember, unit: &UnitStatus, context: &Context, found: &mut Found) {
    let changed = context.changed_since(&member.restart_on, unit.active_enter);
    found.stale("restart", &changed, Risk::Restart);
}

fn staleness(
    member: &PatroniMember,
    unit: &UnitStatus,
    context: &Context,
    found: &mut Found,
) -> Result<(), Failure> {
    restart_due(member, unit, context, found);
    let changed = context.changed_since(&member.reload_on, unit.state_change);
    found.stale("reload", &changed, Risk::Reload);
    if !changed.is_empty() {
        let written = file::read(member).map(|text| file::parameters(&text));
        let written = written.unwrap_or_default();
        let coming = effect::coming_restarts(&written, &member.parameters, &member.postgres)?;
        for change in coming {
            found.add(change, Risk::Reload);
        }
    }
    let loaded = loaded_at(&member.postgres)?;
    let changed = context.placed_since(&member.postgres_reload_on, loaded);
    if loaded.is_some() {
        // A file that will be another comes first.
        let mut files = member.postgres_reload_on.iter();
        let another = files.any(|path| context.is_drifting(path));
        if let (Some(failure), false) = (access::refused(&member.postgres)?, another) {
            return Err(failure);
        }
        found.stale("reload PostgreSQL", &changed, Risk::Reload);
        for change in overrides::for_all(&member.postgres)? {
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
    data::is_there(&member.data)
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
        timeline: None,
        wal_position: None,
        members: Vec::new(),
        pending_restart: Vec::new(),
        paused: false,
        standing: Standing::default(),
    };
    // What does not answer shows in the observation of the member.
    let Ok(patroni) = context.patroni.client(&member.patroni) else {
        return view;
    };
    let status = patroni.status().ok();
    // What another cluster's Patroni says is not about this one.
    if status.is_some_and(|status| status.other_than(member).is_some()) {
        return view;
    }
    if let Some(status) = status {
        view.running = true;
        view.role.clone_from(&status.role);
        view.paused = status.pause;
        view.timeline = status.timeline;
        view.wal_position = status.wal_end();
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
        view.pending_restart = pending_restart(member, status, listed);
        set_aside(&mut view.pending_restart, member, context);
    }
    view
}

/// What was set by hand does not wait: it is taken back, with its restart.
fn set_aside(waiting: &mut Vec<Change>, member: &PatroniMember, context: &Context) {
    if waiting.is_empty() {
        return;
    }
    // What cannot be read shows in the observation of the member.
    let by_hand = overrides::in_files(member, context).unwrap_or_default();
    let names = by_hand.iter().map(|change| change.what.rsplit(' ').next());
    let names: BTreeSet<&str> = names.flatten().collect();
    waiting.retain(|change| !names.contains(change.what.as_str()));
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

/// Settings that wait for a restart and mean something until then. A standby cluster has no less than
/// the one that it follows, whatever its own say.
pub(crate) fn pending_restart(
    member: &PatroniMember,
    status: &Status,
    listed: &[Listed],
) -> Vec<Change> {
    let mut waiting = waiting(member, status);
    if !listed.iter().any(|one| one.role == "standby_leader") {
        waiting = with_larger(waiting, status.restart_reasons());
    }
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

/// From the server, where it runs: Patroni takes some time to find out, may not name them, and
/// goes on telling what has been taken back.
fn waiting(member: &PatroniMember, status: &Status) -> Vec<Change> {
    let told = status.restart_reasons();
    if !status.runs() {
        return told;
    }
    match settings_waiting(&member.postgres) {
        Ok(waiting) => waiting,
        Err(_) if told.is_empty() && status.pending_restart => {
            vec![Change::named("unknown settings")]
        }
        Err(_) => told,
    }
}

/// Patroni starts a replica with no less than its primary had, and writes that into PostgreSQL's
/// file: the server itself knows of nothing to wait for.
fn with_larger(mut waiting: Vec<Change>, told: Vec<Change>) -> Vec<Change> {
    let known: BTreeSet<String> = waiting.iter().map(|change| change.what.clone()).collect();
    let larger = |change: &Change| sty_plan::shrinks(change) && !known.contains(&change.what);
    waiting.extend(told.into_iter().filter(larger));
    waiting
}

/// Settings of the PostgreSQL server here that a restart would change: name, current and coming
/// value. Sets nothing; connects as the superuser.
///
/// # Errors
/// The server cannot be asked.
pub fn settings_waiting(postgres: &PostgresAccess) -> Result<Vec<Change>, Failure> {
    let mut session = Session::open(postgres, DATABASE)?;
    let pending: Vec<Pending> = session.document(PENDING, "reading settings")?;
    Ok(pending.into_iter().map(Into::into).collect())
}

/// The server goes on saying that a setting waits when its line is gone from the files again. A
/// restart then changes the setting only if its value came from a file, and is not the default.
const PENDING: &str = "
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'name', s.name, 'current', current_setting(s.name),
      'coming', coalesce(f.setting, s.boot_val)) ORDER BY s.name), '[]')
    FROM pg_settings s LEFT JOIN LATERAL (
      SELECT l.setting FROM pg_file_settings l
      WHERE lower(l.name) = lower(s.name) ORDER BY l.seqno DESC LIMIT 1) AS f ON true
    WHERE s.pending_restart AND (f.setting IS NOT NULL
      OR s.source = 'configuration file' AND s.setting IS DISTINCT FROM s.boot_val)";

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
            ..Self::default()
        }
    }
}
