//! The fleet's certificate authority, kept on the controller beside the inventory.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use sha2::{Digest, Sha256};
use sty_core::Secret;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::{Zeroize, Zeroizing};

use crate::authority_error::AuthorityError;

pub(crate) const KEY: &str = "ca.key";
pub(crate) const CERTIFICATE: &str = "ca.crt";

/// How to make an authority where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityOptions {
    /// Common name (`ca_cn`).
    pub common_name: String,
    /// Days of validity (`cert_validity`).
    pub validity_days: u32,
    /// Make one when there is none (`ca_create`).
    pub create: bool,
}

/// A loaded authority: signs certificates and derives secrets.
pub struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) not_after: OffsetDateTime,
    certificate_pem: String,
    sha256: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.sha256)
    }
}

impl Authority {
    /// Loads the authority in `directory`, or makes one (ECDSA P-256) where there is none and
    /// `options` allow it. Making is all or nothing, also beside another `sty` that does the same:
    /// the directory is filled under another name and then renamed.
    ///
    /// # Errors
    /// When files are missing, unreadable, open to others, or do not fit together.
    pub fn open(directory: &Path, options: &AuthorityOptions) -> Result<Self, AuthorityError> {
        let (key, certificate) = (directory.join(KEY), directory.join(CERTIFICATE));
        match (key.exists(), certificate.exists()) {
            (true, true) => {}
            (false, false) if options.create => create(directory, options)?,
            (false, false) => {
                return Err(AuthorityError::Missing {
                    directory: directory.to_owned(),
                });
            }
            (true, false) => return Err(incomplete(key, certificate)),
            (false, true) => return Err(incomplete(certificate, key)),
        }
        load(directory)
    }

    /// Certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// SHA-256 of the certificate (DER), lower case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// A secret of the fleet for one `purpose`: HMAC-SHA256 under the authority's private key.
    ///
    /// Salts of SCRAM verifiers come from it. They must be the same in every run, or each run
    /// would find every password changed; they must not be guessable from the inventory, or
    /// verifiers of one password could be prepared beforehand. The authority's key is the one
    /// secret that the controller keeps anyway, and one-way derivation tells nothing about it.
    pub fn derive(&self, purpose: &str) -> Secret<[u8; 32]> {
        let key = Zeroizing::new(self.issuer.key().serialize_der());
        // As HMAC wants it: hashed, because longer than a block, and filled up with zeros.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(&Sha256::digest(&*key));
        let mut mac = <Hmac<Sha256> as Mac>::new(&block);
        block.zeroize();
        mac.update(b"sty fleet secret, version 1\0");
        mac.update(purpose.as_bytes());
        Secret::new(mac.finalize().into_bytes().into())
    }
}

fn incomplete(present: PathBuf, missing: PathBuf) -> AuthorityError {
    AuthorityError::Incomplete { present, missing }
}

fn load(directory: &Path) -> Result<Authority, AuthorityError> {
    let (key_path, certificate_path) = (directory.join(KEY), directory.join(CERTIFICATE));
    let key_pem = Zeroizing::new(read_key(&key_path)?);
    let key = KeyPair::from_pem(&key_pem).map_err(|error| invalid(&key_path, error))?;
    let certificate_pem = std::fs::read_to_string(&certificate_path)
        .map_err(|error| file(&certificate_path, error))?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(certificate_pem.as_bytes())
        .map_err(|error| invalid(&certificate_path, error))?;
    let (_, parsed) = X509Certificate::from_der(&pem.contents)
        .map_err(|error| invalid(&certificate_path, error))?;
    if !parsed.is_ca() {
        return Err(invalid(&certificate_path, "it is not an authority's"));
    }
    if *parsed.public_key().subject_public_key.data != *key.der_bytes() {
        return Err(AuthorityError::Mismatch {
            directory: directory.to_owned(),
        });
    }
    let not_after = parsed.validity().not_after.to_datetime();
    if not_after <= OffsetDateTime::now_utc() {
        return Err(AuthorityError::Expired {
            path: certificate_path,
            at: not_after,
        });
    }
    let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)
        .map_err(|error| invalid(&certificate_path, error))?;
    Ok(Authority {
        issuer,
        not_after,
        sha256: format!("{:x}", Sha256::digest(&pem.contents)),
        certificate_pem,
    })
}

fn read_key(path: &Path) -> Result<String, AuthorityError> {
    let found = std::fs::metadata(path).map_err(|error| file(path, error))?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(AuthorityError::KeyOpen {
            path: path.to_owned(),
            mode,
        });
    }
    std::fs::read_to_string(path).map_err(|error| file(path, error))
}

fn create(directory: &Path, options: &AuthorityOptions) -> Result<(), AuthorityError> {
    let parent = directory.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(|error| file(parent, error))?;
    let new = tempfile::Builder::new()
        .prefix(".ca-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(|error| file(parent, error))?;
    fill(new.path(), options)?;
    match std::fs::rename(new.path(), directory) {
        Ok(()) => sync(parent).map_err(|error| file(parent, error)),
        // Another `sty` was faster: its authority is the fleet's.
        Err(_) if directory.join(KEY).exists() => Ok(()),
        Err(error) => Err(file(directory, error)),
    }
}

fn fill(directory: &Path, options: &AuthorityOptions) -> Result<(), AuthorityError> {
    let (key, certificate) = generate(options).map_err(|error| invalid(directory, error))?;
    let files = [
        (KEY, 0o600, key.as_bytes()),
        (CERTIFICATE, 0o644, certificate.as_bytes()),
    ];
    for (name, mode, text) in files {
        let path = directory.join(name);
        write(&path, mode, text).map_err(|error| file(&path, error))?;
    }
    sync(directory).map_err(|error| file(directory, error))
}

fn generate(options: &AuthorityOptions) -> Result<(Zeroizing<String>, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let now = OffsetDateTime::now_utc();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, options.common_name.as_str());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - Duration::HOUR;
    params.not_after = now + Duration::days(i64::from(options.validity_days));
    let certificate = params.self_signed(&key)?;
    Ok((Zeroizing::new(key.serialize_pem()), certificate.pem()))
}

fn write(path: &Path, mode: u32, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    // The mode given at creation is subject to the umask.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(text)?;
    file.sync_all()
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn file(path: &Path, source: io::Error) -> AuthorityError {
    AuthorityError::File {
        path: path.to_owned(),
        source,
    }
}

fn invalid(path: &Path, detail: impl ToString) -> AuthorityError {
    AuthorityError::Invalid {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}
