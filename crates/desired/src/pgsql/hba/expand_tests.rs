//! One rule in, its lines out.

use std::net::IpAddr;

use super::super::line::{Dialect, Line};
use super::{Places, expand};

fn places() -> Places {
    Places {
        infra: vec![IpAddr::from([10, 10, 10, 10])],
        cluster: vec![
            IpAddr::from([10, 10, 10, 11]),
            IpAddr::from([10, 10, 10, 12]),
        ],
        poolers: vec![
            IpAddr::from([10, 10, 10, 11]),
            IpAddr::from([10, 10, 10, 12]),
        ],
        admin: IpAddr::from([10, 10, 10, 9]),
        password_method: "scram-sha-256".into(),
    }
}

fn check(dialect: Dialect, address: &str, auth: &str) -> String {
    let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    match expand(
        &places(),
        dialect,
        &list("app"),
        &list("all"),
        &list(address),
        auth,
    ) {
        Ok(lines) => lines.iter().map(Line::text).collect(),
        Err(reason) => format!("error: {reason}"),
    }
}

#[test]
fn addresses() {
    let text: String = [
        "local",
        "localhost",
        "intra",
        "infra",
        "cluster",
        "admin",
        "world",
        "all",
        "1.2.3.4",
        "fd00::1",
        "172.17.0.0/16",
        "db.example.com",
        "cluster 10.10.10.11",
    ]
    .map(|address| format!("{address}:\n{}", check(Dialect::Postgres, address, "pwd")))
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn methods() {
    let text: String = [
        "pwd", "sha", "md5", "ssl", "ssl-sha", "ssl-md5", "cert", "os", "ident", "peer", "deny",
        "trust", "nonsense",
    ]
    .map(|auth| {
        format!(
            "{auth}:\n{}\n",
            check(Dialect::Postgres, "local 10.0.0.0/8", auth)
        )
    })
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn a_certificate_cannot_be_shown_over_the_socket() {
    let text = check(Dialect::Postgres, "local", "cert");
    assert!(text.starts_with("error:"), "{text}");
}

#[test]
fn the_pooler_does_not_ask_other_machines() {
    assert!(check(Dialect::PgBouncer, "local", "ident").contains("peer"));
    assert!(check(Dialect::PgBouncer, "intra", "ident").starts_with("error:"));
}
