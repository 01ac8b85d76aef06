//! Words for resources and actions.

use sty_core::Risk;
use sty_wire::observation::{Change, SERVING};
use sty_wire::resource::{Resource, ResourceKind, UnitState};

/// What a resource is, in words; what is inside a cluster says in which.
pub(crate) fn subject(resource: &Resource) -> String {
    let inside = |what: String| match &resource.cluster {
        Some(cluster) => format!("{what} in {cluster}"),
        None => what,
    };
    match &resource.kind {
        ResourceKind::Hostname { name } => format!("hostname {name}"),
        ResourceKind::Packages { .. } => "packages".to_owned(),
        ResourceKind::PackageVersions { .. } => "newer packages".to_owned(),
        ResourceKind::User(user) => format!("account {}", user.name),
        ResourceKind::AuthorizedKeys { user, .. } => format!("authorized keys of {user}"),
        ResourceKind::Directory { path, .. }
        | ResourceKind::Link { path, .. }
        | ResourceKind::Owned { path, .. }
        | ResourceKind::PathAbsent { path, .. } => path.clone(),
        ResourceKind::File(file) => file.path.clone(),
        ResourceKind::OnlyPackageSource { .. } => "other package sources".to_owned(),
        ResourceKind::OnlySudoers { .. } => "root's rights of other accounts".to_owned(),
        ResourceKind::Sysctl { .. } => "kernel settings".to_owned(),
        ResourceKind::KernelModules { names } => format!("kernel modules {}", names.join(", ")),
        ResourceKind::Timezone { name } => format!("time zone {name}"),
        ResourceKind::SwapOff => "swap".to_owned(),
        ResourceKind::Authority { name, .. } => format!("authority {name}"),
        ResourceKind::Certificate(certificate) => format!("certificate {}", certificate.cert_path),
        ResourceKind::Unit(unit) => unit.name.clone(),
        ResourceKind::Retired { unit, .. } => unit.clone(),
        ResourceKind::EtcdMember(member) => format!("etcd member {}", member.name),
        ResourceKind::EtcdAuth(_) => "etcd users and roles".to_owned(),
        ResourceKind::PatroniMember(member) => format!("PostgreSQL {}", member.name),
        ResourceKind::PatroniConfig { .. } => "Patroni's dynamic configuration".to_owned(),
        ResourceKind::Role { role, .. } => inside(format!("role {}", role.name)),
        ResourceKind::Database { database, .. } => inside(format!("database {}", database.name)),
        ResourceKind::EtcdScopeAbsent { prefix, .. } => format!("etcd keys {prefix}"),
    }
}

/// What bringing a resource about does, in words.
pub(crate) fn title(resource: &Resource, changes: &[Change], fresh: bool, risk: Risk) -> String {
    let subject = subject(resource);
    let verb = match &resource.kind {
        ResourceKind::Packages { names } => return packages(names.len(), changes, fresh),
        ResourceKind::File(_) => "write",
        ResourceKind::Directory { .. } => "set up directory",
        ResourceKind::Link { .. } => "link",
        ResourceKind::Owned { .. } => "set owner and mode of",
        ResourceKind::PathAbsent { .. } | ResourceKind::EtcdScopeAbsent { .. } => "remove",
        ResourceKind::Authority { .. } => "trust",
        ResourceKind::Certificate(_) => "issue",
        ResourceKind::Retired { .. } => "retire",
        ResourceKind::OnlyPackageSource { .. } => "set aside",
        ResourceKind::OnlySudoers { .. } => "remove",
        ResourceKind::Unit(unit) => unit_verb(unit.state, changes, risk),
        ResourceKind::EtcdMember(_) | ResourceKind::PatroniMember(_) => match risk {
            _ if fresh => "start",
            Risk::Reload => "reload",
            Risk::Safe => "bring up",
            _ => "restart",
        },
        ResourceKind::Role { role, .. } if role.absent => "drop",
        ResourceKind::Database { database, .. } if database.absent => "drop",
        ResourceKind::Role { .. } | ResourceKind::Database { .. } => {
            if fresh || is_creation(changes) {
                "create"
            } else {
                "alter"
            }
        }
        _ => "set",
    };
    format!("{verb} {subject}")
}

/// Whether the differences say that the whole thing is missing.
fn is_creation(changes: &[Change]) -> bool {
    changes
        .first()
        .is_some_and(|change| change.what == "create")
}

fn packages(wanted: usize, changes: &[Change], fresh: bool) -> String {
    let count = if fresh { wanted } else { changes.len() };
    match count {
        1 => "install 1 package".to_owned(),
        _ => format!("install {count} packages"),
    }
}

fn unit_verb(state: UnitState, changes: &[Change], risk: Risk) -> &'static str {
    match (state, risk) {
        (UnitState::Stopped, _) => "stop",
        (UnitState::Running, Risk::Reload) => "reload",
        (UnitState::Running, Risk::Restart) if !changes.is_empty() => "restart",
        (UnitState::Running, _) if only_waits(changes) => "resume",
        (UnitState::Running, _) => "start",
    }
}

/// Whether it runs, and clients wait for some of what it has.
fn only_waits(changes: &[Change]) -> bool {
    let waits = |change: &Change| change.to.as_deref() == Some(SERVING);
    !changes.is_empty() && changes.iter().all(waits)
}
