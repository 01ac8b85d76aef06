//! The certificate of the fleet's authority.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};
use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::File;
use x509_parser::pem::parse_x509_pem;

use super::{atomic, file};
use crate::context::Context;
use crate::program::hex;

/// Compares like any file; where a certificate of another key is trusted, whatever was made by
/// that key is lost with it.
pub(crate) fn observe(wanted: &File, context: &Context) -> Result<Observation, Failure> {
    let observation = file::observe(wanted, context)?;
    let path = Path::new(&wanted.path);
    let found = match fs::read(path) {
        Ok(bytes) => key(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(atomic::unable("read", path, &error)),
    };
    let coming = key(wanted.content.expose().as_bytes());
    Ok(match (found, coming) {
        (Some(found), Some(coming)) if found != coming => Observation::Drift {
            changes: vec![Change::new("public key", found, coming)],
            risk: Risk::Destroy,
        },
        _ => observation,
    })
}

/// SHA-256 of the public key in a certificate; `None` for what is none.
fn key(pem: &[u8]) -> Option<String> {
    let (_, pem) = parse_x509_pem(pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    Some(hex(&Sha256::digest(certificate.public_key().raw)))
}
