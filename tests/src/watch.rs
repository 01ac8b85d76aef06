//! Passwords on command lines, where everybody on a machine sees them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Watches the command lines of all processes, those on the nodes among them.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, BTreeSet<String>)>,
}

impl Watch {
    /// Watches for these passwords.
    pub fn start(secrets: BTreeSet<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut looks, mut found) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                look(&secrets, &mut found);
                looks += 1;
                std::thread::sleep(Duration::from_millis(40));
            }
            (looks, found)
        });
        Self { stop, thread }
    }

    /// Ends the watch; fails the story if a password was seen.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (looks, found) = self.thread.join().expect("the watch ends");
        eprintln!("   looked at all processes {looks} times");
        assert!(looks > 100, "{looks}");
        assert!(found.is_empty(), "passwords on command lines: {found:#?}");
    }
}

fn look(secrets: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return;
    };
    for entry in entries.flatten() {
        // A process may end at any moment.
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if secrets.iter().any(|secret| line.contains(secret.as_str())) {
            found.insert(line);
        }
    }
}
