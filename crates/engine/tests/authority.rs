//! The certificate authority on disk, and its certificates in the eyes of OpenSSL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where they fail"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sty_engine::{Authority, AuthorityError, AuthorityOptions, Signer};
use sty_wire::protocol::Supply;
use sty_wire::resource::{Access, Certificate};
use tempfile::TempDir;

fn options() -> AuthorityOptions {
    AuthorityOptions {
        common_name: "pigsty-ca".into(),
        validity_days: 7300,
        create: true,
    }
}

fn wanted(authority: &Authority, names: &[&str]) -> Certificate {
    Certificate {
        cert_path: "/etc/etcd/server.crt".into(),
        key_path: Some("/etc/etcd/server.key".into()),
        access: Access::root(0o600),
        common_name: "etcd-1".into(),
        names: names.iter().map(ToString::to_string).collect(),
        validity_days: 7300,
        authority_sha256: authority.sha256().into(),
    }
}

fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl is installed");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn made_once_and_loaded_ever_after() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("files/pki/ca");
    let made = Authority::open(&directory, &options()).unwrap();
    let modes = ["", "ca.key", "ca.crt"].map(|name| mode(&directory.join(name)));
    assert_eq!(modes, [0o700, 0o600, 0o644]);
    let loaded = Authority::open(
        &directory,
        &AuthorityOptions {
            create: false,
            ..options()
        },
    )
    .unwrap();
    assert_eq!(made.sha256(), loaded.sha256());
    let fingerprint = openssl(&[
        "x509",
        "-noout",
        "-fingerprint",
        "-sha256",
        "-in",
        directory.join("ca.crt").to_str().unwrap(),
    ]);
    let fingerprint = fingerprint
        .trim()
        .rsplit('=')
        .next()
        .unwrap()
        .replace(':', "")
        .to_lowercase();
    assert_eq!(loaded.sha256(), fingerprint);
    // Nothing else is left beside it.
    assert_eq!(
        fs::read_dir(directory.parent().unwrap()).unwrap().count(),
        1
    );
}

#[test]
fn makers_at_the_same_time_agree() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("pki/ca");
    let all: BTreeSet<String> = std::thread::scope(|scope| {
        let make = || {
            Authority::open(&directory, &options())
                .unwrap()
                .sha256()
                .to_owned()
        };
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    });
    assert_eq!(all.len(), 1);
    assert_eq!(fs::read_dir(home.path().join("pki")).unwrap().count(), 1);
}

#[test]
fn leaves_satisfy_openssl() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("ca");
    let authority = Authority::open(&directory, &options()).unwrap();
    let certificate = wanted(
        &authority,
        &["etcd-1", "localhost", "*.pg.example", "10.10.10.10", "::1"],
    );
    let Supply::Certificate {
        certificate: pem,
        key,
    } = authority.sign(&certificate).unwrap();
    let (leaf, private, ca) = (
        home.path().join("leaf.crt"),
        home.path().join("leaf.key"),
        directory.join("ca.crt"),
    );
    fs::write(&leaf, &pem).unwrap();
    fs::write(&private, key.expose()).unwrap();
    let [leaf, private, ca] = [&leaf, &private, &ca].map(|path| path.to_str().unwrap());

    for purpose in ["sslserver", "sslclient"] {
        let checks = ["verify", "-x509_strict", "-CAfile", ca, "-purpose", purpose];
        let names = [
            "-verify_hostname",
            "db.pg.example",
            "-verify_ip",
            "10.10.10.10",
            leaf,
        ];
        let verdict = openssl(&[&checks[..], &names[..]].concat());
        assert!(verdict.trim().ends_with("leaf.crt: OK"), "{verdict}");
    }
    let text = openssl(&["x509", "-noout", "-text", "-in", leaf]);
    for part in [
        "CN = etcd-1",
        "CN = pigsty-ca",
        "prime256v1",
        "CA:FALSE",
        "IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // A year at most, whatever is asked for.
    let end = |seconds: &str| openssl(&["x509", "-noout", "-checkend", seconds, "-in", leaf]);
    assert!(end("31450000").contains("will not expire"));
    assert!(end("31536000").contains("will expire"));
    let of_key = openssl(&["pkey", "-pubout", "-in", private]);
    assert_eq!(openssl(&["x509", "-noout", "-pubkey", "-in", leaf]), of_key);
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 1);
    let Supply::Certificate { key: other, .. } = authority.sign(&certificate).unwrap();
    assert_ne!(&other, &key);
}

#[test]
fn an_authority_of_openssl_is_taken_over() {
    for algorithm in [
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        &["-newkey", "rsa:2048"],
    ] {
        let home = TempDir::new().unwrap();
        let path = |name: &str| home.path().join(name).display().to_string();
        let (key, certificate) = (path("ca.key"), path("ca.crt"));
        let rest = [
            "-nodes",
            "-subj",
            "/O=pigsty/OU=all/CN=pigsty-ca",
            "-days",
            "30",
        ];
        let files = ["-keyout", &key, "-out", &certificate];
        openssl(&[&["req", "-x509"], algorithm, &rest, &files].concat());
        let authority = Authority::open(home.path(), &options()).unwrap();
        let leaf = authority.sign(&wanted(&authority, &["10.0.0.1"])).unwrap();
        let Supply::Certificate {
            certificate: pem, ..
        } = leaf;
        fs::write(path("leaf.crt"), pem).unwrap();
        let verdict = openssl(&["verify", "-CAfile", &certificate, &path("leaf.crt")]);
        assert!(verdict.trim().ends_with("leaf.crt: OK"), "{verdict}");
        // Never beyond the authority's own end.
        let end = openssl(&[
            "x509",
            "-noout",
            "-checkend",
            "2595600",
            "-in",
            &path("leaf.crt"),
        ]);
        assert!(end.contains("will expire"), "{end}");
    }
}

#[test]
fn what_is_wrong_has_a_next_step() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("ca");
    let open = |create| {
        Authority::open(
            &directory,
            &AuthorityOptions {
                create,
                ..options()
            },
        )
    };
    let code = |create| open(create).unwrap_err().diagnostic().code;
    assert_eq!(code(false), "ca/missing");
    assert!(!directory.exists());

    open(true).unwrap();
    let (key, certificate) = (directory.join("ca.key"), directory.join("ca.crt"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(code(true), "ca/key-open");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let (text, pem) = (fs::read(&key).unwrap(), fs::read(&certificate).unwrap());
    fs::remove_file(&certificate).unwrap();
    assert!(
        matches!(open(true), Err(AuthorityError::Incomplete { missing, .. }) if missing == certificate)
    );
    fs::write(&certificate, "no certificate").unwrap();
    assert_eq!(code(true), "ca/invalid");

    fs::write(&certificate, &pem).unwrap();
    let other = home.path().join("other");
    Authority::open(&other, &options()).unwrap();
    fs::copy(other.join("ca.key"), &key).unwrap();
    assert_eq!(code(true), "ca/mismatch");
    fs::write(&key, text).unwrap();
    open(true).unwrap();
}

#[test]
fn signs_for_its_own_fleet_only() {
    let home = TempDir::new().unwrap();
    let authority = Authority::open(&home.path().join("ca"), &options()).unwrap();
    let mut certificate = wanted(&authority, &["10.0.0.1"]);
    certificate.authority_sha256 = "00".into();
    let refused = authority.sign(&certificate).unwrap_err().message;
    assert!(refused.contains("fault of `sty`"), "{refused}");
    let refused = authority
        .sign(&wanted(&authority, &["bücher"]))
        .unwrap_err()
        .message;
    assert!(refused.contains("`bücher` is neither"), "{refused}");
}

#[test]
fn derived_secrets_stay_and_differ() {
    let home = TempDir::new().unwrap();
    let open = |name: &str| Authority::open(&home.path().join(name), &options()).unwrap();
    let (one, again, other) = (open("one"), open("one"), open("other"));
    assert_eq!(
        one.derive("scram dbuser_app"),
        again.derive("scram dbuser_app")
    );
    assert_ne!(
        one.derive("scram dbuser_app"),
        one.derive("scram dbuser_web")
    );
    assert_ne!(
        one.derive("scram dbuser_app"),
        other.derive("scram dbuser_app")
    );
}
