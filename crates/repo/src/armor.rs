//! The public key as text, for files that hold text.

use crate::openpgp::base64_lines;
use crate::{Layout, RepoError};

/// The public key of a repository, ASCII armoured (RFC 9580, without the optional checksum).
/// Reads one file.
///
/// # Errors
/// There is no repository, or its key cannot be read.
pub fn public_key(layout: &Layout) -> Result<String, RepoError> {
    let path = layout.public_key();
    match std::fs::read(&path) {
        Ok(key) => Ok(armor(&key)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(RepoError::NotBuilt { path: layout.dir() })
        }
        Err(error) => Err(RepoError::io(&path)(error)),
    }
}

fn armor(key: &[u8]) -> String {
    let body = base64_lines(key);
    format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}-----END PGP PUBLIC KEY BLOCK-----\n")
}

#[cfg(test)]
mod tests {
    use super::armor;

    #[test]
    fn lines_are_short_and_nothing_is_lost() {
        let text = armor(&[0xc6; 100]);
        let body: Vec<&str> = text
            .lines()
            .skip(2)
            .take_while(|l| !l.starts_with('-'))
            .collect();
        assert_eq!(body.len(), 3);
        assert!(body.iter().all(|line| line.len() <= 64));
        assert_eq!(body.concat().len(), 136);
    }
}
