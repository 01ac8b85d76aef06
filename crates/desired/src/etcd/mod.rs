//! etcd: a member, its unit and environment, and the users of the PostgreSQL clusters.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sty_core::Secret;
use sty_inventory::model::{self, EtcdCluster, PgCluster};
use sty_wire::resource::{
    Access, EtcdAccess, EtcdAuth, EtcdMember, EtcdScope, Module, ResourceKind, Stage,
};

use crate::build::Desired;
use crate::node::open_files;
use crate::pki::{self, CA_PATH, Leaf};
use crate::render::{render, values};
use crate::scram;
use crate::view::{View, endpoint};

pub(crate) const UNIT: &str = "etcd.service";
pub(crate) const UNIT_PATH: &str = "/etc/systemd/system/etcd.service";
pub(crate) const DIRECTORY: &str = "/etc/etcd";
const ENVIRONMENT_PATH: &str = "/etc/etcd/etcd.env";
const JOIN_PATH: &str = "/etc/etcd/join.env";
const CERT_PATH: &str = "/etc/etcd/server.crt";
const KEY_PATH: &str = "/etc/etcd/server.key";
const OWNER: &str = "etcd";

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let Some((etcd, member)) = view.etcd else {
        return;
    };
    files(view, desired, etcd, member);
    let access = access(etcd, Some(member.address));
    desired
        .group(Module::Etcd, Stage::Etcd, Some(&etcd.name))
        .push(
            format!("etcd-member:{}", member.name),
            ResourceKind::EtcdMember(EtcdMember {
                name: member.name.clone(),
                peer_url: url(member.address, etcd.peer_port),
                client_url: url(member.address, etcd.client_port),
                cluster: peers(etcd),
                token: etcd.name.clone(),
                data: etcd.data.clone(),
                join_path: JOIN_PATH.to_owned(),
                access: access.clone(),
                unit: UNIT.to_owned(),
                restart_on: vec![ENVIRONMENT_PATH.to_owned(), UNIT_PATH.to_owned()],
            }),
        );
    let scopes = view.inventory.clusters.values();
    desired
        .group(Module::Etcd, Stage::EtcdAuth, Some(&etcd.name))
        .push(
            format!("etcd-auth:{}", etcd.name),
            ResourceKind::EtcdAuth(EtcdAuth {
                access,
                scopes: scopes.map(|cluster| scope(etcd, cluster)).collect(),
            }),
        );
}

fn files(view: &View<'_>, desired: &mut Desired, etcd: &EtcdCluster, member: &model::EtcdMember) {
    let environment = render(
        "etcd.env",
        values! {
            managed => view.managed(),
            name => member.name,
            data => etcd.data,
            token => etcd.name,
            peer_url => url(member.address, etcd.peer_port),
            client_url => url(member.address, etcd.client_port),
            local_url => format!("https://127.0.0.1:{}", etcd.client_port),
            heartbeat => etcd.heartbeat_interval_ms,
            election => etcd.election_timeout_ms,
            cert => CERT_PATH,
            key => KEY_PATH,
            ca => CA_PATH,
        },
    );
    let unit = render(
        "etcd.service",
        values! {
            managed => view.managed(),
            environment => ENVIRONMENT_PATH,
            join => JOIN_PATH,
            open_files => open_files(view).min(65_536),
        },
    );
    let (Some(environment), Some(unit)) = (desired.take(environment), desired.take(unit)) else {
        return;
    };
    let mut group = desired.group(Module::Etcd, Stage::Config, Some(&etcd.name));
    group.directory(DIRECTORY, Access::root(0o755));
    group.directory(&etcd.data, Access::new(OWNER, OWNER, 0o700));
    pki::certificate(
        view,
        &mut group,
        Leaf {
            cert_path: CERT_PATH,
            key_path: Some(KEY_PATH),
            owner: OWNER,
            common_name: &member.name,
            names: vec![member.name.clone(), member.address.to_string()],
        },
    );
    group.file(ENVIRONMENT_PATH, environment, Access::root(0o644));
    group.file(UNIT_PATH, unit, Access::root(0o644));
}

/// How to reach etcd as root; the member at `own` comes first.
pub(crate) fn access(etcd: &EtcdCluster, own: Option<IpAddr>) -> EtcdAccess {
    EtcdAccess {
        endpoints: client_urls(etcd, own),
        ca_path: CA_PATH.to_owned(),
        root_password: etcd.root_password.clone(),
    }
}

/// Client URLs of all members; the member at `own` comes first.
pub(crate) fn client_urls(etcd: &EtcdCluster, own: Option<IpAddr>) -> Vec<String> {
    let mut members: Vec<&model::EtcdMember> = etcd.members.iter().collect();
    members.sort_by_key(|member| Some(member.address) != own);
    members
        .iter()
        .map(|member| url(member.address, etcd.client_port))
        .collect()
}

/// Addresses of all members.
pub(crate) fn addresses(etcd: &EtcdCluster) -> BTreeSet<String> {
    let members = etcd.members.iter();
    members.map(|member| member.address.to_string()).collect()
}

fn peers(etcd: &EtcdCluster) -> BTreeMap<String, String> {
    etcd.members
        .iter()
        .map(|member| (member.name.clone(), url(member.address, etcd.peer_port)))
        .collect()
}

fn url(address: IpAddr, port: u16) -> String {
    format!("https://{}", endpoint(address, port))
}

/// The user, role and prefix of a PostgreSQL cluster.
pub(crate) fn scope(etcd: &EtcdCluster, cluster: &PgCluster) -> EtcdScope {
    EtcdScope {
        user: cluster.name.clone(),
        password: password(etcd, cluster),
        prefix: prefix(cluster),
    }
}

/// Keys of a cluster. Ends in a slash: `pg-test` shall not reach `pg-test2`.
pub(crate) fn prefix(cluster: &PgCluster) -> String {
    format!("{}{}/", namespace(cluster), cluster.name)
}

/// What keys of a cluster begin with, as Patroni is told: its own name follows.
pub(crate) fn namespace(cluster: &PgCluster) -> String {
    format!("/{}/", cluster.settings.namespace.trim_matches('/'))
}

/// Given, or derived from root's: known to whoever may know all, and to nobody else.
fn password(etcd: &EtcdCluster, cluster: &PgCluster) -> Secret<String> {
    cluster.settings.etcd_password.clone().unwrap_or_else(|| {
        let key = etcd.root_password.expose().as_bytes();
        let message = format!("pg/{}", cluster.name);
        Secret::new(scram::hex(&scram::hmac(key, message.as_bytes())))
    })
}
