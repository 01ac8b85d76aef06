//! Leaf certificates: the node tells whether it has one that fits, the controller signs.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};
use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::protocol::Supply;
use sty_wire::resource::Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::{Pem, parse_x509_pem};
use x509_parser::prelude::X509Certificate;

use super::{access, atomic, drift, file};
use crate::context::Context;
use crate::program::hex;

/// Where the authority's certificate is on every node.
const AUTHORITY: &str = "/etc/pki/ca.crt";
/// How much longer than asked a certificate may live: signers set the start back a little.
const SPARE: Duration = Duration::from_secs(2 * 24 * 3600);
const DAY: u64 = 24 * 3600;

/// Judges certificate and key on this node.
pub(crate) fn observe(wanted: &Certificate, context: &Context) -> Result<Observation, Failure> {
    let accounts = context.accounts()?;
    let missing = file::parent_missing(Path::new(&wanted.cert_path));
    let ids = accounts.resolve(&wanted.access);
    if let Some(reason) = missing.or_else(|| ids.clone().err()) {
        paths(wanted).for_each(|path| context.mark_drifting(path));
        return Ok(Observation::Pending { reason });
    }
    let mut changes = judge(wanted, Path::new(AUTHORITY), SystemTime::now())?;
    if !changes.is_empty() {
        paths(wanted).for_each(|path| context.mark_drifting(path));
    }
    for path in paths(wanted).map(Path::new) {
        if let (Some(found), Ok(ids)) = (file::metadata(path)?, &ids) {
            changes.extend(access::compare(&found, &wanted.access, *ids, accounts));
        }
    }
    Ok(drift(changes, Risk::Safe))
}

/// Writes what the controller signed; when only owner or mode differ, sets those.
pub(crate) fn converge(
    wanted: &Certificate,
    context: &Context,
    supply: Option<&Supply>,
) -> Result<(), Failure> {
    let ids = context
        .accounts()?
        .resolve(&wanted.access)
        .map_err(Failure::message)?;
    let mode = wanted.access.mode;
    if judge(wanted, Path::new(AUTHORITY), SystemTime::now())?.is_empty() {
        for path in paths(wanted).map(Path::new) {
            access::set(path, ids, mode)
                .map_err(|error| atomic::unable("set owner and mode of", path, &error))?;
        }
        return Ok(());
    }
    let Some(Supply::Certificate { certificate, key }) = supply else {
        return Err(Failure::message("the controller sent no certificate"));
    };
    let write = |path: &str, text: &str| {
        atomic::replace(Path::new(path), text.as_bytes(), ids, mode, |_| Ok(()))
    };
    match &wanted.key_path {
        // Interrupted in between, the pair does not match, which the next look finds.
        Some(key_path) => {
            write(key_path, key.expose())?;
            write(&wanted.cert_path, certificate)
        }
        None => {
            let both = format!("{}\n{}", certificate.trim_end(), key.expose());
            write(&wanted.cert_path, &both)
        }
    }
}

/// Whom the certificate at `path` was made for.
pub(crate) fn common_name(path: &str) -> Option<String> {
    let pem = first_certificate(&read(path).ok()??)?;
    let found = pem.parse_x509().ok()?;
    let name = found.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}

fn paths(wanted: &Certificate) -> impl Iterator<Item = &str> {
    std::iter::once(wanted.cert_path.as_str()).chain(wanted.key_path.as_deref())
}

/// Why a new certificate is needed; empty when the one that is there fits.
fn judge(wanted: &Certificate, authority: &Path, now: SystemTime) -> Result<Vec<Change>, Failure> {
    let Some(text) = read(&wanted.cert_path)? else {
        return Ok(vec![replaced("none", wanted)]);
    };
    let Some(pem) = first_certificate(&text) else {
        return Ok(vec![replaced("not readable", wanted)]);
    };
    let Ok(found) = pem.parse_x509() else {
        return Ok(vec![replaced("not readable", wanted)]);
    };
    let key = match &wanted.key_path {
        Some(path) => read(path)?,
        None => Some(text.clone()),
    };
    let problems = [
        key_problem(&found, key.as_deref()),
        authority_problem(&found, wanted, authority)?,
        life_problem(&found, wanted, now),
    ];
    let mut problems: Vec<String> = problems.into_iter().flatten().collect();
    if problems.is_empty() {
        problems.extend(file_problem(&text, key.as_deref(), wanted));
    }
    let mut changes: Vec<Change> = problems
        .into_iter()
        .map(|problem| replaced(&problem, wanted))
        .collect();
    changes.extend(name_changes(&found, wanted));
    Ok(changes)
}

fn replaced(from: &str, wanted: &Certificate) -> Change {
    let to = format!("a new one for {} days", wanted.validity_days);
    Change::new("certificate", from, to)
}

fn read(path: &str) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // No PEM, and to be replaced.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(String::new())),
        Err(error) => Err(atomic::unable("read", Path::new(path), &error)),
    }
}

fn first_certificate(text: &str) -> Option<Pem> {
    let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
    (pem.label == "CERTIFICATE").then_some(pem)
}

/// Files that hold more than was written there.
fn file_problem(certificate: &str, key: Option<&str>, wanted: &Certificate) -> Option<String> {
    let as_written = match &wanted.key_path {
        Some(_) => {
            let key = key.is_none_or(|key| labels(key).as_deref() == Some(&["PRIVATE KEY"]));
            key && labels(certificate).as_deref() == Some(&["CERTIFICATE"])
        }
        None => labels(certificate).as_deref() == Some(&["CERTIFICATE", "PRIVATE KEY"]),
    };
    (!as_written).then(|| "in a file that somebody changed".to_owned())
}

/// Labels of the PEM blocks of a text; `None` where there is anything beside them.
fn labels(text: &str) -> Option<Vec<&str>> {
    let mut labels = Vec::new();
    let mut lines = text.lines().filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let label = line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        labels.push(label);
        lines.find(|line| line.starts_with("-----END "))?;
    }
    Some(labels)
}

fn key_problem(found: &X509Certificate<'_>, key: Option<&str>) -> Option<String> {
    let Some(key) = key else {
        return Some("without its key".to_owned());
    };
    let start = key.find("-----BEGIN PRIVATE KEY-----");
    let Some(Ok(pair)) = start.map(|start| KeyPair::from_pem(&key[start..])) else {
        return Some("with a key that cannot be read".to_owned());
    };
    (pair.subject_public_key_info() != found.public_key().raw).then(|| "not of its key".to_owned())
}

fn authority_problem(
    found: &X509Certificate<'_>,
    wanted: &Certificate,
    authority: &Path,
) -> Result<Option<String>, Failure> {
    let text = read(&authority.display().to_string())?;
    let Some(pem) = text.as_deref().and_then(first_certificate) else {
        return Ok(Some(format!(
            "not to be verified without {}",
            authority.display()
        )));
    };
    let Ok(issuer) = pem.parse_x509() else {
        return Ok(Some(format!(
            "not to be verified with {}",
            authority.display()
        )));
    };
    let is_wanted = hex(&Sha256::digest(&pem.contents)) == wanted.authority_sha256;
    let verifies = found.verify_signature(Some(issuer.public_key())).is_ok();
    Ok((!is_wanted || !verifies).then(|| "of another authority".to_owned()))
}

fn life_problem(
    found: &X509Certificate<'_>,
    wanted: &Certificate,
    now: SystemTime,
) -> Option<String> {
    let time = |seconds: i64| {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    let validity = found.validity();
    let start = time(validity.not_before.timestamp());
    let end = time(validity.not_after.timestamp());
    let life = end.duration_since(start).unwrap_or_default();
    let asked = Duration::from_secs(u64::from(wanted.validity_days) * DAY);
    if now < start {
        Some("not valid yet".to_owned())
    } else if now >= end {
        Some("expired".to_owned())
    } else if now >= start + life / 3 * 2 {
        let left = end.duration_since(now).unwrap_or_default();
        Some(format!(
            "in the last third of its life, {} days left",
            left.as_secs() / DAY
        ))
    } else if life > asked + SPARE {
        Some(format!("valid for {} days", life.as_secs() / DAY))
    } else {
        None
    }
}

fn name_changes(found: &X509Certificate<'_>, wanted: &Certificate) -> Vec<Change> {
    let mut changes = Vec::new();
    let common_name = found
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok())
        .unwrap_or_default();
    if common_name != wanted.common_name {
        changes.push(Change::new("common name", common_name, &wanted.common_name));
    }
    let names = names(found);
    if names != wanted.names {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        changes.push(Change::new("names", list(&names), list(&wanted.names)));
    }
    changes
}

fn names(found: &X509Certificate<'_>) -> BTreeSet<String> {
    let Ok(Some(extension)) = found.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => address(bytes),
        other => other.to_string(),
    };
    extension.value.general_names.iter().map(name).collect()
}

fn address(bytes: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        std::net::Ipv4Addr::from(v4).to_string()
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        std::net::Ipv6Addr::from(v6).to_string()
    } else {
        hex(bytes)
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
