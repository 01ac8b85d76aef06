//! Directories that are given to PostgreSQL, etcd and the node: `sty` changes the owner of some,
//! and removes others with all they hold.

use std::path::{Path, PathBuf};

use super::Scope;
use crate::codes;
use crate::registry;

/// What a link leads to the home of the instance from.
const HOME_LINK: &str = "/pg";
/// What is in that home beside the data.
const IN_HOME: [&str; 4] = ["cert", "conf", "log", "tmp"];

/// A directory of a host.
struct Directory {
    /// The parameter that says where.
    parameter: &'static str,
    /// How messages call it.
    what: String,
    /// Where it is, links that `sty` makes followed.
    path: PathBuf,
    /// Goes with its cluster, and all it holds.
    goes: bool,
}

/// Checks the directories of a host.
pub(super) fn check(scope: &Scope<'_>) {
    let (mut own, mut all) = (Vec::new(), Vec::new());
    if scope.is_set("pg_cluster") {
        own.extend([
            ("pg_data", true),
            ("pg_fs_main", false),
            ("pg_fs_backup", false),
        ]);
        all.push(home(scope));
    }
    if scope.members.etcd.contains(&scope.host) {
        own.push(("etcd_data", true));
    }
    own.push(("node_data", false));
    for (parameter, goes) in own {
        let text = scope.text(parameter);
        // Anything else is reported with the types.
        if !text.starts_with('/') {
            continue;
        }
        if let Some((problem, help)) = problem(scope, parameter, Path::new(&text), goes) {
            refuse(
                scope,
                parameter,
                &format!("`{parameter}` is `{text}`, {problem}"),
                &help,
            );
            continue;
        }
        all.push(Directory {
            parameter,
            what: format!("`{parameter}`"),
            path: resolved(scope, Path::new(&text)),
            goes,
        });
    }
    for directory in all.iter().filter(|one| one.goes) {
        check_content(scope, directory, &all);
    }
    check_backups(scope, &all);
}

/// The home of the host's instance.
fn home(scope: &Scope<'_>) -> Directory {
    let name = scope.text("pg_cluster");
    let version: u32 = scope.int("pg_version");
    Directory {
        parameter: "pg_fs_main",
        what: format!("the home of cluster `{name}`"),
        path: Path::new(&scope.text("pg_fs_main")).join(format!("{name}-{version}")),
        goes: true,
    }
}

fn resolved(scope: &Scope<'_>, path: &Path) -> PathBuf {
    match path.strip_prefix(HOME_LINK) {
        Ok(rest) if scope.is_set("pg_cluster") => home(scope).path.join(rest),
        _ => path.to_path_buf(),
    }
}

/// What is wrong with a directory by itself, and the next step.
fn problem(
    scope: &Scope<'_>,
    parameter: &str,
    path: &Path,
    goes: bool,
) -> Option<(&'static str, String)> {
    let usual = registry::parameter(parameter).and_then(|one| one.default);
    let usual = usual.unwrap_or_default().trim_matches('"');
    let choose = format!("choose a directory of its own, such as `{usual}`");
    if is_system(path) {
        return Some(("a directory of the system", choose));
    }
    if goes && path.components().count() < 3 {
        let deeper = format!("choose one below it, such as `{}/data`", path.display());
        return Some((
            "and goes with its cluster, which no top-level directory may",
            deeper,
        ));
    }
    if !scope.is_set("pg_cluster") {
        return None;
    }
    if parameter != "pg_data" {
        let linked = path.starts_with(HOME_LINK);
        return linked.then_some(("where a link to the home of the instance is made", choose));
    }
    let home = home(scope).path;
    let path = resolved(scope, path);
    let rest = path.strip_prefix(home).ok()?;
    let first = rest.iter().next().and_then(|first| first.to_str());
    let taken = first.is_none_or(|first| IN_HOME.contains(&first));
    taken.then_some(("where other files of the instance are", choose))
}

/// What would go with a directory, and must not.
fn check_content(scope: &Scope<'_>, directory: &Directory, all: &[Directory]) {
    let stays = |other: &&Directory| {
        let data_in_home = directory.parameter == "pg_fs_main" && other.parameter == "pg_data";
        !std::ptr::eq(directory, *other) && !data_in_home && other.path.starts_with(&directory.path)
    };
    let Some(other) = all.iter().find(stays) else {
        return;
    };
    let message = format!(
        "{} is `{}`, which goes with its cluster and would take {} along, {}",
        directory.what,
        directory.path.display(),
        other.what,
        match directory.path == other.path {
            true => "the same directory".to_owned(),
            false => format!("which is `{}`", other.path.display()),
        }
    );
    let mended = match scope.is_set(directory.parameter) {
        true => directory.parameter,
        false => other.parameter,
    };
    let help = "choose a directory that nothing else is in";
    refuse(scope, mended, &message, help);
}

/// The backups belong to PostgreSQL, what is beside them to root.
fn check_backups(scope: &Scope<'_>, all: &[Directory]) {
    let is = |name: &'static str| move |one: &&Directory| one.parameter == name && !one.goes;
    let Some(backups) = all.iter().find(is("pg_fs_backup")) else {
        return;
    };
    let others = ["pg_fs_main", "node_data"];
    let same = others
        .iter()
        .filter_map(|name| all.iter().find(is(name)))
        .find(|other| other.path == backups.path);
    if let Some(other) = same {
        let message = format!(
            "`pg_fs_backup` and {} are both `{}`, and have different owners",
            other.what,
            backups.path.display()
        );
        let help = "choose a directory that nothing else is in";
        refuse(scope, backups.parameter, &message, help);
    }
}

fn refuse(scope: &Scope<'_>, parameter: &str, message: &str, help: &str) {
    scope.report.error_once(
        codes::DIRECTORY,
        scope.place(parameter),
        message,
        "not here",
        help,
    );
}

/// Directories that are the system's, or people's, themselves.
const SYSTEM: &str = "/ /home /media /mnt /opt /srv /var /var/backups /var/crash /var/lib /var/local \
    /var/opt /var/www /usr/local";
/// The same with whatever is below them.
const SYSTEM_TREES: &str = "/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /lost+found /opt/sty /proc \
    /root /run /sbin /snap /sys /tmp /usr /var/cache /var/lib/apt /var/lib/dpkg /var/lib/systemd \
    /var/lock /var/log /var/mail /var/run /var/spool /var/tmp";
/// Below `/usr/local`, what is not a program's own.
const SHARED: [&str; 9] = [
    "bin", "etc", "games", "include", "lib", "man", "sbin", "share", "src",
];

/// Whether a directory is none that could be given away, or does not outlive a reboot.
fn is_system(path: &Path) -> bool {
    if SYSTEM.split_whitespace().any(|one| path == Path::new(one)) {
        return true;
    }
    if let Ok(rest) = path.strip_prefix("/usr/local") {
        return SHARED.iter().any(|one| rest.starts_with(one));
    }
    let of_somebody = path.parent() == Some(Path::new("/home"));
    let mut trees = SYSTEM_TREES.split_whitespace();
    of_somebody || trees.any(|tree| path.starts_with(tree))
}

#[cfg(test)]
mod tests {
    use super::is_system;
    use std::path::Path;

    #[test]
    fn directories_of_the_system() {
        for bad in [
            "/",
            "//",
            "/etc",
            "/etc/",
            "/etc/postgresql",
            "/usr",
            "/usr/lib/postgresql",
            "/usr/local",
            "/usr/local/bin",
            "/usr/local/lib/x",
            "/var",
            "/var/lib",
            "/var/lib/dpkg/info",
            "/var/log/pg",
            "/home",
            "/home/ada",
            "/root/pg",
            "/tmp/pg",
            "/run/pg",
            "/opt",
            "/opt/sty",
            "/mnt",
        ] {
            assert!(is_system(Path::new(bad)), "{bad}");
        }
        for good in [
            "/data",
            "/pg",
            "/pgdata",
            "/srv/pg",
            "/data1/postgres",
            "/mnt/disk1",
            "/opt/pgsql",
            "/home/postgres/data",
            "/usr/local/pgsql/data",
            "/var/lib/postgresql",
            "/var/lib/pgsql/17/data",
            "/var/lib/etcd",
            "/var/backups/postgres",
        ] {
            assert!(!is_system(Path::new(good)), "{good}");
        }
    }
}
