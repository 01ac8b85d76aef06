//! The administrator's account, and what the database superuser's account may do as root.

use sty_inventory::model::{NodeAdmin, Sudo};
use sty_wire::resource::{Access, FileCheck, Module, ResourceKind, Stage, User};

use crate::build::{Desired, Group};
use crate::view::View;

/// What the services of a node need from systemd.
const LIMITED: &str = "/usr/bin/systemctl start patroni.service, \
/usr/bin/systemctl stop patroni.service, /usr/bin/systemctl restart patroni.service, \
/usr/bin/systemctl reload patroni.service, /usr/bin/systemctl start pgbouncer.service, \
/usr/bin/systemctl stop pgbouncer.service, /usr/bin/systemctl restart pgbouncer.service, \
/usr/bin/systemctl reload pgbouncer.service";

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let managed = view.managed();
    let mut group = desired.group(Module::Node, Stage::Config, None);
    if let Some(admin) = &view.node.settings.admin {
        account(&mut group, admin);
        sudoers(&mut group, &managed, &admin.name, admin.sudo);
    }
    if let Some(member) = view.postgres {
        let settings = &member.cluster.settings;
        if settings.dbsu != "postgres" {
            group.push(
                format!("user:{}", settings.dbsu),
                ResourceKind::User(User {
                    name: settings.dbsu.clone(),
                    uid: None,
                    home: "/var/lib/pgsql".to_owned(),
                    shell: "/bin/bash".to_owned(),
                    groups: Vec::new(),
                }),
            );
        }
        sudoers(&mut group, &managed, &settings.dbsu, settings.dbsu_sudo);
    }
    // Once those who have them now do.
    let admin = view.node.settings.admin.iter().map(|admin| &*admin.name);
    // An instance that is about to leave takes the rights of PostgreSQL's account with it.
    let dbsu = view
        .postgres
        .map_or("postgres", |member| &*member.cluster.settings.dbsu);
    group.push(
        "sudoers".to_owned(),
        ResourceKind::OnlySudoers {
            paths: admin.chain([dbsu]).map(sudoers_path).collect(),
        },
    );
}

fn account(group: &mut Group<'_>, admin: &NodeAdmin) {
    group.push(
        format!("user:{}", admin.name),
        ResourceKind::User(User {
            name: admin.name.clone(),
            uid: Some(admin.uid),
            home: format!("/home/{}", admin.name),
            shell: "/bin/bash".to_owned(),
            groups: Vec::new(),
        }),
    );
    if !admin.public_keys.is_empty() {
        group.push(
            format!("keys:{}", admin.name),
            ResourceKind::AuthorizedKeys {
                user: admin.name.clone(),
                keys: admin.public_keys.clone(),
            },
        );
    }
}

/// File with what an account may do as root; sudo ignores files whose name holds a dot.
pub(crate) fn sudoers_path(account: &str) -> String {
    format!("/etc/sudoers.d/sty-{}", account.replace('.', "_"))
}

fn sudoers(group: &mut Group<'_>, managed: &str, account: &str, sudo: Sudo) {
    let path = sudoers_path(account);
    let rule = match sudo {
        Sudo::None => return group.absent(&path, false),
        Sudo::Limit => format!("ALL=(root) NOPASSWD: {LIMITED}"),
        Sudo::All => "ALL=(ALL:ALL) ALL".to_owned(),
        Sudo::NoPassword => "ALL=(ALL:ALL) NOPASSWD: ALL".to_owned(),
    };
    group.checked(
        &path,
        format!("# {managed}\n{account} {rule}\n"),
        Access::root(0o440),
        false,
        FileCheck::Sudoers,
    );
}
