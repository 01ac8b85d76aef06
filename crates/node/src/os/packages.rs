//! Packages: installed with apt, in one transaction, from the configured source, with nothing
//! started by their installation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use crate::context::Context;
use crate::run::Run;

const STATUS: &str = "/var/lib/dpkg/status";
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Tells the programs that install packages to start nothing.
const POLICY_TEXT: &str =
    "#!/bin/sh\n# sty installs packages: services are started later.\nexit 101\n";
const CREATE_CLUSTER: &str = "/etc/postgresql-common/createcluster.conf";
const CREATE_CLUSTER_TEXT: &str = "# Clusters are made by Patroni.\ncreate_main_cluster = false\n";
const INSTALL_LIMIT: Duration = Duration::from_secs(3600);
const UPDATE_LIMIT: Duration = Duration::from_secs(300);

const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// What dpkg knows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Installed packages with their versions.
    versions: BTreeMap<String, String>,
    /// Packages left half-way by an interrupted installation.
    broken: BTreeSet<String>,
    /// Those of them whose files may be incomplete: to be unpacked again.
    damaged: BTreeSet<String>,
}

impl Installed {
    /// Reads dpkg's status file.
    pub(crate) fn read() -> Result<Self, Failure> {
        match fs::read_to_string(STATUS) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) => Err(Failure::message(format!("cannot read {STATUS}: {error}"))),
        }
    }

    fn parse(text: &str) -> Self {
        let mut installed = Self::default();
        let (mut name, mut state) = ("", "");
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("Package: ") {
                name = value;
            } else if let Some(value) = line.strip_prefix("Status: ") {
                state = value.rsplit(' ').next().unwrap_or_default();
                if value.split(' ').nth(1) == Some("reinstreq") {
                    installed.damaged.insert(name.to_owned());
                }
            } else if let Some(version) = line.strip_prefix("Version: ") {
                installed.add(name, state, version);
            }
        }
        installed
    }

    fn add(&mut self, name: &str, state: &str, version: &str) {
        match state {
            "installed" | "triggers-awaited" | "triggers-pending" => {
                self.versions.insert(name.to_owned(), version.to_owned());
            }
            "unpacked" | "half-configured" | "half-installed" => {
                self.broken.insert(name.to_owned());
            }
            _ => {}
        }
    }

    /// Version of an installed package.
    pub(crate) fn version(&self, name: &str) -> Option<&str> {
        self.versions.get(name).map(String::as_str)
    }
}

/// Compares with dpkg's status.
pub(crate) fn observe(names: &BTreeSet<String>, context: &Context) -> Result<Observation, Failure> {
    let installed = context.packages()?;
    let missing = names
        .iter()
        .filter(|name| installed.version(name).is_none());
    let mut changes: Vec<Change> = missing.map(|name| change(name, installed)).collect();
    if fs::read_to_string(POLICY).is_ok_and(|text| text == POLICY_TEXT) {
        changes.push(Change::new(POLICY, "left behind", "absent"));
    }
    Ok(match changes.is_empty() {
        true => Observation::InSync,
        false => Observation::Drift {
            changes,
            risk: Risk::Safe,
        },
    })
}

fn change(name: &str, installed: &Installed) -> Change {
    let broken = installed.broken.contains(name);
    Change {
        what: format!("package {name}"),
        from: broken.then(|| "half installed".to_owned()),
        to: Some("installed".to_owned()),
        ..Change::default()
    }
}

/// Installs what is missing.
pub(crate) fn converge(names: &BTreeSet<String>, context: &Context) -> Result<(), Failure> {
    let installed = context.packages()?;
    starting_nothing(|| install(names, installed, context))
}

/// Does something with packages while none of them may start, restart or stop a service.
pub(super) fn starting_nothing(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let policy = Policy::set().map_err(|error| unwritable(POLICY, &error))?;
    let result = work();
    policy.lift().map_err(|error| unwritable(POLICY, &error))?;
    result
}

fn install(
    names: &BTreeSet<String>,
    installed: &Installed,
    context: &Context,
) -> Result<(), Failure> {
    forbid_main_cluster().map_err(|error| unwritable(CREATE_CLUSTER, &error))?;
    if !installed.broken.is_empty() || updates_pending() {
        context.say("finishing an interrupted installation");
        // It cannot finish a package whose dependencies are still to come: apt does that below,
        // and judges the whole.
        apt("dpkg")
            .args(["--force-confdef", "--force-confold", "--configure", "-a"])
            .limit(INSTALL_LIMIT)
            .any_exit()?;
    }
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| installed.version(name).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    read_lists(context)?;
    if !installed.damaged.is_empty() {
        context.say("unpacking what an interrupted installation left incomplete");
        // On their own: apt cannot unpack again what only waits to be configured. What comes
        // below judges the whole.
        apt_install()
            .args(["--reinstall", "--"])
            .args(installed.damaged.iter().map(String::as_str))
            .any_exit()?;
    }
    context.say(format!("installing {} packages", missing.len()));
    apt_install()
        .arg("--")
        .args(missing.into_iter().map(String::as_str))
        .watched(&told_slowly(context))?;
    Run::new("systemctl").arg("daemon-reload").ok().map(drop)
}

/// Has apt learn what the source holds.
pub(super) fn read_lists(context: &Context) -> Result<(), Failure> {
    context.say("reading package lists");
    apt("apt-get")
        .args(["update", "--quiet", "--error-on=any"])
        .args(["-o", "Acquire::Languages=none", "-o", "Acquire::Retries=2"])
        .limit(UPDATE_LIMIT)
        .ok()
        .map(drop)
}

/// `apt-get install` without the packages.
pub(super) fn apt_install() -> Run {
    apt("apt-get")
        .args(["install", "--yes", "--quiet", "--fix-broken"])
        .arg("--no-install-recommends")
        .args(["-o", "Dpkg::Options::=--force-confdef"])
        .args(["-o", "Dpkg::Options::=--force-confold"])
        .args(["-o", "Dpkg::Use-Pty=0", "-o", "APT::Status-Fd=1"])
        .args(["-o", "APT::Keep-Downloaded-Packages=false"])
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .limit(INSTALL_LIMIT)
}

/// Tells apt's progress, but not each of its hundreds of steps.
pub(super) fn told_slowly(context: &Context) -> impl Fn(&str) + Sync {
    let last = Mutex::new(None::<Instant>);
    move |line| {
        let Some(text) = progress(line) else { return };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= PROGRESS_INTERVAL) {
            *last = Some(Instant::now());
            context.say(text);
        }
    }
}

fn apt(program: &str) -> Run {
    Run::new(program)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("UCF_FORCE_CONFFOLD", "1")
        .env("NEEDRESTART_SUSPEND", "1")
        .env("APT_LISTCHANGES_FRONTEND", "none")
        // Package scripts enable units without asking the running systemd each time: it reads
        // them once, at the end. Saves about a second of a fresh installation.
        .env("SYSTEMD_OFFLINE", "1")
}

fn updates_pending() -> bool {
    let entries = fs::read_dir("/var/lib/dpkg/updates");
    entries.is_ok_and(|mut entries| entries.next().is_some())
}

/// `pmstatus:libpq5:42.0:Unpacking libpq5 (amd64)` in words; other lines say nothing new.
fn progress(line: &str) -> Option<String> {
    let mut fields = line.splitn(4, ':');
    let kind = fields
        .next()
        .filter(|kind| matches!(*kind, "pmstatus" | "dlstatus"))?;
    let _package = fields.next()?;
    let percent: f32 = fields.next()?.parse().ok()?;
    let text = fields.next()?;
    let of = if kind == "dlstatus" {
        "download"
    } else {
        "install"
    };
    Some(format!("{of} {percent:.0} %: {text}"))
}

/// The server packages of Debian make a cluster of their own unless told not to.
fn forbid_main_cluster() -> io::Result<()> {
    let path = Path::new(CREATE_CLUSTER);
    if path.exists() {
        return Ok(());
    }
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, CREATE_CLUSTER_TEXT)
}

fn unwritable(path: &str, error: &io::Error) -> Failure {
    Failure::message(format!("cannot write {path}: {error}"))
}

/// Keeps package scripts from starting services while it is set.
struct Policy {
    ours: bool,
}

impl Policy {
    /// A policy of someone else stays, and rules.
    fn set() -> io::Result<Self> {
        let ours = match fs::read_to_string(POLICY) {
            Ok(text) => text == POLICY_TEXT,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        if ours {
            fs::write(POLICY, POLICY_TEXT)?;
            fs::set_permissions(POLICY, Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }

    fn lift(self) -> io::Result<()> {
        if self.ours {
            fs::remove_file(POLICY)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_file_tells_installed_removed_and_broken() {
        let installed = Installed::parse(
            "Package: etcd-server\nStatus: install ok installed\nPriority: optional\n\
             Version: 3.5.16-4\n\nPackage: gone\nStatus: deinstall ok config-files\n\
             Version: 1\n\nPackage: half\nStatus: install ok half-configured\nVersion: 2\n\n\
             Package: torn\nStatus: install reinstreq unpacked\nVersion: 2\n",
        );
        assert_eq!(installed.version("etcd-server"), Some("3.5.16-4"));
        assert_eq!(installed.version("gone"), None);
        assert_eq!(installed.version("half"), None);
        assert_eq!(
            installed.broken,
            BTreeSet::from(["half".to_owned(), "torn".to_owned()])
        );
        assert_eq!(installed.damaged, BTreeSet::from(["torn".to_owned()]));
    }

    #[test]
    fn progress_is_told_in_words() {
        assert_eq!(
            progress("pmstatus:libpq5:41.6667:Unpacking libpq5 (amd64)").as_deref(),
            Some("install 42 %: Unpacking libpq5 (amd64)")
        );
        assert_eq!(progress("Reading package lists..."), None);
    }
}
