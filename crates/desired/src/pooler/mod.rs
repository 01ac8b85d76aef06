//! PgBouncer, twice on every member: configuration, user list and rules.

mod users;

use sty_inventory::model::{Database, PgCluster, Presence};
use sty_wire::resource::{Access, Module, PoolerConsole, PrimaryPooler, Stage};

use crate::build::{Desired, Group};
use crate::node::open_files;
use crate::pgsql::{self, paths};
use crate::pki::CA_PATH;
use crate::proxy::{STATS_SOCKET, has_primary_pooler, primary_checker, replica_checker};
use crate::render::{render, values};
use crate::view::{Member, View};

/// Everything of PgBouncer's.
pub(crate) const DIRECTORY: &str = "/etc/pgbouncer";
const USERS: &str = "/etc/pgbouncer/userlist.txt";
const HBA: &str = "/etc/pgbouncer/pgb_hba.conf";
/// What the packaged unit lacks.
pub(crate) const DROP_IN_DIRECTORY: &str = "/etc/systemd/system/pgbouncer.service.d";
const DROP_IN: &str = "/etc/systemd/system/pgbouncer.service.d/sty.conf";
/// The primary pooler's unit is ours.
pub(crate) const PRIMARY_UNIT_PATH: &str = "/etc/systemd/system/pgbouncer-primary.service";
/// A database of the primary pooler that is on this node: users are looked up there, where the
/// superuser needs no password.
const LOOKUP_DATABASE: &str = "sty_lookup";
/// Where HAProxy takes connections of the pooler next door.
pub(crate) const LOOPBACK: &str = "127.0.0.1";

/// One of the two poolers of every member. The local one leads to the PostgreSQL next door,
/// whatever its role; the primary one leads to the primary wherever it is, so that its clients
/// stay connected while the primary moves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooler {
    Local,
    Primary,
}

impl Pooler {
    pub(crate) const BOTH: [Self; 2] = [Self::Local, Self::Primary];

    /// Its unit.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Local => "pgbouncer.service",
            Self::Primary => "pgbouncer-primary.service",
        }
    }

    /// Port that it listens on.
    pub(crate) fn port(self, cluster: &PgCluster) -> u16 {
        match self {
            Self::Local => cluster.settings.pgbouncer_port,
            Self::Primary => cluster.settings.primary_pooler_port(),
        }
    }

    /// What a reload takes up.
    fn config(self) -> &'static str {
        match self {
            Self::Local => "/etc/pgbouncer/pgbouncer.ini",
            Self::Primary => "/etc/pgbouncer/primary.ini",
        }
    }

    /// What only a restart takes up: a file of its own, so that a reload never hides it.
    fn listen(self) -> &'static str {
        match self {
            Self::Local => "/etc/pgbouncer/listen.ini",
            Self::Primary => "/etc/pgbouncer/primary-listen.ini",
        }
    }

    /// The unit's file that is ours.
    fn unit_file(self) -> &'static str {
        match self {
            Self::Local => DROP_IN,
            Self::Primary => PRIMARY_UNIT_PATH,
        }
    }

    /// It does not run, and what it had is gone. What both have goes with the local one, which
    /// every member has that has any.
    pub(crate) fn retired(self, group: &mut Group<'_>) {
        let mut files = vec![self.listen(), self.unit_file()];
        if self == Self::Local {
            files.extend([USERS, HBA]);
        }
        group.retired(self.unit(), self.config(), &files);
    }

    fn name(self) -> &'static str {
        self.unit().trim_end_matches(".service")
    }
}

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let Some(member) = view.postgres else {
        return;
    };
    let cluster = member.cluster;
    let wanted = wanted(view, cluster);
    let mut group = desired.group(Module::Pgsql, Stage::Cleanup, Some(&cluster.name));
    for pooler in Pooler::BOTH {
        if !wanted.contains(&pooler) {
            pooler.retired(&mut group);
        }
    }
    if wanted.is_empty() {
        return;
    }
    let Some(rules) = desired.take(pgsql::pgbouncer_rules(view, member)) else {
        return;
    };
    let users = users::list(view, member);
    let owned = owned(cluster);
    let mut group = desired.group(Module::Pgsql, Stage::Config, Some(&cluster.name));
    group.directory(DIRECTORY, owned(0o750));
    group.directory(DROP_IN_DIRECTORY, Access::root(0o755));
    group.secret(USERS, users, owned(0o600));
    group.file(HBA, rules, owned(0o640));
    for pooler in wanted {
        pooler_resources(view, desired, member, pooler);
    }
}

/// Poolers of a member of `cluster` on the node: the primary one needs a HAProxy next door.
fn wanted(view: &View<'_>, cluster: &PgCluster) -> Vec<Pooler> {
    let mut wanted = Pooler::BOTH.to_vec();
    let leads = view.node.haproxy.enabled && has_primary_pooler(cluster);
    wanted.retain(|pooler| cluster.settings.pgbouncer && (*pooler == Pooler::Local || leads));
    wanted
}

/// How to have the clients of the primary pooler wait; `None` where no service leads through it.
pub(crate) fn primary(cluster: &PgCluster) -> Option<Box<PrimaryPooler>> {
    let settings = &cluster.settings;
    (settings.pgbouncer && has_primary_pooler(cluster)).then(|| {
        Box::new(PrimaryPooler {
            console: console(cluster, Pooler::Primary),
            stats_socket: STATS_SOCKET.to_owned(),
            checker: primary_checker(cluster),
            replica_checker: replica_checker(cluster),
        })
    })
}

fn console(cluster: &PgCluster, pooler: Pooler) -> PoolerConsole {
    let settings = &cluster.settings;
    PoolerConsole {
        psql: format!("{}/psql", settings.bin_dir),
        account: settings.dbsu.clone(),
        socket_dir: settings.socket_dir.clone(),
        port: pooler.port(cluster),
    }
}

fn owned(cluster: &PgCluster) -> impl Fn(u32) -> Access {
    |mode| Access::new(&cluster.settings.dbsu, &cluster.settings.dbsu, mode)
}

fn pooler_resources(view: &View<'_>, desired: &mut Desired, member: Member<'_>, pooler: Pooler) {
    let cluster = member.cluster;
    let texts = (
        desired.take(config(view, member, pooler)),
        desired.take(listen(view, member, pooler)),
        desired.take(unit_file(view, cluster, pooler)),
    );
    let (Some(config), Some(listen), Some(unit_file)) = texts else {
        return;
    };
    let owned = owned(cluster);
    let mut group = desired.group(Module::Pgsql, Stage::Config, Some(&cluster.name));
    group.file(pooler.listen(), listen, owned(0o640));
    group.file(pooler.config(), config, owned(0o640));
    group.file(pooler.unit_file(), unit_file, Access::root(0o644));
    desired
        .group(Module::Pgsql, Stage::Services, Some(&cluster.name))
        .pooler(
            pooler.unit(),
            &[pooler.config(), USERS, HBA, paths::CERT, paths::KEY],
            &[pooler.listen(), pooler.unit_file()],
            console(cluster, pooler),
        );
}

fn listen(
    view: &View<'_>,
    member: Member<'_>,
    pooler: Pooler,
) -> Result<String, sty_core::Diagnostic> {
    let settings = &member.cluster.settings;
    render(
        "pgbouncer.listen.ini",
        values! {
            managed => view.managed(),
            listen => member.instance.listen,
            port => pooler.port(member.cluster),
            socket_dir => settings.socket_dir,
            ini => pooler.config(),
            name => pooler.name(),
        },
    )
}

fn unit_file(
    view: &View<'_>,
    cluster: &PgCluster,
    pooler: Pooler,
) -> Result<String, sty_core::Diagnostic> {
    let template = match pooler {
        Pooler::Local => "pgbouncer.conf",
        Pooler::Primary => "pgbouncer-primary.service",
    };
    render(
        template,
        values! {
            managed => view.managed(),
            config => pooler.config(),
            dbsu => cluster.settings.dbsu,
            open_files => open_files(view),
        },
    )
}

fn config(
    view: &View<'_>,
    member: Member<'_>,
    pooler: Pooler,
) -> Result<String, sty_core::Diagnostic> {
    let cluster = member.cluster;
    let settings = &cluster.settings;
    let mut databases: Vec<String> = cluster
        .databases
        .iter()
        .filter(|one| one.pgbouncer)
        .map(|one| database(cluster, one, pooler))
        .collect();
    let looks_elsewhere = pooler == Pooler::Primary && settings.pgbouncer_auth_query;
    if looks_elsewhere {
        databases.push(format!(
            "{LOOKUP_DATABASE} = host={} port={} dbname=postgres",
            settings.socket_dir, settings.port
        ));
    }
    render(
        "pgbouncer.ini",
        values! {
            managed => view.managed(),
            include => pooler.listen(),
            databases => databases,
            users => users::sections(cluster),
            dbsu => settings.dbsu,
            admin => cluster.accounts.admin.name,
            monitor => cluster.accounts.monitor.name,
            pool_mode => settings.pool_mode,
            max_client_conn => max_clients(view, cluster),
            max_db_connections => server_connections(cluster, pooler),
            user_list => USERS,
            hba => HBA,
            auth_query => settings.pgbouncer_auth_query,
            lookup_database => looks_elsewhere.then_some(LOOKUP_DATABASE),
            primary => pooler == Pooler::Primary,
            ignore => settings.pgbouncer_ignore.join(", "),
            wait => settings.rto.longest_wait() + 10,
            sslmode => settings.pgbouncer_sslmode,
            cert => paths::CERT,
            key => paths::KEY,
            ca => CA_PATH,
        },
    )
}

/// One line of `[databases]`: the server is the one next door, over its socket, or the primary,
/// through the HAProxy next door, which knows where it is. A database that should go keeps its
/// line, without connections of its own, until the inventory forgets it: it is there until its end
/// was confirmed.
fn database(cluster: &PgCluster, database: &Database, pooler: Pooler) -> String {
    let settings = &cluster.settings;
    let pool = &database.pool;
    let (host, port) = match pooler {
        Pooler::Local => (settings.socket_dir.as_str(), settings.port),
        Pooler::Primary => (LOOPBACK, settings.primary_route_port()),
    };
    let mut options = vec![
        format!("host={host}"),
        format!("port={port}"),
        format!("dbname={}", value(&database.name)),
    ];
    let mut add = |name: &str, text: Option<String>| {
        options.extend(text.map(|text| format!("{name}={text}")));
    };
    add("pool_mode", pool.mode.clone());
    add("pool_size", pool.size.map(|one| one.to_string()));
    let stays = database.state == Presence::Present;
    let min_size = pool.min_size.filter(|_| stays);
    add("min_pool_size", min_size.map(|one| one.to_string()));
    add("reserve_pool", pool.reserve.map(|one| one.to_string()));
    add(
        "max_db_connections",
        pool.max_connections.map(|one| one.to_string()),
    );
    add("auth_user", pool.auth_user.as_deref().map(value));
    format!("{} = {}", key(&database.name), options.join(" "))
}

/// A value in a connection string.
fn value(text: &str) -> String {
    if text
        .chars()
        .all(|one| one.is_alphanumeric() || "_-.".contains(one))
    {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A name on the left of an equals sign.
fn key(text: &str) -> String {
    if text
        .chars()
        .all(|one| one.is_ascii_alphanumeric() || "_-.".contains(one))
    {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

/// Clients, as far as open files reach once server connections and PgBouncer's own are set aside.
fn max_clients(view: &View<'_>, cluster: &PgCluster) -> u64 {
    let spare = u64::from(pgsql::max_connections(cluster)) + 512;
    open_files(view).saturating_sub(spare).clamp(100, 20_000)
}

/// Server connections to one database: what the server has, less those that come past the pooler.
/// The poolers of all members that lead to the primary share what it has.
fn server_connections(cluster: &PgCluster, pooler: Pooler) -> usize {
    let all = pgsql::max_connections(cluster);
    let pooled = all.saturating_sub(all / 5) as usize;
    let poolers = match pooler {
        Pooler::Local => 1,
        Pooler::Primary => cluster.instances.len().max(1),
    };
    (pooled / poolers).max(10)
}

#[cfg(test)]
mod tests {
    use super::{key, value};

    #[test]
    fn odd_names_are_quoted() {
        assert_eq!(key("app"), "app");
        assert_eq!(key("my app"), "\"my app\"");
        assert_eq!(value("it's"), "'it''s'");
    }
}
