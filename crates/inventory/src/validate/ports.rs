//! Ports of one node, each for one service.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sty_core::Diagnostic;

use crate::codes;
use crate::merge::{Fleet, HostId};
use crate::model::{Inventory, Node, PgCluster};
use crate::report::Report;
use crate::source::{Place, Value};

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
        if let Some(first) = ports[..at].iter().find(same) {
            refuse(node, first, second, fleet, report);
        }
    }
}

fn refuse(node: &Node, first: &Listener, second: &Listener, fleet: &Fleet, report: &Report) {
    let message = format!(
        "{} and {} would both listen on port {}, on host `{}`",
        first.who, second.who, second.port, node.host
    );
    let host = fleet.find_host(&node.host);
    let by_default = host.map(|host| fleet.hosts[host].place);
    let by_default = (by_default.unwrap_or_default(), second.parameter);
    let written = |listener: &Listener| written(host?, listener, fleet);
    // A default is changed only where nothing else was written.
    let (changed, (place, parameter), other) = match (written(first), written(second)) {
        (earlier, Some(own)) => (second, own, earlier),
        (Some(own), None) => (first, own, None),
        (None, None) => (second, by_default, None),
    };
    let found = Diagnostic::error(codes::PORT_CONFLICT, message);
    let found = found.help(format!("change `{parameter}`"));
    let mut found = report.label(found, place, changed.who.clone());
    if let Some((earlier, _)) = other.filter(|(earlier, _)| *earlier != place) {
        found = report.label(found, earlier, first.who.clone());
    }
    let key = format!("{}{}{}", first.who, second.who, second.port);
    report.once(place, &key, found);
}

/// Where the port was written, and as what; `None` when it is a default.
fn written(host: HostId, listener: &Listener, fleet: &Fleet) -> Option<(Place, &'static str)> {
    let value = |parameter| {
        let binding = fleet.binding(host, crate::registry::id(parameter)?)?;
        Some(&binding.value)
    };
    let Some(service) = listener.who.strip_prefix("service ") else {
        return Some((value(listener.parameter)?.place, listener.parameter));
    };
    const OF_CLUSTER: [&str; 2] = ["pg_services", "pg_default_services"];
    let lists: &[&'static str] = match listener.parameter == OF_CLUSTER[0] {
        true => &OF_CLUSTER,
        false => &[listener.parameter],
    };
    lists.iter().find_map(|parameter| {
        let mut entries = value(parameter)?.list().iter();
        let name = service.trim_matches('`');
        let is_it = |entry: &&Value| entry.get("name").and_then(Value::text) == Some(name);
        let entry = entries.find(is_it)?;
        Some((entry.get("port").unwrap_or(entry).place, *parameter))
    })
}
