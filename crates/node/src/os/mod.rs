//! The operating system: one file per kind of resource.

mod absent;
mod access;
pub(crate) mod atomic;
mod authority;
mod certificate;
mod check;
mod diff;
mod directory;
pub(crate) mod drop_ins;
mod file;
mod hostname;
mod keys;
mod link;
mod mark;
mod modules;
mod owned;
pub(crate) mod packages;
mod retired;
mod sources;
mod sudoers;
mod swap;
mod sysctl;
mod timezone;
mod unit;
mod user;
mod versions;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::protocol::Supply;
use sty_wire::resource::{ResourceKind, Unit};

use crate::context::Context;

pub(crate) use self::certificate::common_name;

/// Compares a resource of the operating system with what is there.
pub(crate) fn observe(kind: &ResourceKind, context: &Context) -> Result<Observation, Failure> {
    match kind {
        ResourceKind::Hostname { name } => hostname::observe(name),
        ResourceKind::Packages { names } => packages::observe(names, context),
        ResourceKind::PackageVersions { versions } => versions::observe(versions, context),
        ResourceKind::User(user) => user::observe(user, context),
        ResourceKind::AuthorizedKeys { user, keys } => keys::observe(user, keys, context),
        ResourceKind::Directory { path, access } => directory::observe(path, access, context),
        ResourceKind::Link { path, target } => link::observe(path, target),
        ResourceKind::File(file) => file::observe(file, context),
        ResourceKind::Owned { path, access } => owned::observe(path, access, context),
        ResourceKind::PathAbsent {
            path,
            recursive,
            mark,
        } => absent::observe(path, *recursive, mark.as_deref()),
        ResourceKind::OnlyPackageSource { path } => sources::observe(path),
        ResourceKind::OnlySudoers { paths } => sudoers::observe(paths),
        ResourceKind::Sysctl { path, values } => sysctl::observe(path, values, context),
        ResourceKind::KernelModules { names } => modules::observe(names, context),
        ResourceKind::Timezone { name } => timezone::observe(name),
        ResourceKind::SwapOff => swap::observe(),
        ResourceKind::Authority { file, .. } => authority::observe(file, context),
        ResourceKind::Certificate(wanted) => certificate::observe(wanted, context),
        ResourceKind::Unit(unit) => unit::observe(unit, context),
        ResourceKind::Retired {
            unit,
            config,
            files,
        } => retired::observe(unit, config, files, context),
        _ => Err(misrouted()),
    }
}

/// Brings a resource of the operating system about.
pub(crate) fn converge(
    kind: &ResourceKind,
    context: &Context,
    supply: Option<&Supply>,
) -> Result<(), Failure> {
    match kind {
        ResourceKind::Hostname { name } => hostname::converge(name),
        ResourceKind::Packages { names } => packages::converge(names, context),
        ResourceKind::PackageVersions { versions } => versions::converge(versions, context),
        ResourceKind::User(user) => user::converge(user, context),
        ResourceKind::AuthorizedKeys { user, keys } => keys::converge(user, keys, context),
        ResourceKind::Directory { path, access } => directory::converge(path, access, context),
        ResourceKind::Link { path, target } => link::converge(path, target),
        ResourceKind::File(file) | ResourceKind::Authority { file, .. } => {
            file::converge(file, context)
        }
        ResourceKind::Owned { path, access } => owned::converge(path, access, context),
        ResourceKind::PathAbsent {
            path,
            recursive,
            mark,
        } => absent::converge(path, *recursive, mark.as_deref()),
        ResourceKind::OnlyPackageSource { path } => sources::converge(path),
        ResourceKind::OnlySudoers { paths } => sudoers::converge(paths),
        ResourceKind::Sysctl { path, values } => sysctl::converge(path, values, context),
        ResourceKind::KernelModules { names } => modules::converge(names, context),
        ResourceKind::Timezone { name } => timezone::converge(name),
        ResourceKind::SwapOff => swap::converge(),
        ResourceKind::Certificate(wanted) => certificate::converge(wanted, context, supply),
        ResourceKind::Unit(unit) => unit::converge(unit, context),
        ResourceKind::Retired {
            unit,
            config,
            files,
        } => retired::converge(unit, config, files, context),
        _ => Err(misrouted()),
    }
}

/// Does what a unit that waits for its restart needs none for.
pub(crate) fn unit_meanwhile(unit: &Unit, context: &Context) -> Result<(), Failure> {
    unit::meanwhile(unit, context)
}

fn misrouted() -> Failure {
    Failure::message("this is no kind of the operating system; this is a fault of sty")
}

/// In sync when nothing differs.
fn drift(changes: Vec<Change>, risk: Risk) -> Observation {
    match changes.is_empty() {
        true => Observation::InSync,
        false => Observation::Drift { changes, risk },
    }
}
