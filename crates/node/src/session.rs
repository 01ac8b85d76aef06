//! One session: a controller asks, this node answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::fs::Mode;
use rustix::process::umask;
use sty_wire::PROTOCOL;
use sty_wire::action::Op;
use sty_wire::drill::Disturbance;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::protocol::{Reply, Request, Supply};
use sty_wire::resource::{EtcdMember, PatroniMember, Resource, ResourceKind};
use thiserror::Error;

use crate::context::{Context, Progress};
use crate::{drill, etcd, facts, kinds, observe, patroni, program, status, systemd};

const LOCK_PATH: &str = "/run/sty/apply.lock";

/// Why a session ended before the controller closed it.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The controller is gone, or its connection broke.
    #[error("lost the controller")]
    Connection(#[from] io::Error),
    /// The node could not be looked at at all.
    #[error("cannot read the facts of this node")]
    Facts(#[from] facts::FactsError),
    /// What was broken for a drill could not be mended.
    #[error("cannot end a drill: {0}")]
    Drill(String),
    /// Clients that wait could not be let go on.
    #[error("cannot let clients go on: {0}")]
    Clients(String),
    /// A reply could not be written as JSON: a fault of `sty`.
    #[error("cannot write a reply; this is a fault of sty")]
    Encode(#[from] serde_json::Error),
}

/// Serves one controller: one JSON request a line from `input`, one JSON reply a line to
/// `output`, until `input` ends. Changes this machine when asked to `Execute`. The node is
/// released when this returns or the process ends.
pub fn serve(input: impl BufRead, output: impl Write + Send + 'static) -> Result<(), ServeError> {
    serve_with(input, output, Path::new(LOCK_PATH))
}

fn serve_with(
    input: impl BufRead,
    output: impl Write + Send + 'static,
    lock_path: &Path,
) -> Result<(), ServeError> {
    // What is made here has the mode it is given, whoever started this.
    umask(Mode::from_raw_mode(0o022));
    let mut session = Session {
        lock_path: lock_path.to_owned(),
        output: Output(Arc::new(Mutex::new(Box::new(output)))),
        lock: None,
        resources: BTreeMap::new(),
        disturbed: Vec::new(),
        holding: None,
    };
    session.output.send(&hello()?)?;
    let served = session.serve(input);
    let calmed = session.calm();
    served.and(calmed)
}

impl Session {
    /// Answers until `input` ends.
    fn serve(&mut self, input: impl BufRead) -> Result<(), ServeError> {
        for line in input.split(b'\n') {
            let line = line?;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let reply = match serde_json::from_slice(&line) {
                // The action that it was about has noticed, or had ended before.
                Ok(Request::Abandon) => continue,
                Ok(request) => self.answer(request),
                // The error's own words may quote a secret; its place does not.
                Err(error) => refused(format!(
                    "a request could not be understood, at column {}; controller and node are \
                 different builds",
                    error.column()
                )),
            };
            self.output.send(&reply)?;
        }
        Ok(())
    }
}

fn hello() -> Result<Reply, ServeError> {
    let (program_sha256, facts) = thread::scope(|scope| {
        let sha256 = scope.spawn(program::sha256);
        let facts = facts::gather();
        let sha256 = sha256
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("hashing the program failed")));
        (sha256, facts)
    });
    Ok(Reply::Hello {
        protocol: PROTOCOL,
        program_sha256: program_sha256?,
        facts: facts?,
    })
}

/// Where replies go; progress comes from several threads.
#[derive(Clone)]
struct Output(Arc<Mutex<Box<dyn Write + Send>>>);

impl Output {
    fn send(&self, reply: &Reply) -> Result<(), ServeError> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(&line)?;
        output.flush()?;
        Ok(())
    }

    /// Progress of `action`. A controller that is gone is noticed by the final reply: what was
    /// begun is finished first.
    fn progress(&self, action: u32) -> Progress {
        let output = self.clone();
        Arc::new(move |text| {
            let text = text.to_owned();
            let _ = output.send(&Reply::Progress { action, text });
        })
    }
}

struct Session {
    output: Output,
    lock_path: PathBuf,
    lock: Option<File>,
    resources: BTreeMap<String, Resource>,
    /// What ends the disturbances that were made in this session and go on.
    disturbed: Vec<Disturbance>,
    /// The member whose pooler has its clients wait.
    holding: Option<PatroniMember>,
}

impl Session {
    fn answer(&mut self, request: Request) -> Reply {
        match request {
            Request::Lock { holder } => self.take(&holder),
            Request::Observe { resources } => {
                let reply = observe::all(&resources);
                let by_id = resources.into_iter().map(|r| (r.id.clone(), r));
                self.resources = by_id.collect();
                reply
            }
            Request::Execute { action, op, supply } => {
                if let Op::HoldClients { member, .. } = &op {
                    self.holding = self.patroni_member(member).ok().map(|(_, one)| one.clone());
                }
                let executed = self.execute(action, &op, supply.as_ref());
                if executed.is_ok() && matches!(op, Op::ReleaseClients { .. }) {
                    self.holding = None;
                }
                match executed {
                    Ok(changes) => Reply::Done { action, changes },
                    Err(failure) => Reply::Failed { action, failure },
                }
            }
            Request::Abandon => refused("there is nothing to abandon".to_owned()),
            Request::Status { query } => {
                let units = query.units.iter().cloned().collect();
                match status::collect(&query, &Context::new(Arc::new(|_| ()), units)) {
                    Ok(status) => Reply::Status { status },
                    Err(failure) => Reply::Refused { failure },
                }
            }
            Request::Disturb { disturbance } => match self.disturb(&disturbance) {
                Ok(()) => Reply::Disturbed,
                Err(failure) => Reply::Refused { failure },
            },
        }
    }

    fn disturb(&mut self, disturbance: &Disturbance) -> Result<(), Failure> {
        if self.lock.is_none() {
            return Err(Failure::message("this session has not locked the node"));
        }
        // Also of one that fails half way.
        self.disturbed.extend(disturbance.end());
        drill::disturb(disturbance)?;
        self.disturbed.retain(|end| end != disturbance);
        Ok(())
    }

    /// Ends what the controller, which is gone, has not ended: all of it, whatever fails.
    fn calm(&mut self) -> Result<(), ServeError> {
        let mut outcome = Ok(());
        while let Some(end) = self.disturbed.pop() {
            outcome = outcome.and(drill::disturb(&end));
        }
        let mended = outcome.map_err(|failure| ServeError::Drill(failure.message));
        mended.and(self.let_clients_go())
    }

    fn let_clients_go(&mut self) -> Result<(), ServeError> {
        let Some(member) = self.holding.take() else {
            return Ok(());
        };
        let context = Context::new(Arc::new(|_| ()), BTreeSet::new());
        patroni::let_clients_go(&member, &context)
            .map_err(|failure| ServeError::Clients(failure.message))
    }

    fn take(&mut self, holder: &str) -> Reply {
        if self.lock.is_some() {
            return Reply::Locked;
        }
        match take_lock(&self.lock_path, holder) {
            Ok(Taken::Mine(file)) => {
                self.lock = Some(file);
                Reply::Locked
            }
            Ok(Taken::Held(holder)) => Reply::Busy { holder },
            Err(error) => refused(format!("cannot lock {}: {error}", self.lock_path.display())),
        }
    }

    fn execute(
        &self,
        action: u32,
        op: &Op,
        supply: Option<&Supply>,
    ) -> Result<Vec<Change>, Failure> {
        if self.lock.is_none() {
            return Err(Failure::message("this session has not locked the node"));
        }
        let progress = self.output.progress(action);
        let look = |resource: &Resource| {
            let units = kinds::unit(resource).map(str::to_owned);
            Context::new(progress.clone(), BTreeSet::from_iter(units))
        };
        match op {
            Op::Converge { resource } => {
                let resource = self.resource(resource)?;
                converge(resource, supply, || look(resource))
            }
            Op::Meanwhile { resource } => {
                let resource = self.resource(resource)?;
                kinds::meanwhile(resource, &look(resource)).map(|()| Vec::new())
            }
            Op::TakeUp {
                resource,
                parameters,
            } => {
                let resource = self.resource(resource)?;
                kinds::take_up(resource, parameters, &look(resource)).map(|()| Vec::new())
            }
            Op::EtcdMemberAdd { via, peer_url } => {
                let (resource, member) = self.etcd_member(via)?;
                etcd::member_add(member, peer_url, &look(resource))?;
                Ok(vec![Change::new("etcd member", "", peer_url)])
            }
            Op::EtcdMemberRemove {
                via,
                name,
                peer_url,
            } => {
                let (resource, member) = self.etcd_member(via)?;
                etcd::member_remove(member, name, peer_url, &look(resource))?;
                Ok(vec![Change::named(format!("etcd member {name} removed"))])
            }
            Op::Checkpoint { member }
            | Op::HoldClients { member, .. }
            | Op::ReleaseClients { member }
            | Op::PostgresRestart { member }
            | Op::MemberRestart { member }
            | Op::Switchover { member, .. }
            | Op::Settle { member, .. }
            | Op::Failover { member }
            | Op::PatroniReload { member }
            | Op::DropLostSlot { member, .. }
            | Op::Reinitialize { member }
            | Op::Pause { member, .. } => {
                let (resource, member) = self.patroni_member(member)?;
                patroni::operate(op, member, &look(resource)).map(|()| Vec::new())
            }
        }
    }

    fn resource(&self, id: &str) -> Result<&Resource, Failure> {
        self.resources.get(id).ok_or_else(|| {
            Failure::message(format!(
                "`{id}` was not in the last observation of this node"
            ))
        })
    }

    fn etcd_member(&self, id: &str) -> Result<(&Resource, &EtcdMember), Failure> {
        let resource = self.resource(id)?;
        match &resource.kind {
            ResourceKind::EtcdMember(member) => Ok((resource, member)),
            _ => Err(Failure::message(format!("`{id}` is not an etcd member"))),
        }
    }

    fn patroni_member(&self, id: &str) -> Result<(&Resource, &PatroniMember), Failure> {
        let resource = self.resource(id)?;
        match &resource.kind {
            ResourceKind::PatroniMember(member) => Ok((resource, member)),
            _ => Err(Failure::message(format!("`{id}` is not a Patroni member"))),
        }
    }
}

/// Looks, mends what differs, looks again. Answers what the first look found.
fn converge(
    resource: &Resource,
    supply: Option<&Supply>,
    look: impl Fn() -> Context,
) -> Result<Vec<Change>, Failure> {
    let before = look();
    let changes = match kinds::observe(resource, &before) {
        Observation::InSync | Observation::Skipped { .. } => return Ok(Vec::new()),
        Observation::Drift { changes, .. } | Observation::AfterDatabases { changes, .. } => changes,
        Observation::Pending { .. } => vec![Change::named(resource.id.clone())],
        Observation::Elsewhere => Vec::new(),
        Observation::Failed { failure } | Observation::Conflict { failure } => return Err(failure),
    };
    kinds::converge(resource, &before, supply)?;
    let failure = match kinds::observe(resource, &look()) {
        Observation::InSync | Observation::Skipped { .. } | Observation::Elsewhere => {
            return Ok(changes);
        }
        Observation::Drift { changes, .. } | Observation::AfterDatabases { changes, .. } => {
            unreached(&describe(&changes))
        }
        Observation::Pending { reason } => unreached(&reason),
        Observation::Failed { failure } | Observation::Conflict { failure } => Failure {
            message: format!("post-condition not reached: {}", failure.message),
            ..failure
        },
    };
    Err(match kinds::unit(resource) {
        Some(unit) if failure.tail.is_empty() => systemd::with_journal(failure, unit),
        _ => failure,
    })
}

fn unreached(what: &str) -> Failure {
    Failure::message(format!("post-condition not reached: {what}"))
}

/// What still differs, in one line.
fn describe(changes: &[Change]) -> String {
    let one = |change: &Change| match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{} is `{from}`, not `{to}`", change.what),
        (None, Some(to)) if to.lines().count() == 1 => format!("{} is not `{to}`", change.what),
        _ => format!("{} still differs", change.what),
    };
    changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn refused(message: String) -> Reply {
    Reply::Refused {
        failure: Failure::message(message),
    }
}

enum Taken {
    /// Held for as long as the file is open.
    Mine(File),
    /// By whom.
    Held(String),
}

/// Takes the lock at `path` and writes down who has it. The kernel lets go of it when the
/// process ends, however it ends.
fn take_lock(path: &Path, holder: &str) -> io::Result<Taken> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.write_all(holder.as_bytes())?;
            Ok(Taken::Mine(file))
        }
        Err(TryLockError::WouldBlock) => Ok(Taken::Held(fs::read_to_string(path)?)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
