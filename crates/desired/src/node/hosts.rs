//! /etc/hosts: the names that this node has dealings with.
//!
//! Not the whole fleet: a node added to one cluster must not rewrite a file on every other node.
//! Debian's `127.0.1.1 <hostname>` is left out on purpose: a node's own name is its address, so
//! that nothing announces a loopback address to its peers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_inventory::model::Node;
use sty_wire::resource::{Access, Module, Stage};

use crate::build::Desired;
use crate::view::View;

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    if !view.node.settings.write_etc_hosts {
        return;
    }
    desired.group(Module::Node, Stage::Base, None).file(
        "/etc/hosts",
        text(view),
        Access::root(0o644),
    );
}

fn text(view: &View<'_>) -> String {
    let mut lines = vec![
        format!("# {}", view.managed()),
        "127.0.0.1 localhost".to_owned(),
        "::1 localhost ip6-localhost ip6-loopback".to_owned(),
        "ff02::1 ip6-allnodes".to_owned(),
        "ff02::2 ip6-allrouters".to_owned(),
    ];
    for (address, names) in names(view) {
        lines.push(format!("{address} {}", names.join(" ")));
    }
    if !view.node.settings.etc_hosts.is_empty() {
        lines.push("# node_default_etc_hosts, node_etc_hosts".to_owned());
        lines.extend(view.node.settings.etc_hosts.iter().cloned());
    }
    lines.join("\n") + "\n"
}

/// Names by address: this node and its cluster, that one's upstream, etcd, the admin node and the
/// INFRA nodes.
fn names(view: &View<'_>) -> BTreeMap<IpAddr, Vec<String>> {
    let mut names: BTreeMap<IpAddr, Vec<String>> = BTreeMap::new();
    let mut add = |address: IpAddr, name: &str| {
        let known = names.entry(address).or_default();
        if name.parse::<IpAddr>().is_err() && !known.iter().any(|one| one == name) {
            known.push(name.to_owned());
        }
    };
    for node in neighbours(view) {
        add(node.address, &node.name);
        add(node.address, &node.host);
        if let Some(name) = instance_name(view, node) {
            add(node.address, name);
        }
    }
    for member in view.inventory.etcd.iter().flat_map(|etcd| &etcd.members) {
        add(member.address, &member.name);
    }
    names.retain(|_, known| !known.is_empty());
    names
}

/// Name of the instance on a node whose node cluster is a PostgreSQL cluster, as it usually is.
fn instance_name<'a>(view: &View<'a>, node: &Node) -> Option<&'a str> {
    let cluster = view.inventory.clusters.get(&node.cluster)?;
    let mut instances = cluster.instances.iter();
    let found = instances.find(|one| one.host == node.host)?;
    Some(&found.name)
}

fn neighbours<'a>(view: &'a View<'a>) -> Vec<&'a Node> {
    let inventory = view.inventory;
    let by_address = |address: &IpAddr| inventory.nodes.get(&address.to_string());
    let mut nodes = vec![view.node];
    nodes.extend(by_address(&inventory.admin_ip));
    nodes.extend(inventory.infra.iter().filter_map(by_address));
    let members = inventory.etcd.iter().flat_map(|etcd| &etcd.members);
    nodes.extend(members.filter_map(|member| inventory.nodes.get(&member.host)));
    match view.postgres {
        Some(member) => {
            let instances = member.cluster.instances.iter();
            nodes.extend(instances.filter_map(|one| inventory.nodes.get(&one.host)));
            nodes.extend(member.cluster.upstream.as_ref().and_then(by_address));
        }
        None => nodes.extend(
            inventory
                .nodes
                .values()
                .filter(|one| one.cluster == view.node.cluster),
        ),
    }
    nodes
}
