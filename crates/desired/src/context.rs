//! What the desired state needs from outside the inventory.

use sty_catalog::Catalog;
use sty_core::Secret;

use crate::scram::Secrets;

/// Everything that comes from elsewhere: the catalogue, the authority, the package repository,
/// the fleet's own secret. Keep one for a whole run: it remembers what is costly to compute.
pub struct Context {
    /// Packages by role, operating system and PostgreSQL major.
    pub catalogue: &'static Catalog,
    /// The fleet's certificate authority.
    pub authority: Authority,
    /// Secret from which values that must be equal on every run are derived.
    pub fleet_secret: Secret<[u8; 32]>,
    /// Where nodes get packages from.
    pub packages: PackageSource,
    /// Password secrets computed so far.
    pub secrets: Secrets,
}

/// The certificate authority, as far as nodes know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Common name.
    pub name: String,
    /// Certificate, PEM.
    pub pem: String,
    /// SHA-256 of the certificate (DER), lower case hex.
    pub sha256: String,
}

/// The package repository, as far as nodes know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSource {
    /// Public key, ASCII armoured; goes to [`crate::REPOSITORY_KEY_PATH`].
    pub key: String,
    /// Text of the source (deb822, naming the key's path); goes to
    /// [`crate::REPOSITORY_SOURCE_PATH`].
    pub source: String,
}
