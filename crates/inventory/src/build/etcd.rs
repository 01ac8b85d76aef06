//! The etcd cluster.

use super::members::Members;
use super::{Scope, cluster};
use crate::codes;
use crate::merge::Fleet;
use crate::model::{EtcdCluster, EtcdMember};
use crate::report::Report;

/// Builds and checks it; `None` when no host belongs to one.
pub(super) fn build(fleet: &Fleet, members: &Members, report: &Report) -> Option<EtcdCluster> {
    let Some(first) = members.etcd.first() else {
        refuse_missing(fleet, members, report);
        return None;
    };
    let scope = Scope::new(fleet, *first, members, report);
    let cluster = EtcdCluster {
        name: scope.text("etcd_cluster"),
        members: list(fleet, members, report),
        client_port: scope.int("etcd_port"),
        peer_port: scope.int("etcd_peer_port"),
        data: scope.text("etcd_data"),
        election_timeout_ms: scope.int("etcd_election_timeout"),
        heartbeat_interval_ms: scope.int("etcd_heartbeat_interval"),
        root_password: scope.needed_secret("etcd_root_password", "etcd"),
        safeguard: scope.bool("etcd_safeguard"),
    };
    check(&scope, &cluster);
    refuse_same_name(&scope, &cluster);
    check_same(fleet, members, &scope);
    Some(cluster)
}

fn list(fleet: &Fleet, members: &Members, report: &Report) -> Vec<EtcdMember> {
    let member = |host: &usize| {
        let scope = Scope::new(fleet, *host, members, report);
        let seq: u32 = scope.int("etcd_seq");
        EtcdMember {
            host: scope.name().to_owned(),
            address: members.address(*host),
            name: format!("{}-{seq}", scope.text("etcd_cluster")),
            seq,
        }
    };
    members.etcd.iter().map(member).collect()
}

fn refuse_missing(fleet: &Fleet, members: &Members, report: &Report) {
    let Some(cluster) = members.clusters.keys().next() else {
        return;
    };
    let message = match members.clusters.len() {
        1 => format!("there is no etcd, which cluster `{cluster}` needs"),
        2 => format!("there is no etcd, which cluster `{cluster}` and another need"),
        count => format!(
            "there is no etcd, which cluster `{cluster}` and {} more need",
            count - 1
        ),
    };
    report.error(
        codes::ETCD_MISSING,
        fleet.top(),
        message,
        "among the `children` of this group",
        "add a group: `etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } }`",
    );
}

/// Members of two clusters of one name would have the same names.
fn refuse_same_name(scope: &Scope<'_>, cluster: &EtcdCluster) {
    if scope.members.clusters.contains_key(&cluster.name) {
        scope.report.error(
            codes::DUPLICATE_NAME,
            scope.place("etcd_cluster"),
            format!(
                "etcd and a cluster of PostgreSQL are both called `{}`",
                cluster.name
            ),
            "and so would be their members",
            "rename the cluster of PostgreSQL (`pg_cluster`)",
        );
    }
}

/// Parameters of the whole cluster have one value on all its members.
fn check_same(fleet: &Fleet, members: &Members, first: &Scope<'_>) {
    let others = members.etcd.iter().skip(1);
    let others: Vec<Scope<'_>> = others
        .map(|host| Scope::new(fleet, *host, members, first.report))
        .collect();
    cluster::check_same("etcd", first, &others, |name| name.starts_with("etcd_"));
}

fn check(scope: &Scope<'_>, cluster: &EtcdCluster) {
    let size = cluster.members.len();
    if !matches!(size, 1 | 3 | 5) {
        scope.report.error(
            codes::ETCD_SIZE,
            scope.fleet.hosts[scope.host].place,
            format!("etcd has {size} members"),
            "the first of them",
            "use 1, 3 or 5 members",
        );
    }
    if cluster.election_timeout_ms < cluster.heartbeat_interval_ms.saturating_mul(5) {
        scope.report.error(
            codes::ETCD_TIMING,
            scope.place("etcd_election_timeout"),
            format!(
                "etcd's election timeout of {} ms is less than five heartbeats of {} ms",
                cluster.election_timeout_ms, cluster.heartbeat_interval_ms
            ),
            "too short, or the heartbeat too long",
            "keep the election timeout at ten heartbeats",
        );
    }
}
