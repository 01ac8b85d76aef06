//! Passwords are where they belong and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::stage::{NODES, PASSWORDS, Stage};

/// Watches the command lines of all processes, those on the nodes among them.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, BTreeSet<String>)>,
}

impl Watch {
    /// Watches for these passwords, and those that the story gives out.
    pub(crate) fn start(secrets: BTreeSet<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut looks, mut found) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                look(&secrets, &mut found);
                looks += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            (looks, found)
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) {
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

/// Neither in what `sty` said and wrote down, nor in logs, nor where everybody can read.
pub(crate) fn are_nowhere(stage: &Stage) {
    let secrets = all(stage);
    assert!(secrets.len() > 8, "{}", secrets.len());
    let said = stage.said();
    for secret in &secrets {
        assert!(!said.contains(secret), "sty said a password");
    }
    assert!(!said.contains("SCRAM-SHA-256$"), "sty said a stored secret");
    in_journals(&secrets);
    for node in NODES.iter().chain(&["10.10.10.10"]) {
        on_node(stage, node, &secrets);
    }
}

/// Every password of the inventory, and those that the story gave out.
pub(crate) fn all(stage: &Stage) -> BTreeSet<String> {
    let text = std::fs::read_to_string(stage.world.inventory()).expect("an inventory");
    let mut secrets: BTreeSet<String> = PASSWORDS.map(str::to_owned).into();
    for line in text.lines() {
        for key in ["password: ", "_password: "] {
            if let Some((_, rest)) = line.split_once(key) {
                let word: String = rest.chars().take_while(|c| !", }#".contains(*c)).collect();
                secrets.insert(word.trim_matches(['"', '\'']).to_owned());
            }
        }
    }
    secrets.retain(|secret| secret.len() > 8);
    secrets
}

fn in_journals(secrets: &BTreeSet<String>) {
    let state = std::env::var_os("STY_STATE_DIR").unwrap_or_else(|| "/var/lib/sty".into());
    let journals = std::path::Path::new(&state).join("journal");
    let mut count = 0;
    for entry in std::fs::read_dir(journals).expect("journals").flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        count += 1;
        let found = secrets.iter().any(|secret| text.contains(secret));
        assert!(!found, "a password is in {}", entry.path().display());
    }
    assert!(count > 0, "there are journals");
}

/// Logs hold no password and no stored secret; files that everybody can read hold no password.
/// Two that were put there show that the search finds what there is.
fn on_node(stage: &Stage, node: &str, secrets: &BTreeSet<String>) {
    let patterns: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let script = format!(
        "umask 077; cat > /root/patterns <<'END'\n{}\nEND\n\
         head -1 /root/patterns > /tmp/seen; chmod 644 /tmp/seen; \
         echo 'SCRAM-SHA-256$4096:x' > /var/log/seen; \
         find /etc /home /opt /root /run /srv /tmp /var /data /pg/ -xdev -type f -perm -o=r \
           -size -4096k -exec grep -lF -f /root/patterns {{}} + ; \
         echo 'SCRAM-SHA-256$' >> /root/patterns; \
         grep -rlF -f /root/patterns /pg/log /var/log; \
         journalctl --no-pager | grep -F -f /root/patterns; \
         rm /root/patterns /tmp/seen /var/log/seen",
        patterns.join("\n")
    );
    let ran = stage.world.on(node, &script);
    assert_eq!(
        ran.text(),
        "/tmp/seen\n/var/log/seen",
        "passwords are where they should not be, on {node}"
    );
}
