//! Patroni: its file, its unit, the member and the dynamic configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sty_core::Diagnostic;
use sty_inventory::model::{EtcdCluster, Instance, InstanceRole, Node, PgCluster};
use sty_wire::postgres::ClusterCreation;
use sty_wire::resource::{
    Access, BootRole, Module, PATRONI_SERVICE, PatroniAccess, PatroniMember, ResourceKind, Stage,
};
use sty_wire::standing;

use super::{dynamic, objects, parameters, paths, slots};
use crate::build::Desired;
use crate::etcd;
use crate::node::open_files;
use crate::pki::CA_PATH;
use crate::pooler;
use crate::render::{render, values};
use crate::view::{Member, View, endpoint};
use crate::yaml::{Yaml, map, write};

/// Tag of a member that is late on purpose: Patroni passes it on, and nobody waits for the member.
const DELAY_TAG: &str = "delay";

pub(super) fn resources(view: &View<'_>, desired: &mut Desired, member: Member<'_>) {
    let cluster = member.cluster;
    let Some(store) = &view.inventory.etcd else {
        return desired.problem(no_etcd(cluster));
    };
    let unit = render(
        "patroni.service",
        values! {
            managed => view.managed(),
            config => paths::PATRONI,
            within_lease => paths::PATRONI_WITHIN_LEASE,
            dbsu => cluster.settings.dbsu,
            data => cluster.settings.data,
            open_files => open_files(view),
            watchdog => cluster.settings.watchdog != "off",
            network_admin => view.facts.network_admin,
        },
    );
    let within_lease = render(
        "patroni-within-lease.py",
        values! { managed => view.managed() },
    );
    let elsewhere = render("etcd_elsewhere.py", values! { managed => view.managed() });
    let timelines = render(
        "timelines.py",
        values! { managed => view.managed(), skipped => standing::SKIPPED },
    );
    let fresh_copy = render(
        "fresh_copy.py",
        values! {
            managed => view.managed(),
            essential => standing::ESSENTIAL,
            dies => standing::DIES,
            replay_fails => standing::REPLAY_FAILS,
            wal_end => standing::WAL_END,
            wal_kept => standing::WAL_KEPT,
        },
    );
    let gate = render(
        "lease_gate.py",
        values! { managed => view.managed(), ports => paths::PATRONI_GATED },
    );
    let mut rendered = vec![
        (paths::PATRONI_UNIT, unit, 0o644),
        (paths::PATRONI_WITHIN_LEASE, within_lease, 0o644),
        (paths::PATRONI_ELSEWHERE, elsewhere, 0o644),
        (paths::PATRONI_TIMELINES, timelines, 0o644),
        (paths::PATRONI_FRESH_COPY, fresh_copy, 0o644),
        (paths::PATRONI_GATE, gate, 0o644),
    ];
    if slots::are_synchronized(cluster) {
        let callback = slots::callback(view, cluster);
        rendered.push((paths::PATRONI_CALLBACK, callback, 0o755));
    }
    let mut files = Vec::new();
    for (path, text, mode) in rendered {
        let Some(text) = desired.take(text) else {
            return;
        };
        files.push((path, text, mode));
    }
    if let Some(problem) = parameters::too_large(view, member) {
        desired.problem(problem);
    }
    let config = dynamic::config(view, cluster);
    let text = format!(
        "# {}\n{}",
        view.managed(),
        write(&document(
            view,
            member,
            store,
            Yaml::from(&dynamic::at_bootstrap(&config))
        ))
    );
    let dbsu = &cluster.settings.dbsu;
    let mut group = desired.group(Module::Pgsql, Stage::Config, Some(&cluster.name));
    group.directory(paths::PATRONI_DIR, Access::root(0o755));
    group.secret(paths::PATRONI, text, Access::new(dbsu, dbsu, 0o600));
    group.owned(paths::PGPASS, Access::new(dbsu, dbsu, 0o600));
    for (path, text, mode) in files {
        group.file(path, text, Access::root(mode));
    }
    group.file(
        paths::PATRONI_GATED,
        gated(view, cluster),
        Access::root(0o644),
    );
    let mut group = desired.group(Module::Pgsql, Stage::Postgres, Some(&cluster.name));
    let local = parameters::local(view, member);
    let own = local.keys().cloned().collect();
    let delay = Some(member.instance.delay.clone()).filter(|delay| !delay.is_empty());
    let delay = delay.map(|delay| ("recovery_min_apply_delay".to_owned(), delay));
    group.push(
        format!("patroni:{}", member.instance.name),
        ResourceKind::PatroniMember(PatroniMember {
            parameters: local.into_iter().chain(delay).collect(),
            dcs: etcd::addresses(store),
            creation: Some(Box::new(creation(cluster))),
            ..patroni_member(member, view.node)
        }),
    );
    let mut group = desired.group(Module::Pgsql, Stage::Dynamic, Some(&cluster.name));
    group.push(
        format!("patroni-config:{}", cluster.name),
        ResourceKind::PatroniConfig {
            patroni: patroni_access(cluster, member.instance),
            postgres: objects::postgres_access(cluster),
            config,
            own,
        },
    );
}

/// Ports whose answers end with the lease, read each time it is renewed.
fn gated(view: &View<'_>, cluster: &PgCluster) -> String {
    let settings = &cluster.settings;
    let pooler = settings.pgbouncer.then_some(settings.pgbouncer_port);
    let ports = [settings.port].into_iter().chain(pooler);
    let lines: String = ports.map(|port| format!("{port}\n")).collect();
    format!("# {}\n{lines}", view.managed())
}

fn no_etcd(cluster: &PgCluster) -> Diagnostic {
    Diagnostic::error(
        "desired/no-etcd",
        format!(
            "cluster `{}` has no etcd to keep its leader in",
            cluster.name
        ),
    )
    .help("add an `etcd` group with 1, 3 or 5 hosts")
}

/// The Patroni member of an instance, as far as it does not depend on its node.
pub(crate) fn patroni_member(member: Member<'_>, node: &Node) -> PatroniMember {
    let cluster = member.cluster;
    let own = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
    PatroniMember {
        scope: cluster.name.clone(),
        namespace: etcd::namespace(cluster),
        name: member.instance.name.clone(),
        boot: match member.instance.role {
            InstanceRole::Primary => BootRole::Leader,
            InstanceRole::Replica | InstanceRole::Offline => BootRole::Replica,
        },
        unit: PATRONI_SERVICE.to_owned(),
        patroni: patroni_access(cluster, member.instance),
        postgres: objects::postgres_access(cluster),
        data: cluster.settings.data.clone(),
        reload_on: own(&[paths::PATRONI, paths::CERT, paths::KEY]),
        postgres_reload_on: own(&[paths::HBA, paths::IDENT, paths::CERT, paths::KEY]),
        restart_on: own(&[
            paths::PATRONI_UNIT,
            paths::PATRONI_WITHIN_LEASE,
            paths::PATRONI_ELSEWHERE,
            paths::PATRONI_TIMELINES,
            paths::PATRONI_FRESH_COPY,
            paths::PATRONI_GATE,
        ]),
        parameters: BTreeMap::new(),
        creation: None,
        dcs: BTreeSet::new(),
        home: (paths::HOME_LINK.to_owned(), paths::home(cluster)),
        members: cluster
            .instances
            .iter()
            .map(|one| one.name.clone())
            .collect::<BTreeSet<_>>(),
        pooler: pooler::primary(cluster).filter(|_| node.haproxy.enabled),
    }
}

/// How to reach Patroni of an instance.
pub(crate) fn patroni_access(cluster: &PgCluster, instance: &Instance) -> PatroniAccess {
    let settings = &cluster.settings;
    let scheme = if settings.patroni_tls {
        "https"
    } else {
        "http"
    };
    PatroniAccess {
        url: format!(
            "{scheme}://{}",
            endpoint(instance.address, settings.patroni_port)
        ),
        ca_path: CA_PATH.to_owned(),
        username: cluster.accounts.patroni.name.clone(),
        password: cluster.accounts.patroni.password.clone(),
    }
}

fn document(view: &View<'_>, member: Member<'_>, store: &EtcdCluster, dcs: Yaml) -> Yaml {
    let settings = &member.cluster.settings;
    map([
        ("scope", member.cluster.name.clone().into()),
        ("namespace", etcd::namespace(member.cluster).into()),
        ("name", member.instance.name.clone().into()),
        ("restapi", rest_api(member)),
        ("ctl", map([("cacert", CA_PATH.into())])),
        ("etcd3", etcd3(view, member, store)),
        (
            "bootstrap",
            map([("dcs", dcs), ("initdb", initdb(member.cluster))]),
        ),
        ("postgresql", postgresql(view, member)),
        ("tags", tags(member)),
        (
            "watchdog",
            map([
                ("mode", settings.watchdog.clone().into()),
                ("device", "/dev/watchdog".into()),
                ("safety_margin", settings.rto.primary_stop_timeout.into()),
            ]),
        ),
    ])
}

fn rest_api(member: Member<'_>) -> Yaml {
    let settings = &member.cluster.settings;
    let account = &member.cluster.accounts.patroni;
    let any: IpAddr = match member.instance.address {
        IpAddr::V4(_) => IpAddr::from([0, 0, 0, 0]),
        IpAddr::V6(_) => IpAddr::from([0_u16; 8]),
    };
    let mut entries = vec![
        ("listen", endpoint(any, settings.patroni_port).into()),
        (
            "connect_address",
            endpoint(member.instance.address, settings.patroni_port).into(),
        ),
        (
            "authentication",
            map([
                ("username", account.name.clone().into()),
                ("password", account.password.expose().clone().into()),
            ]),
        ),
    ];
    if settings.patroni_tls {
        entries.extend([
            ("certfile", paths::CERT.into()),
            ("keyfile", paths::KEY.into()),
            ("cafile", CA_PATH.into()),
            // Health checks need no certificate; what changes something needs the password.
            ("verify_client", "none".into()),
        ]);
    }
    pairs(entries)
}

fn etcd3(view: &View<'_>, member: Member<'_>, store: &EtcdCluster) -> Yaml {
    let scope = etcd::scope(store, member.cluster);
    let urls = etcd::client_urls(store, Some(view.node.address));
    let hosts = urls
        .iter()
        .map(|url| Yaml::from(url.trim_start_matches("https://")))
        .collect();
    map([
        ("hosts", Yaml::List(hosts)),
        ("protocol", "https".into()),
        ("cacert", CA_PATH.into()),
        ("username", scope.user.into()),
        ("password", scope.password.expose().clone().into()),
    ])
}

/// What `initdb` is told.
fn creation(cluster: &PgCluster) -> ClusterCreation {
    let settings = &cluster.settings;
    ClusterCreation {
        checksums: settings.checksums,
        encoding: settings.encoding.clone(),
        locale: settings.locale.clone(),
        lc_collate: settings.lc_collate.clone(),
        lc_ctype: settings.lc_ctype.clone(),
    }
}

fn initdb(cluster: &PgCluster) -> Yaml {
    let settings = creation(cluster);
    let mut options = vec![
        map([("encoding", settings.encoding.into())]),
        map([("locale", settings.locale.into())]),
        map([("lc-collate", settings.lc_collate.into())]),
        map([("lc-ctype", settings.lc_ctype.into())]),
    ];
    if settings.checksums {
        options.push("data-checksums".into());
    } else if cluster.version >= 18 {
        options.push("no-data-checksums".into());
    }
    Yaml::List(options)
}

fn postgresql(view: &View<'_>, member: Member<'_>) -> Yaml {
    let settings = &member.cluster.settings;
    let parameters = parameters::local(view, member)
        .into_iter()
        .map(|(name, value)| (name, Yaml::Text(value)))
        .collect();
    let mut entries: Vec<(&str, Yaml)> = vec![
        (
            "listen",
            format!("{}:{}", member.instance.listen, settings.port).into(),
        ),
        (
            "connect_address",
            endpoint(member.instance.address, settings.port).into(),
        ),
        ("data_dir", settings.data.clone().into()),
        ("bin_dir", settings.bin_dir.clone().into()),
        ("pgpass", paths::PGPASS.into()),
        ("use_unix_socket", true.into()),
        ("use_unix_socket_repl", true.into()),
        ("authentication", authentication(member.cluster)),
        (
            "create_replica_methods",
            Yaml::List(vec!["basebackup".into()]),
        ),
        (
            "basebackup",
            Yaml::List(vec![map([("checkpoint", "fast".into())])]),
        ),
        ("parameters", Yaml::Map(parameters)),
    ];
    if !member.instance.delay.is_empty() {
        let delay = member.instance.delay.clone();
        entries.push((
            "recovery_conf",
            map([("recovery_min_apply_delay", delay.into())]),
        ));
    }
    if slots::are_synchronized(member.cluster) {
        let script: Yaml = paths::PATRONI_CALLBACK.into();
        let events = ["on_start", "on_role_change"];
        entries.push((
            "callbacks",
            map(events.map(|event| (event, script.clone()))),
        ));
    }
    pairs(entries)
}

/// The superuser comes over the socket by the operating system's word; replication and rewind
/// come from other nodes, over TLS that knows the fleet's authority.
fn authentication(cluster: &PgCluster) -> Yaml {
    let replication = &cluster.accounts.replication;
    let remote = map([
        ("username", replication.name.clone().into()),
        ("password", replication.password.expose().clone().into()),
        ("sslmode", "verify-ca".into()),
        ("sslrootcert", CA_PATH.into()),
    ]);
    map([
        (
            "superuser",
            map([("username", cluster.settings.dbsu.clone().into())]),
        ),
        ("replication", remote.clone()),
        ("rewind", remote),
    ])
}

fn tags(member: Member<'_>) -> Yaml {
    let follows_only = !slots::may_lead(member.cluster, member.instance);
    let mut entries: Vec<(&str, Yaml)> = vec![
        ("nofailover", follows_only.into()),
        ("nosync", follows_only.into()),
        // Health checks of replicas answer no where this is set, the offline service's too.
        ("noloadbalance", false.into()),
        // New replicas are copied from a replica where there is one, and spare the primary.
        (
            "clonefrom",
            (!member.cluster.is_delayed(member.instance)).into(),
        ),
    ];
    if member.cluster.is_delayed(member.instance) {
        entries.push((DELAY_TAG, member.instance.delay.clone().into()));
    }
    let upstream = member.instance.upstream.and_then(|address| {
        let mut members = member.cluster.instances.iter();
        members.find(|one| one.address == address)
    });
    if let Some(upstream) = upstream {
        entries.push(("replicatefrom", upstream.name.clone().into()));
    }
    pairs(entries)
}

fn pairs(entries: Vec<(&str, Yaml)>) -> Yaml {
    let owned = entries.into_iter();
    Yaml::Map(owned.map(|(key, value)| (key.to_owned(), value)).collect())
}
