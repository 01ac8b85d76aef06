//! HAProxy: the services of the node's cluster, other services, and the status page.

mod services;

pub use services::is_primary_pool;
pub use services::service_sections;
pub(crate) use services::{has_primary_pooler, primary_checker, replica_checker};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use sty_inventory::model::HaproxyService;
use sty_wire::resource::{Access, FileCheck, HAPROXY_CONFIG, Module, Stage};

use crate::build::Desired;
use crate::node::open_files;
use crate::pki::{self, CA_PATH, Leaf};
use crate::render::{render, values};
use crate::view::{View, endpoint};

pub(crate) const UNIT: &str = "haproxy.service";
const DIRECTORY: &str = "/etc/haproxy";
pub(crate) const CONFIG: &str = HAPROXY_CONFIG;
const CERT: &str = "/etc/haproxy/server.pem";
/// Who may see the status page: a file of its own keeps the configuration free of secrets, and
/// its differences can be shown.
const OPERATORS: &str = "/etc/haproxy/operators.lst";
/// Holds connections until it is known who is primary and who is a replica.
const WAITS: &str = "/etc/haproxy/waits.lua";
/// What is its alone beside the configuration.
pub(crate) const FURTHER: [&str; 3] = [CERT, OPERATORS, WAITS];
/// HAProxy's statistics socket.
pub const STATS_SOCKET: &str = "/run/haproxy/admin.sock";

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let settings = &view.node.haproxy;
    if !settings.enabled {
        let cluster = view.postgres.map(|member| member.cluster.name.as_str());
        let mut group = desired.group(Module::Node, Stage::Cleanup, cluster);
        return group.retired(UNIT, CONFIG, &FURTHER);
    }
    let waits = render("waits.lua", values! { managed => view.managed() });
    let (Some(config), Some(waits)) = (desired.take(config(view)), desired.take(waits)) else {
        return;
    };
    let mut names = match view.postgres {
        Some(member) => pki::postgres_names(view, member),
        None => vec![view.node.name.clone()],
    };
    let vip = view.node.vip.as_ref();
    names.extend(vip.map(|vip| pki::without_prefix(&vip.address).to_owned()));
    let mut group = desired.group(Module::Node, Stage::Config, None);
    group.directory(DIRECTORY, Access::root(0o755));
    pki::certificate(
        view,
        &mut group,
        Leaf {
            cert_path: CERT,
            key_path: None,
            owner: "root",
            common_name: &view.node.name,
            names,
        },
    );
    group.file(WAITS, waits, Access::root(0o644));
    let mut reload_on = vec![CONFIG, CERT, WAITS];
    if let Some((name, password)) = &settings.auth {
        let pair = BASE64.encode(format!("{name}:{}", password.expose()));
        group.secret(OPERATORS, format!("Basic {pair}\n"), Access::root(0o600));
        reload_on.push(OPERATORS);
    }
    group.checked(
        CONFIG,
        config,
        Access::root(0o644),
        false,
        FileCheck::Haproxy,
    );
    desired
        .group(Module::Node, Stage::Services, None)
        .proxy(UNIT, &reload_on, STATS_SOCKET);
}

/// One section.
#[derive(Serialize)]
struct Listen {
    /// `listen`, or `backend` for what nobody comes in by.
    kind: &'static str,
    name: String,
    bind: Option<String>,
    mode: String,
    maxconn: Option<u32>,
    balance: String,
    /// Further lines.
    lines: Vec<String>,
    default_server: Option<String>,
    servers: Vec<String>,
}

impl Listen {
    /// An empty section that passes bytes.
    fn tcp() -> Self {
        Self {
            kind: "listen",
            name: String::new(),
            bind: None,
            mode: "tcp".to_owned(),
            maxconn: None,
            balance: "roundrobin".to_owned(),
            lines: Vec::new(),
            default_server: None,
            servers: Vec::new(),
        }
    }
}

fn config(view: &View<'_>) -> Result<String, sty_core::Diagnostic> {
    let settings = &view.node.haproxy;
    let mut sections: Vec<Listen> = view.postgres.map(services::sections).unwrap_or_default();
    sections.extend(settings.services.iter().map(other));
    render(
        "haproxy.cfg",
        values! {
            managed => view.managed(),
            maxconn => maxconn(open_files(view)),
            waits => WAITS,
            stats_socket => STATS_SOCKET,
            stats_port => settings.stats_port,
            cert => CERT,
            ca => CA_PATH,
            operators => settings.auth.as_ref().map(|_| OPERATORS),
            node => view.node.name,
            client_timeout => settings.client_timeout,
            server_timeout => settings.server_timeout,
            sections => sections,
        },
    )
}

/// Connections that the limit of open files allows: each takes two, and HAProxy wants some for
/// its listeners, checks and itself.
fn maxconn(open_files: u64) -> u64 {
    (open_files.saturating_sub(1000) / 2).clamp(100, 50_000)
}

/// An entry of `haproxy_services`.
fn other(service: &HaproxyService) -> Listen {
    let servers = service.servers.iter().map(|server| {
        let address = format!("{}:{}", server.ip, server.port);
        let backup = if server.backup { " backup" } else { "" };
        let options = server.options.trim();
        format!("{} {address} {options}{backup}", server.name)
            .trim_end()
            .to_owned()
    });
    Listen {
        kind: "listen",
        name: service.name.clone(),
        bind: Some(format!("{}:{}", service.ip, service.port)),
        mode: service.protocol.clone(),
        maxconn: service.maxconn,
        balance: service.balance.clone(),
        lines: service.options.clone(),
        default_server: service.default.clone(),
        servers: servers.collect(),
    }
}

/// `address:port` as HAProxy reads it.
fn server_address(address: std::net::IpAddr, port: u16) -> String {
    endpoint(address, port)
}

#[cfg(test)]
mod tests {
    use super::maxconn;

    #[test]
    fn stays_within_open_files() {
        assert_eq!(maxconn(20_000), 9_500);
        assert_eq!(maxconn(524_288), 50_000);
        assert_eq!(maxconn(1024), 100);
    }
}
