//! HAProxy of a node and services that are not PostgreSQL's.

use std::net::IpAddr;

use super::{Scope, services};
use crate::codes;
use crate::model::{HaproxyServer, HaproxyService, HaproxySettings};
use crate::source::Value;

pub(super) fn build(scope: &Scope<'_>) -> HaproxySettings {
    let enabled = scope.bool("haproxy_enabled");
    let auth = (enabled && scope.bool("haproxy_auth_enabled")).then(|| {
        let password = scope.needed_secret("haproxy_admin_password", "the HAProxy status page");
        (scope.text("haproxy_admin_username"), password)
    });
    let services = scope.value("haproxy_services").map(Value::list);
    HaproxySettings {
        enabled,
        stats_port: scope.int("haproxy_exporter_port"),
        auth,
        client_timeout: scope.text("haproxy_client_timeout"),
        server_timeout: scope.text("haproxy_server_timeout"),
        services: services
            .unwrap_or_default()
            .iter()
            .map(|entry| service(scope, entry))
            .collect(),
    }
}

fn service(scope: &Scope<'_>, entry: &Value) -> HaproxyService {
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    let or = |name: &str, default: &str| text(name).unwrap_or_else(|| default.to_owned());
    let servers = entry.get("servers").map(Value::list).unwrap_or_default();
    let (name, ip) = (or("name", ""), or("ip", "*"));
    services::refuse_ip(scope, entry, &ip, &format!("service `{name}`"));
    HaproxyService {
        name,
        ip,
        port: port(entry),
        protocol: or("protocol", "tcp"),
        balance: or("balance", "roundrobin"),
        maxconn: count(entry, "maxconn"),
        default: text("default"),
        options: entry
            .get("options")
            .map(|value| scope.texts_of(value))
            .unwrap_or_default(),
        servers: servers.iter().map(|entry| server(scope, entry)).collect(),
    }
}

fn server(scope: &Scope<'_>, entry: &Value) -> HaproxyServer {
    let text = |name: &str| entry.get(name).map(|value| scope.expanded(value));
    let what = format!("server `{}`", text("name").unwrap_or_default());
    services::refuse_lines(scope, entry, &what);
    let ip = text("ip").unwrap_or_default();
    refuse_host(scope, entry, &ip, &what);
    HaproxyServer {
        name: text("name").unwrap_or_default(),
        ip,
        port: port(entry),
        options: text("options").unwrap_or_default(),
        backup: entry
            .get("backup")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    }
}

/// A server is reached at an address, or at a name that HAProxy resolves when it starts.
fn refuse_host(scope: &Scope<'_>, entry: &Value, ip: &str, what: &str) {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if ip.parse::<IpAddr>().is_ok() || (!ip.is_empty() && ip.chars().all(of_name)) {
        return;
    }
    let message = format!("`ip` of {what} is `{ip}`, which is neither an address nor a host name");
    let help = "write the address of the server; its port has a field of its own";
    let (report, place) = (scope.report, entry.place_of("ip"));
    report.error_once(codes::VALUE, place, message, "this address", help);
}

/// The port of an entry; 0 when it is wrong, which was reported.
pub(super) fn port(entry: &Value) -> u16 {
    let port = entry.get("port").and_then(Value::as_i64);
    port.and_then(|port| u16::try_from(port).ok())
        .unwrap_or_default()
}

/// A count of an entry.
pub(super) fn count(entry: &Value, name: &str) -> Option<u32> {
    u32::try_from(entry.get(name)?.as_i64()?).ok()
}
