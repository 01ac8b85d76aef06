//! Passwords are where they belong and nowhere else.

use std::collections::BTreeSet;

use crate::stage::{NODES, PASSWORDS, Stage};

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
    let mut secrets = stage.world.secrets();
    secrets.extend(PASSWORDS.map(str::to_owned));
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
