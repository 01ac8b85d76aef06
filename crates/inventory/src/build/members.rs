//! Who belongs to what: addresses, PostgreSQL clusters, etcd, infra.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use sty_core::Diagnostic;

use crate::codes;
use crate::merge::{Binding, Fleet, HostId, Setter};
use crate::model::{InstanceRole, PgCluster};
use crate::registry;
use crate::report::Report;
use crate::source::{Place, Value};

/// Membership, by what hosts' variables say.
pub(crate) struct Members {
    /// Address of each host.
    addresses: Vec<IpAddr>,
    /// Hosts of each PostgreSQL cluster, by `pg_seq`.
    pub(crate) clusters: BTreeMap<String, Vec<HostId>>,
    /// Hosts of etcd, by `etcd_seq`.
    pub(crate) etcd: Vec<HostId>,
    /// Addresses of infra nodes, by `infra_seq`.
    pub(crate) infra: Vec<IpAddr>,
    /// The admin node.
    pub(crate) admin_ip: IpAddr,
}

impl Members {
    /// Address of a host.
    pub(crate) fn address(&self, host: HostId) -> IpAddr {
        self.addresses[host]
    }

    /// The host with that address.
    pub(crate) fn host_at(&self, address: IpAddr) -> Option<HostId> {
        self.addresses.iter().position(|known| *known == address)
    }

    /// The admin node's host, or the first when it is not in the inventory.
    pub(crate) fn admin_host(&self) -> HostId {
        self.host_at(self.admin_ip).unwrap_or_default()
    }
}

/// Finds out, and checks identities on the way.
pub(crate) fn find(fleet: &Fleet, report: &Report) -> Members {
    let addresses = addresses(fleet, report);
    let infra = numbered(fleet, "infra", "infra_seq", report);
    let infra: Vec<IpAddr> = infra.into_iter().map(|host| addresses[host]).collect();
    Members {
        clusters: clusters(fleet, report),
        etcd: numbered(fleet, "etcd", "etcd_seq", report),
        admin_ip: admin_ip(fleet, &infra, report),
        infra,
        addresses,
    }
}

/// What sets `name` on `host`.
pub(super) fn binding<'a>(fleet: &'a Fleet, host: HostId, name: &str) -> Option<&'a Binding> {
    fleet.binding(host, registry::id(name)?)
}

fn text<'a>(fleet: &'a Fleet, host: HostId, name: &str) -> Option<&'a str> {
    binding(fleet, host, name)?.value.text()
}

fn addresses(fleet: &Fleet, report: &Report) -> Vec<IpAddr> {
    let mut first: HashMap<IpAddr, HostId> = HashMap::new();
    let mut addresses = Vec::with_capacity(fleet.hosts.len());
    for (id, host) in fleet.hosts.iter().enumerate() {
        let by_name = host.name.parse().ok();
        let address = by_name.or_else(|| text(fleet, id, "ansible_host")?.parse().ok());
        match address {
            Some(address) => {
                refuse_unreachable(fleet, id, address, report);
                match first.get(&address) {
                    Some(earlier) => same_address(fleet, *earlier, id, address, report),
                    None => {
                        first.insert(address, id);
                    }
                }
            }
            None => report.error(
                codes::NO_ADDRESS,
                host.place,
                format!("host `{}` has no IP address", host.name),
                "neither this name nor `ansible_host` is one",
                "write the address as the host's name, or set `ansible_host` to it",
            ),
        }
        addresses.push(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    }
    same_machines(fleet, &addresses, report);
    addresses
}

/// Nodes reach each other by their addresses.
fn refuse_unreachable(fleet: &Fleet, id: HostId, address: IpAddr, report: &Report) {
    let is_broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    let (why, label) = if address.is_unspecified() || is_broadcast || address.is_multicast() {
        ("which is no machine's", "nothing has this address")
    } else if address.is_loopback() && fleet.hosts.len() > 1 {
        let why = "by which each node would reach only itself";
        (why, "a loopback address, beside other hosts")
    } else if matches!(address, IpAddr::V6(six) if six.is_unicast_link_local()) {
        let why = "which means nothing without the name of an interface";
        (why, "a link-local address")
    } else {
        return;
    };
    let host = &fleet.hosts[id];
    report.error(
        codes::NO_ADDRESS,
        host.place,
        format!("host `{}` has the address {address}, {why}", host.name),
        label,
        "write the address by which the other nodes reach it",
    );
}

/// Hosts of different addresses that are reached the same way are one machine.
fn same_machines(fleet: &Fleet, addresses: &[IpAddr], report: &Report) {
    let mut first: HashMap<String, HostId> = HashMap::new();
    for (id, host) in fleet.hosts.iter().enumerate() {
        let local = text(fleet, id, "ansible_connection") == Some("local");
        let port = text(fleet, id, "ansible_port").unwrap_or("22");
        let way = match (local, text(fleet, id, "ansible_host")) {
            (true, _) => "this machine (`ansible_connection: local`)".to_owned(),
            (false, Some(name)) => format!("`{name}`, port {port}"),
            (false, None) => format!("`{}`, port {port}", host.name),
        };
        match first.get(&way) {
            Some(earlier) if addresses[*earlier] != addresses[id] => twice(
                fleet,
                (*earlier, id),
                &format!("are one machine: both are reached at {way}"),
                "give each host its own way: a name or address in `ansible_host`, or a port",
                report,
            ),
            Some(_) => {}
            None => drop(first.insert(way, id)),
        }
    }
}

fn same_address(fleet: &Fleet, first: HostId, second: HostId, address: IpAddr, report: &Report) {
    twice(
        fleet,
        (first, second),
        &format!("have the same address `{address}`"),
        "give each host its own address, or list one host under one name",
        report,
    );
}

/// Two hosts that cannot both be.
fn twice(
    fleet: &Fleet,
    (first, second): (HostId, HostId),
    what: &str,
    help: &str,
    report: &Report,
) {
    let (first, second) = (&fleet.hosts[first], &fleet.hosts[second]);
    let message = format!("hosts `{}` and `{}` {what}", first.name, second.name);
    let found = Diagnostic::error(codes::DUPLICATE_ADDRESS, message);
    let found = report.label(found, second.place, "again here");
    let found = report.label(found, first.place, "first here");
    report.push(found.help(help));
}

fn admin_ip(fleet: &Fleet, infra: &[IpAddr], report: &Report) -> IpAddr {
    let written = (0..fleet.hosts.len()).find_map(|host| text(fleet, host, "admin_ip"));
    let found = written.and_then(|text| text.parse().ok());
    found.or_else(|| infra.first().copied()).unwrap_or_else(|| {
        if written.is_none() {
            report.error(
                codes::MISSING,
                fleet.top(),
                "`admin_ip` is not set",
                "in the `vars` of this group",
                "set it under `all.vars` to the address of the node you administer from",
            );
        }
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    })
}

/// Hosts of a group, and those that have its number, by that number.
fn numbered(fleet: &Fleet, group: &str, parameter: &str, report: &Report) -> Vec<HostId> {
    let in_group = fleet.find_group(group);
    let belongs = |host: &HostId| {
        let of_group = in_group.is_some_and(|id| fleet.hosts[*host].order.contains(&id));
        of_group || binding(fleet, *host, parameter).is_some()
    };
    let hosts: Vec<HostId> = (0..fleet.hosts.len()).filter(belongs).collect();
    by_number(fleet, &hosts, parameter, &format!("`{group}`"), report)
}

/// Sorts by number; reports numbers that are missing or taken.
fn by_number(
    fleet: &Fleet,
    hosts: &[HostId],
    parameter: &str,
    owner: &str,
    report: &Report,
) -> Vec<HostId> {
    let mut taken: BTreeMap<i64, HostId> = BTreeMap::new();
    let mut rest = Vec::new();
    for host in hosts {
        let found = binding(fleet, *host, parameter);
        match found.map(|found| (found, found.value.as_i64())) {
            None => {
                missing_number(fleet, *host, parameter, owner, report);
                rest.push(*host);
            }
            // Not a number: reported with the types.
            Some((_, None)) => rest.push(*host),
            Some((found, Some(number))) => match taken.get(&number) {
                Some(earlier) => {
                    let first = binding(fleet, *earlier, parameter);
                    // From one group: reported with the levels.
                    if !first.is_some_and(|first| std::ptr::eq(first, found)) {
                        same_number(found, first, owner, report);
                    }
                    rest.push(*host);
                }
                None => {
                    taken.insert(number, *host);
                }
            },
        }
    }
    taken.into_values().chain(rest).collect()
}

fn missing_number(fleet: &Fleet, host: HostId, parameter: &str, owner: &str, report: &Report) {
    let host = &fleet.hosts[host];
    report.error(
        codes::SEQUENCE,
        host.place,
        format!("host `{}` of {owner} has no `{parameter}`", host.name),
        "no number",
        format!(
            "number the members from 1, such as `{{ {parameter}: 1 }}`, and never renumber them"
        ),
    );
}

fn same_number(second: &Binding, first: Option<&Binding>, owner: &str, report: &Report) {
    let number = second.value.text().unwrap_or_default();
    let message = format!("two members of {owner} have `{}: {number}`", second.name);
    let found = Diagnostic::error(codes::SEQUENCE, message);
    let found = report.label(found, second.value.place, "again here");
    let place = first.map_or_else(Place::default, |first| first.value.place);
    let found = report.label(found, place, "first here");
    report.push(found.help("give each member its own number"));
}

fn clusters(fleet: &Fleet, report: &Report) -> BTreeMap<String, Vec<HostId>> {
    let mut clusters: BTreeMap<String, Vec<HostId>> = BTreeMap::new();
    for host in 0..fleet.hosts.len() {
        if let Some(name) = text(fleet, host, "pg_cluster") {
            refuse_second(fleet, host, name, report);
            clusters.entry(name.to_owned()).or_default().push(host);
        } else if binding(fleet, host, "pg_cluster").is_none() {
            refuse_homeless(fleet, host, report);
        }
    }
    tell_empty(fleet, report);
    for (name, hosts) in &mut clusters {
        *hosts = by_number(fleet, hosts, "pg_seq", &format!("cluster `{name}`"), report);
        check_primary(name, hosts, fleet, report);
    }
    clusters
}

/// A cluster that nobody belongs to is not made, which may not be what was meant.
fn tell_empty(fleet: &Fleet, report: &Report) {
    for (id, group) in fleet.groups.iter().enumerate() {
        let Some(binding) = group.vars.get("pg_cluster") else {
            continue;
        };
        if fleet.hosts.iter().any(|host| host.order.contains(&id)) {
            continue;
        }
        report.warning(
            codes::EMPTY_GROUP,
            fleet.bindings[*binding].name_place,
            format!("group `{}` names a cluster and has no hosts", group.name),
            "a cluster without members is not made",
            "add its hosts, or take the group out",
        );
    }
}

/// A host that has what instances have, and no cluster.
fn refuse_homeless(fleet: &Fleet, host: HostId, report: &Report) {
    let identity = ["pg_seq", "pg_role"].into_iter();
    let mut set = identity.filter_map(|name| binding(fleet, host, name));
    let Some(found) = set.find(|one| is_for_instances(fleet, one)) else {
        return;
    };
    let (host, name) = (&fleet.hosts[host].name, &found.name);
    let message =
        format!("host `{host}` belongs to no cluster: it has `{name}` and no `pg_cluster`");
    let error = Diagnostic::error(codes::NO_CLUSTER, message).help(
        "set `pg_cluster` in the `vars` of the cluster's group; if no PostgreSQL should be here, take `pg_seq` and `pg_role` out",
    );
    let error = report.label(error, found.name_place, "an instance of which cluster?");
    report.once(found.name_place, name, error);
}

/// Whether somebody who sets what instances have means instances: a host, or a group none of whose
/// hosts has a cluster; but not `all`.
fn is_for_instances(fleet: &Fleet, binding: &Binding) -> bool {
    let Setter::Group(group) = binding.setter else {
        return true;
    };
    let mut hosts = 0..fleet.hosts.len();
    &*fleet.groups[group].name != "all"
        && !hosts.any(|host| {
            fleet.hosts[host].order.contains(&group)
                && self::binding(fleet, host, "pg_cluster").is_some()
        })
}

/// A host whose groups name different clusters.
fn refuse_second(fleet: &Fleet, host: HostId, name: &str, report: &Report) {
    if fleet.hosts[host].vars.contains_key("pg_cluster") {
        return;
    }
    let groups = fleet.hosts[host].groups.iter();
    let others = groups.filter_map(|group| {
        let binding = fleet.groups[*group].vars.get("pg_cluster")?;
        Some(&fleet.bindings[*binding])
    });
    for other in others {
        let theirs = other.value.text().unwrap_or(name);
        if theirs == name {
            continue;
        }
        let host = &fleet.hosts[host];
        let message = format!(
            "host `{}` belongs to clusters `{theirs}` and `{name}`",
            host.name
        );
        let found = Diagnostic::error(codes::TWO_CLUSTERS, message);
        let found = report.label(found, host.place, "this host");
        let found = report.label(found, other.value.place, "one cluster");
        report.push(found.help("take the host out of one of the two groups"));
    }
}

fn check_primary(name: &str, hosts: &[HostId], fleet: &Fleet, report: &Report) {
    let roles = hosts
        .iter()
        .filter_map(|host| binding(fleet, *host, "pg_role"));
    let primaries: Vec<&Value> = roles
        .map(|binding| &binding.value)
        .filter(|value| value.text() == Some("primary"))
        .collect();
    match primaries.as_slice() {
        [_] => {}
        [] => {
            let role = hosts
                .iter()
                .find_map(|host| binding(fleet, *host, "pg_role"));
            let first = hosts.first().map(|host| fleet.hosts[*host].place);
            let (place, label) = match role {
                Some(role) => (role.value.place, "the first role"),
                None => (first.unwrap_or_default(), "first member"),
            };
            report.error(
                codes::NO_PRIMARY,
                place,
                format!("cluster `{name}` has no primary"),
                label,
                "set `pg_role: primary` on one member",
            );
        }
        [first, rest @ ..] => {
            let message = format!("cluster `{name}` has {} primaries", rest.len() + 1);
            let mut found = Diagnostic::error(codes::TWO_PRIMARIES, message);
            for second in rest {
                found = report.label(found, second.place, "another one");
            }
            let found = report.label(found, first.place, "first here");
            report.push(found.help("keep one `primary`; write `replica` on the others"));
        }
    }
}

/// Whether `pg_upstream` leads somewhere.
pub(super) fn check_upstreams(
    fleet: &Fleet,
    members: &Members,
    clusters: &BTreeMap<String, PgCluster>,
    report: &Report,
) {
    for (cluster, instance) in clusters
        .values()
        .flat_map(|cluster| cluster.instances.iter().map(move |one| (cluster, one)))
    {
        let upstream = match instance.role {
            InstanceRole::Primary => cluster.upstream,
            _ => instance.upstream,
        };
        let Some(upstream) = upstream else { continue };
        let own = cluster.instances.iter().any(|one| one.address == upstream);
        let problem = match instance.role {
            InstanceRole::Primary if own => {
                "it is a member of this cluster; the primary of a standby cluster follows another one"
            }
            InstanceRole::Primary => {
                warn_foreign(
                    fleet,
                    members,
                    &instance.name,
                    instance.address,
                    upstream,
                    report,
                );
                continue;
            }
            _ if instance.address == upstream => "it is the instance itself",
            _ if !own => "it is not a member of this cluster",
            _ if circular(cluster, upstream) => "members follow each other in a circle",
            _ => continue,
        };
        let host = members.host_at(instance.address);
        let place = host
            .and_then(|host| binding(fleet, host, "pg_upstream"))
            .map_or_else(Place::default, |found| found.value.place);
        report.error(
            codes::UPSTREAM,
            place,
            format!("`{}` cannot follow `{upstream}`: {problem}", instance.name),
            "not a usable upstream",
            "name the address of another member, or leave `pg_upstream` out",
        );
    }
}

/// A standby cluster may follow a server that is not in the inventory; most do not.
fn warn_foreign(
    fleet: &Fleet,
    members: &Members,
    name: &str,
    address: IpAddr,
    upstream: IpAddr,
    report: &Report,
) {
    let known = members
        .host_at(upstream)
        .is_some_and(|host| binding(fleet, host, "pg_cluster").is_some());
    if known {
        return;
    }
    let place = members
        .host_at(address)
        .and_then(|host| binding(fleet, host, "pg_upstream"))
        .map_or_else(Place::default, |found| found.value.place);
    report.warning(
        codes::UPSTREAM,
        place,
        format!("`{name}` follows `{upstream}`, which is no instance of this inventory"),
        "an address from elsewhere",
        "check the address; a server from elsewhere must accept the replication user",
    );
}

fn circular(cluster: &PgCluster, start: IpAddr) -> bool {
    let mut at = start;
    for _ in 0..=cluster.instances.len() {
        let next = cluster.instances.iter().find(|one| one.address == at);
        match next.and_then(|one| one.upstream) {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}
