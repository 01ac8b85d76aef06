//! What people who log in find: paths, aliases, scheduled jobs.

use sty_wire::resource::{Access, Module, Stage};

use super::packages;
use crate::build::Desired;
use crate::render::{render, values};
use crate::view::View;

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let settings = &view.node.settings;
    let aliases: Vec<(&String, String)> = settings
        .aliases
        .iter()
        .map(|(name, command)| (name, shell_quote(command)))
        .collect();
    let postgres = view.postgres.map(|member| {
        let settings = &member.cluster.settings;
        values! {
            bin_dir => settings.bin_dir,
            data => settings.data,
            port => settings.port,
            socket_dir => settings.socket_dir,
            dbsu => settings.dbsu,
        }
    });
    let profile = render(
        "profile.sh",
        values! {
            managed => view.managed(),
            has_postgres => view.postgres.is_some(),
            postgres => postgres,
            etcd_endpoints => view.etcd.map(|(etcd, _)| crate::etcd::client_urls(etcd, None).join(",")),
            aliases => aliases,
        },
    );
    let Some(profile) = desired.take(profile) else {
        return;
    };
    let managed = view.managed();
    let mut group = desired.group(Module::Node, Stage::Config, None);
    group.file("/etc/profile.d/sty.sh", profile, Access::root(0o644));
    if settings.crontab.is_empty() {
        group.absent("/etc/cron.d/sty", false);
    } else {
        let lines = settings.crontab.join("\n");
        group.file(
            "/etc/cron.d/sty",
            format!("# {managed}\n{lines}\n"),
            Access::root(0o644),
        );
    }
    if packages::has_jobs(view.inventory, view.node) {
        desired
            .group(Module::Node, Stage::Services, None)
            .running("cron.service", &[], &[]);
    }
}

/// In single quotes, for a shell.
fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
