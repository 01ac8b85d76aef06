//! A small repository made from the real sources, then installed from, served and changed.
//! Needs root, `mmdebstrap` and `zstd`; keeps the minimal system in the cache directory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test, that is how a failure is reported"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use sty_catalog::Catalog;
use sty_repo::{
    BuildReport, BuildRequest, Event, Layout, RepoError, available, build, list, public_key, serve,
};

fn cache() -> PathBuf {
    std::env::var_os("STY_CACHE_DIR").map_or_else(|| "/var/cache/sty".into(), PathBuf::from)
}

/// A request for `sets` of packages in the directory `dir`, with the cached minimal system.
fn request(dir: &Path, sets: &[&[&str]]) -> BuildRequest<'static> {
    let os = Catalog::builtin().os("debian-13").unwrap();
    let machine = os.package_architecture(std::env::consts::ARCH).unwrap();
    let layout = Layout::new(dir, &os.id).sharing_root_of(&Layout::new(&cache(), &os.id));
    let set = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    BuildRequest {
        os,
        layout,
        architecture: machine.to_owned(),
        sets: sets.iter().map(set).collect(),
        update: false,
    }
}

fn make(request: &BuildRequest<'_>) -> (BuildReport, Vec<Event>) {
    let mut events = Vec::new();
    let report = build(request, &mut |event| events.push(event));
    (
        report.unwrap_or_else(|error| panic!("{}", error.diagnostic().message)),
        events,
    )
}

fn files(layout: &Layout) -> Vec<String> {
    let pool = fs::read_dir(layout.www().join("pool")).unwrap();
    let names = pool.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_repository_is_built_kept_and_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut wanted = request(dir.path(), &[&["etcd-client"]]);
    let layout = &wanted.layout.clone();

    // Everything that is needed, the base system included, and nothing else.
    let (first, _) = make(&wanted);
    assert!(!first.unchanged);
    assert_eq!(first.downloaded, first.packages);
    assert_eq!(files(layout).len(), first.packages);
    assert!(files(layout).iter().any(|name| name.starts_with("libc6_")));
    let lock = fs::read_to_string(layout.lock()).unwrap();
    let key = fs::read(layout.public_key()).unwrap();

    // Again: nothing to do.
    let (second, events) = make(&wanted);
    assert!(second.unchanged);
    assert_eq!((second.downloaded, events), (0, Vec::new()));
    assert_eq!(fs::read_to_string(layout.lock()).unwrap(), lock);

    // A damaged file is noticed, and only that is fetched; the lock file stays.
    let etcd = files(layout)
        .into_iter()
        .find(|name| name.starts_with("etcd-client_"))
        .unwrap();
    let path = layout.www().join("pool").join(&etcd);
    let mut content = fs::read(&path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&path, content).unwrap();
    let (mended, _) = make(&wanted);
    assert_eq!(mended.downloaded, 1);
    assert_eq!(fs::read_to_string(layout.lock()).unwrap(), lock);

    // Something more: only that is fetched. Something less: only that is removed.
    let more = request(
        dir.path(),
        &[&["etcd-client"], &["no-such-package", "pgbouncer"]],
    );
    let error = build(&more, &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, RepoError::UnknownPackages { names, .. } if names == &["no-such-package"])
    );
    let more = request(dir.path(), &[&["etcd-client"], &["etcd-server"]]);
    let (grown, _) = make(&more);
    assert_eq!(grown.packages, first.packages + grown.downloaded);
    assert!(grown.downloaded < 10);
    let (shrunk, _) = make(&wanted);
    assert_eq!((shrunk.downloaded, shrunk.removed), (0, grown.downloaded));
    assert_eq!(fs::read_to_string(layout.lock()).unwrap(), lock);

    // A version that the sources do not have is named, with those they have; `update` gets over it.
    let pinned = available(layout)
        .unwrap()
        .version("etcd-client")
        .unwrap()
        .to_owned();
    let impossible = lock.replacen(&format!("\"{pinned}\""), "\"0.0.1-1\"", 1);
    fs::write(layout.lock(), impossible).unwrap();
    let error = build(&wanted, &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, RepoError::LockedVersionGone { package, available, .. }
            if package == "etcd-client" && available.contains(&pinned)),
        "{error}"
    );
    wanted.update = true;
    let (updated, _) = make(&wanted);
    assert_eq!(
        (updated.packages, updated.unchanged),
        (first.packages, false)
    );

    // The same key all along; the private one is out of reach.
    assert_eq!(fs::read(layout.public_key()).unwrap(), key);

    let found = available(layout).unwrap();
    assert!(found.version("etcd-client").is_some());
    let all = list(dir.path()).unwrap();
    assert_eq!((all.len(), all[0].packages), (1, first.packages));

    installs_over_http(dir.path(), layout);
}

/// What `sty repo build` makes: every role, for the PostgreSQL of the system's own sources.
#[test]
fn every_role_can_be_installed_from_the_whole_repository() {
    let mut wanted = request(&cache(), &[]);
    let (os, architecture) = (wanted.os, wanted.architecture.clone());
    let layout = Layout::new(&cache(), &os.id);
    let majors = os.postgresql_majors();
    wanted = BuildRequest::every_role(os, layout, &architecture, majors).unwrap();
    // The build itself proves each role installable; it fails when one is not.
    make(&wanted);
    let (again, _) = make(&wanted);
    assert!(again.unchanged);
    let found = available(&wanted.layout).unwrap().postgresql();
    assert_eq!(
        found.iter().map(|server| server.0).collect::<Vec<_>>(),
        majors
    );

    let unknown = BuildRequest::every_role(os, wanted.layout, &architecture, &[99]).unwrap_err();
    assert!(unknown.to_string().contains("which have 17"), "{unknown}");
}

/// The system's own apt, with this repository as its only source, checks the signature and
/// installs; a copy of the index with one byte changed is refused.
fn installs_over_http(base: &Path, layout: &Layout) {
    let root = tempfile::tempdir().unwrap();
    let cached = Layout::new(&cache(), layout.os_id()).dir().join("root");
    let node = root.path().join("node");
    run("cp", &["-a", path(&cached), path(&node)]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = serve(listener, &Layout::all(base)).unwrap().address;
    let os = Catalog::builtin().os(layout.os_id()).unwrap();
    let source = sty_catalog::apt_source(os, &format!("http://{address}"));
    let within = |absolute: &str| node.join(absolute.trim_start_matches('/'));
    fs::write(within("/etc/apt/sources.list"), "").unwrap();
    fs::create_dir_all(within("/etc/apt/keyrings")).unwrap();
    fs::write(within(sty_catalog::APT_SOURCE_PATH), source).unwrap();
    let key = public_key(layout).unwrap();
    fs::write(within(sty_catalog::APT_KEY_PATH), key).unwrap();

    let node = path(&node);
    run("chroot", &[node, "apt-get", "update", "--error-on=any"]);
    run(
        "chroot",
        &[
            node,
            "apt-get",
            "install",
            "-y",
            "--no-install-recommends",
            "etcd-client",
        ],
    );
    let version = run("chroot", &[node, "etcdctl", "version"]);
    assert!(version.contains("etcdctl version"), "{version}");

    let release = layout.www().join("InRelease");
    let text = fs::read_to_string(&release).unwrap();
    fs::write(&release, text.replace("Origin: sty", "Origin: yts")).unwrap();
    run("chroot", &[node, "rm", "-rf", "/var/lib/apt/lists"]);
    let forged = ["-c", "! chroot \"$0\" apt-get update --error-on=any", node];
    run("sh", &forged);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {out}{err}"
    );
    out
}
