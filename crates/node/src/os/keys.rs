//! Public keys that may log in.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, directory, drift, file};
use crate::accounts::Account;
use crate::context::Context;

/// Nobody else may read or change who logs in.
const MODE: u32 = 0o600;

/// Compares keys by type and material; their comments do not matter.
pub(crate) fn observe(
    user: &str,
    keys: &[String],
    context: &Context,
) -> Result<Observation, Failure> {
    let Some(account) = context.accounts()?.users.get(user) else {
        let reason = format!("user `{user}` does not exist");
        return Ok(Observation::Pending { reason });
    };
    let text = read(account)?;
    let change = |key: &String| Change {
        what: "key".to_owned(),
        from: None,
        to: Some(shown(key)),
        ..Change::default()
    };
    let mut changes: Vec<Change> = missing(&text, keys).into_iter().map(change).collect();
    let path = path(account);
    if let Some(found) = file::metadata(&path)? {
        let mode = found.mode() & 0o7777;
        if mode != MODE {
            let (from, to) = (format!("{mode:04o}"), format!("{MODE:04o}"));
            changes.push(Change::new(format!("mode of {}", path.display()), from, to));
        }
    }
    Ok(drift(changes, Risk::Safe))
}

/// Adds the keys that are missing; the others stay.
pub(crate) fn converge(user: &str, keys: &[String], context: &Context) -> Result<(), Failure> {
    let account = context
        .accounts()?
        .users
        .get(user)
        .ok_or_else(|| Failure::message(format!("user `{user}` does not exist")))?;
    let mut text = read(account)?;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for key in missing(&text.clone(), keys) {
        text.push_str(key.trim());
        text.push('\n');
    }
    let ids = (account.uid, account.gid);
    let path = path(account);
    if let Some(parent) = path.parent() {
        directory::make(parent, ids, 0o700)?;
    }
    atomic::replace(&path, text.as_bytes(), ids, MODE, |_| Ok(()))
}

fn path(account: &Account) -> PathBuf {
    PathBuf::from(&account.home).join(".ssh/authorized_keys")
}

fn read(account: &Account) -> Result<String, Failure> {
    let path = path(account);
    // Through a link, an account could have any file copied into its own.
    for path in path.ancestors().take(2) {
        if file::metadata(path)?.is_some_and(|found| found.is_symlink()) {
            let message = format!("{} is a link; it is not followed", path.display());
            return Err(Failure::message(message));
        }
    }
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(atomic::unable("read", &path, &error)),
    }
}

fn missing<'a>(text: &str, keys: &'a [String]) -> Vec<&'a String> {
    let found: Vec<_> = text.lines().filter_map(material).collect();
    let is_missing = |key: &&String| match material(key) {
        Some(wanted) => !found.contains(&wanted),
        None => false,
    };
    keys.iter().filter(is_missing).collect()
}

/// Type and base64 text of a key, whatever options stand before it.
fn material(line: &str) -> Option<(&str, &str)> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_type = |word: &&str| {
        ["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|start| word.starts_with(start))
    };
    let at = words.iter().position(is_type)?;
    Some((words[at], words.get(at + 1)?))
}

/// Type and comment: enough to know it by.
fn shown(key: &str) -> String {
    let words: Vec<&str> = key.split_whitespace().collect();
    match words.as_slice() {
        [kind, _, comment @ ..] if !comment.is_empty() => format!("{kind} {}", comment.join(" ")),
        [kind, material, ..] => format!("{kind} {}", material.get(..24).unwrap_or(material)),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_material() {
        let text = "# old\nrestrict,pty ssh-ed25519 AAAA first@desk\n";
        let keys = [
            "ssh-ed25519 AAAA other comment".to_owned(),
            "ssh-ed25519 BBBB second@desk".to_owned(),
        ];
        assert_eq!(missing(text, &keys), [&keys[1]]);
        assert_eq!(shown(&keys[1]), "ssh-ed25519 second@desk");
    }
}
