//! Kernel settings, modules, swap and limits of a node.

mod profile;

use std::collections::BTreeMap;

use sty_wire::resource::{Access, Module, ResourceKind, Stage};

use crate::build::Desired;
use crate::view::View;

const SYSCTL_PATH: &str = "/etc/sysctl.d/90-sty.conf";
const LIMITS_PATH: &str = "/etc/security/limits.d/90-sty.conf";

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let settings = &view.node.settings;
    let managed = view.managed();
    let mut group = desired.group(Module::Node, Stage::Config, None);
    let values = sysctl(view);
    if !values.is_empty() {
        group.push(
            format!("sysctl:{SYSCTL_PATH}"),
            ResourceKind::Sysctl {
                path: SYSCTL_PATH.to_owned(),
                values,
            },
        );
    }
    if !settings.kernel_modules.is_empty() {
        group.push(
            "kernel-modules",
            ResourceKind::KernelModules {
                names: settings.kernel_modules.clone(),
            },
        );
    }
    if settings.disable_swap {
        group.push("swap-off", ResourceKind::SwapOff);
    }
    if settings.tune.is_some() {
        let files = open_files(view);
        group.file(
            LIMITS_PATH,
            format!(
                "# {managed}\n# For people and cron jobs; services have theirs in their units. Only soft\n\
                 # limits: one that cannot be set would keep everybody from logging in.\n\
                 * soft nofile {files}\nroot soft nofile {files}\n"
            ),
            Access::root(0o644),
        );
    }
}

/// Open files that a service of this node may ask for.
pub(crate) fn open_files(view: &View<'_>) -> u64 {
    view.facts.open_files_limit.min(1_048_576)
}

fn sysctl(view: &View<'_>) -> BTreeMap<String, String> {
    let settings = &view.node.settings;
    let mut values = settings
        .tune
        .map(|profile| profile::values(profile, view.facts.memory_bytes))
        .unwrap_or_default();
    if settings.overcommit_ratio > 0 {
        // Commit no more than swap plus this share of memory: a query that asks for too much
        // fails, and the kernel kills nobody.
        values.insert("vm.overcommit_memory".into(), "2".into());
        values.insert(
            "vm.overcommit_ratio".into(),
            settings.overcommit_ratio.to_string(),
        );
    }
    if let Some(pages) = huge_pages(view) {
        values.insert("vm.nr_hugepages".into(), pages.to_string());
    }
    values.extend(settings.sysctl.clone());
    values
}

/// Pages of 2 MiB: a fixed count, or a share of memory.
fn huge_pages(view: &View<'_>) -> Option<u64> {
    let settings = &view.node.settings;
    if settings.hugepage_count > 0 {
        return Some(settings.hugepage_count);
    }
    if settings.hugepage_ratio <= 0.0 {
        return None;
    }
    let pages = view.facts.memory_bytes / (2 << 20);
    Some(crate::pgsql::share(pages, settings.hugepage_ratio))
}
