//! Every file and resource of the nodes of a few inventories.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fmt::Write as _;

use sty_wire::resource::{Resource, ResourceKind};
use support::{inventory, resources};

/// One snapshot for each node named.
fn check(case: &str, hosts: &[&str]) {
    let inventory = inventory(case);
    for host in hosts {
        insta::assert_snapshot!(format!("{case}@{host}"), text(&resources(&inventory, host)));
    }
}

#[test]
fn meta() {
    check("meta", &["10.10.10.10"]);
}

#[test]
fn full() {
    check("full", &["10.10.10.10", "10.10.10.11", "10.10.10.13"]);
}

#[test]
fn crit() {
    check("crit", &["10.10.10.21"]);
}

#[test]
fn standby() {
    check("standby", &["10.10.10.11", "10.10.10.12"]);
}

#[test]
fn hba() {
    check("hba", &["10.10.10.11", "10.10.10.12"]);
}

/// Resources as people read them: files with their text, the rest as JSON. Secrets in full: the
/// passwords of test inventories are none.
fn text(resources: &[Resource]) -> String {
    let mut out = String::new();
    for resource in resources {
        let stage = serde_json::to_value(resource.stage).unwrap();
        let cluster = resource.cluster.as_deref().unwrap_or("-");
        let stage = stage.as_str().unwrap();
        writeln!(out, "=== {stage} {cluster} {}", resource.id).unwrap();
        match &resource.kind {
            ResourceKind::File(file) | ResourceKind::Authority { file, .. } => {
                let access = &file.access;
                writeln!(
                    out,
                    "{}:{} {:o} secret={} check={:?}\n{}",
                    access.owner,
                    access.group,
                    access.mode,
                    file.secret,
                    file.check,
                    file.content.expose()
                )
                .unwrap();
            }
            kind => {
                let mut json = serde_json::to_value(kind).unwrap();
                if let Some(map) = json.as_object_mut() {
                    map.remove("type");
                }
                writeln!(out, "{json}").unwrap();
            }
        }
    }
    out
}
