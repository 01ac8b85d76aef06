//! The few OpenPGP forms that apt needs: a public key, and a text signed in the clear.
//!
//! Version 4 packets (RFC 4880) with Ed25519 as GnuPG and Sequoia read it. The signatures
//! themselves are made by the cryptographic library; this module only puts the packets together.
//! A full OpenPGP library would add 150 crates, GnuPG a package and a resident agent.
//! Pure: the key's bytes and every time come from the caller.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA512, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

const TAG_SIGNATURE: u8 = 2;
const TAG_PUBLIC_KEY: u8 = 6;
const TAG_USER_ID: u8 = 13;
const VERSION: u8 = 4;
const EDDSA: u8 = 22;
const SHA512_ID: u8 = 10;
/// Object identifier of Ed25519, with its length before it.
const CURVE: [u8; 10] = [9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
const SIGNS_TEXT: u8 = 0x01;
const CERTIFIES_USER: u8 = 0x13;
const LINE: usize = 64;

/// A signing key with the time it was made, which is part of its identity.
pub(crate) struct SigningKey<'a> {
    pub(crate) pair: &'a Ed25519KeyPair,
    /// Seconds since 1970.
    pub(crate) created: u32,
    /// `Name <address>` or just a name.
    pub(crate) user_id: &'a str,
}

impl SigningKey<'_> {
    /// The public key in binary form, with its user id and a signature over both.
    pub(crate) fn public(&self) -> Vec<u8> {
        let body = self.key_body();
        let mut signed = framed_key(&body);
        signed.push(0xb4);
        signed.extend(length4(self.user_id.len()));
        signed.extend(self.user_id.as_bytes());
        // May certify and sign.
        let flags: [u8; 3] = [2, 27, 0x03];
        let signature = self.signature(CERTIFIES_USER, self.created, &flags, &signed);
        let mut out = packet(TAG_PUBLIC_KEY, &body);
        out.extend(packet(TAG_USER_ID, self.user_id.as_bytes()));
        out.extend(packet(TAG_SIGNATURE, &signature));
        out
    }

    /// `text` with a signature below it. Its last line must end with a newline, and no line with
    /// a blank. `now` is in seconds since 1970.
    pub(crate) fn clear_sign(&self, text: &str, now: u32) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let signature = self.signature(SIGNS_TEXT, now, &[], lines.join("\r\n").as_bytes());
        let mut out = String::from("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n");
        for line in lines {
            if line.starts_with('-') {
                out.push_str("- ");
            }
            out.push_str(line);
            out.push('\n');
        }
        out.push_str("-----BEGIN PGP SIGNATURE-----\n\n");
        out.push_str(&base64_lines(&packet(TAG_SIGNATURE, &signature)));
        out.push_str("-----END PGP SIGNATURE-----\n");
        out
    }

    fn key_body(&self) -> Vec<u8> {
        let mut body = vec![VERSION];
        body.extend(self.created.to_be_bytes());
        body.push(EDDSA);
        body.extend(CURVE);
        let mut point = vec![0x40];
        point.extend(self.pair.public_key().as_ref());
        body.extend(integer(&point));
        body
    }

    fn fingerprint(&self) -> Vec<u8> {
        let framed = framed_key(&self.key_body());
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &framed).as_ref().to_vec()
    }

    /// Body of a signature packet over `data`.
    fn signature(&self, kind: u8, time: u32, subpackets: &[u8], data: &[u8]) -> Vec<u8> {
        let fingerprint = self.fingerprint();
        let mut hashed = vec![5, 2];
        hashed.extend(time.to_be_bytes());
        hashed.extend([22, 33, VERSION]);
        hashed.extend(&fingerprint);
        hashed.extend(subpackets);
        let mut body = vec![VERSION, kind, EDDSA, SHA512_ID];
        body.extend(length2(hashed.len()));
        body.extend(&hashed);

        let mut context = Context::new(&SHA512);
        context.update(data);
        context.update(&body);
        context.update(&[VERSION, 0xff]);
        context.update(&length4(body.len()));
        let hash = context.finish();
        let signature = self.pair.sign(hash.as_ref());
        let (r, s) = signature.as_ref().split_at(32);

        // Not hashed: the key's short id, for readers that look for it.
        body.extend([0, 10, 9, 16]);
        body.extend(&fingerprint[12..]);
        body.extend(&hash.as_ref()[..2]);
        body.extend(integer(r));
        body.extend(integer(s));
        body
    }
}

/// The key as it goes into fingerprints and certifications.
fn framed_key(body: &[u8]) -> Vec<u8> {
    let mut framed = vec![0x99];
    framed.extend(length2(body.len()));
    framed.extend(body);
    framed
}

/// A packet in the new format.
fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0 | tag];
    match u8::try_from(body.len()) {
        Ok(short) if short < 192 => out.push(short),
        _ => {
            out.push(0xff);
            out.extend(length4(body.len()));
        }
    }
    out.extend(body);
    out
}

/// A number of any size: its bits, then its bytes without leading zeros.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0);
    let bytes = &bytes[start.unwrap_or(bytes.len())..];
    let top = bytes
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    let mut out = length2(bytes.len() * 8 - top).to_vec();
    out.extend(bytes);
    out
}

/// Lengths here are far below the limit of their field.
fn length2(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

fn length4(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// Base64 in lines of 64 characters, each ended.
pub(crate) fn base64_lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_no_leading_zeros() {
        assert_eq!(integer(&[0, 0, 1]), [0, 1, 1]);
        assert_eq!(integer(&[0x40, 0]), [0, 15, 0x40, 0]);
        assert_eq!(integer(&[0]), [0, 0]);
    }

    #[test]
    fn packets_tell_their_length() {
        assert_eq!(packet(TAG_USER_ID, b"ab"), [0xcd, 2, b'a', b'b']);
        assert_eq!(
            packet(TAG_SIGNATURE, &[0; 200])[..6],
            [0xc2, 0xff, 0, 0, 0, 200]
        );
    }

    #[test]
    fn lines_that_begin_with_a_dash_are_escaped() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = SigningKey {
            pair: &pair,
            created: 1_700_000_000,
            user_id: "test",
        };
        let text = key.clear_sign("Origin: sty\n-x\n", 1_700_000_001);
        assert!(text.contains("\nOrigin: sty\n- -x\n-----BEGIN PGP SIGNATURE-----\n\n"));
        // The same input gives the same signature.
        assert_eq!(text, key.clear_sign("Origin: sty\n-x\n", 1_700_000_001));
    }
}
