//! PostgreSQL's parameters: what the whole cluster shares, and what each machine is sized for.
//!
//! Shared ones live in Patroni's dynamic configuration, sized ones in the local file of the
//! instance. What the operator writes for the cluster goes to the dynamic configuration and is
//! not sized any more; what is written for one instance goes to its local file.

mod common;
mod hardware;
mod profile;
mod version;

use std::collections::BTreeMap;

use sty_core::Diagnostic;
use sty_inventory::model::{PgCluster, Profile, ServiceDest};
use sty_inventory::postgres::shared_buffers_bytes;

use super::{paths, slots};
use crate::view::{Member, View};

pub(crate) use hardware::{Machine, share};

/// Parameter name to value, both as PostgreSQL reads them.
pub(crate) type Parameters = BTreeMap<String, String>;

/// Parameters of the dynamic configuration.
pub(crate) fn dynamic(view: &View<'_>, cluster: &PgCluster) -> Parameters {
    let mut parameters = common::parameters(cluster);
    parameters.extend(profile::parameters(cluster));
    parameters.extend(cluster_wide(view, cluster));
    version::adapt(cluster, &mut parameters);
    parameters.extend(lower_case(&cluster.settings.parameters));
    parameters
}

/// Parameters of the instance's local configuration.
pub(crate) fn local(view: &View<'_>, member: Member<'_>) -> Parameters {
    let cluster = member.cluster;
    let mut parameters = hardware::parameters(cluster, Machine::of(view.facts));
    version::adapt(cluster, &mut parameters);
    let written = lower_case(&cluster.settings.parameters);
    parameters.extend(replication(member));
    parameters.retain(|name, _| !written.contains_key(name));
    parameters.extend(lower_case(&member.instance.parameters));
    parameters.insert("hba_file".into(), paths::HBA.into());
    parameters.insert("ident_file".into(), paths::IDENT.into());
    parameters
}

/// Shared memory that a machine does not have: PostgreSQL would not start again.
pub(crate) fn too_large(view: &View<'_>, member: Member<'_>) -> Option<Diagnostic> {
    const NAME: &str = "shared_buffers";
    let instance = lower_case(&member.instance.parameters);
    let cluster = lower_case(&member.cluster.settings.parameters);
    let written = instance.get(NAME).or_else(|| cluster.get(NAME))?;
    let memory = view.facts.memory_bytes;
    let bytes = shared_buffers_bytes(written)?;
    let fits = bytes < memory as f64;
    (!fits).then(|| {
        let host = &member.instance.host;
        let place = view
            .inventory
            .written
            .mention(host, &["pg_parameters"], written);
        Diagnostic::error(
            "desired/shared-buffers",
            format!(
                "`{NAME}` of {} is `{written}`, and node `{}` has {} MB of memory",
                member.instance.name,
                view.node.host,
                memory >> 20
            ),
        )
        .at_if(place, "written here")
        .help("write less, a quarter of the memory as a rule, or leave it out to have it computed")
    })
}

/// `pg_max_conn`, or what suits the profile and the way in: behind a pooler few suffice.
pub(crate) fn max_connections(cluster: &PgCluster) -> u32 {
    let settings = &cluster.settings;
    settings.max_connections.unwrap_or({
        let direct = settings.default_service_dest == ServiceDest::Postgres;
        match (settings.profile, direct) {
            (Profile::Oltp | Profile::Crit, false) => 500,
            (Profile::Oltp | Profile::Crit, true) => 1000,
            (Profile::Olap, _) | (Profile::Tiny, false) => 250,
            (Profile::Tiny, true) => 500,
        }
    })
}

fn cluster_wide(view: &View<'_>, cluster: &PgCluster) -> Parameters {
    let instances = cluster.instances.iter();
    let machines: Vec<Machine> = instances
        .filter_map(|instance| view.all_facts.get(&instance.host))
        .map(Machine::of)
        .collect();
    let cpus = machines.iter().map(|one| one.cpus).max().unwrap_or(1);
    let mut parameters = Parameters::new();
    let mut set = |name: &str, value: String| parameters.insert(name.to_owned(), value);
    set("max_connections", max_connections(cluster).to_string());
    // In steps of powers of two: a member with one processor more needs no restart of the rest.
    set(
        "max_worker_processes",
        (8 + cpus.next_power_of_two().max(8)).to_string(),
    );
    // The smallest disk has to hold it.
    if let Some(smallest) = machines.iter().min_by_key(|one| one.disk_gb) {
        set("wal_keep_size", hardware::wal_keep_size(*smallest));
    }
    parameters
}

/// What depends on a member's place among the others.
fn replication(member: Member<'_>) -> Parameters {
    let (cluster, instance) = (member.cluster, member.instance);
    let mut parameters = Parameters::new();
    let mut set = |name: &str, value: String| parameters.insert(name.to_owned(), value);
    if slots::are_synchronized(cluster) {
        set(
            "synchronized_standby_slots",
            slots::awaited(cluster, instance),
        );
    }
    if cluster.is_delayed(instance) {
        // What its queries may still read would be kept on the primary for as long as it is late.
        set("hot_standby_feedback", "off".to_owned());
    }
    parameters
}

fn lower_case(parameters: &Parameters) -> Parameters {
    parameters
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
