//! Databases of a cluster: those that are declared, and those that its server has.

use std::collections::{BTreeMap, BTreeSet};

use sty_inventory::model::{Inventory, PgCluster, Presence};
use sty_sandbox::Sandbox;
use sty_wire::postgres::RoleSpec;
use sty_wire::resource::{Module, Resource, ResourceKind, Stage};

use crate::printer::Printer;
use crate::run::look;
use crate::verbs::status::PATIENCE;

/// Names of those that the inventory wants.
pub(super) fn declared(cluster: &PgCluster) -> BTreeSet<&String> {
    let databases = cluster.databases.iter();
    let kept = databases.filter(|database| database.state == Presence::Present);
    kept.map(|database| &database.name).collect()
}

/// Names of those that people made on the primary; `None` when no primary answers.
///
/// # Errors
/// When nodes cannot be asked at all.
pub(super) fn of_primary(
    inventory: &Inventory,
    cluster: &PgCluster,
    sandbox: Option<&Sandbox>,
    printer: &Printer,
) -> anyhow::Result<Option<BTreeSet<String>>> {
    let hosts = cluster.instances.iter().map(|instance| &instance.host);
    let targets = look::targets(inventory, hosts.clone().cloned(), sandbox)?;
    let mut fleet = look::connect_within(&targets, Some(PATIENCE), printer)?;
    let questions = hosts.filter(|host| fleet.sessions.contains_key(*host));
    let questions: BTreeMap<String, Vec<Resource>> = questions
        .map(|host| (host.clone(), question(inventory, cluster, host)))
        .collect();
    let answers = fleet.observe(&questions).into_values();
    // A node that broke off is no primary that answers.
    let mut objects =
        answers.filter_map(|answer| answer.ok()?.surroundings.objects.remove(&cluster.name));
    Ok(objects.next().map(|objects| objects.databases))
}

/// A node tells what its primary has when it is asked about a role: here about the superuser.
fn question(inventory: &Inventory, cluster: &PgCluster, host: &str) -> Vec<Resource> {
    let member = sty_desired::patroni_member(inventory, host);
    let ask = |postgres| Resource {
        id: format!("role:{}/{}", cluster.name, cluster.settings.dbsu),
        module: Module::Pgsql,
        stage: Stage::Objects,
        cluster: Some(cluster.name.clone()),
        kind: ResourceKind::Role {
            postgres,
            role: RoleSpec::login(&cluster.settings.dbsu),
        },
    };
    member
        .into_iter()
        .map(|member| ask(member.postgres))
        .collect()
}
