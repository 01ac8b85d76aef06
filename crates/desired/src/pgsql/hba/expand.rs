//! From aliases to lines.

use std::net::IpAddr;

use sty_inventory::model::{HbaRule, Instance, InstanceRole};

use super::line::{Dialect, Line, column};
use crate::view::{Member, View, single};

/// Networks that are called the intranet.
const INTRANET: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
const WORLD: [&str; 2] = ["0.0.0.0/0", "::/0"];
const LOOPBACK: [&str; 2] = ["127.0.0.1/32", "::1/128"];

/// What the address aliases stand for, and what passwords are.
pub(super) struct Places {
    pub(super) infra: Vec<IpAddr>,
    pub(super) cluster: Vec<IpAddr>,
    /// Nodes whose pooler leads to the primary here.
    pub(super) poolers: Vec<IpAddr>,
    pub(super) admin: IpAddr,
    /// `scram-sha-256` or `md5`.
    pub(super) password_method: String,
}

impl Places {
    pub(super) fn of(view: &View<'_>, member: Member<'_>) -> Self {
        let instances = &member.cluster.instances;
        let cluster: Vec<IpAddr> = instances.iter().map(|one| one.address).collect();
        let pooled = member.cluster.settings.pgbouncer;
        Self {
            poolers: if pooled { cluster.clone() } else { Vec::new() },
            infra: view.inventory.infra.clone(),
            cluster,
            admin: view.inventory.admin_ip,
            password_method: member.cluster.settings.password_encryption.clone(),
        }
    }
}

/// Whether a rule is for an instance of this role.
pub(super) fn applies(rule: &HbaRule, instance: &Instance) -> bool {
    match rule.role.as_str() {
        "primary" => instance.role == InstanceRole::Primary,
        "replica" => instance.role == InstanceRole::Replica,
        "offline" => instance.role == InstanceRole::Offline || instance.offline_query,
        _ => true,
    }
}

/// Where a line lets in from.
enum Origin {
    Socket,
    /// A member's pooler, on its way to the primary: who may come over the socket next door may
    /// come from there.
    Pooler(String),
    Network(String),
}

/// The lines of one rule.
pub(super) fn expand(
    places: &Places,
    dialect: Dialect,
    users: &[String],
    databases: &[String],
    addresses: &[String],
    auth: &str,
) -> Result<Vec<Line>, String> {
    let auth = Auth::parse(auth, &places.password_method)?;
    let (users, databases) = (column(users), column(databases));
    let mut lines: Vec<Line> = Vec::new();
    for address in addresses {
        for origin in origins(places, dialect, address) {
            let line = match &origin {
                Origin::Socket => auth
                    .over_socket()
                    .map(|method| Line::local(&databases, &users, method)),
                Origin::Pooler(network) => auth
                    .through_pooler()
                    .map(|method| Line::host("hostssl", &databases, &users, network, method)),
                Origin::Network(network) => auth
                    .over_network(dialect)?
                    .map(|method| Line::host(auth.kind, &databases, &users, network, method)),
            };
            lines.extend(line.filter(|line| !lines.contains(line)));
        }
    }
    if lines.is_empty() {
        return Err(format!(
            "`{}` does not work from `{}`, nobody would be let in or out",
            auth.method,
            addresses.join(", ")
        ));
    }
    Ok(lines)
}

fn origins(places: &Places, dialect: Dialect, address: &str) -> Vec<Origin> {
    let socket = || {
        let poolers = places
            .poolers
            .iter()
            .filter(|_| dialect == Dialect::Postgres);
        std::iter::once(Origin::Socket)
            .chain(poolers.map(|&one| Origin::Pooler(single(one))))
            .collect::<Vec<_>>()
    };
    let networks = |list: &[&str]| {
        list.iter()
            .map(|&one| Origin::Network(one.into()))
            .collect()
    };
    let hosts = |list: &[IpAddr]| {
        list.iter()
            .map(|&one| Origin::Network(single(one)))
            .collect()
    };
    match address {
        "local" => socket(),
        "localhost" => {
            let mut all = socket();
            all.extend(LOOPBACK.map(|one| Origin::Network(one.into())));
            all
        }
        "intra" | "intranet" => networks(&INTRANET),
        "world" | "all" => networks(&WORLD),
        "infra" if places.infra.is_empty() => hosts(&[places.admin]),
        "infra" => hosts(&places.infra),
        "cluster" => hosts(&places.cluster),
        "admin" => hosts(&[places.admin]),
        other => vec![Origin::Network(network(other))],
    }
}

/// A lone address is a network of one; names and networks stay as they are.
fn network(text: &str) -> String {
    text.parse::<IpAddr>()
        .map_or_else(|_| text.to_owned(), single)
}

/// How somebody proves who they are.
struct Auth {
    /// `host` or `hostssl`, for lines with an address.
    kind: &'static str,
    method: String,
}

impl Auth {
    fn parse(alias: &str, password_method: &str) -> Result<Self, String> {
        let (kind, method) = match alias {
            "deny" => ("host", "reject"),
            "pwd" => ("host", password_method),
            "sha" | "scram" => ("host", "scram-sha-256"),
            "ssl" => ("hostssl", password_method),
            "ssl-sha" | "ssl-scram" => ("hostssl", "scram-sha-256"),
            "ssl-md5" => ("hostssl", "md5"),
            "cert" => ("hostssl", "cert"),
            "os" | "ident" | "peer" => ("host", "ident"),
            "trust" | "reject" | "md5" | "scram-sha-256" | "password" | "gss" | "ldap"
            | "radius" | "pam" | "sspi" | "bsd" | "oauth" => ("host", alias),
            other => return Err(format!("`{other}` is no way to authenticate")),
        };
        Ok(Self {
            kind,
            method: method.to_owned(),
        })
    }

    /// The method over the Unix socket. There is no certificate to show there; encryption is
    /// neither to be had nor needed.
    fn over_socket(&self) -> Option<&str> {
        match self.method.as_str() {
            "cert" | "gss" | "sspi" => None,
            "ident" => Some("peer"),
            other => Some(other),
        }
    }

    /// The method for a pooler that passes a client's proof on.
    fn through_pooler(&self) -> Option<&str> {
        let method = self.method.as_str();
        ["scram-sha-256", "md5", "reject"]
            .contains(&method)
            .then_some(method)
    }

    fn over_network(&self, dialect: Dialect) -> Result<Option<&str>, String> {
        match (dialect, self.method.as_str()) {
            (Dialect::PgBouncer, "ident") => {
                Err("PgBouncer cannot ask another machine for the user: use `local`".to_owned())
            }
            (_, method) => Ok(Some(method)),
        }
    }
}

#[cfg(test)]
#[path = "expand_tests.rs"]
mod tests;
