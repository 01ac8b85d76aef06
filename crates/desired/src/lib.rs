//! What every node should look like: a pure function of the inventory, the catalogue and facts.
//!
//! [`node`] gives the resources of one node, every configuration file rendered; the order within
//! a stage is the order in which they are brought about. [`removed_cluster`],
//! [`removed_instance`] and [`removed_etcd`] give the resources that take away exactly what
//! those had. Nothing here touches a machine; equal input gives equal output.

mod build;
mod context;
mod etcd;
mod node;
mod pgsql;
mod pki;
mod pooler;
mod proxy;
mod removed;
mod render;
mod scram;
mod view;
mod vip;
mod yaml;

use std::collections::BTreeMap;

use sty_core::Diagnostic;
use sty_inventory::model::Inventory;
use sty_wire::facts::Facts;
use sty_wire::resource::{PatroniMember, Resource};

pub use context::{Authority, Context, PackageSource};
pub use node::packages::{cluster_packages, packages};
pub use node::source::{KEY_PATH as REPOSITORY_KEY_PATH, SOURCE_PATH as REPOSITORY_SOURCE_PATH};
pub use pgsql::may_lead;
pub use proxy::{STATS_SOCKET, is_primary_pool, service_sections};
pub use removed::{Stays, proxy_is_free, removed_cluster, removed_etcd, removed_instance, staying};
pub use scram::Secrets;

use build::Desired;
use view::View;

/// The Patroni member on a host, as `status` asks for it.
pub fn patroni_member(inventory: &Inventory, host: &str) -> Option<PatroniMember> {
    let node = inventory.nodes.get(host)?;
    view::member(inventory, node).map(|member| pgsql::patroni_member(member, node))
}

/// The desired state of one node, in order.
///
/// `facts` should hold every node that was reached: settings that PostgreSQL wants equal on all
/// members are sized after the largest of those known. Facts of `host` itself are required.
///
/// # Errors
/// Every problem found, together: facts that are missing, a package the operating system does
/// not have, settings that cannot be rendered.
pub fn node(
    inventory: &Inventory,
    host: &str,
    facts: &BTreeMap<String, Facts>,
    context: &Context,
) -> Result<Vec<Resource>, Vec<Diagnostic>> {
    let mut desired = Desired::default();
    let view = View::new(inventory, host, facts, context).map_err(|problem| vec![problem])?;
    node::resources(&view, &mut desired);
    pki::resources(&view, &mut desired);
    etcd::resources(&view, &mut desired);
    pgsql::resources(&view, &mut desired);
    pooler::resources(&view, &mut desired);
    proxy::resources(&view, &mut desired);
    vip::resources(&view, &mut desired);
    desired.finish()
}
