//! The PostgreSQL services as HAProxy sections.

use sty_inventory::model::{Instance, PgCluster, Service, ServiceDest};

use super::{Listen, server_address};
use crate::pki::CA_PATH;
use crate::view::Member;

/// Health checks that only the leader answers: when it stops doing so, its clients must go.
const LEADER_CHECKS: [&str; 6] = [
    "/",
    "/primary",
    "/master",
    "/leader",
    "/read-write",
    "/standby-leader",
];

/// One section for each service.
pub(super) fn sections(member: Member<'_>) -> Vec<Listen> {
    let services = member.cluster.services.iter();
    services.map(|one| section(member.cluster, one)).collect()
}

fn section(cluster: &PgCluster, service: &Service) -> Listen {
    let servers = cluster
        .instances
        .iter()
        .filter_map(|instance| server(cluster, service, instance));
    Listen {
        name: format!("{}-{}", cluster.name, service.name),
        bind: format!("{}:{}", service.ip, service.port),
        mode: "tcp".to_owned(),
        maxconn: service.max_connections,
        balance: service.balance.clone(),
        lines: vec![
            "option httpchk".to_owned(),
            // OPTIONS gives the status and no body.
            format!("http-check send meth OPTIONS uri {}", service.check),
            "http-check expect status 200".to_owned(),
        ],
        default_server: Some(
            service
                .options
                .clone()
                .unwrap_or_else(|| default_server(cluster, service)),
        ),
        servers: servers.collect(),
    }
}

fn default_server(cluster: &PgCluster, service: &Service) -> String {
    let rto = &cluster.settings.rto;
    let mut options = format!(
        "inter {} fastinter {} downinter {} rise {} fall {}",
        rto.inter, rto.fastinter, rto.downinter, rto.rise, rto.fall
    );
    if LEADER_CHECKS.contains(&service.check.as_str()) {
        options.push_str(" on-marked-down shutdown-sessions");
    }
    options
}

fn server(cluster: &PgCluster, service: &Service, instance: &Instance) -> Option<String> {
    let member = service.members.contains(&instance.name);
    let backup = service.backup.contains(&instance.name);
    if !member && !backup {
        return None;
    }
    let settings = &cluster.settings;
    let port = match service.dest {
        ServiceDest::Postgres => settings.port,
        ServiceDest::Pgbouncer => settings.pgbouncer_port,
        ServiceDest::Port(port) => port,
    };
    let mut line = format!(
        "{} {} check port {} weight {}",
        instance.name,
        server_address(instance.address, port),
        settings.patroni_port,
        instance.weight
    );
    if settings.patroni_tls {
        line.push_str(&format!(
            " check-ssl verify required verifyhost {} ca-file {CA_PATH}",
            instance.name
        ));
    }
    // Chosen by both selectors: the narrower one says what is meant.
    if backup {
        line.push_str(" backup");
    }
    Some(line)
}
