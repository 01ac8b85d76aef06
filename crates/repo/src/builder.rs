//! Making a repository, and making it again when something changed.

use std::collections::BTreeMap;
use std::time::SystemTime;

use sty_catalog::{Manager, Os, Role};

use crate::apt::Apt;
use crate::index::{self, Entry};
use crate::key::Key;
use crate::lock::{LockFile, LockedPackage};
use crate::resolve::{self, Candidate};
use crate::{Event, Layout, RepoError, disk, pool, prove, root};

/// What a repository is to hold, and where.
#[derive(Debug, Clone)]
pub struct BuildRequest<'a> {
    /// The nodes' operating system.
    pub os: &'a Os,
    /// Where the repository is.
    pub layout: Layout,
    /// Architecture as packages name it, `amd64`.
    pub architecture: String,
    /// Sets of packages, each of which must be installable by itself.
    pub sets: Vec<Vec<String>>,
    /// Take newer versions than the lock file has.
    pub update: bool,
}

/// What a build did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildReport {
    /// Packages in the repository.
    pub packages: usize,
    /// Packages that were downloaded.
    pub downloaded: usize,
    /// Size of what was downloaded.
    pub downloaded_bytes: u64,
    /// Packages that are no longer needed and were removed.
    pub removed: usize,
    /// True when everything was there and nothing was written.
    pub unchanged: bool,
}

impl<'a> BuildRequest<'a> {
    /// A repository with every role for the PostgreSQL versions `majors`.
    ///
    /// # Errors
    /// The system's sources lack one of the versions.
    pub fn every_role(
        os: &'a Os,
        layout: Layout,
        architecture: &str,
        majors: &[u32],
    ) -> Result<Self, RepoError> {
        let mut sets = Vec::new();
        for &major in majors {
            for role in Role::ALL {
                let set = os.packages(role, major)?;
                if !sets.contains(&set) {
                    sets.push(set);
                }
            }
        }
        Ok(Self {
            os,
            layout,
            architecture: architecture.to_owned(),
            sets,
            update: false,
        })
    }

    fn requested(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sets.iter().flatten().cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    fn is_of(&self, lock: &LockFile) -> bool {
        lock.os == self.os.id
            && lock.architecture == self.architecture
            && lock.requested == self.requested()
    }
}

/// Makes the repository, or completes it. With everything there, reads and checks it only.
/// Waits while another build of it is at work.
/// Touches this machine: files below the layout's directory. Needs root the first time.
///
/// # Errors
/// Anything of [`RepoError`]; what was there before stays usable.
pub fn build(
    request: &BuildRequest<'_>,
    on: &mut dyn FnMut(Event),
) -> Result<BuildReport, RepoError> {
    let layout = &request.layout;
    if request.os.manager != Manager::Apt {
        return Err(RepoError::Unsupported {
            os: request.os.name.clone(),
        });
    }
    disk::make_dir(&layout.dir())?;
    let _guard = match disk::try_guard(&layout.guard())? {
        Some(guard) => guard,
        None => {
            on(Event::Waiting);
            disk::guard(&layout.guard())?
        }
    };
    let lock = read_lock(layout)?.filter(|lock| request.is_of(lock) && !request.update);
    let entries = index::read(layout)?;
    if let Some(lock) = &lock
        && pool::missing(layout, &lock.packages, &entries).is_empty()
        && entries.len() == lock.packages.len()
        && index::is_signed(layout)?
    {
        return Ok(BuildReport {
            packages: lock.packages.len(),
            downloaded: 0,
            downloaded_bytes: 0,
            removed: 0,
            unchanged: true,
        });
    }
    complete(request, lock, &entries, on)
}

fn complete(
    request: &BuildRequest<'_>,
    lock: Option<LockFile>,
    old: &BTreeMap<String, Entry>,
    on: &mut dyn FnMut(Event),
) -> Result<BuildReport, RepoError> {
    let layout = &request.layout;
    let _guard = root::ensure(layout, request.os, &request.architecture, on)?;
    let apt = Apt::sources(layout, &request.architecture)?;
    if request.update || !apt.has_lists() {
        on(Event::ReadingSources);
        apt.update()?;
    }
    let candidates = candidates(request, lock.as_ref(), &apt, on)?;
    let packages: Vec<LockedPackage> = candidates.iter().map(|c| c.package.clone()).collect();
    let missing = pool::missing(layout, &packages, old);
    let wanted: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| missing.contains(&&candidate.package))
        .collect();
    let new = match wanted.is_empty() {
        true => Vec::new(),
        false => pool::fetch(layout, &apt, &wanted, on)?,
    };
    let entries = merge(&packages, old, &new);
    publish(request, &entries, on)?;
    let removed = pool::prune(layout, &entries)?;
    write_lock(request, packages)?;
    Ok(BuildReport {
        packages: entries.len(),
        downloaded: wanted.len(),
        downloaded_bytes: wanted.iter().map(|c| c.package.size_bytes).sum(),
        removed,
        unchanged: false,
    })
}

fn candidates(
    request: &BuildRequest<'_>,
    lock: Option<&LockFile>,
    apt: &Apt,
    on: &mut dyn FnMut(Event),
) -> Result<Vec<Candidate>, RepoError> {
    if let Some(lock) = lock {
        return resolve::pinned(apt, lock);
    }
    let requested = request.requested();
    on(Event::Resolving(requested.len()));
    resolve::resolve(apt, &request.layout, request.os, &requested)
}

fn merge(packages: &[LockedPackage], old: &BTreeMap<String, Entry>, new: &[Entry]) -> Vec<Entry> {
    let new: BTreeMap<&str, &Entry> = new.iter().map(|e| (e.file.as_str(), e)).collect();
    let mut packages: Vec<&LockedPackage> = packages.iter().collect();
    packages.sort();
    let entry = |package: &&LockedPackage| {
        let file = package.file_name();
        let found = new.get(file.as_str()).copied();
        found.or_else(|| old.get(&file)).cloned()
    };
    packages.iter().filter_map(entry).collect()
}

fn publish(
    request: &BuildRequest<'_>,
    entries: &[Entry],
    on: &mut dyn FnMut(Event),
) -> Result<(), RepoError> {
    let layout = &request.layout;
    on(Event::Signing);
    let key = Key::ensure(layout)?;
    let packages = index::packages_text(entries);
    let now = SystemTime::now();
    let release = index::release_text(&request.os.suite, &request.architecture, &packages, now);
    disk::make_dir(&layout.www())?;
    disk::write(&layout.public_key(), &key.public())?;
    disk::write(&layout.packages(), packages.as_bytes())?;
    disk::write(&layout.release(), key.clear_sign(&release)?.as_bytes())?;
    let mut sets = request.sets.clone();
    sets.push(request.requested());
    prove::prove(layout, request.os, &request.architecture, &sets, on)
}

pub(crate) fn read_lock(layout: &Layout) -> Result<Option<LockFile>, RepoError> {
    let path = layout.lock();
    let Some(text) = disk::read_if_there(&path)? else {
        return Ok(None);
    };
    let lock = LockFile::parse(&text);
    let damaged = |reason| RepoError::Damaged { path, reason };
    lock.map(Some).map_err(damaged)
}

fn write_lock(request: &BuildRequest<'_>, packages: Vec<LockedPackage>) -> Result<(), RepoError> {
    let path = request.layout.lock();
    let requested = request.requested();
    let lock = LockFile::new(&request.os.id, &request.architecture, &requested, packages);
    let text = lock.render().map_err(|reason| RepoError::Damaged {
        path: path.clone(),
        reason,
    })?;
    disk::write(&path, text.as_bytes())
}
