//! Ports of one node, each for one service.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_core::Diagnostic;

use crate::codes;
use crate::merge::Fleet;
use crate::model::{Inventory, Node, PgCluster};
use crate::report::Report;
use crate::source::Place;

/// Finds ports that two services of a node would listen on.
pub(crate) fn check_ports(inventory: &Inventory, fleet: &Fleet, report: &Report) {
    let mut clusters: BTreeMap<IpAddr, &PgCluster> = BTreeMap::new();
    for cluster in inventory.clusters.values() {
        for instance in &cluster.instances {
            clusters.insert(instance.address, cluster);
        }
    }
    for node in inventory.nodes.values() {
        let cluster = clusters.get(&node.address).copied();
        let ports = ports(inventory, node, cluster);
        check_node(node, &ports, fleet, report);
    }
}

/// Who listens where: port, listen address (`*` for all), who, and the parameter or list.
struct Listener {
    port: u16,
    ip: String,
    who: String,
    parameter: &'static str,
}

fn ports(inventory: &Inventory, node: &Node, cluster: Option<&PgCluster>) -> Vec<Listener> {
    let mut ports = Vec::new();
    let mut add = |port: u16, ip: &str, who: String, parameter: &'static str| {
        ports.push(Listener {
            port,
            ip: ip.to_owned(),
            who,
            parameter,
        });
    };
    add(22, "*", "sshd".to_owned(), "ansible_port");
    if let Some(etcd) = &inventory.etcd
        && etcd.members.iter().any(|member| member.host == node.host)
    {
        add(etcd.client_port, "*", "etcd".to_owned(), "etcd_port");
        add(
            etcd.peer_port,
            "*",
            "etcd's peers".to_owned(),
            "etcd_peer_port",
        );
    }
    if node.haproxy.enabled {
        let who = "HAProxy's status page".to_owned();
        add(node.haproxy.stats_port, "*", who, "haproxy_exporter_port");
        for service in &node.haproxy.services {
            let who = format!("service `{}`", service.name);
            add(service.port, &service.ip, who, "haproxy_services");
        }
    }
    if let Some(cluster) = cluster {
        let settings = &cluster.settings;
        add(settings.port, "*", "PostgreSQL".to_owned(), "pg_port");
        add(
            settings.patroni_port,
            "*",
            "Patroni".to_owned(),
            "patroni_port",
        );
        if settings.pgbouncer {
            for (port, ip, who) in [
                (settings.pgbouncer_port, "*", "PgBouncer"),
                (
                    settings.primary_pooler_port(),
                    "*",
                    "PgBouncer's way to the primary",
                ),
                (
                    settings.primary_route_port(),
                    "127.0.0.1",
                    "HAProxy's way to the primary",
                ),
            ] {
                add(port, ip, who.to_owned(), "pgbouncer_port");
            }
        }
        for service in cluster.services.iter().filter(|_| node.haproxy.enabled) {
            let who = format!("service `{}`", service.name);
            add(service.port, &service.ip, who, "pg_services");
        }
    }
    ports
}

fn check_node(node: &Node, ports: &[Listener], fleet: &Fleet, report: &Report) {
    for (at, second) in ports.iter().enumerate() {
        let same = |first: &&Listener| {
            let ip = first.ip == second.ip || first.ip == "*" || second.ip == "*";
            first.port == second.port && ip && second.port != 0
        };
        let Some(first) = ports[..at].iter().find(same) else {
            continue;
        };
        let (place, earlier) = (place(node, second, fleet), place(node, first, fleet));
        let message = format!(
            "{} and {} would both listen on port {}, on host `{}`",
            first.who, second.who, second.port, node.host
        );
        let key = format!("{}{}{}", first.who, second.who, second.port);
        let found = Diagnostic::error(codes::PORT_CONFLICT, message)
            .help(format!("change `{}`", second.parameter));
        let found = report.label(found, place, second.who.clone());
        let found = if earlier == place {
            found
        } else {
            report.label(found, earlier, first.who.clone())
        };
        report.once(place, &key, found);
    }
}

/// Where the port was written; the host when it is a default.
fn place(node: &Node, listener: &Listener, fleet: &Fleet) -> Place {
    let Some(host) = fleet.find_host(&node.host) else {
        return Place::default();
    };
    let value = crate::registry::id(listener.parameter)
        .and_then(|id| fleet.binding(host, id))
        .map(|binding| &binding.value);
    let Some(value) = value else {
        return fleet.hosts[host].place;
    };
    let name = listener
        .who
        .trim_start_matches("service ")
        .trim_matches('`');
    let of_entry = value
        .list()
        .iter()
        .find(|entry| entry.get("name").and_then(|value| value.text()) == Some(name));
    match of_entry.and_then(|entry| entry.get("port")) {
        Some(port) => port.place,
        None => value.place,
    }
}
