//! Nodes: identity, connection, settings, virtual IP.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::members::{Members, binding};
use super::{Scope, accounts, directories, haproxy, keys, lines, timezone};
use crate::codes;
use crate::merge::{Fleet, Setter};
use crate::model::{Connection, Node, NodeAdmin, NodeSettings, NodeVip, Profile, Sudo};
use crate::report::Report;

/// Builds a node. `peers` of its virtual IP are filled in later.
pub(super) fn build(scope: &Scope<'_>) -> Node {
    let (name, cluster) = identity(scope);
    timezone::check(scope);
    accounts::check_admin(scope);
    directories::check(scope);
    keys::check(scope);
    lines::check_hosts(scope);
    lines::check_jobs(scope);
    lines::check_names(scope);
    lines::check_time_sources(scope);
    Node {
        host: scope.name().to_owned(),
        address: scope.members.address(scope.host),
        cluster,
        connection: connection(scope),
        settings: settings(scope, &name),
        name,
        haproxy: haproxy::build(scope),
        vip: vip(scope),
    }
}

fn identity(scope: &Scope<'_>) -> (String, String) {
    let from_pg = scope.bool("node_id_from_pg");
    let pg = scope.optional_text("pg_cluster").filter(|_| from_pg);
    let instance = pg.as_ref().and_then(|cluster| {
        let seq: u32 = scope.optional_int("pg_seq")?;
        Some(format!("{cluster}-{seq}"))
    });
    let name = scope
        .optional_text("nodename")
        .or(instance)
        .unwrap_or_else(|| scope.name().to_owned());
    let written = scope.is_set("node_cluster");
    let cluster = pg.filter(|_| !written);
    (name, cluster.unwrap_or_else(|| scope.text("node_cluster")))
}

fn connection(scope: &Scope<'_>) -> Connection {
    if scope.text("ansible_connection") == "local" {
        return Connection::Local;
    }
    refuse_no_word(scope, "ansible_host");
    refuse_no_word(scope, "ansible_user");
    Connection::Ssh {
        host: scope
            .optional_text("ansible_host")
            .unwrap_or_else(|| scope.name().to_owned()),
        user: scope.optional_text("ansible_user"),
        port: scope.optional_int("ansible_port"),
        private_key: scope.optional_text("ansible_ssh_private_key_file"),
    }
}

/// What ssh would take for an option, or no machine has.
fn refuse_no_word(scope: &Scope<'_>, name: &str) {
    let Some(text) = scope.optional_text(name) else {
        return;
    };
    let is_word = !text.contains(|one: char| one.is_whitespace() || one.is_control());
    if !is_word || text.starts_with('-') {
        scope.report.error_once(
            codes::VALUE,
            scope.place(name),
            format!("`{name}` is `{}`, which is no name", text.escape_debug()),
            "for ssh",
            "write it without blanks, and not with a `-` in front",
        );
    }
}

fn settings(scope: &Scope<'_>, name: &str) -> NodeSettings {
    let is_address = name.parse::<IpAddr>().is_ok();
    let mut etc_hosts = scope.texts("node_default_etc_hosts");
    etc_hosts.extend(scope.texts("node_etc_hosts"));
    NodeSettings {
        set_hostname: scope.bool("nodename_overwrite") && !is_address,
        write_etc_hosts: scope.bool("node_write_etc_hosts"),
        etc_hosts,
        packages: scope.words("node_packages"),
        exclusive_repository: scope.bool("node_repo_remove"),
        tune: profile(&scope.text("node_tune")),
        sysctl: scope.pairs("node_sysctl_params"),
        kernel_modules: scope.words("node_kernel_modules"),
        hugepage_count: scope.int("node_hugepage_count"),
        hugepage_ratio: scope.number("node_hugepage_ratio"),
        overcommit_ratio: scope.int("node_overcommit_ratio"),
        disable_swap: scope.bool("node_disable_swap"),
        data: scope.text("node_data"),
        admin: scope.bool("node_admin_enabled").then(|| admin(scope)),
        timezone: scope.text("node_timezone"),
        ntp_servers: scope
            .bool("node_ntp_enabled")
            .then(|| scope.texts("node_ntp_servers")),
        crontab: scope.texts("node_crontab"),
        aliases: scope.pairs("node_aliases"),
    }
}

fn admin(scope: &Scope<'_>) -> NodeAdmin {
    NodeAdmin {
        name: scope.text("node_admin_username"),
        uid: scope.int("node_admin_uid"),
        sudo: sudo(&scope.text("node_admin_sudo")),
        public_keys: scope.texts("node_admin_pk_list"),
    }
}

/// A tuning profile by name, with or without `.yml`.
pub(super) fn profile(name: &str) -> Option<Profile> {
    match name.trim_end_matches(".yml") {
        "oltp" => Some(Profile::Oltp),
        "olap" => Some(Profile::Olap),
        "crit" => Some(Profile::Crit),
        "tiny" => Some(Profile::Tiny),
        _ => None,
    }
}

/// A sudo privilege by name.
pub(super) fn sudo(name: &str) -> Sudo {
    match name {
        "limit" => Sudo::Limit,
        "all" => Sudo::All,
        "nopass" => Sudo::NoPassword,
        _ => Sudo::None,
    }
}

fn vip(scope: &Scope<'_>) -> Option<NodeVip> {
    if !scope.bool("vip_enabled") {
        return None;
    }
    let address = scope.text("vip_address");
    let vrid: u8 = scope.int("vip_vrid");
    if address.is_empty() || vrid == 0 {
        let missing = if address.is_empty() {
            "vip_address"
        } else {
            "vip_vrid"
        };
        scope.report.error(
            codes::VIP,
            scope.place("vip_enabled"),
            format!(
                "host `{}` has a virtual IP without `{missing}`",
                scope.name()
            ),
            "enabled here",
            format!("set `{missing}` in the `vars` of the group"),
        );
    }
    Some(NodeVip {
        address: with_prefix(&address),
        vrid,
        interface: scope
            .optional_text("vip_interface")
            .filter(|name| name != "auto"),
        master: scope.text("vip_role") == "master",
        preempt: scope.bool("vip_preempt"),
        peers: peers(scope),
        auth: scope.secret("vip_auth_pass"),
    })
}

fn with_prefix(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => format!("{address}/24"),
        Ok(IpAddr::V6(_)) => format!("{address}/64"),
        Err(_) => address.to_owned(),
    }
}

/// Other hosts for which the same group sets the address.
fn peers(scope: &Scope<'_>) -> Vec<IpAddr> {
    let Some(own) = scope.binding("vip_address") else {
        return Vec::new();
    };
    let same = |host: &usize| {
        *host != scope.host
            && binding(scope.fleet, *host, "vip_address")
                .is_some_and(|theirs| theirs.value.same(&own.value))
    };
    let listed = match own.setter {
        Setter::Group(group) => scope.fleet.groups[group].hosts.clone(),
        Setter::Host(_) => Vec::new(),
    };
    let candidates = match listed.is_empty() {
        true => (0..scope.fleet.hosts.len()).collect(),
        false => listed,
    };
    let found = candidates.into_iter().filter(same);
    found.map(|host| scope.members.address(host)).collect()
}

/// Names of nodes are not shared.
pub(super) fn check_names(fleet: &Fleet, nodes: &BTreeMap<String, Node>, report: &Report) {
    // Those explain equal names already.
    if report.has_code(codes::SEQUENCE) || report.has_code(codes::WRONG_LEVEL) {
        return;
    }
    let mut first: HashMap<&str, &str> = HashMap::new();
    for node in nodes.values() {
        let Some(earlier) = first.insert(&node.name, &node.host) else {
            continue;
        };
        let place = |host: &str| {
            let host = fleet.find_host(host);
            host.map(|host| fleet.hosts[host].place).unwrap_or_default()
        };
        let message = format!(
            "hosts `{earlier}` and `{}` have the same name `{}`",
            node.host, node.name
        );
        let found = sty_core::Diagnostic::error(codes::DUPLICATE_NAME, message)
            .help("give each its own `nodename`");
        let found = report.label(found, place(&node.host), "again here");
        report.push(report.label(found, place(earlier), "first here"));
    }
}

/// Addresses of virtual IPs that are not free.
pub(super) fn check_vips(
    fleet: &Fleet,
    members: &Members,
    nodes: &BTreeMap<String, Node>,
    report: &Report,
) {
    let mut routers: HashMap<u8, &str> = HashMap::new();
    for host in 0..fleet.hosts.len() {
        let scope = Scope::new(fleet, host, members, report);
        let node = nodes.get(scope.name());
        let Some(vip) = node.and_then(|node| node.vip.as_ref()) else {
            continue;
        };
        let place = scope.place("vip_address");
        let address = vip.address.split('/').next().unwrap_or_default();
        let address: Option<IpAddr> = address.parse().ok();
        let taken = address.and_then(|address| members.host_at(address));
        let problem = match (address, taken) {
            (None, _) if !vip.address.is_empty() => "is not an address".to_owned(),
            (Some(_), Some(owner)) => {
                format!("is the address of host `{}`", fleet.hosts[owner].name)
            }
            _ => continue,
        };
        let message = format!("the virtual IP `{}` {problem}", vip.address);
        let found = sty_core::Diagnostic::error(codes::VIP, message);
        let found = report.label(found, place, "this address");
        report.once(
            place,
            "address",
            found.help("choose a free address of the same network"),
        );
    }
    for node in nodes.values() {
        let Some(vip) = &node.vip else { continue };
        let first = *routers.entry(vip.vrid).or_insert(&vip.address);
        if first != vip.address && vip.vrid != 0 {
            let message = format!(
                "virtual IPs `{first}` and `{}` have the same `vip_vrid: {}`",
                vip.address, vip.vrid
            );
            let found = sty_core::Diagnostic::error(codes::VIP, message.clone())
                .help("give each its own number");
            let place = fleet
                .find_host(&node.host)
                .and_then(|host| binding(fleet, host, "vip_vrid"))
                .map(|found| found.value.place)
                .unwrap_or_default();
            let found = report.label(found, place, "this number");
            report.once(place, &message, found);
        }
    }
}
