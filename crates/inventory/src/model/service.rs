//! Ways in: services, access rules, virtual addresses.

/// Where a service leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceDest {
    /// PostgreSQL itself.
    Postgres,
    /// PgBouncer.
    Pgbouncer,
    /// A port.
    Port(u16),
}

/// A named HAProxy entry of a cluster.
#[derive(Debug, Clone)]
pub struct Service {
    /// `primary`, `replica`, `default`, `offline` or the operator's own.
    pub name: String,
    /// Listen port.
    pub port: u16,
    /// Listen address, `*` for all.
    pub ip: String,
    /// Where it leads to; `default` resolved.
    pub dest: ServiceDest,
    /// Patroni health check path: `/primary`, `/replica`, `/read-only`, ...
    pub check: String,
    /// Instance names that serve it.
    pub members: Vec<String>,
    /// Instance names that serve it when no member does.
    pub backup: Vec<String>,
    /// Connection limit of a server.
    pub max_connections: Option<u32>,
    /// Balance algorithm.
    pub balance: String,
    /// HAProxy `default-server` options instead of those of the recovery plan.
    pub options: Option<String>,
}

impl Service {
    /// Whether any member serves it, at least when no other does.
    pub fn is_served(&self) -> bool {
        !self.members.is_empty() || !self.backup.is_empty()
    }

    /// Whether only a primary answers its health check.
    pub fn leads_to_primary(&self) -> bool {
        matches!(
            self.check.as_str(),
            "/" | "/primary" | "/master" | "/read-write"
        )
    }
}

/// One rule, of PostgreSQL or PgBouncer. One rule may render to several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HbaRule {
    /// Comment above the lines.
    pub title: String,
    /// Instances it applies to: `common` (all), `primary`, `replica`, `offline`.
    pub role: String,
    /// Sort key.
    pub order: i64,
    /// What it says.
    pub kind: HbaKind,
}

/// The two ways to write a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HbaKind {
    /// With aliases.
    Alias {
        /// User names; `all`, `+role` and names.
        users: Vec<String>,
        /// Database names; `all`, `replication` and names.
        databases: Vec<String>,
        /// Addresses: aliases (`local`, `localhost`, `intra`, `infra`, `cluster`, `world`, ...)
        /// or CIDR.
        addresses: Vec<String>,
        /// Method alias (`pwd`, `ssl`, `ssl-sha`, `cert`, `ident`, `peer`, `deny`, `trust`, ...).
        auth: String,
    },
    /// Raw lines.
    Raw(Vec<String>),
}

/// Virtual IP that follows the primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgVip {
    /// Address with prefix length.
    pub address: String,
    /// Interface; `None` for `auto`.
    pub interface: Option<String>,
}
