//! What can be wrong with the certificate authority.

use std::io;
use std::path::PathBuf;

use sty_core::Diagnostic;
use time::OffsetDateTime;

use crate::authority::{CERTIFICATE, KEY};

/// The authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// There is none, and none may be made.
    #[error("there is no certificate authority in `{}`, and `ca_create` is off", .directory.display())]
    Missing {
        /// Where it should be.
        directory: PathBuf,
    },
    /// Half of it is there.
    #[error("the certificate authority is incomplete: `{}` is there, `{}` is not", .present.display(), .missing.display())]
    Incomplete {
        /// What is there.
        present: PathBuf,
        /// What is not.
        missing: PathBuf,
    },
    /// Others may read the private key.
    #[error("the authority's private key `{}` can be read by others (mode {mode:04o})", .path.display())]
    KeyOpen {
        /// Key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Key and certificate do not belong together.
    #[error("the private key `{KEY}` does not belong to the certificate `{CERTIFICATE}` in `{}`", .directory.display())]
    Mismatch {
        /// Where they are.
        directory: PathBuf,
    },
    /// It is over.
    #[error("the certificate authority `{}` expired at {at}", .path.display())]
    Expired {
        /// Certificate file.
        path: PathBuf,
        /// When.
        at: OffsetDateTime,
    },
    /// A file is not what it should be.
    #[error("`{}` cannot be used: {detail}", .path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A file cannot be read or written.
    #[error("`{}`: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl AuthorityError {
    /// The problem with its code and the next step.
    pub fn diagnostic(&self) -> Diagnostic {
        let (code, help) = match self {
            Self::Missing { .. } => (
                "ca/missing",
                "put `ca.key` and `ca.crt` there, or set `ca_create: true`".to_owned(),
            ),
            Self::Incomplete { .. } => (
                "ca/incomplete",
                "restore the missing file from a backup; without one, remove the other, and \
                 `apply` makes a new authority and new certificates for every node"
                    .to_owned(),
            ),
            Self::KeyOpen { path, .. } => {
                ("ca/key-open", format!("run `chmod 600 {}`", path.display()))
            }
            Self::Mismatch { .. } => ("ca/mismatch", "restore the pair from a backup".to_owned()),
            Self::Expired { .. } => (
                "ca/expired",
                "move the directory away; `apply` makes a new authority and new certificates for \
                 every node"
                    .to_owned(),
            ),
            Self::Invalid { .. } => (
                "ca/invalid",
                "the key must be PKCS #8 in PEM (`openssl pkcs8 -topk8 -nocrypt`), the \
                 certificate X.509 in PEM with `CA:TRUE`"
                    .to_owned(),
            ),
            Self::File { .. } => (
                "ca/file",
                "check owner and mode of the directory".to_owned(),
            ),
        };
        Diagnostic::error(code, self.to_string()).help(help)
    }
}
