//! One PostgreSQL cluster.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::members::Members;
use super::selector::Selectors;
use super::{
    Files, Scope, accounts, connections, databases, delay, extension_packages, hba, libraries,
    listen, locales, logins, parameters, privileges, roles, server_settings, services, settings,
};
use crate::codes;
use crate::merge::{Fleet, HostId};
use crate::model::{Account, Extension, Instance, InstanceRole, PgCluster, PgVip, SystemAccounts};
use crate::registry::{self, Level};
use crate::report::Report;
use crate::source::Value;
use crate::validate::scalars;

/// Builds and checks a cluster of `hosts`, which are in `pg_seq` order.
pub(super) fn build(
    name: &str,
    hosts: &[HostId],
    fleet: &Fleet,
    members: &Members,
    files: &Files<'_>,
    selectors: &mut Selectors,
    report: &Report,
) -> PgCluster {
    let scopes: Vec<Scope<'_>> = hosts
        .iter()
        .map(|host| Scope::new(fleet, *host, members, report))
        .collect();
    let primary = scopes
        .iter()
        .find(|scope| scope.text("pg_role") == "primary")
        .or(scopes.first());
    // `hosts` is never empty: a cluster exists because a host names it.
    let fallback = Scope::new(fleet, 0, members, report);
    let scope = primary.unwrap_or(&fallback);
    check_same(name, scope, &scopes, is_of_cluster);
    check_parameters(name, scope, &scopes);
    check_mode(name, scope);
    accounts::check_superuser(scope);
    scopes.iter().for_each(listen::check);
    locales::check_cluster(name, scope);
    for (place, schema) in scope.written_words("pg_default_schemas") {
        databases::check_schema(scope, place, &schema, "`pg_default_schemas`");
    }
    let mut instances: Vec<Instance> = scopes.iter().map(|scope| instance(name, scope)).collect();
    delay::find(name, scope, &scopes, &mut instances);
    check_candidates(name, scope, &instances);
    let settings = settings::build(name, scope, instances.len());
    libraries::check(name, scope);
    server_settings::check_cluster(name, scope);
    scopes.iter().for_each(server_settings::check_instance);
    connections::check(name, scope, &scopes);
    let accounts = accounts(scope);
    let roles = roles::build(name, scope, &accounts);
    let databases = databases::build(name, scope, &roles, &settings.packages, files);
    let hba_rules = hba::build(scope, hba::POSTGRES, &roles, &databases);
    logins::check(name, scope, &settings, &roles, &hba_rules);
    let services = services::build(name, &scopes, scope, &settings, &instances, selectors);
    PgCluster {
        name: name.to_owned(),
        version: scope.int("pg_version"),
        upstream: scope
            .optional_text("pg_upstream")
            .filter(|_| scope.text("pg_role") == "primary")
            .and_then(|text| text.parse().ok()),
        followers: Vec::new(),
        hba_rules,
        pgbouncer_hba_rules: hba::build(scope, hba::PGBOUNCER, &roles, &databases),
        default_privileges: privileges::build(name, scope, &roles::Names::of(&roles, scope)),
        default_schemas: scope.words("pg_default_schemas"),
        default_extensions: default_extensions(name, scope, &settings.packages),
        vip: vip(name, scope),
        instances,
        settings,
        accounts,
        roles,
        databases,
        services,
    }
}

/// Of several members one besides the primary may lead.
fn check_candidates(name: &str, scope: &Scope<'_>, instances: &[Instance]) {
    let late = delay::late_replicas(scope, instances);
    let mut others = instances
        .iter()
        .filter(|one| one.role != InstanceRole::Primary)
        .peekable();
    let never = |one: &Instance| one.role == InstanceRole::Offline || late.contains(&one.name);
    if others.peek().is_some() && others.all(never) {
        scope.report.warning(
            codes::NO_CANDIDATE,
            scope.place("pg_role"),
            format!("nobody could take over cluster `{name}`: its other members never lead"),
            "the only one that leads",
            "add a `replica` without `pg_delay`, or make one of an offline or late member",
        );
    }
}

fn default_extensions(cluster: &str, scope: &Scope<'_>, packages: &[String]) -> Vec<Extension> {
    let list = scope.value("pg_default_extensions");
    let extensions = databases::extensions(scope, list);
    let what = format!("`pg_default_extensions` of cluster `{cluster}`");
    extension_packages::check(scope, list, &extensions, packages, &what);
    extensions
}

/// Tells every cluster who follows it.
pub(super) fn link_followers(clusters: &mut BTreeMap<String, PgCluster>) {
    let home: HashMap<IpAddr, String> = clusters
        .values()
        .flat_map(|one| one.addresses().map(|address| (address, one.name.clone())))
        .collect();
    let followers: Vec<(String, Vec<IpAddr>)> = clusters
        .values()
        .filter_map(|one| {
            let upstream = home.get(&one.upstream?)?;
            // Following itself is an error, reported elsewhere.
            (*upstream != one.name).then(|| (upstream.clone(), one.addresses().collect()))
        })
        .collect();
    for (upstream, addresses) in followers {
        if let Some(cluster) = clusters.get_mut(&upstream) {
            cluster.followers.extend(addresses);
        }
    }
}

fn instance(cluster: &str, scope: &Scope<'_>) -> Instance {
    let seq: u32 = scope.int("pg_seq");
    let role = match scope.text("pg_role").as_str() {
        "primary" => InstanceRole::Primary,
        "offline" => InstanceRole::Offline,
        _ => InstanceRole::Replica,
    };
    if !scope.is_set("pg_role") {
        scope.report.error(
            codes::MISSING,
            scope.fleet.hosts[scope.host].place,
            format!(
                "host `{}` of cluster `{cluster}` has no `pg_role`",
                scope.name()
            ),
            "no role",
            "set it to `primary`, `replica` or `offline`",
        );
    }
    Instance {
        name: format!("{cluster}-{seq}"),
        host: scope.name().to_owned(),
        address: scope.members.address(scope.host),
        seq,
        role,
        offline_query: scope.bool("pg_offline_query"),
        weight: scope.int("pg_weight"),
        upstream: scope
            .optional_text("pg_upstream")
            .filter(|_| role != InstanceRole::Primary)
            .and_then(|text| text.parse().ok()),
        listen: listen::addresses(scope).join(","),
        delay: String::new(),
        parameters: parameters::of_instance(scope),
    }
}

fn accounts(scope: &Scope<'_>) -> SystemAccounts {
    let account = |name: &str, password: &str, user: &str| Account {
        name: scope.text(name),
        password: scope.needed_secret(password, user),
    };
    SystemAccounts {
        replication: account(
            "pg_replication_username",
            "pg_replication_password",
            "replication",
        ),
        admin: account(
            "pg_admin_username",
            "pg_admin_password",
            "the administrator of PostgreSQL",
        ),
        monitor: account("pg_monitor_username", "pg_monitor_password", "monitoring"),
        patroni: account("patroni_username", "patroni_password", "Patroni"),
    }
}

fn vip(cluster: &str, scope: &Scope<'_>) -> Option<PgVip> {
    if !scope.bool("pg_vip_enabled") {
        return None;
    }
    let address = scope.text("pg_vip_address");
    let ip = address.split('/').next().unwrap_or_default();
    let ip: Option<std::net::IpAddr> = ip.parse().ok();
    let problem = match ip {
        _ if !scope.is_set("pg_vip_address") => Some("no address".to_owned()),
        Some(ip) if ip.is_loopback() => Some(format!("the loopback address `{address}`")),
        Some(ip) => scope
            .members
            .host_at(ip)
            .map(|host| format!("the address of host `{}`", scope.fleet.hosts[host].name)),
        None => None,
    };
    if let Some(problem) = problem {
        scope.report.error(
            codes::VIP,
            scope.place(match scope.is_set("pg_vip_address") {
                true => "pg_vip_address",
                false => "pg_vip_enabled",
            }),
            format!("the virtual IP of cluster `{cluster}` has {problem}"),
            "written here",
            "set `pg_vip_address` to a free address of the nodes' network, such as `10.10.10.2/24`",
        );
    }
    Some(PgVip {
        address,
        interface: scope
            .optional_text("pg_vip_interface")
            .filter(|name| name != "auto"),
    })
}

fn check_mode(cluster: &str, scope: &Scope<'_>) {
    let mode = scope.text("pg_mode");
    if mode != "pgsql" && !mode.is_empty() {
        scope.report.error(
            codes::UNSUPPORTED,
            scope.place("pg_mode"),
            format!("cluster `{cluster}` has `pg_mode: {mode}`, which is not supported yet"),
            "this kernel",
            "use `pgsql`",
        );
    }
    for (name, wanted) in [("patroni_enabled", "true"), ("patroni_mode", "remove")] {
        let bad = match name {
            "patroni_enabled" => !scope.bool(name),
            _ => scope.text(name) == wanted,
        };
        if bad {
            scope.report.error(
                codes::UNSUPPORTED,
                scope.place(name),
                format!("cluster `{cluster}` would run without Patroni, which is not supported"),
                "switched off here",
                "leave it out, or `patroni_mode: pause` to pause failover",
            );
        }
    }
}

/// Whether a parameter is about PostgreSQL, and has one value in a whole cluster.
fn is_of_cluster(name: &str) -> bool {
    (name.starts_with("pg") || name.starts_with("patroni")) && name != "pg_parameters"
}

/// Those of the parameters of a whole cluster that `concern` it have one value on all its members.
pub(super) fn check_same(
    cluster: &str,
    first: &Scope<'_>,
    scopes: &[Scope<'_>],
    concern: impl Fn(&str) -> bool,
) {
    let fleet = first.fleet;
    for (id, parameter) in registry::all() {
        if parameter.level > Level::Cluster || !parameter.effective || !concern(parameter.name) {
            continue;
        }
        let own = fleet.binding(first.host, id);
        for other in scopes {
            let theirs = fleet.binding(other.host, id);
            let same = match (own, theirs) {
                (None, None) => true,
                (Some(a), Some(b)) => std::ptr::eq(a, b) || a.value.same(&b.value),
                _ => false,
            };
            if !same {
                report_differs(cluster, parameter.name, first, other);
                break;
            }
        }
        // Each member has addresses of its own to listen at.
        if let Some(own) = own.filter(|_| parameter.name != "pg_listen") {
            check_expansions(cluster, parameter.name, &own.value, first, scopes);
        }
    }
}

/// What a single instance has of its own stands for itself; the rest is the cluster's.
fn check_parameters(cluster: &str, first: &Scope<'_>, scopes: &[Scope<'_>]) {
    if let Some(binding) = parameters::cluster_binding(first) {
        check_expansions(cluster, "pg_parameters", &binding.value, first, scopes);
    }
}

fn check_expansions(
    cluster: &str,
    name: &str,
    value: &Value,
    first: &Scope<'_>,
    scopes: &[Scope<'_>],
) {
    for other in scopes {
        if let Some(found) = expands_apart(value, first, other) {
            return report_apart(cluster, name, found, first, other);
        }
    }
}

/// Text in `value` whose placeholders stand for something else on the other member.
fn expands_apart<'a>(value: &'a Value, first: &Scope<'_>, other: &Scope<'_>) -> Option<&'a Value> {
    let mut texts = Vec::new();
    scalars(value, &mut |scalar, text| {
        if text.contains("${") {
            texts.push(scalar);
        }
    });
    let apart = |text: &&Value| first.expanded(text) != other.expanded(text);
    texts.into_iter().find(apart)
}

fn report_apart(cluster: &str, name: &str, value: &Value, first: &Scope<'_>, other: &Scope<'_>) {
    let (report, place) = (first.report, value.place);
    let message = format!(
        "`{name}` stands for `{}` on `{}` and for `{}` on `{}`, members of cluster `{cluster}`",
        first.expanded(value),
        first.name(),
        other.expanded(value),
        other.name()
    );
    let help = "write the value itself: it is one for the whole cluster";
    report.error_once(codes::DIFFERS, place, message, "not the same for all", help);
}

fn report_differs(cluster: &str, name: &str, first: &Scope<'_>, other: &Scope<'_>) {
    let report = first.report;
    let message = format!(
        "`{name}` differs between `{}` and `{}`, members of cluster `{cluster}`",
        first.name(),
        other.name()
    );
    let found = sty_core::Diagnostic::error(codes::DIFFERS, message);
    let found = report.label(found, other.place(name), "one value");
    let found = report.label(found, first.place(name), "another");
    report.push(found.help("set it once, in the `vars` of the cluster's group"));
}

/// Virtual IPs of clusters are not shared.
pub(super) fn check_vips(
    fleet: &Fleet,
    members: &Members,
    clusters: &BTreeMap<String, PgCluster>,
    report: &Report,
) {
    let mut first: HashMap<&str, &str> = HashMap::new();
    for (name, cluster) in clusters {
        let Some(vip) = &cluster.vip else { continue };
        let address = vip.address.split('/').next().unwrap_or_default();
        let Some(earlier) = first.insert(address, name) else {
            continue;
        };
        let host = members.clusters.get(name).and_then(|hosts| hosts.first());
        let place = host
            .map(|host| Scope::new(fleet, *host, members, report).place("pg_vip_address"))
            .unwrap_or_default();
        report.error(
            codes::VIP,
            place,
            format!("clusters `{earlier}` and `{name}` have the same virtual IP `{address}`"),
            "this address",
            "give each cluster its own",
        );
    }
}
