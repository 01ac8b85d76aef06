//! The PostgreSQL services as HAProxy sections.
//!
//! Who is primary and who is a replica is asked once for all services, in sections of their own
//! without traffic ([`checks`]); the services follow them with `track`. Roles are never taken from
//! the inventory: what it calls a replica may lead tomorrow.

use std::collections::BTreeSet;

use sty_inventory::model::{Instance, InstanceRole, PgCluster, Service, ServiceDest};

use super::{Listen, server_address};
use crate::pki::CA_PATH;
use crate::pooler::{LOOPBACK, Pooler};
use crate::view::Member;

const PRIMARY: &str = "/primary";
const REPLICA: &str = "/replica";
const READ_ONLY: &str = "/read-only";
/// Whoever is connected to a server that no longer qualifies is cut off.
const LEAVE: &str = "on-marked-down shutdown-sessions";
/// Health checks that only the leader answers: when it stops doing so, its clients must go.
const LEADER_CHECKS: [&str; 3] = [PRIMARY, "/leader", "/standby-leader"];
/// Until every member has been asked once, after a start or reload: longer than one interval and
/// the silence of a member that is gone.
const FIRST_CHECKS: &str = "5s";

/// The checks, the way of the poolers to the primary, and one section for each service.
pub(super) fn sections(member: Member<'_>) -> Vec<Listen> {
    let cluster = member.cluster;
    let mut sections = checks(cluster);
    sections.extend(has_primary_pooler(cluster).then(|| route(cluster)));
    let services = cluster.services.iter();
    sections.extend(services.map(|service| match () {
        () if is_primary_pool(cluster, service) => primary_pool(member, service),
        () if service.options.is_some() => with_own_checks(cluster, service),
        () => tracking(cluster, service),
    }));
    sections
}

/// The HAProxy sections that a client of `service` passes, the last of which knows who answers in
/// the end.
pub fn service_sections(cluster: &PgCluster, service: &Service) -> Vec<String> {
    let mut names = vec![entry(cluster, service)];
    names.extend(is_primary_pool(cluster, service).then(|| route_name(cluster)));
    names
}

/// Section that passes a pooler's connections to the primary.
fn route_name(cluster: &PgCluster) -> String {
    format!("{}.to-primary", cluster.name)
}

fn entry(cluster: &PgCluster, service: &Service) -> String {
    format!("{}-{}", cluster.name, service.name)
}

/// Section that asks every member whether it is the primary.
pub(crate) fn primary_checker(cluster: &PgCluster) -> String {
    checker(cluster, PRIMARY)
}

/// Section that asks every member whether it is a replica, where a service wants to know.
pub(crate) fn replica_checker(cluster: &PgCluster) -> Option<String> {
    let wants = |service: &Service| {
        service.options.is_none()
            && (prefers_replicas(cluster, service) || service.check == REPLICA)
    };
    let mut services = cluster.services.iter();
    services.any(wants).then(|| checker(cluster, REPLICA))
}

/// Names of what asks all members for `check`. Names of clusters have no dots.
fn checker(cluster: &PgCluster, check: &str) -> String {
    let plain = |one: char| {
        if one.is_ascii_alphanumeric() {
            one
        } else {
            '-'
        }
    };
    let word: String = check.trim_start_matches('/').chars().map(plain).collect();
    format!("{}.is-{word}", cluster.name)
}

/// The path that asks the same.
fn canonical(check: &str) -> &str {
    match check {
        "/" | "/master" | "/read-write" => PRIMARY,
        other => other,
    }
}

/// Whether a service leads to the primary through poolers that follow it.
pub(crate) fn has_primary_pooler(cluster: &PgCluster) -> bool {
    let mut services = cluster.services.iter();
    services.any(|service| is_primary_pool(cluster, service))
}

/// Whether the service leads to the primary of the cluster through a pooler, without conditions
/// of its own.
pub fn is_primary_pool(cluster: &PgCluster, service: &Service) -> bool {
    service.dest == ServiceDest::Pgbouncer
        && service.options.is_none()
        && canonical(&service.check) == PRIMARY
        && service.members.len() == cluster.instances.len()
}

/// Whether the service reads from whichever members are replicas, and from the primary when there
/// are none.
fn prefers_replicas(cluster: &PgCluster, service: &Service) -> bool {
    let primary = |one: &&Instance| one.role == InstanceRole::Primary;
    let mut primaries = cluster.instances.iter().filter(primary);
    // The leader of a standby cluster is no primary: it answers `/read-only` alone.
    service.check == READ_ONLY
        && cluster.upstream.is_none()
        && primaries.any(|one| service.backup.contains(&one.name))
}

fn checks(cluster: &PgCluster) -> Vec<Listen> {
    let mut paths = BTreeSet::new();
    for service in cluster.services.iter().filter(|one| one.options.is_none()) {
        if prefers_replicas(cluster, service) {
            paths.extend([PRIMARY, REPLICA]);
        } else {
            paths.insert(canonical(&service.check));
        }
    }
    paths.into_iter().map(|path| check(cluster, path)).collect()
}

fn check(cluster: &PgCluster, path: &str) -> Listen {
    let settings = &cluster.settings;
    let server = |instance: &Instance| {
        let address = server_address(instance.address, settings.port);
        format!(
            "{} {address} {}",
            instance.name,
            asks_patroni(cluster, instance)
        )
    };
    Listen {
        kind: "backend",
        name: checker(cluster, path),
        lines: http_check(path),
        default_server: Some(rhythm(cluster)),
        servers: cluster.instances.iter().map(server).collect(),
        ..Listen::tcp()
    }
}

fn http_check(path: &str) -> Vec<String> {
    if path == PRIMARY {
        // The status says who has the lock; the words say that it has been promoted as well. They
        // come first, since they are awaited: who hangs up on an answer that is still being
        // written gets a traceback into Patroni's log.
        return vec![
            "option httpchk".to_owned(),
            format!("http-check send meth GET uri {path}"),
            r#"http-check expect rstring '"role": "(primary|master)"'"#.to_owned(),
            "http-check expect status 200".to_owned(),
        ];
    }
    vec![
        "option httpchk".to_owned(),
        // OPTIONS gives the status and no body.
        format!("http-check send meth OPTIONS uri {path}"),
        "http-check expect status 200".to_owned(),
    ]
}

fn rhythm(cluster: &PgCluster) -> String {
    let rto = &cluster.settings.rto;
    format!(
        "inter {} fastinter {} downinter {} rise {} fall {}",
        rto.inter, rto.fastinter, rto.downinter, rto.rise, rto.fall
    )
}

fn asks_patroni(cluster: &PgCluster, instance: &Instance) -> String {
    let settings = &cluster.settings;
    let mut line = format!("check port {}", settings.patroni_port);
    if settings.patroni_tls {
        line.push_str(&format!(
            " check-ssl verify required verifyhost {} ca-file {CA_PATH}",
            instance.name
        ));
    }
    line
}

/// Where the primary poolers' connections come to. They are held until there is a primary. Whoever
/// finds it gone at the last moment comes back here, by way of the backup server, and waits too; so
/// does whoever waits when HAProxy is reloaded.
fn route(cluster: &PgCluster) -> Listen {
    /// The process is being replaced (`waits.lua`): the next one listens where this one did.
    const MOVES: &str = "{ var(txn.moves) -m bool }";
    let port = cluster.settings.primary_route_port();
    // The pooler waits longer, so that the answer is ours.
    let wait = cluster.settings.rto.longest_wait();
    let checker = checker(cluster, PRIMARY);
    let server = |instance: &Instance| {
        let address = server_address(instance.address, cluster.settings.port);
        format!(
            "{} {address} track {checker}/{}",
            instance.name, instance.name
        )
    };
    let mut servers: Vec<String> = cluster.instances.iter().map(server).collect();
    servers.push(format!("again {LOOPBACK}:{port} backup"));
    Listen {
        name: route_name(cluster),
        bind: Some(format!("{LOOPBACK}:{port}")),
        lines: vec![
            format!("tcp-request inspect-delay {wait}s"),
            format!("tcp-request content lua.wait_for_primary {checker}"),
            format!("tcp-request content reject unless {{ nbsrv({checker}) gt 0 }} or {MOVES}"),
            format!("use-server again if {MOVES}"),
            "option redispatch 1".to_owned(),
            "timeout connect 1s".to_owned(),
        ],
        default_server: Some(LEAVE.to_owned()),
        servers,
        ..Listen::tcp()
    }
}

/// A client is pooled where it comes in, and its pooler stays when the primary moves; the other
/// members' poolers stand in for one that does not answer.
fn primary_pool(member: Member<'_>, service: &Service) -> Listen {
    let cluster = member.cluster;
    let server = |instance: &Instance| {
        let address = server_address(instance.address, Pooler::Primary.port(cluster));
        let away = if instance.name == member.instance.name {
            ""
        } else {
            " backup"
        };
        format!("{} {address} check{away}", instance.name)
    };
    Listen {
        lines: vec![
            "option allbackups".to_owned(),
            // A port that listens is not enough: PgBouncer answers that it has no GSS encryption.
            "option tcp-check".to_owned(),
            "tcp-check send-binary 0000000804d21630".to_owned(),
            "tcp-check expect binary 4e".to_owned(),
        ],
        default_server: Some(format!("{} {LEAVE}", rhythm(cluster))),
        servers: cluster.instances.iter().map(server).collect(),
        ..service_section(cluster, service)
    }
}

fn service_section(cluster: &PgCluster, service: &Service) -> Listen {
    Listen {
        name: entry(cluster, service),
        bind: Some(format!("{}:{}", service.ip, service.port)),
        maxconn: service.max_connections,
        balance: service.balance.clone(),
        ..Listen::tcp()
    }
}

fn with_own_checks(cluster: &PgCluster, service: &Service) -> Listen {
    let server = |instance: &Instance| {
        let line = to_instance(cluster, service, instance)?;
        Some(format!(
            "{line} {}{}",
            asks_patroni(cluster, instance),
            backup(cluster, service, instance)
        ))
    };
    let mut lines = http_check(&service.check);
    lines.extend(after_first_checks([entry(cluster, service)]));
    Listen {
        lines,
        default_server: service.options.clone(),
        servers: cluster.instances.iter().filter_map(server).collect(),
        ..service_section(cluster, service)
    }
}

fn tracking(cluster: &PgCluster, service: &Service) -> Listen {
    if prefers_replicas(cluster, service) {
        return replicas_then_primary(cluster, service);
    }
    let check = canonical(&service.check);
    let checker = checker(cluster, check);
    let leaders = LEADER_CHECKS.contains(&check);
    let server = |instance: &Instance| {
        let line = to_instance(cluster, service, instance)?;
        let backup = backup(cluster, service, instance);
        Some(format!("{line} track {checker}/{}{backup}", instance.name))
    };
    Listen {
        servers: cluster.instances.iter().filter_map(server).collect(),
        lines: after_first_checks([checker.clone()]),
        default_server: leaders.then(|| LEAVE.to_owned()),
        ..service_section(cluster, service)
    }
}

/// Holds new connections until every member has been asked once.
fn after_first_checks<const N: usize>(checkers: [String; N]) -> Vec<String> {
    let wait = |checker| format!("tcp-request content lua.wait_for_checks {checker}");
    let mut lines = vec![format!("tcp-request inspect-delay {FIRST_CHECKS}")];
    lines.extend(checkers.into_iter().map(wait));
    lines
}

/// Replicas that serve it; without one, a replica that otherwise has other things to do; then
/// whoever is primary. HAProxy takes the first backup that is up. Who reads from a member that is
/// promoted, or whose PostgreSQL is gone, is cut off: others are there to read from. Who is led to a
/// node that has just died is led to another one, as soon as it might have been asked again.
fn replicas_then_primary(cluster: &PgCluster, service: &Service) -> Listen {
    let (replica, primary) = (checker(cluster, REPLICA), checker(cluster, PRIMARY));
    let offline = |one: &&Instance| one.role == InstanceRole::Offline;
    let all = cluster.instances.iter();
    let line = |instance: &Instance, rest: &dyn Fn(&str) -> String| {
        to_instance(cluster, service, instance)
            .map(|line| format!("{line}{}", rest(&instance.name)))
    };
    let mut servers: Vec<String> = all
        .clone()
        .filter(|one| !offline(one) || !service.backup.contains(&one.name))
        .filter_map(|one| line(one, &|name| format!(" track {replica}/{name}")))
        .collect();
    servers.extend(
        all.clone()
            .filter(|one| offline(one) && service.backup.contains(&one.name))
            .filter_map(|one| line(one, &|name| format!(" track {replica}/{name} backup"))),
    );
    servers.extend(all.filter(|one| !offline(one)).filter_map(|one| {
        let line = line(one, &|name| format!(" track {primary}/{name} backup"))?;
        Some(line.replacen(&one.name, &format!("{}.primary", one.name), 1))
    }));
    let mut lines = after_first_checks([replica, primary]);
    lines.push("option redispatch 1".to_owned());
    lines.push(format!("timeout connect {}", cluster.settings.rto.inter));
    Listen {
        lines,
        default_server: Some(LEAVE.to_owned()),
        servers,
        ..service_section(cluster, service)
    }
}

/// Name, address and weight; `None` when the service has nothing to do with the instance.
fn to_instance(cluster: &PgCluster, service: &Service, instance: &Instance) -> Option<String> {
    let selected = service.members.contains(&instance.name);
    if !selected && !stands_in(cluster, service, instance) {
        return None;
    }
    let port = match service.dest {
        ServiceDest::Postgres => cluster.settings.port,
        ServiceDest::Pgbouncer => cluster.settings.pgbouncer_port,
        ServiceDest::Port(port) => port,
    };
    let address = server_address(instance.address, port);
    Some(format!(
        "{} {address} weight {}",
        instance.name, instance.weight
    ))
}

/// Chosen by both selectors: the narrower one says what is meant.
fn backup(cluster: &PgCluster, service: &Service, instance: &Instance) -> &'static str {
    if stands_in(cluster, service, instance) {
        " backup"
    } else {
        ""
    }
}

/// Whether the instance serves when nobody else does. Where replicas stand in, today's primary is
/// one of them: it may be a replica tomorrow, and the check knows what it is.
fn stands_in(cluster: &PgCluster, service: &Service, instance: &Instance) -> bool {
    let chosen = |one: &&Instance| service.backup.contains(&one.name);
    let mut backups = cluster.instances.iter().filter(chosen);
    let replicas_do = backups.any(|one| one.role == InstanceRole::Replica);
    let may_follow = instance.role == InstanceRole::Primary
        && service.check == REPLICA
        && !service.members.contains(&instance.name);
    service.backup.contains(&instance.name) || (replicas_do && may_follow)
}
