//! What PostgreSQL stores of a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// How every secret for SCRAM begins.
pub(crate) const SCRAM: &str = "SCRAM-SHA-256$";

/// Whether PostgreSQL stores `text` as it is, `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`; what
/// only begins like that it takes for a password in plain text.
pub(crate) fn is_scram_secret(text: &str) -> bool {
    let is_key = |text: &str| BASE64.decode(text).is_ok_and(|key| key.len() == 32);
    let parts = || {
        let (head, keys) = text.strip_prefix(SCRAM)?.split_once('$')?;
        Some((head.split_once(':')?, keys.split_once(':')?))
    };
    parts().is_some_and(|((iterations, salt), (stored, server))| {
        iterations.parse::<u32>().is_ok()
            && BASE64.decode(salt).is_ok()
            && is_key(stored)
            && is_key(server)
    })
}

/// Whether this is what PostgreSQL stores of a password for md5.
pub(crate) fn is_md5_secret(text: &str) -> bool {
    let digest = text.strip_prefix("md5");
    digest.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether this is a stored secret already and not a password.
pub fn is_secret(text: &str) -> bool {
    is_scram_secret(text) || is_md5_secret(text)
}
