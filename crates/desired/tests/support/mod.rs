//! Inventories from files, facts of machines that do not exist, and resources as text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use sty_catalog::Catalog;
use sty_core::Secret;
use sty_desired::{Authority, Context, PackageSource, Secrets};
use sty_inventory::model::Inventory;
use sty_wire::facts::{Facts, Interface};
use sty_wire::resource::Resource;

/// Reads `tests/inventories/<case>.yml`.
pub(crate) fn inventory(case: &str) -> Inventory {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/inventories/{case}.yml"));
    let text = std::fs::read_to_string(&path).unwrap();
    parse(&text)
}

/// Reads an inventory that must be right.
pub(crate) fn parse(text: &str) -> Inventory {
    let loaded = sty_inventory::load("pigsty.yml", text, &|path| {
        Ok(format!("-- text of {path}\n"))
    });
    let diagnostics = &loaded.diagnostics;
    loaded
        .inventory
        .unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

/// What the desired state needs from outside.
pub(crate) fn context() -> Context {
    Context {
        catalogue: Catalog::builtin(),
        authority: Authority {
            name: "pigsty-ca".into(),
            pem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into(),
            sha256: "00".repeat(32),
        },
        fleet_secret: Secret::new([7; 32]),
        packages: PackageSource {
            key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n...\n".into(),
            source: "Types: deb\nURIs: http://10.10.10.1:8080/debian-13\nSuites: trixie\nComponents: main\n\
                     Signed-By: /etc/apt/keyrings/sty.asc\n"
                .into(),
        },
        secrets: Secrets::default(),
    }
}

/// Machines of 4 processors, 16 GiB, 200 GiB.
pub(crate) fn facts(inventory: &Inventory) -> BTreeMap<String, Facts> {
    let machine = |host: &String| Facts {
        hostname: host.clone(),
        os: "debian".into(),
        os_version: "13".into(),
        arch: "x86_64".into(),
        cpus: 4,
        memory_bytes: 16 << 30,
        data_disk_bytes: 200 << 30,
        virtualization: "kvm".into(),
        container: false,
        network_admin: true,
        open_files_limit: 524_288,
        interfaces: vec![Interface {
            name: "eth0".into(),
            addresses: vec![(inventory.nodes[host].address, 24)],
        }],
    };
    let hosts = inventory.nodes.keys();
    hosts.map(|host| (host.clone(), machine(host))).collect()
}

/// The desired state of one node, which must be without problems.
pub(crate) fn resources(inventory: &Inventory, host: &str) -> Vec<Resource> {
    let facts = facts(inventory);
    sty_desired::node(inventory, host, &facts, &context()).unwrap_or_else(|all| panic!("{all:#?}"))
}
