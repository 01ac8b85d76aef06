//! Services of a cluster.

use std::collections::HashMap;
use std::net::IpAddr;

use super::haproxy::{count, port};
use super::roles::same_name;
use super::selector::Selectors;
use super::{Scope, delay};
use crate::codes;
use crate::model::{Instance, PgSettings, Service, ServiceDest};
use crate::source::{Place, Value};

/// Health checks of those who read what is there now. A replica that is late on purpose says yes
/// to them all the same.
const READS: [&str; 3] = ["/read-only", "/replica", "/async"];

/// Builds and checks `pg_default_services` and `pg_services`.
pub(super) fn build(
    cluster: &str,
    members: &[Scope<'_>],
    scope: &Scope<'_>,
    settings: &PgSettings,
    instances: &[Instance],
    selectors: &mut Selectors,
) -> Vec<Service> {
    let default = scope.value("pg_default_services").map(Value::list);
    let own = scope.value("pg_services").map(Value::list);
    let default = default
        .unwrap_or_default()
        .iter()
        .map(|entry| (entry, true));
    let own = own.unwrap_or_default().iter().map(|entry| (entry, false));
    let mut first: HashMap<String, Place> = HashMap::new();
    let mut services = Vec::new();
    let late = delay::late_replicas(scope, instances);
    for (entry, default) in default.chain(own) {
        let name = text(scope, entry, "name").unwrap_or_default();
        let place = entry.place_of("name");
        if let Some(earlier) = first.insert(name.clone(), place) {
            same_name(scope, "service", &name, cluster, place, earlier);
        }
        let what = format!("service `{name}` of cluster `{cluster}`");
        let mut choose = |field: &str| match entry.get(field) {
            None => Vec::new(),
            Some(value) => chosen(scope, value, &what, members, instances, selectors),
        };
        let (mut serving, mut backup) = (choose("selector"), choose("backup"));
        let check = text(scope, entry, "check").unwrap_or_else(|| "/primary".to_owned());
        let ip = text(scope, entry, "ip").unwrap_or_else(|| "*".to_owned());
        refuse_check(scope, entry, &check, &what);
        refuse_ip(scope, entry, &ip, &what);
        refuse_lines(scope, entry, &what);
        if READS.iter().any(|path| check.starts_with(path)) {
            serving.retain(|name| !late.contains(name));
            backup.retain(|name| !late.contains(name));
        }
        if !default && serving.as_slice().is_empty() && backup.is_empty() {
            refuse_empty(scope, entry, &what);
        }
        services.push(Service {
            port: port(entry),
            ip,
            dest: destination(scope, entry, &what, settings),
            check,
            members: serving,
            backup,
            max_connections: count(entry, "maxconn"),
            balance: text(scope, entry, "balance").unwrap_or_else(|| "roundrobin".to_owned()),
            options: text(scope, entry, "options"),
            name,
        });
    }
    services
}

fn text(scope: &Scope<'_>, entry: &Value, name: &str) -> Option<String> {
    entry.get(name).map(|value| scope.expanded(value))
}

fn chosen(
    scope: &Scope<'_>,
    value: &Value,
    what: &str,
    members: &[Scope<'_>],
    instances: &[Instance],
    selectors: &mut Selectors,
) -> Vec<String> {
    let Some(text) = value.text() else {
        return Vec::new();
    };
    match selectors.select(text, members) {
        Ok(positions) => positions
            .into_iter()
            .filter_map(|at| instances.get(at))
            .map(|instance| instance.name.clone())
            .collect(),
        Err(why) => {
            let message = format!("`{text}` of {what} is not a selector: {why}");
            let found = sty_core::Diagnostic::error(codes::SELECTOR, message)
                .help("write JMESPath such as `[]` or `[? pg_role == 'replica']`");
            let found = scope.report.label(found, value.place, "this expression");
            scope.report.once(value.place, text, found);
            Vec::new()
        }
    }
}

fn refuse_check(scope: &Scope<'_>, entry: &Value, check: &str, what: &str) {
    if check.starts_with('/') && !check.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return;
    }
    let message =
        format!("`check` of {what} is `{check}`, which is no path that Patroni answers at");
    let help = "write `/primary`, `/replica`, `/read-only` or another path of Patroni's REST API";
    let (report, place) = (scope.report, entry.place_of("check"));
    report.error_once(codes::VALUE, place, message, "this path", help);
}

/// `ip` of `what` is an address that HAProxy listens at.
pub(super) fn refuse_ip(scope: &Scope<'_>, entry: &Value, ip: &str, what: &str) {
    if ip == "*" || ip.parse::<IpAddr>().is_ok() {
        return;
    }
    let message = format!("`ip` of {what} is `{ip}`, which is no address to listen at");
    let help = "write `*` for every address of the node, or one of them, such as `${admin_ip}`";
    let (report, place) = (scope.report, entry.place_of("ip"));
    report.error_once(codes::VALUE, place, message, "this address", help);
}

/// The `options` of `what` are words of one line of HAProxy's configuration.
pub(super) fn refuse_lines(scope: &Scope<'_>, entry: &Value, what: &str) {
    let options = text(scope, entry, "options").unwrap_or_default();
    if options.trim().contains(['\n', '\r']) {
        let message = format!("`options` of {what} has several lines");
        let help = "write its words one after the other, on one line";
        let (report, place) = (scope.report, entry.place_of("options"));
        report.error_once(codes::VALUE, place, message, "more than one line", help);
    }
}

fn refuse_empty(scope: &Scope<'_>, entry: &Value, what: &str) {
    if scope.report.has(
        codes::SELECTOR,
        entry.get("selector").map(|value| value.place),
    ) {
        return;
    }
    let place = entry.place_of("selector");
    scope.report.error(
        codes::NO_MEMBER,
        place,
        format!("{what} has no member"),
        "matches nobody",
        "change the selector, or add the members that it means",
    );
}

fn destination(scope: &Scope<'_>, entry: &Value, what: &str, settings: &PgSettings) -> ServiceDest {
    let value = entry.get("dest");
    let word = value.map(|value| scope.expanded(value));
    let (problem, help) = match word.as_deref() {
        None | Some("default") => return settings.default_service_dest,
        Some("postgres") => return ServiceDest::Postgres,
        Some("pgbouncer") if settings.pgbouncer => return ServiceDest::Pgbouncer,
        Some("pgbouncer") => (
            "leads to PgBouncer, which is disabled".to_owned(),
            "write `postgres`, or enable PgBouncer",
        ),
        Some(other) => match other.parse::<u16>() {
            Ok(own) if own == port(entry) => (
                format!("leads to port {own}, its own"),
                "HAProxy would lead to itself: write `default`, `postgres`, `pgbouncer` or another \
                 port",
            ),
            Ok(port) if port > 0 => return ServiceDest::Port(port),
            _ => (
                format!("leads to `{other}`"),
                "write `default`, `postgres`, `pgbouncer` or a port",
            ),
        },
    };
    let place = entry.place_of("dest");
    let found =
        sty_core::Diagnostic::error(codes::SERVICE_DEST, format!("{what} {problem}")).help(help);
    let found = scope.report.label(found, place, "this destination");
    scope.report.once(place, what, found);
    ServiceDest::Postgres
}
