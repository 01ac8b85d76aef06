//! The repository's own signing key: made once, kept private beside the repository.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use crate::openpgp::SigningKey;
use crate::{Layout, RepoError, disk};

const USER_ID: &str = "sty package repository";

/// The key of one repository.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    created: u32,
}

impl Key {
    /// Reads the key, or makes it where there is none yet.
    pub(crate) fn ensure(layout: &Layout) -> Result<Self, RepoError> {
        let path = layout.signing_key();
        if let Some(text) = disk::read_if_there(&path)? {
            return Self::parse(&text).ok_or_else(|| RepoError::Damaged {
                path,
                reason: "not a signing key".to_owned(),
            });
        }
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|error| unusable(&error.to_string()))?;
        let created = now()?;
        let text = format!(
            "created: {created}\npkcs8: {}\n",
            disk::hex_bytes(document.as_ref())
        );
        disk::write_private(&path, text.as_bytes())?;
        Self::parse(&text).ok_or_else(|| unusable("the new key cannot be read"))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let created = field("created: ")?.parse().ok()?;
        let document = disk::unhex(field("pkcs8: ")?)?;
        let pair = Ed25519KeyPair::from_pkcs8(&document).ok()?;
        Some(Self { pair, created })
    }

    fn signing(&self) -> SigningKey<'_> {
        SigningKey {
            pair: &self.pair,
            created: self.created,
            user_id: USER_ID,
        }
    }

    /// The public key, for nodes.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.signing().public()
    }

    /// `text` with its signature.
    pub(crate) fn clear_sign(&self, text: &str) -> Result<String, RepoError> {
        Ok(self.signing().clear_sign(text, now()?))
    }
}

fn now() -> Result<u32, RepoError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since
        .ok()
        .and_then(|since| u32::try_from(since.as_secs()).ok());
    seconds.ok_or_else(|| unusable("the clock of this machine is not set"))
}

fn unusable(reason: &str) -> RepoError {
    RepoError::Key {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path(), "debian-13");
        disk::make_dir(&layout.dir()).unwrap();
        let first = Key::ensure(&layout).unwrap().public();
        assert_eq!(Key::ensure(&layout).unwrap().public(), first);
        let mode = fs::metadata(layout.signing_key())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(layout.signing_key(), "nonsense").unwrap();
        assert!(matches!(
            Key::ensure(&layout),
            Err(RepoError::Damaged { .. })
        ));
    }
}
