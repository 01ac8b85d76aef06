//! The merged fleet to the validated model. Each file builds and checks one aspect.

mod accounts;
mod cluster;
mod connections;
mod databases;
mod delay;
mod directories;
mod etcd;
mod expansions;
mod expiry;
mod exposed;
mod extension_packages;
mod haproxy;
mod hba;
mod hba_network;
mod hba_option;
mod hba_order;
mod hba_pooler;
mod hba_raw;
mod hba_text;
mod keys;
mod libraries;
mod lines;
mod listen;
mod locales;
mod logins;
pub(crate) mod members;
mod node;
mod parameters;
mod pooler;
mod privileges;
mod recovery;
mod roles;
mod scope;
mod selector;
mod server_settings;
mod services;
mod settings;
mod timezone;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use recovery::whole_time;
pub(crate) use scope::{Scope, is_expandable};

use crate::codes;
use crate::merge::Fleet;
use crate::model::Inventory;
use crate::report::Report;
use crate::written::Written;

/// Reads a file that the inventory refers to, by the path written there.
pub(crate) type Files<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// Builds the model. It is complete only when nothing was reported as an error.
pub(crate) fn build(
    source: &str,
    fleet: &Arc<Fleet>,
    files: &Files<'_>,
    report: &Report,
) -> Inventory {
    let members = members::find(fleet, report);
    expansions::check(fleet, &members, report);
    let mut nodes = BTreeMap::new();
    for host in 0..fleet.hosts.len() {
        let scope = Scope::new(fleet, host, &members, report);
        let node = node::build(&scope);
        nodes.insert(node.host.clone(), node);
    }
    let mut selectors = selector::Selectors::default();
    let mut clusters = BTreeMap::new();
    for (name, hosts) in &members.clusters {
        let cluster = cluster::build(name, hosts, fleet, &members, files, &mut selectors, report);
        clusters.insert(name.clone(), cluster);
    }
    cluster::link_followers(&mut clusters);
    members::check_upstreams(fleet, &members, &clusters, report);
    cluster::check_vips(fleet, &members, &clusters, report);
    let etcd = etcd::build(fleet, &members, report);
    node::check_names(fleet, &nodes, report);
    node::check_vips(fleet, &members, &nodes, report);
    let global = Scope::new(fleet, members.admin_host(), &members, report);
    Inventory {
        source: source.to_owned(),
        admin_ip: members.admin_ip,
        infra: members.infra.clone(),
        repo_endpoint: repo_endpoint(&global),
        ca_common_name: global.text("ca_cn"),
        ca_validity_days: global.days("cert_validity"),
        written: Written::new(source, fleet),
        nodes,
        etcd,
        clusters,
    }
}

/// The repository's URL, without a trailing slash.
fn repo_endpoint(scope: &Scope<'_>) -> String {
    let url = scope.text("repo_endpoint");
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let bare_ipv6 = |host: &str| !host.starts_with('[') && host.matches(':').count() > 1;
    let good = host.is_some_and(|host| !host.is_empty() && !bare_ipv6(host))
        && !url.contains(char::is_whitespace);
    if !good {
        scope.report.error(
            codes::VALUE,
            scope.place("repo_endpoint"),
            format!("`repo_endpoint` is `{url}`, which is not a URL"),
            "nodes install from here",
            "write it as `http://10.10.10.1:8080`, or `http://[fd00::1]:8080`",
        );
    }
    url.trim_end_matches('/').to_owned()
}
