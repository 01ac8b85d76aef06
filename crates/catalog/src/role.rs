//! What a node can be asked to do, as far as packages are concerned.

use std::fmt;

use serde::Deserialize;

/// A reason to install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// What every node needs to be reached and looked after.
    Node,
    /// Time synchronisation.
    Chrony,
    /// What runs jobs at their times.
    Cron,
    /// The PostgreSQL server of one major version.
    PostgresqlServer,
    /// `psql`, `pg_dump` and the rest of one major version.
    PostgresqlClient,
    /// The extensions that come with PostgreSQL; empty where they are part of the server.
    PostgresqlContrib,
    /// The extension `pg_repack` of one major version, which clusters have by default.
    PostgresqlRepack,
    /// Patroni with what it needs to keep its state in etcd v3.
    Patroni,
    /// The etcd server.
    EtcdServer,
    /// `etcdctl`.
    EtcdClient,
    /// HAProxy.
    Haproxy,
    /// PgBouncer.
    Pgbouncer,
    /// pgBackRest.
    Pgbackrest,
    /// Virtual IP addresses.
    Keepalived,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 14] = [
        Self::Node,
        Self::Chrony,
        Self::Cron,
        Self::PostgresqlServer,
        Self::PostgresqlClient,
        Self::PostgresqlContrib,
        Self::PostgresqlRepack,
        Self::Patroni,
        Self::EtcdServer,
        Self::EtcdClient,
        Self::Haproxy,
        Self::Pgbouncer,
        Self::Pgbackrest,
        Self::Keepalived,
    ];

    /// The name in the data, `postgresql-server`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Chrony => "chrony",
            Self::Cron => "cron",
            Self::PostgresqlServer => "postgresql-server",
            Self::PostgresqlClient => "postgresql-client",
            Self::PostgresqlContrib => "postgresql-contrib",
            Self::PostgresqlRepack => "postgresql-repack",
            Self::Patroni => "patroni",
            Self::EtcdServer => "etcd-server",
            Self::EtcdClient => "etcd-client",
            Self::Haproxy => "haproxy",
            Self::Pgbouncer => "pgbouncer",
            Self::Pgbackrest => "pgbackrest",
            Self::Keepalived => "keepalived",
        }
    }

    /// True where the packages differ from one PostgreSQL major version to the next.
    pub fn depends_on_major(self) -> bool {
        matches!(
            self,
            Self::PostgresqlServer
                | Self::PostgresqlClient
                | Self::PostgresqlContrib
                | Self::PostgresqlRepack
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
