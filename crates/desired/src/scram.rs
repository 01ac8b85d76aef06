//! Password secrets as PostgreSQL stores them, made so that every run gives the same one.
//!
//! The salt is derived from the fleet's secret and the role; therefore the pooler's user list and
//! `pg_authid` are equal by construction, a converged cluster has no drift, a standby cluster's
//! pooler knows what its upstream's catalogue holds, and a role that has the same password in two
//! clusters can be passed through from one to the other (foreign data wrappers do that).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};
use sty_core::Secret;
use sty_inventory::postgres::is_secret;

/// Rounds of the key derivation: PostgreSQL's own default.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;

type Key = (String, Secret<String>);

/// Secrets computed so far. Deriving one takes 8,192 hash rounds, so each is made once a run.
#[derive(Default)]
pub struct Secrets {
    known: Mutex<HashMap<Key, Secret<String>>>,
    left_out: bool,
}

impl Secrets {
    /// For desired states that no node will see, to count and list what there would be: a mark
    /// stands in place of every secret.
    pub fn left_out() -> Self {
        Self {
            left_out: true,
            ..Self::default()
        }
    }

    /// `SCRAM-SHA-256$...` of a role's password. A finished secret is given back as it is.
    pub fn scram(
        &self,
        fleet_secret: &Secret<[u8; 32]>,
        role: &str,
        password: &Secret<String>,
    ) -> Secret<String> {
        if is_secret(password.expose()) {
            return password.clone();
        }
        if self.left_out {
            return Secret::new("SCRAM-SHA-256$left out".to_owned());
        }
        let key = (role.to_owned(), password.clone());
        if let Some(secret) = self.lock().get(&key) {
            return secret.clone();
        }
        let salt = hmac(fleet_secret.expose(), format!("scram/{role}").as_bytes());
        let secret = Secret::new(scram(password.expose(), &salt[..SALT_BYTES]));
        self.lock().insert(key, secret.clone());
        secret
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Secret<String>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `md5...`: for clusters whose `pg_pwd_enc` says so.
pub(crate) fn md5_secret(role: &str, password: &str) -> String {
    format!("md5{}", hex(&Md5::digest(format!("{password}{role}"))))
}

/// HMAC-SHA256.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    keyed(key)
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// Lower case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::digest::KeyInit>::new(&key_block(key).into())
}

/// HMAC's rule for keys that are not one block long.
fn key_block(key: &[u8]) -> [u8; 64] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    block
}

fn scram(password: &str, salt: &[u8]) -> String {
    // Like PostgreSQL: a password that cannot be prepared is used as it is.
    let prepared = stringprep::saslprep(password).unwrap_or(password.into());
    let salted = salted_password(prepared.as_bytes(), salt);
    let stored_key = Sha256::digest(hmac(&salted, b"Client Key"));
    let server_key = hmac(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored_key),
        BASE64.encode(server_key)
    )
}

/// PBKDF2 with HMAC-SHA256, one block. The two halves of HMAC start from states that depend on the
/// password alone, and every message is one block long: a round is two compressions.
fn salted_password(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let mut round: [u8; 32] = keyed(password)
        .chain_update(salt)
        .chain_update(1_u32.to_be_bytes())
        .finalize()
        .into_bytes()
        .into();
    let key = key_block(password);
    let inner = state_after(&key.map(|byte| byte ^ 0x36));
    let outer = state_after(&key.map(|byte| byte ^ 0x5c));
    let mut result = round;
    for _ in 1..ITERATIONS {
        round = compress(outer, &compress(inner, &round));
        for (sum, byte) in result.iter_mut().zip(round) {
            *sum ^= byte;
        }
    }
    result
}

/// State of SHA-256 before anything, FIPS 180-4.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

fn state_after(block: &[u8; 64]) -> [u32; 8] {
    let mut state = INITIAL;
    sha2::compress256(&mut state, &[(*block).into()]);
    state
}

/// SHA-256 of one block that `state` has seen and these 32 bytes: 96 bytes, 768 bits.
fn compress(mut state: [u32; 8], message: &[u8; 32]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block[..32].copy_from_slice(message);
    block[32] = 0x80;
    block[62..].copy_from_slice(&768_u16.to_be_bytes());
    sha2::compress256(&mut state, &[block.into()]);
    let mut digest = [0_u8; 32];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::{BASE64, Secrets, is_secret, scram};
    use base64::Engine as _;
    use sty_core::Secret;

    /// The exchange of RFC 7677: password `pencil`, and what the server must answer to it.
    #[test]
    fn agrees_with_the_standard() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let secret = scram("pencil", &salt);
        assert_eq!(
            secret,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    /// PostgreSQL would take the rest for plain text, and the pooler for a secret.
    #[test]
    fn what_only_begins_like_a_secret_is_a_password() {
        let secret = scram("pencil", b"0123456789abcdef");
        assert!(is_secret(&secret));
        for broken in [
            &secret[..secret.len() - 1],
            "SCRAM-SHA-256$4096:AAAA",
            "SCRAM-SHA-256$",
        ] {
            assert!(!is_secret(broken), "{broken}");
        }
    }

    #[test]
    fn salt_depends_on_fleet_and_role_only() {
        let secrets = Secrets::default();
        let of = |fleet: u8, role: &str, password: &str| {
            let secret = secrets.scram(&Secret::new([fleet; 32]), role, &password.into());
            secret.expose().split('$').nth(1).unwrap().to_owned()
        };
        assert_eq!(of(7, "app", "one"), of(7, "app", "two"));
        assert_ne!(of(7, "app", "one"), of(7, "app2", "one"));
        assert_ne!(of(7, "app", "three"), of(8, "app", "four"));
    }

    /// 70 characters: longer than a block of HMAC.
    #[test]
    fn long_passwords_are_hashed_first() {
        let secret = scram(&"0123456789".repeat(7), b"0123456789abcdef");
        assert_eq!(
            secret,
            "SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$\
             Okwy5lJWJDJFWecnujwucnBmaVuseoeMtftvNaw6668=:\
             b7kWPyIx7XHPbbhy52K69cdNu9PnT+rBb+dQXDrQtBc="
        );
    }

    #[test]
    fn left_out_secrets_are_no_secrets() {
        let secret = Secrets::left_out().scram(&Secret::new([7; 32]), "r", &"p".into());
        assert!(!secret.expose().contains(':'));
    }

    #[test]
    fn finished_secrets_pass_through() {
        let secrets = Secrets::default();
        let fleet = Secret::new([7; 32]);
        let md5 = format!("md5{}", "0".repeat(32));
        assert_eq!(
            *secrets.scram(&fleet, "r", &md5.as_str().into()).expose(),
            md5
        );
    }
}
