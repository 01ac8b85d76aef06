//! Public keys, as `authorized_keys` has them.

use super::Scope;
use crate::codes;

/// What keys of people are.
const TYPES: &[&str] = &[
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Checks `node_admin_pk_list`.
pub(super) fn check(scope: &Scope<'_>) {
    if !scope.bool("node_admin_enabled") {
        return;
    }
    for (place, line) in scope.written("node_admin_pk_list") {
        let line = line.trim();
        if line.contains("PRIVATE KEY") {
            scope.report.error_once(
                codes::VALUE,
                place,
                "a key of `node_admin_pk_list` is a private one",
                "nobody else may see it",
                "write the line of the `.pub` file beside it; this one is known now: make a new pair",
            );
        } else if !is_key(line) {
            scope.report.error_once(
                codes::VALUE,
                place,
                "a key of `node_admin_pk_list` is no public key of OpenSSH",
                "not a type and a key",
                "write the line of a `.pub` file, such as `ssh-ed25519 AAAA... ada@laptop`",
            );
        }
    }
}

/// Whether a line has a type and a key of that type, with or without options before them.
fn is_key(line: &str) -> bool {
    if line.contains(['\n', '\r']) {
        return false;
    }
    let starts = after_blanks(line);
    starts.into_iter().any(|rest| {
        let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
        let (kind, key) = (words.next(), words.next());
        let known = TYPES.iter().find(|known| kind == Some(**known));
        known.zip(key).is_some_and(|(kind, key)| holds(key, kind))
    })
}

/// The line, and what follows its options: a blank ends them that is not in quotes.
fn after_blanks(line: &str) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    let end = line.find(|one: char| {
        quoted ^= one == '"' && !escaped;
        escaped = one == '\\' && !escaped;
        !quoted && (one == ' ' || one == '\t')
    });
    let rest = end.map(|end| line[end..].trim_start());
    std::iter::once(line).chain(rest).collect()
}

/// Whether Base64 text begins with the length of `kind` and `kind`, and goes on.
fn holds(key: &str, kind: &str) -> bool {
    let Some(bytes) = decode(key) else {
        return false;
    };
    let length = u32::try_from(kind.len()).unwrap_or_default().to_be_bytes();
    let rest = bytes
        .strip_prefix(&length)
        .and_then(|rest| rest.strip_prefix(kind.as_bytes()));
    rest.is_some_and(|rest| rest.len() >= 32)
}

/// The bytes of padded Base64.
fn decode(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let mut rest: u32 = 0;
    for (index, digit) in digits.chars().enumerate() {
        rest = rest << 6 | u32::try_from(DIGITS.find(digit)?).ok()?;
        if index % 4 > 0 {
            let [.., low] = (rest >> (6 - index % 4 * 2)).to_be_bytes();
            bytes.push(low);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, is_key};

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGw0uRrbW1kbW1kbW1kbW1kbW1kbW1kbW1kbW1kbW1kb";

    #[test]
    fn keys() {
        for good in [
            KEY.to_owned(),
            format!("{KEY} ada@laptop and more"),
            format!("from=\"10.0.0.0/8\",command=\"echo \\\"a b\\\"\" {KEY}"),
            format!("no-pty  {KEY}"),
        ] {
            assert!(is_key(&good), "{good}");
        }
        for bad in [
            "hello".to_owned(),
            "ssh-ed25519".to_owned(),
            "ssh-ed25519 AAAA".to_owned(),
            KEY.replace("ssh-ed25519", "ssh-rsa"),
            format!("a b {KEY}"),
            KEY[..KEY.len() - 3].to_owned(),
            KEY[12..].to_owned(),
        ] {
            assert!(!is_key(&bad), "{bad}");
        }
    }

    #[test]
    fn base64() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decode("Zm9"), None);
        assert_eq!(decode("Z!=="), None);
    }
}
