//! PgBouncer: its configuration, user list and rules.

mod users;

use sty_inventory::model::{Database, PgCluster, Presence};
use sty_wire::resource::{Access, Module, Stage};

use crate::build::Desired;
use crate::node::open_files;
use crate::pgsql::{self, paths};
use crate::pki::CA_PATH;
use crate::render::{render, values};
use crate::view::{Member, View};

/// PgBouncer's unit.
pub(crate) const UNIT: &str = "pgbouncer.service";
pub(crate) const DIRECTORY: &str = "/etc/pgbouncer";
/// What a reload takes up.
const CONFIG: &str = "/etc/pgbouncer/pgbouncer.ini";
/// What only a restart takes up: a file of its own, so that a reload never hides it.
const LISTEN: &str = "/etc/pgbouncer/listen.ini";
const USERS: &str = "/etc/pgbouncer/userlist.txt";
const HBA: &str = "/etc/pgbouncer/pgb_hba.conf";
pub(crate) const DROP_IN_DIRECTORY: &str = "/etc/systemd/system/pgbouncer.service.d";
const DROP_IN: &str = "/etc/systemd/system/pgbouncer.service.d/sty.conf";

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let Some(member) = view.postgres.filter(|one| one.cluster.settings.pgbouncer) else {
        return;
    };
    let cluster = member.cluster;
    let texts = (
        desired.take(config(view, member)),
        desired.take(listen(view, member)),
        desired.take(drop_in(view, cluster)),
        desired.take(pgsql::pgbouncer_rules(view, member)),
    );
    let (Some(config), Some(listen), Some(drop_in), Some(rules)) = texts else {
        return;
    };
    let users = users::list(view, member);
    let dbsu = &cluster.settings.dbsu;
    let owned = |mode| Access::new(dbsu, dbsu, mode);
    let mut group = desired.group(Module::Pgsql, Stage::Config, Some(&cluster.name));
    group.directory(DIRECTORY, owned(0o750));
    group.directory(DROP_IN_DIRECTORY, Access::root(0o755));
    group.secret(USERS, users, owned(0o600));
    group.file(HBA, rules, owned(0o640));
    group.file(LISTEN, listen, owned(0o640));
    group.file(CONFIG, config, owned(0o640));
    group.file(DROP_IN, drop_in, Access::root(0o644));
    desired
        .group(Module::Pgsql, Stage::Services, Some(&cluster.name))
        .running(
            UNIT,
            &[CONFIG, USERS, HBA, paths::CERT, paths::KEY],
            &[LISTEN, DROP_IN],
        );
}

fn listen(view: &View<'_>, member: Member<'_>) -> Result<String, sty_core::Diagnostic> {
    let settings = &member.cluster.settings;
    render(
        "pgbouncer.listen.ini",
        values! {
            managed => view.managed(),
            listen => settings.listen,
            port => settings.pgbouncer_port,
            socket_dir => settings.socket_dir,
        },
    )
}

fn drop_in(view: &View<'_>, cluster: &PgCluster) -> Result<String, sty_core::Diagnostic> {
    render(
        "pgbouncer.conf",
        values! {
            managed => view.managed(),
            dbsu => cluster.settings.dbsu,
            open_files => open_files(view),
        },
    )
}

fn config(view: &View<'_>, member: Member<'_>) -> Result<String, sty_core::Diagnostic> {
    let cluster = member.cluster;
    let settings = &cluster.settings;
    let databases: Vec<String> = cluster
        .databases
        .iter()
        .filter(|one| one.pgbouncer)
        .map(|one| database(cluster, one))
        .collect();
    render(
        "pgbouncer.ini",
        values! {
            managed => view.managed(),
            include => LISTEN,
            databases => databases,
            users => users::sections(cluster),
            dbsu => settings.dbsu,
            admin => cluster.accounts.admin.name,
            monitor => cluster.accounts.monitor.name,
            pool_mode => settings.pool_mode,
            max_client_conn => max_clients(view, cluster),
            max_db_connections => server_connections(cluster),
            user_list => USERS,
            hba => HBA,
            auth_query => settings.pgbouncer_auth_query,
            ignore => settings.pgbouncer_ignore.join(", "),
            sslmode => settings.pgbouncer_sslmode,
            cert => paths::CERT,
            key => paths::KEY,
            ca => CA_PATH,
        },
    )
}

/// One line of `[databases]`: the server is the one next door, over its socket. A database that
/// should go keeps its line, without connections of its own, until the inventory forgets it: it is
/// there until its end was confirmed.
fn database(cluster: &PgCluster, database: &Database) -> String {
    let settings = &cluster.settings;
    let pool = &database.pool;
    let mut options = vec![
        format!("host={}", settings.socket_dir),
        format!("port={}", settings.port),
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
fn server_connections(cluster: &PgCluster) -> u32 {
    let all = pgsql::max_connections(cluster);
    all.saturating_sub(all / 5).max(10)
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
