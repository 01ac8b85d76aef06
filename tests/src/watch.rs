//! Passwords on command lines, where everybody on a machine sees them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A look costs some milliseconds of processor time; the story goes on for minutes.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// On the command line of every server of the stories: who does not see it does not see the nodes.
const SERVER: &str = "postgres -D /pg/data";

/// Watches the command lines of all processes, those on the nodes among them.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    /// Watches for these passwords.
    pub fn start(secrets: BTreeSet<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                seen.look(&secrets);
                std::thread::sleep(BETWEEN_LOOKS);
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends the watch; fails the story if a password was seen.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.thread.join().expect("the watch ends");
        eprintln!("   looked at all processes {} times", seen.looks);
        assert!(seen.server, "no look saw a PostgreSQL server on a node");
        let leaks = seen.leaks;
        assert!(leaks.is_empty(), "passwords on command lines: {leaks:#?}");
    }
}

#[derive(Default)]
struct Seen {
    looks: u64,
    server: bool,
    leaks: BTreeSet<String>,
}

impl Seen {
    fn look(&mut self, secrets: &BTreeSet<String>) {
        self.looks += 1;
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            // A process may end at any moment.
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            self.server |= line.contains(SERVER);
            if secrets.iter().any(|secret| line.contains(secret.as_str())) {
                self.leaks.insert(line);
            }
        }
    }
}
