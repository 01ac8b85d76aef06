//! The package files: which are there and whole, getting those that are not, dropping the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::apt::Apt;
use crate::index::Entry;
use crate::lock::LockedPackage;
use crate::resolve::Candidate;
use crate::{Event, Layout, RepoError, archive, disk};

/// Runs `work` on every item with as many threads as there are processors, and gives the results
/// in order. `done` hears of each that ended.
fn parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(usize),
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (count, (index, result)) in receiver.iter().enumerate() {
            results[index] = Some(result);
            done(count + 1);
        }
    });
    results.into_iter().flatten().collect()
}

/// Those of `packages` that the pool does not have whole.
pub(crate) fn missing<'a>(
    layout: &Layout,
    packages: &'a [LockedPackage],
    entries: &BTreeMap<String, Entry>,
) -> Vec<&'a LockedPackage> {
    let pool = layout.pool();
    let whole = |package: &LockedPackage| {
        let entry = entries.get(&package.file_name()).filter(|e| e.is(package));
        entry.is_some_and(|entry| is_whole(&pool.join(&entry.file), entry))
    };
    let found = parallel(packages, whole, |_| {});
    let pairs = packages.iter().zip(found);
    pairs.filter(|pair| !pair.1).map(|pair| pair.0).collect()
}

fn is_whole(path: &Path, entry: &Entry) -> bool {
    let size = fs::metadata(path).map(|metadata| metadata.len());
    size.is_ok_and(|size| size == entry.size_bytes)
        && disk::checksum(path).is_ok_and(|found| found.1 == entry.sha256)
}

/// Downloads `wanted` and packs it into the pool.
pub(crate) fn fetch(
    layout: &Layout,
    apt: &Apt,
    wanted: &[&Candidate],
    on: &mut dyn FnMut(Event),
) -> Result<Vec<Entry>, RepoError> {
    let incoming = layout.incoming();
    disk::remove_dir(&incoming)?;
    disk::make_dir(&layout.pool())?;
    let bytes = wanted.iter().map(|c| c.package.size_bytes).sum();
    on(Event::Downloading(wanted.len(), bytes));
    let exact: Vec<String> = wanted.iter().map(|c| c.package.exactly()).collect();
    apt.download(&exact, &incoming)
        .map_err(|error| match error {
            RepoError::Command { last_lines, .. } => RepoError::Download { reason: last_lines },
            other => other,
        })?;
    let arrived = by_checksum(&incoming)?;
    let pack = |candidate: &&Candidate| pack(layout, &arrived, candidate);
    let total = wanted.len();
    let entries = parallel(wanted, pack, |done| on(Event::Packing(done, total)));
    let entries = entries.into_iter().collect::<Result<Vec<_>, _>>()?;
    disk::remove_dir(&incoming)?;
    Ok(entries)
}

/// Files of a directory by sha256: what a file is called does not matter, what is in it does.
fn by_checksum(dir: &Path) -> Result<BTreeMap<String, PathBuf>, RepoError> {
    let paths = files(dir)?;
    let sums = parallel(&paths, |path| disk::checksum(path), |_| {});
    let pairs = sums.into_iter().zip(paths);
    pairs.map(|(sum, path)| Ok((sum?.1, path))).collect()
}

fn pack(
    layout: &Layout,
    arrived: &BTreeMap<String, PathBuf>,
    candidate: &Candidate,
) -> Result<Entry, RepoError> {
    let package = &candidate.package;
    let from = arrived.get(&package.sha256);
    let from = from.ok_or_else(|| RepoError::NotDownloaded {
        package: package.name.clone(),
        version: package.version.clone(),
    })?;
    let to = layout.pool().join(package.file_name());
    archive::repack(from, &to)?;
    let (size_bytes, sha256) = disk::checksum(&to)?;
    Ok(Entry::new(
        package,
        candidate.stanza.clone(),
        size_bytes,
        sha256,
    ))
}

/// Removes files that the index does not name; gives how many.
pub(crate) fn prune(layout: &Layout, entries: &[Entry]) -> Result<usize, RepoError> {
    let keep: BTreeSet<&str> = entries.iter().map(|entry| entry.file.as_str()).collect();
    let mut removed = 0;
    for path in files(&layout.pool())? {
        let name = path.file_name().map(|name| name.to_string_lossy());
        if !name.is_some_and(|name| keep.contains(&*name)) {
            disk::remove_if_there(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, RepoError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(RepoError::io(dir))? {
        let path = entry.map_err(RepoError::io(dir))?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_results_keep_their_order() {
        let items: Vec<usize> = (0..100).collect();
        let mut heard = 0;
        let results = parallel(&items, |item| item * 2, |done| heard = done);
        assert_eq!(results, items.iter().map(|i| i * 2).collect::<Vec<_>>());
        assert_eq!(heard, 100);
        assert!(parallel(&[] as &[usize], |item| *item, |_| {}).is_empty());
    }
}
