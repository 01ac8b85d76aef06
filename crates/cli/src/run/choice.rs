//! What a run brings about, and what it only looks at to know what that means for others.

use std::collections::{BTreeMap, BTreeSet};

use sty_inventory::model::Inventory;
use sty_wire::resource::{Module, Resource, ResourceKind};

use crate::args::{ModuleName, Selection};

/// What `--limit` and `--module` choose.
pub(crate) struct Choice<'a> {
    modules: &'a [ModuleName],
    hosts: BTreeSet<&'a str>,
    /// Clusters with a member on a chosen host.
    clusters: BTreeSet<&'a str>,
}

impl<'a> Choice<'a> {
    /// The chosen hosts, with the modules of `selection`.
    pub(crate) fn new(
        inventory: &'a Inventory,
        hosts: &'a [String],
        selection: &'a Selection,
    ) -> Self {
        let hosts: BTreeSet<&str> = hosts.iter().map(String::as_str).collect();
        let postgres = inventory.clusters.values().filter(|cluster| {
            let mut members = cluster.instances.iter();
            members.any(|member| hosts.contains(member.host.as_str()))
        });
        let etcd = inventory.etcd.iter().filter(|etcd| {
            let mut members = etcd.members.iter();
            members.any(|member| hosts.contains(member.host.as_str()))
        });
        let names = postgres.map(|cluster| &cluster.name);
        let names = names.chain(etcd.map(|etcd| &etcd.name));
        Self {
            modules: &selection.module,
            clusters: names.map(String::as_str).collect(),
            hosts,
        }
    }

    fn part(&self, host: &str, resource: &Resource) -> Part {
        let chosen = self.hosts.contains(host);
        let cluster = resource.cluster.as_deref();
        let concerned = cluster.is_some_and(|name| self.clusters.contains(name));
        match &resource.kind {
            _ if chosen && self.includes(resource.module) => Part::BroughtAbout,
            ResourceKind::EtcdMember(_) if self.includes(Module::Etcd) => Part::LookedAt,
            ResourceKind::PatroniMember(_)
                if self.includes(Module::Etcd) || self.includes(Module::Pgsql) =>
            {
                Part::LookedAt
            }
            kind if sty_plan::is_cluster_wide(kind) && !chosen && concerned => {
                match self.includes(resource.module) {
                    true => Part::LookedAt,
                    false => Part::LeftOut,
                }
            }
            _ => Part::LeftOut,
        }
    }

    fn includes(&self, module: Module) -> bool {
        self.modules.is_empty()
            || self.modules.iter().any(|name| match name {
                ModuleName::Node => module == Module::Node,
                ModuleName::Etcd => module == Module::Etcd,
                ModuleName::Pgsql => module == Module::Pgsql,
            })
    }
}

/// What a run has to do with a resource.
enum Part {
    BroughtAbout,
    LookedAt,
    LeftOut,
}

/// Resources of a run.
#[derive(Default)]
pub(crate) struct Wanted {
    /// By host.
    pub(crate) resources: BTreeMap<String, Vec<Resource>>,
    /// Ids of those that are only looked at, by host.
    pub(crate) witnesses: BTreeMap<String, BTreeSet<String>>,
}

impl Wanted {
    /// Takes what `choice` wants of the resources of `host`.
    pub(crate) fn add(&mut self, host: &str, all: Vec<Resource>, choice: &Choice<'_>) {
        let mut resources = Vec::with_capacity(all.len());
        for resource in all {
            match choice.part(host, &resource) {
                Part::BroughtAbout => resources.push(resource),
                Part::LookedAt => {
                    let witnesses = self.witnesses.entry(host.to_owned()).or_default();
                    witnesses.insert(resource.id.clone());
                    resources.push(resource);
                }
                Part::LeftOut => {}
            }
        }
        if !resources.is_empty() || choice.hosts.contains(host) {
            self.resources.insert(host.to_owned(), resources);
        }
    }
}
