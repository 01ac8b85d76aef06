//! Where packages come from, and what installing them must not do. That nothing starts while
//! packages are installed is the installing node program's own business.

use sty_wire::resource::{Access, Module, ResourceKind, Stage};

use crate::build::Desired;
use crate::view::View;

/// Where the repository's public key goes.
pub const KEY_PATH: &str = "/etc/apt/keyrings/sty.asc";
/// Where the package source goes.
pub const SOURCE_PATH: &str = "/etc/apt/sources.list.d/sty.sources";

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let managed = view.managed();
    let mut group = desired.group(Module::Node, Stage::Base, None);
    group.directory("/etc/apt/keyrings", Access::root(0o755));
    group.file(
        KEY_PATH,
        view.context.packages.key.clone(),
        Access::root(0o644),
    );
    group.file(
        SOURCE_PATH,
        format!("# {managed}\n{}", view.context.packages.source),
        Access::root(0o644),
    );
    if view.node.settings.exclusive_repository {
        group.push(
            "only-package-source",
            ResourceKind::OnlyPackageSource {
                path: SOURCE_PATH.to_owned(),
            },
        );
    }
    if view.postgres.is_some() {
        group.directory("/etc/postgresql-common", Access::root(0o755));
        group.file(
            "/etc/postgresql-common/createcluster.conf",
            format!(
                "# {managed}\n# Patroni makes the one cluster of this node; the package shall not.\n\
                 create_main_cluster = false\n"
            ),
            Access::root(0o644),
        );
    }
}
