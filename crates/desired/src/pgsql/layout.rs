//! Directories, links and certificate of an instance.

use sty_wire::resource::{Access, Module, Stage};

use super::paths;
use crate::build::{Desired, Group};
use crate::node::packages::os;
use crate::pki::{self, Leaf};
use crate::view::{Member, View};

pub(super) fn resources(view: &View<'_>, desired: &mut Desired, member: Member<'_>) {
    let cluster = member.cluster;
    let settings = &cluster.settings;
    let owned = |mode| Access::new(&settings.dbsu, &settings.dbsu, mode);
    let mut group = desired.group(Module::Pgsql, Stage::Config, Some(&cluster.name));
    // Both are root's; the node has asked for its own already.
    if settings.fs_main != view.node.settings.data {
        group.directory(&settings.fs_main, Access::root(0o755));
    }
    group.directory(&settings.fs_backup, owned(0o750));
    group.directory(&paths::home(cluster), owned(0o750));
    group.link(paths::HOME_LINK, &paths::home(cluster));
    for path in [
        "/pg/log",
        "/pg/tmp",
        paths::CONF,
        paths::CERT_DIR,
        paths::LOG,
    ] {
        group.directory(path, owned(0o750));
    }
    group.directory(&settings.data, owned(0o700));
    pki::certificate(
        view,
        &mut group,
        Leaf {
            cert_path: paths::CERT,
            key_path: Some(paths::KEY),
            owner: &settings.dbsu,
            common_name: &member.instance.name,
            names: pki::postgres_names(view, member),
        },
    );
    programs(view, &mut group, member);
    crontab(view, &mut group, member);
}

/// `/usr/pgsql` leads to the programs of the cluster's major version.
fn programs(view: &View<'_>, group: &mut Group<'_>, member: Member<'_>) {
    let facts = view.facts;
    // A system that the catalogue does not know was reported with the packages.
    let Ok(os) = os(
        view.context.catalogue,
        &facts.os,
        &facts.os_version,
        &view.node.host,
    ) else {
        return;
    };
    let real = os.sources[0].bin_dir(member.cluster.version);
    let link = &member.cluster.settings.bin_dir;
    if *link != real && !paths::parent(link).is_empty() {
        group.link(paths::parent(link), paths::parent(&real));
    }
}

fn crontab(view: &View<'_>, group: &mut Group<'_>, member: Member<'_>) {
    const PATH: &str = "/etc/cron.d/sty-postgres";
    let settings = &member.cluster.settings;
    if settings.crontab.is_empty() {
        return group.absent(PATH, false);
    }
    let lines: String = settings
        .crontab
        .iter()
        .map(|line| with_user(line, &settings.dbsu))
        .collect();
    group.file(
        PATH,
        format!("# {}\n{lines}", view.managed()),
        Access::root(0o644),
    );
}

/// Puts the user between the five time fields (or the one `@` word) and the command.
fn with_user(line: &str, user: &str) -> String {
    let line = line.trim();
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let mut rest = line;
    let mut time = Vec::new();
    for _ in 0..fields {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        time.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    format!("{} {user} {rest}\n", time.join(" "))
}

#[cfg(test)]
mod tests {
    use super::with_user;

    #[test]
    fn cron_lines_get_their_user() {
        assert_eq!(
            with_user("00 01 * * *  /pg/bin/pg-backup full", "postgres"),
            "00 01 * * * postgres /pg/bin/pg-backup full\n"
        );
        assert_eq!(with_user("@daily true", "pg"), "@daily pg true\n");
    }
}
