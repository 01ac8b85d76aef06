//! What one look at the node shares: caches that live as long as the look, and a way to say
//! what is going on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use sty_wire::observation::Failure;

use crate::accounts::Accounts;
use crate::os::packages::Installed;
use crate::systemd::{UnitStatus, Units};
use crate::{etcd, patroni, postgres, systemd};

/// Tells the controller what is being done, in words without secrets.
pub(crate) type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Shared by everything that looks at or changes the node in one step. Made anew for every
/// `Observe`, and before and after every change, so nothing in it is stale.
pub(crate) struct Context {
    progress: Progress,
    drifting: Mutex<BTreeSet<String>>,
    accounts: OnceLock<Result<Accounts, Failure>>,
    packages: OnceLock<Result<Installed, Failure>>,
    units: Units,
    /// What the etcd kinds keep for one look.
    pub(crate) etcd: etcd::Cache,
    /// What the Patroni kinds keep for one look.
    pub(crate) patroni: patroni::Cache,
    /// What the PostgreSQL kinds keep for one look.
    pub(crate) postgres: postgres::Cache,
}

impl Context {
    /// `units` are those that will be asked for: they are read together, when the first is.
    pub(crate) fn new(progress: Progress, units: BTreeSet<String>) -> Self {
        Self {
            progress,
            drifting: Mutex::default(),
            accounts: OnceLock::new(),
            packages: OnceLock::new(),
            units: Units::expecting(units),
            etcd: etcd::Cache::default(),
            patroni: patroni::Cache::default(),
            postgres: postgres::Cache::default(),
        }
    }

    /// Says what is being done now.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        (self.progress)(text.as_ref());
    }

    /// Remembers that the file at `path` is not as it should be.
    pub(crate) fn mark_drifting(&self, path: &str) {
        self.drifting().insert(path.to_owned());
    }

    /// Whether the file at `path` was found not as it should be in this look.
    pub(crate) fn is_drifting(&self, path: &str) -> bool {
        self.drifting().contains(path)
    }

    /// Those of `files` that were written after `since`, or are about to be.
    pub(crate) fn changed_since(&self, files: &[String], since: Option<SystemTime>) -> Vec<String> {
        self.with_drifting(files, &systemd::newer(files, since))
    }

    /// The same of files that may have been exchanged for a moment: reading them again costs nothing.
    pub(crate) fn placed_since(&self, files: &[String], since: Option<SystemTime>) -> Vec<String> {
        self.with_drifting(files, &systemd::placed(files, since))
    }

    fn with_drifting(&self, files: &[String], newer: &[&str]) -> Vec<String> {
        let changed = |path: &&String| newer.contains(&path.as_str()) || self.is_drifting(path);
        files.iter().filter(changed).cloned().collect()
    }

    fn drifting(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.drifting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accounts and groups of this machine.
    pub(crate) fn accounts(&self) -> Result<&Accounts, Failure> {
        self.accounts
            .get_or_init(Accounts::read)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Packages of this machine.
    pub(crate) fn packages(&self) -> Result<&Installed, Failure> {
        self.packages
            .get_or_init(Installed::read)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// State of a systemd unit; one that does not exist has `load_state` `not-found`.
    pub(crate) fn unit(&self, name: &str) -> Result<UnitStatus, Failure> {
        self.units.get(name)
    }
}
