//! Certificates: the authority's on every node, and one for each kind of service.

use std::collections::BTreeSet;

use sty_core::Secret;
use sty_wire::resource::{Access, Certificate, File, Module, ResourceKind, Stage};

use crate::build::{Desired, Group, file_id};
use crate::view::{Member, View};

/// The authority's certificate on every node.
pub(crate) const CA_PATH: &str = "/etc/pki/ca.crt";
/// Days that a leaf certificate is good for.
const VALIDITY_DAYS: u32 = 365;

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let mut group = desired.group(Module::Node, Stage::Config, None);
    group.directory("/etc/pki", Access::root(0o755));
    let authority = &view.context.authority;
    group.push(
        file_id(CA_PATH),
        ResourceKind::Authority {
            name: authority.name.clone(),
            file: File {
                path: CA_PATH.to_owned(),
                content: Secret::new(authority.pem.clone()),
                secret: false,
                access: Access::root(0o644),
                check: None,
            },
        },
    );
}

/// A certificate to be made; the node's address and the loopback names are added. Not its name,
/// which changes with the cluster that it belongs to.
pub(crate) struct Leaf<'a> {
    pub(crate) cert_path: &'a str,
    /// `None`: one file with certificate and key.
    pub(crate) key_path: Option<&'a str>,
    pub(crate) owner: &'a str,
    pub(crate) common_name: &'a str,
    pub(crate) names: Vec<String>,
}

/// Adds a certificate.
pub(crate) fn certificate(view: &View<'_>, group: &mut Group<'_>, leaf: Leaf<'_>) {
    let mut names: BTreeSet<String> = leaf.names.into_iter().collect();
    names.extend([
        view.node.address.to_string(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
    ]);
    group.push(
        format!("certificate:{}", leaf.cert_path),
        ResourceKind::Certificate(Certificate {
            cert_path: leaf.cert_path.to_owned(),
            key_path: leaf.key_path.map(str::to_owned),
            access: Access::new(leaf.owner, leaf.owner, 0o600),
            common_name: leaf.common_name.to_owned(),
            names,
            validity_days: VALIDITY_DAYS,
            authority_sha256: view.context.authority.sha256.clone(),
        }),
    );
}

/// Names by which clients reach a PostgreSQL instance: its node's, its own, its cluster's, virtual
/// IPs.
pub(crate) fn postgres_names(view: &View<'_>, member: Member<'_>) -> Vec<String> {
    let mut names = vec![
        view.node.name.clone(),
        member.instance.name.clone(),
        member.cluster.name.clone(),
    ];
    let vips = member
        .cluster
        .vip
        .iter()
        .map(|vip| &vip.address)
        .chain(view.node.vip.iter().map(|vip| &vip.address));
    names.extend(vips.map(|address| without_prefix(address).to_owned()));
    names
}

/// `10.10.10.3` of `10.10.10.3/24`.
pub(crate) fn without_prefix(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}
