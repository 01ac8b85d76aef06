//! Virtual IP addresses, by keepalived: one that follows the primary, one for a group of nodes.

use std::net::IpAddr;

use serde::Serialize;
use sty_core::{Diagnostic, Secret};
use sty_inventory::model::{NodeVip, PgVip};
use sty_wire::resource::{Access, FileCheck, Module, Stage};

use crate::build::Desired;
use crate::pki::{CA_PATH, without_prefix};
use crate::render::{render, values};
use crate::view::{Member, View, endpoint};

/// keepalived's unit.
pub(crate) const UNIT: &str = "keepalived.service";
/// Its configuration.
pub(crate) const CONFIG: &str = "/etc/keepalived/keepalived.conf";

/// One `vrrp_instance`.
#[derive(Serialize)]
struct Instance {
    name: &'static str,
    address: String,
    interface: String,
    vrid: u8,
    priority: u8,
    preempt: bool,
    own: IpAddr,
    peers: Vec<IpAddr>,
    auth: Option<String>,
    /// Command that must succeed for the address to be here.
    check: Option<String>,
}

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let postgres = view
        .postgres
        .and_then(|member| Some((member, member.cluster.vip.as_ref()?)));
    let mut instances = Vec::new();
    if let Some((member, vip)) = postgres {
        instances.extend(desired.take(of_primary(view, member, vip)));
    }
    if let Some(vip) = &view.node.vip {
        instances.extend(desired.take(of_nodes(view, vip)));
    }
    if postgres.is_none() && view.node.vip.is_none() {
        let mut group = desired.group(Module::Node, Stage::Services, None);
        return group.retired(UNIT, CONFIG, &[]);
    }
    if instances.is_empty() {
        return;
    }
    keep_apart(&mut instances);
    let text = render(
        "keepalived.conf",
        values! {
            managed => view.managed(),
            node => view.node.name,
            instances => instances,
        },
    );
    let Some(text) = desired.take(text) else {
        return;
    };
    let mut group = desired.group(Module::Node, Stage::Config, None);
    group.directory("/etc/keepalived", Access::root(0o755));
    let secret = instances.iter().any(|one| one.auth.is_some());
    group.checked(
        CONFIG,
        text,
        Access::root(0o600),
        secret,
        FileCheck::Keepalived,
    );
    desired
        .group(Module::Node, Stage::Services, None)
        .running(UNIT, &[CONFIG], &[]);
}

/// The address is where Patroni says it is the primary, and nowhere else: all members wait with
/// equal rights, and the check decides.
fn of_primary(view: &View<'_>, member: Member<'_>, vip: &PgVip) -> Result<Instance, Diagnostic> {
    let settings = &member.cluster.settings;
    let own = member.instance.address;
    let scheme = if settings.patroni_tls {
        "https"
    } else {
        "http"
    };
    let url = format!(
        "{scheme}://{}/primary",
        endpoint(own, settings.patroni_port)
    );
    let peers = member.cluster.instances.iter().map(|one| one.address);
    Ok(Instance {
        name: "primary",
        address: vip.address.clone(),
        interface: interface(view, "pg_vip_interface", vip.interface.as_deref())?,
        vrid: router_id(&vip.address),
        priority: 100,
        preempt: false,
        own,
        peers: peers.filter(|one| *one != own).collect(),
        auth: None,
        check: Some(format!(
            "/usr/bin/curl --silent --fail --output /dev/null --max-time 2 --cacert {CA_PATH} {url}"
        )),
    })
}

fn of_nodes(view: &View<'_>, vip: &NodeVip) -> Result<Instance, Diagnostic> {
    Ok(Instance {
        name: "nodes",
        address: vip.address.clone(),
        interface: interface(view, "vip_interface", vip.interface.as_deref())?,
        vrid: vip.vrid,
        priority: if vip.master { 120 } else { 100 },
        preempt: vip.preempt,
        own: view.node.address,
        peers: vip.peers.clone(),
        auth: vip.auth.as_ref().map(Secret::expose).cloned(),
        check: None,
    })
}

/// The interface that `parameter` asks for, or the one that holds the node's address.
fn interface(view: &View<'_>, parameter: &str, wanted: Option<&str>) -> Result<String, Diagnostic> {
    let interfaces = &view.facts.interfaces;
    let holds =
        |addresses: &[(IpAddr, u8)]| addresses.iter().any(|(one, _)| *one == view.node.address);
    let found = match wanted {
        Some(name) => interfaces.iter().find(|one| one.name == name),
        None => interfaces.iter().find(|one| holds(&one.addresses)),
    };
    let found = found.map(|one| one.name.clone());
    found.ok_or_else(|| match wanted {
        Some(name) => not_there(view, parameter, name),
        None => none_with_address(view),
    })
}

fn not_there(view: &View<'_>, parameter: &str, name: &str) -> Diagnostic {
    let interfaces = view.facts.interfaces.iter();
    let there: Vec<String> = interfaces.map(|one| format!("`{}`", one.name)).collect();
    Diagnostic::error(
        "desired/no-interface",
        format!(
            "node `{}` has no interface `{name}` for its virtual IP: there are {}",
            view.node.host,
            there.join(", ")
        ),
    )
    .at_if(
        view.inventory.written.place(&view.node.host, parameter),
        "asked for here",
    )
    .help(format!(
        "name one of them, or leave `{parameter}` out: `auto` finds the one with the node's address"
    ))
}

fn none_with_address(view: &View<'_>) -> Diagnostic {
    Diagnostic::error(
        "desired/no-interface",
        format!(
            "node `{}` has no interface with address {} for its virtual IP",
            view.node.host, view.node.address
        ),
    )
    .at_if(
        ["pg_vip_address", "vip_address"]
            .iter()
            .find_map(|name| view.inventory.written.place(&view.node.host, name)),
        "its address",
    )
    .help("name it: `vip_interface`, `pg_vip_interface`")
}

/// Router identifier of an address: its last byte, which no two addresses of a small network
/// share.
fn router_id(address: &str) -> u8 {
    let last = match without_prefix(address).parse() {
        Ok(IpAddr::V4(v4)) => v4.octets()[3],
        Ok(IpAddr::V6(v6)) => v6.octets()[15],
        Err(_) => 1,
    };
    last.clamp(1, 254)
}

/// Two addresses of one node need two identifiers.
fn keep_apart(instances: &mut [Instance]) {
    if let [primary, nodes] = instances
        && primary.vrid == nodes.vrid
    {
        primary.vrid = if nodes.vrid == 254 { 1 } else { nodes.vrid + 1 };
    }
}
