//! Access rules that let in more than anybody means to.

use sty_core::Diagnostic;

use super::{Scope, hba_text};
use crate::codes;
use crate::model::HbaKind;
use crate::source::Value;

/// Where a rule lets in from, and how.
struct Door {
    address: String,
    /// A secret of nobody is asked for.
    trust: bool,
    /// Passwords travel as they are, over connections that need not be encrypted.
    clear: bool,
}

/// Warns of what a rule opens; `what` names it.
pub(super) fn check(scope: &Scope<'_>, entry: &Value, kind: &HbaKind, what: &str) {
    for door in doors(kind) {
        if door.is_local() {
            continue;
        }
        let address = &door.address;
        let (message, label, help) = if door.trust {
            (
                format!("{what} lets everybody at `{address}` in without a password"),
                "`trust`",
                "ask for a password: `auth: ssl`, or `pwd` inside your own network",
            )
        } else if door.clear {
            (
                format!("{what} has passwords sent in clear from `{address}`"),
                "`password` without TLS",
                "use `auth: ssl`, or `pwd`, which never sends the password itself",
            )
        } else {
            continue;
        };
        let field = entry.get("auth").or(entry.get("rules")).unwrap_or(entry);
        let found = Diagnostic::warning(codes::HBA_OPEN, message.clone()).help(help);
        let found = scope.report.label(found, field.place, label);
        scope.report.once(field.place, &message, found);
    }
}

impl Door {
    /// Only for who is on the node already.
    fn is_local(&self) -> bool {
        let address = self.address.as_str();
        let first = address.split('/').next().unwrap_or_default();
        let loopback = first.parse::<std::net::IpAddr>();
        matches!(address, "local" | "localhost" | "samehost")
            || loopback.is_ok_and(|address| address.is_loopback())
    }
}

fn doors(kind: &HbaKind) -> Vec<Door> {
    match kind {
        HbaKind::Alias {
            addresses, auth, ..
        } => addresses
            .iter()
            .map(|address| Door {
                address: address.clone(),
                trust: auth == "trust",
                clear: auth == "password",
            })
            .collect(),
        HbaKind::Raw(lines) => lines.iter().filter_map(|line| raw(line)).collect(),
    }
}

/// What a raw line opens to the network.
fn raw(line: &str) -> Option<Door> {
    let words = hba_text::columns(line);
    let kind = *words.first()?;
    if !kind.starts_with("host") {
        return None;
    }
    let address = *words.get(3)?;
    let fourth = *words.get(4)?;
    // An address may have its mask behind it, as a word of its own.
    let mask = fourth.parse::<std::net::IpAddr>().is_ok();
    let method = if mask { *words.get(5)? } else { fourth };
    Some(Door {
        address: address.to_owned(),
        trust: method == "trust",
        clear: method == "password" && kind != "hostssl",
    })
}
