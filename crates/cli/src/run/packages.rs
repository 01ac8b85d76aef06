//! The package repository of this controller, as verbs use it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context as _;
use sty_catalog::{Catalog, Os};
use sty_core::{Diagnostic, Span};
use sty_desired::PackageSource;
use sty_inventory::model::{Inventory, PgCluster};
use sty_repo::{Available, BuildReport, BuildRequest, Event, Layout, RepoError, Serving};

use crate::printer::Printer;

/// The operating system that nodes run, as long as the inventory cannot say otherwise.
pub(crate) const NODE_OS: &str = "debian-13";

/// Directory that holds what can be made again.
pub(crate) fn cache() -> PathBuf {
    sty_sandbox::Dirs::from_environment().cache
}

/// The repository's key and the nodes' source entry.
pub(crate) fn source(inventory: &Inventory) -> anyhow::Result<PackageSource> {
    let os = Catalog::builtin().os(NODE_OS)?;
    let key = sty_repo::public_key(&Layout::new(&cache(), &os.id)).map_err(told)?;
    Ok(PackageSource {
        key,
        source: sty_catalog::apt_source(os, &inventory.repo_endpoint),
    })
}

/// Makes or completes the repository: every role, what `inventory` asks for beside them, and what
/// earlier builds were asked for. With `update`, newer versions, and only what is asked for now.
pub(crate) fn build(
    os: &Os,
    inventory: Option<&Inventory>,
    update: bool,
    printer: &Printer,
) -> anyhow::Result<BuildReport> {
    let layout = Layout::new(&cache(), &os.id);
    let architecture = os
        .package_architecture(std::env::consts::ARCH)
        .with_context(|| format!("{} has no packages for {}", os.name, std::env::consts::ARCH))?;
    let majors = os.postgresql_majors();
    let mut request = BuildRequest::every_role(os, layout, architecture, majors).map_err(told)?;
    request.update = update;
    let roles: BTreeSet<String> = request.sets.iter().flatten().cloned().collect();
    let mut further = inventory.map(|all| wanted(all, os)).unwrap_or_default();
    if !update {
        further.extend(requested_before(os)?);
    }
    let further: BTreeSet<String> = further.difference(&roles).cloned().collect();
    request
        .sets
        .extend(further.into_iter().map(|name| vec![name]));
    let report = sty_repo::build(&request, &mut |event: Event| {
        printer.progress(&format!("packages: {event}"));
    })
    .map_err(told)?;
    printer.progress("");
    Ok(report)
}

/// Packages of all nodes; what the system lacks is for [`lacking`] to tell.
fn wanted(inventory: &Inventory, os: &Os) -> BTreeSet<String> {
    let nodes = inventory.nodes.values();
    nodes
        .filter_map(|node| sty_desired::packages(inventory, node, os).ok())
        .flatten()
        .collect()
}

/// The version that the repository of this controller holds of each package that a member of
/// `cluster` runs from.
pub(crate) fn newest(cluster: &PgCluster) -> anyhow::Result<BTreeMap<String, String>> {
    let os = Catalog::builtin().os(NODE_OS)?;
    let held = sty_repo::available(&Layout::new(&cache(), &os.id)).map_err(told)?;
    let names = sty_desired::cluster_packages(cluster, os).into_iter();
    let version = |name: String| Some((held.version(&name)?.to_owned(), name));
    Ok(names
        .filter_map(version)
        .map(|(version, name)| (name, version))
        .collect())
}

fn requested_before(os: &Os) -> anyhow::Result<Vec<String>> {
    let summaries = sty_repo::list(&cache()).map_err(told)?;
    let before = summaries.into_iter().find(|summary| summary.os == os.id);
    Ok(before
        .map(|summary| {
            summary
                .requested
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        })
        .unwrap_or_default())
}

const VERSION: &str = "packages/postgresql-version";
const NOT_HELD: &str = "packages/not-in-repository";
/// Codes of what [`lacking`] finds, with the text that explains them.
pub(crate) const CODES: [(&str, &str); 2] = [
    (
        VERSION,
        "A cluster wants a major version of PostgreSQL (`pg_version`) that the package sources of its nodes' operating system do not have. The hint says which they have.",
    ),
    (
        NOT_HELD,
        "A package that the inventory needs is not in the package repository of this controller. `sty repo build` resolves and fetches it; a name that the operating system does not know is said there.",
    ),
];

/// What the inventory wants and there is not: PostgreSQL versions that the nodes' operating
/// system does not carry, packages that the repository of this controller does not hold. Without
/// a repository only the former can be told.
pub(crate) fn lacking(inventory: &Inventory) -> anyhow::Result<Vec<Diagnostic>> {
    let os = Catalog::builtin().os(NODE_OS)?;
    let held = match sty_repo::available(&Layout::new(&cache(), &os.id)) {
        Ok(held) => Some(held),
        Err(RepoError::NotBuilt { .. }) => None,
        Err(error) => return Err(told(error)),
    };
    let mut problems: Vec<Diagnostic> = inventory
        .clusters
        .values()
        // A version that is none reads as 0, and was told.
        .filter(|cluster| cluster.version != 0)
        .filter(|cluster| !os.postgresql_majors().contains(&cluster.version))
        .map(|cluster| lacking_version(inventory, cluster, os, held.as_ref()))
        .collect();
    if let Some(held) = &held
        && problems.is_empty()
    {
        let missing = wanted(inventory, os)
            .into_iter()
            .filter(|name| held.version(name).is_none());
        problems.extend(missing.map(|name| {
            Diagnostic::error(
                NOT_HELD,
                format!("package `{name}` is not in the package repository"),
            )
            .at_if(asked_for(inventory, &name), "asked for here")
            .help("fetch it with `sty repo build`; its name is as the operating system has it")
        }));
    }
    Ok(problems)
}

/// Where the inventory first names a package.
fn asked_for(inventory: &Inventory, package: &str) -> Option<Span> {
    const LISTS: [&str; 3] = ["node_packages", "pg_packages", "pg_extensions"];
    let mut hosts = inventory.nodes.keys();
    hosts.find_map(|host| inventory.written.mention(host, &LISTS, package))
}

fn lacking_version(
    inventory: &Inventory,
    cluster: &PgCluster,
    os: &Os,
    held: Option<&Available>,
) -> Diagnostic {
    let majors = os.postgresql_majors().iter().map(u32::to_string);
    let versions: Vec<String> = match held {
        Some(held) => held
            .postgresql()
            .into_iter()
            .map(|(_, version)| version)
            .collect(),
        None => majors.collect(),
    };
    Diagnostic::error(
        VERSION,
        format!(
            "cluster `{}` wants PostgreSQL {}, which the sources of {} do not have",
            cluster.name, cluster.version, os.name
        ),
    )
    .at_if(
        cluster
            .instances
            .iter()
            .find_map(|one| inventory.written.place(&one.host, "pg_version")),
        "wanted here",
    )
    .help(format!(
        "they have {}: change `pg_version`",
        versions.join(", ")
    ))
}

/// Serves every repository of this controller until it cannot.
pub(crate) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    sty_repo::serve_forever(address, &Layout::all(&cache())).map_err(told)
}

/// The same on a socket that listens already, in threads of this process.
pub(crate) fn serve_on(listener: TcpListener) -> anyhow::Result<Serving> {
    sty_repo::serve(listener, &Layout::all(&cache())).map_err(told)
}

/// An error with its hint.
pub(crate) fn told(error: RepoError) -> anyhow::Error {
    match error.help() {
        Some(help) => anyhow::anyhow!("{error}\nhint: {help}"),
        None => anyhow::anyhow!("{error}"),
    }
}
