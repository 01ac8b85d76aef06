//! PostgreSQL under Patroni: layout, configuration, access rules, roles and databases.

mod databases;
mod dynamic;
mod hba;
mod layout;
mod objects;
mod parameters;
pub(crate) mod paths;
mod patroni;
mod privileges;
mod roles;
mod slots;
mod standby;

pub use slots::may_lead;

pub(crate) use hba::pgbouncer_rules;
pub(crate) use parameters::{max_connections, share};
pub(crate) use patroni::patroni_member;
pub(crate) use roles::role_secret;

use crate::build::Desired;
use crate::view::View;

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    let Some(member) = view.postgres else {
        return;
    };
    layout::resources(view, desired, member);
    hba::resources(view, desired, member);
    patroni::resources(view, desired, member);
    objects::resources(view, desired, member);
}

#[cfg(test)]
pub(crate) mod tests_support {
    use sty_wire::facts::Facts;

    /// A machine of the usual size.
    pub(crate) fn facts() -> Facts {
        Facts {
            hostname: "node".into(),
            os: "debian".into(),
            os_version: "13".into(),
            arch: "x86_64".into(),
            cpus: 4,
            memory_bytes: 16 << 30,
            data_disk_bytes: 200 << 30,
            virtualization: "kvm".into(),
            container: false,
            network_admin: true,
            open_files_limit: 524_288,
            interfaces: Vec::new(),
        }
    }
}
