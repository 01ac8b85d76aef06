//! The command line without nodes: exit code, standard output and standard error.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Runs `sty` in `directory` and gives everything it said, without what differs between runs.
fn sty(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sty"))
        .args(arguments)
        .current_dir(directory)
        .env("STY_STATE_DIR", directory.join("state"))
        .env("STY_CACHE_DIR", directory.join("cache"))
        .env_remove("STY_INVENTORY")
        .env_remove("STY_SANDBOX")
        // No program is found, `ssh` least of all: nobody is reached.
        .env("PATH", directory)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let mut text = format!("exit code {}\n", output.status.code().unwrap());
    for (name, stream) in [("stdout", output.stdout), ("stderr", output.stderr)] {
        let said = String::from_utf8(stream).unwrap();
        if !said.is_empty() {
            let _ = write!(text, "--- {name}\n{said}");
        }
    }
    text.replace(&directory.display().to_string(), "[DIR]")
}

fn write(directory: &Path, text: &str) {
    std::fs::write(directory.join("pigsty.yml"), text).unwrap();
}

#[test]
fn a_newcomer_finds_the_way() {
    let home = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(sty(home.path(), &["check"]), @"
    exit code 2
    --- stderr
    error: there is no `pigsty.yml` here
    hint: name an inventory with `-i FILE`, or write one with `sty init meta`
    ");
    insta::assert_snapshot!(sty(home.path(), &["init"]), @"
    exit code 0
    --- stdout
    meta     one node with etcd and a PostgreSQL cluster of one
    trio     three nodes with etcd and a highly available cluster
    full     four nodes with etcd, a cluster of one and a cluster of three
    crit     three nodes where no acknowledged write is ever lost
    ");
    insta::assert_snapshot!(sty(home.path(), &["init", "metta"]), @"
    exit code 2
    --- stderr
    error: there is no template `metta`: choose one of meta, trio, full, crit, or a file
    ");
    insta::assert_snapshot!(sty(home.path(), &["init", "meta", "--keep-addresses"]), @"
    exit code 0
    --- stderr
    wrote pigsty.yml
    its passwords are random and stand in the file: keep it as safe as a key
    next: edit it, then
      sty check -i pigsty.yml
    ");
    insta::assert_snapshot!(sty(home.path(), &["check"]), @"
    exit code 0
    --- stderr
    ok pigsty.yml: 1 node, 1 PostgreSQL cluster, 0 warnings
    ");
    insta::assert_snapshot!(sty(home.path(), &["init", "meta", "--keep-addresses"]), @"
    exit code 2
    --- stderr
    error: `pigsty.yml` is there already and is kept
    hint: choose another file with `-i FILE`
    ");
}

#[test]
fn an_inventory_is_written_for_an_address() {
    let home = tempfile::tempdir().unwrap();
    for wrong in ["foo", "10.10.10.300", "127.0.0.1", "::"] {
        let said = sty(home.path(), &["init", "meta", "--address", wrong]);
        assert!(said.starts_with("exit code 2"), "{said}");
        let named = format!("error: `{wrong}` is no address of a host\nhint: ");
        assert!(said.contains(&named), "{said}");
    }
    sty(home.path(), &["init", "meta", "--address", "fd00::5"]);
    let text = std::fs::read_to_string(home.path().join("pigsty.yml")).unwrap();
    assert!(
        text.contains("repo_endpoint: http://[fd00::5]:8080"),
        "{text}"
    );
    insta::assert_snapshot!(sty(home.path(), &["check"]), @"
    exit code 0
    --- stderr
    ok pigsty.yml: 1 node, 1 PostgreSQL cluster, 0 warnings
    ");
}

#[test]
fn what_is_no_inventory_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let check = |name: &str| sty(home.path(), &["check", "-i", name]);
    insta::assert_snapshot!(check("none.yml"), @"
    exit code 2
    --- stderr
    error: cannot read inventory `none.yml`: No such file or directory (os error 2)
    hint: write one from a template: `sty init meta -i none.yml`
    ");
    insta::assert_snapshot!(check("."), @"
    exit code 2
    --- stderr
    error: cannot read inventory `.`: it is a directory
    ");
    insta::assert_snapshot!(check("/dev/zero"), @"
    exit code 2
    --- stderr
    error: cannot read inventory `/dev/zero`: it is a device, not a file
    ");
    std::fs::write(home.path().join("latin.yml"), b"all:\n  # J\xfcrgen\n").unwrap();
    insta::assert_snapshot!(check("latin.yml"), @"
    exit code 2
    --- stderr
    error[inventory/encoding]: the inventory is not UTF-8 text
      --> latin.yml:2:6  the byte 0xfc
    hint: save it as UTF-8; `iconv -f LATIN1 -t UTF-8` makes it that if it is LATIN1

    invalid latin.yml: 1 error, 0 warnings; nothing was touched
    ");
    insta::assert_snapshot!(sty(home.path(), &["check", "--output", "json", "-i", "latin.yml"]), @r#"
    exit code 2
    --- stdout
    {"inventory":"latin.yml","valid":false,"diagnostics":[{"code":"inventory/encoding","severity":"error","message":"the inventory is not UTF-8 text","labels":[{"span":{"file":"latin.yml","line":2,"column":6},"text":"the byte 0xfc"}],"help":"save it as UTF-8; `iconv -f LATIN1 -t UTF-8` makes it that if it is LATIN1"}]}
    "#);
}

#[test]
fn an_inventory_may_come_through_a_pipe() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "meta", "--keep-addresses"]);
    let mut cat = Command::new("cat")
        .arg(home.path().join("pigsty.yml"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_sty"))
        .args(["check", "-i", "/dev/stdin"])
        .stdin(cat.stdout.take().unwrap())
        .current_dir(home.path())
        .env("STY_STATE_DIR", home.path().join("state"))
        .env("STY_CACHE_DIR", home.path().join("cache"))
        .output()
        .unwrap();
    assert!(cat.wait().unwrap().success());
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn an_inventory_is_written_for_its_owner_alone_with_a_secret_of_its_own_for_every_password() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "full", "--address", "192.0.2.7"]);
    let path = home.path().join("pigsty.yml");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("192.0.2.7:") && !text.contains("10.10.10.10"));
    let secrets: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once("password:"))
        .map(|(_, secret)| secret.trim())
        .collect();
    let different: std::collections::BTreeSet<&&str> = secrets.iter().collect();
    assert_eq!(different.len(), secrets.len());
    assert!(secrets.len() > 6 && secrets.iter().all(|secret| secret.len() >= 24));
}

#[test]
fn every_mistake_is_found_in_one_run_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "all:
  children:
    etcd:
      hosts:
        10.10.10.10: { etcd_seq: 1 }
        10.10.10.11: { etcd_seq: 2 }
    pg-test:
      hosts:
        10.10.10.10: { pg_seq: 1, pg_role: primary }
        10.10.10.11: { pg_seq: 1, pg_role: primary }
      vars:
        pg_cluster: pg-test
        pg_user: []
        pg_databases: [ { name: test, owner: nobody } ]
  vars:
    admin_ip: 10.10.10.10
    pg_admin_password: DBUser.DBA
",
    );
    insta::assert_snapshot!(sty(home.path(), &["check"]), @"
    exit code 2
    --- stderr
    warning[inventory/known-password]: `pg_admin_password` is a password that is publicly known
      --> pigsty.yml:17:24  printed in public documentation
    hint: choose another: `openssl rand -hex 16`

    error[inventory/missing-password]: `haproxy_admin_password` is not set, which the HAProxy status page needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `pg_replication_password` is not set, which replication needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `pg_monitor_password` is not set, which monitoring needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `patroni_password` is not set, which Patroni needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `etcd_root_password` is not set, which etcd needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/etcd-size]: etcd has 2 members
      --> pigsty.yml:5:9  the first of them
    hint: use 1, 3 or 5 members

    error[inventory/sequence]: two members of cluster `pg-test` have `pg_seq: 1`
      --> pigsty.yml:10:32  again here
          pigsty.yml:9:32  first here
    hint: give each member its own number

    error[inventory/two-primaries]: cluster `pg-test` has 2 primaries
      --> pigsty.yml:10:44  another one
          pigsty.yml:9:44  first here
    hint: keep one `primary`; write `replica` on the others

    error[inventory/unknown-name]: `pg_user` is not a parameter
      --> pigsty.yml:13:9  unknown name
    hint: did you mean `pg_users`?

    error[inventory/unknown-role]: role `nobody`, `owner` of database `test` of cluster `pg-test`, is not declared
      --> pigsty.yml:14:46  no such role
    hint: declare it in `pg_users`

    invalid pigsty.yml: 10 errors, 1 warning; nothing was touched
    ");
    insta::assert_snapshot!(sty(home.path(), &["plan"]), @"
    exit code 2
    --- stderr
    warning[inventory/known-password]: `pg_admin_password` is a password that is publicly known
      --> pigsty.yml:17:24  printed in public documentation
    hint: choose another: `openssl rand -hex 16`

    error[inventory/missing-password]: `haproxy_admin_password` is not set, which the HAProxy status page needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `pg_replication_password` is not set, which replication needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `pg_monitor_password` is not set, which monitoring needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `patroni_password` is not set, which Patroni needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/missing-password]: `etcd_root_password` is not set, which etcd needs
      --> pigsty.yml:1:1  in the `vars` of this group
    hint: set it under `all.vars`; `sty init` writes random ones

    error[inventory/etcd-size]: etcd has 2 members
      --> pigsty.yml:5:9  the first of them
    hint: use 1, 3 or 5 members

    error[inventory/sequence]: two members of cluster `pg-test` have `pg_seq: 1`
      --> pigsty.yml:10:32  again here
          pigsty.yml:9:32  first here
    hint: give each member its own number

    error[inventory/two-primaries]: cluster `pg-test` has 2 primaries
      --> pigsty.yml:10:44  another one
          pigsty.yml:9:44  first here
    hint: keep one `primary`; write `replica` on the others

    error[inventory/unknown-name]: `pg_user` is not a parameter
      --> pigsty.yml:13:9  unknown name
    hint: did you mean `pg_users`?

    error[inventory/unknown-role]: role `nobody`, `owner` of database `test` of cluster `pg-test`, is not declared
      --> pigsty.yml:14:46  no such role
    hint: declare it in `pg_users`

    the inventory has errors; nothing was touched
    ");
}

#[test]
fn nodes_without_facts_are_not_planned_for() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "meta", "--keep-addresses"]);
    let repository = home.path().join("cache/repo/debian-13/www");
    std::fs::create_dir_all(&repository).unwrap();
    std::fs::write(repository.join("sty.gpg"), "a key").unwrap();
    std::fs::write(home.path().join("facts.json"), "{}").unwrap();
    insta::assert_snapshot!(sty(home.path(), &["plan", "--facts", "facts.json"]), @"
    exit code 1
    --- stderr
    failed 10.10.10.10: it is not looked at: `facts.json` has no facts of it
        hint: add its facts to the file, or leave the node out with `--limit`
    0 actions on 0 blank nodes
    ");
    insta::assert_snapshot!(sty(home.path(), &["plan", "--facts", "none.json"]), @"
    exit code 2
    --- stderr
    error: cannot read facts `none.json`: No such file or directory (os error 2)
    ");
}

/// Every verb that reads an inventory.
const READERS: [&[&str]; 14] = [
    &["check"],
    &["plan"],
    &["apply"],
    &["status"],
    &["show", "pg-meta"],
    &["connect", "pg-meta"],
    &["cluster", "config", "pg-meta"],
    &["cluster", "history", "pg-meta"],
    &["cluster", "switchover", "pg-meta"],
    &["cluster", "remove", "pg-meta"],
    &["node", "remove", "10.10.10.10"],
    &["drill", "failover", "pg-meta", "--fault", "random"],
    &["sandbox", "up", "x"],
    &["repo", "build"],
];

#[test]
fn machines_are_told_in_one_way_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "all: [");
    let json = |arguments: &[&str]| {
        let said = sty(home.path(), &[arguments, &["--output", "json"]].concat());
        let object = said.strip_prefix("exit code 2\n--- stdout\n");
        let object = object.unwrap_or_else(|| panic!("{arguments:?}: {said}"));
        let object: serde_json::Value = serde_json::from_str(object).unwrap();
        object
    };
    for verb in READERS {
        for (name, code) in [("pigsty.yml", "syntax"), ("none.yml", "unreadable")] {
            let object = json(&[verb, &["-i", name]].concat());
            assert_eq!(object["inventory"], name, "{verb:?}");
            assert_eq!(object["valid"], false, "{verb:?}");
            let found = &object["diagnostics"][0];
            assert_eq!(found["code"], format!("inventory/{code}"), "{verb:?}");
            assert_eq!(found["severity"], "error", "{verb:?}");
        }
    }
    for wrong in [&["explain", "x"][..], &["init", "x"], &["init", "meta"]] {
        let object = json(wrong);
        assert_eq!(object["diagnostics"][0]["code"], "command/refused");
        assert!(object["diagnostics"][0]["message"].is_string());
    }
}

#[test]
fn machines_read_what_is_explained_and_written() {
    let home = tempfile::tempdir().unwrap();
    let json = |arguments: &[&str]| {
        let said = sty(home.path(), &[arguments, &["--output", "json"]].concat());
        let object = said.strip_prefix("exit code 0\n--- stdout\n").unwrap();
        serde_json::from_str::<serde_json::Value>(object).unwrap()
    };
    assert_eq!(
        json(&["explain", "inventory/empty"])["code"],
        "inventory/empty"
    );
    assert_eq!(json(&["init"])[0]["name"], "meta");
    assert_eq!(json(&["init", "meta"])["inventory"], "pigsty.yml");
}

#[test]
fn values_and_their_origins_are_shown_without_secrets() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "meta", "--keep-addresses"]);
    insta::assert_snapshot!(sty(home.path(), &["show", "pg-meta"]), @r#"
    exit code 0
    --- stdout
    admin_ip: 10.10.10.10  # group all, pigsty.yml:52:5
    etcd_cluster: etcd  # group etcd, pigsty.yml:17:9
    etcd_root_password: [redacted]  # group all, pigsty.yml:63:5
    haproxy_admin_password: [redacted]  # group all, pigsty.yml:62:5
    node_tune: tiny  # group all, pigsty.yml:54:5
    patroni_password: [redacted]  # group all, pigsty.yml:61:5
    pg_admin_password: [redacted]  # group all, pigsty.yml:58:5
    pg_cluster: pg-meta  # group pg-meta, pigsty.yml:24:9
    pg_conf: tiny.yml  # group pg-meta, pigsty.yml:25:9
    pg_databases: [{"comment":"first database","extensions":[{"name":"hstore","schema":"public"}],"name":"meta","owner":"dbuser_meta","schemas":["app"]}]  # group pg-meta, pigsty.yml:42:9
    pg_monitor_password: [redacted]  # group all, pigsty.yml:59:5
    pg_replication_password: [redacted]  # group all, pigsty.yml:60:5
    pg_users: [{"comment":"application that owns the database","name":"dbuser_meta","password":"[redacted]","pgbouncer":true,"roles":["dbrole_admin"]},{"comment":"read-only user for reports","name":"dbuser_view","password":"[redacted]","pgbouncer":true,"roles":["dbrole_readonly"]}]  # group pg-meta, pigsty.yml:29:9
    pg_version: 17  # group all, pigsty.yml:55:5
    repo_endpoint: http://10.10.10.1:8080  # group all, pigsty.yml:53:5
    "#);
    insta::assert_snapshot!(sty(home.path(), &["show", "pg-meta", "pg_user"]), @"
    exit code 2
    --- stderr
    error: `pg_user` is not a parameter
    hint: did you mean `pg_users`?
    ");
    insta::assert_snapshot!(sty(home.path(), &["show", "pg-meta", "pg_upstream", "pg_rto"]), @"
    exit code 0
    --- stdout
    pg_rto: norm  # default
    --- stderr
    `pg_upstream` has no value for pg-meta
    ");
    insta::assert_snapshot!(sty(home.path(), &["show", "pg-mota"]), @"
    exit code 2
    --- stderr
    error: no host, group or cluster is named `pg-mota`
    ");
    insta::assert_snapshot!(sty(home.path(), &["show", "pg-meta", "pg_rto", "--output", "json"]), @r#"
    exit code 0
    --- stdout
    [{"name":"pg_rto","value":"norm","origin":"default","effective":true}]
    "#);
}

#[test]
fn destruction_wants_the_name() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "full", "--keep-addresses"]);
    insta::assert_snapshot!(sty(home.path(), &["cluster", "remove", "pg-test"]), @"
    exit code 2
    --- stderr
    this deletes all data of cluster pg-test and its databases: test
      pg-test-1  10.10.10.11
      pg-test-2  10.10.10.12
      pg-test-3  10.10.10.13
    no primary answers: it may have databases that the inventory does not declare
    nothing was done: repeat with
      sty cluster remove pg-test --confirm pg-test
    ");
    insta::assert_snapshot!(sty(home.path(), &["node", "remove", "10.10.10.13"]), @"
    exit code 2
    --- stderr
    this deletes the copy of cluster pg-test on pg-test-3 (10.10.10.13)
    nothing was done: repeat with
      sty node remove 10.10.10.13 --confirm 10.10.10.13
    ");
    insta::assert_snapshot!(sty(home.path(), &["node", "remove", "10.10.10.10", "--confirm", "10.10.10.10"]), @"
    exit code 2
    --- stderr
    error: it is the only member of cluster pg-meta
    hint: to remove the whole cluster: sty cluster remove pg-meta
    ");
    insta::assert_snapshot!(sty(home.path(), &["cluster", "remove", "pg-mist", "--confirm", "pg-mist"]), @"
    exit code 2
    --- stderr
    error: the inventory has no cluster `pg-mist`
    ");
}

#[test]
fn usage_errors_exit_with_2() {
    let home = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(sty(home.path(), &["aply"]), @"
    exit code 2
    --- stderr
    error: unrecognized subcommand 'aply'

      tip: a similar subcommand exists: 'apply'

    Usage: sty [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(sty(home.path(), &["explain", "inventory/nonsense"]), @"
    exit code 2
    --- stderr
    error: no error has the code `inventory/nonsense`
    ");
    sty(home.path(), &["init", "meta", "--keep-addresses"]);
    insta::assert_snapshot!(sty(home.path(), &["plan", "-l", "pg-none"]), @"
    exit code 2
    --- stderr
    error: no host, node or cluster is named `pg-none` in the inventory
    ");
}

/// `sty completions bash | head -1`: the reader has had enough, which is no failure.
#[test]
fn a_reader_may_leave_before_the_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_sty"))
        .args(["completions", "bash"])
        .stdout(writer)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
}

#[test]
fn a_version_that_the_sources_lack_is_an_error_of_check() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "meta", "--keep-addresses"]);
    let path = home.path().join("pigsty.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("pg_version: 17", "pg_version: 16")).unwrap();
    insta::assert_snapshot!(sty(home.path(), &["check"]), @"
    exit code 2
    --- stderr
    error[packages/postgresql-version]: cluster `pg-meta` wants PostgreSQL 16, which the sources of Debian 13 (trixie) do not have
      --> pigsty.yml:55:5  wanted here
    hint: they have 17: change `pg_version`

    invalid pigsty.yml: 1 error, 0 warnings; nothing was touched
    ");
}

#[test]
fn a_version_that_the_sources_lack_is_told_beside_other_mistakes() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "meta", "--keep-addresses"]);
    let path = home.path().join("pigsty.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let check = |version: &str| {
        let lines = format!("pg_version: {version}\n    pg_vesion: 17");
        std::fs::write(&path, text.replace("pg_version: 17", &lines)).unwrap();
        sty(home.path(), &["check"])
    };
    insta::assert_snapshot!(check("16"), @"
    exit code 2
    --- stderr
    error[inventory/unknown-name]: `pg_vesion` is not a parameter
      --> pigsty.yml:56:5  unknown name
    hint: did you mean `pg_version`?

    error[packages/postgresql-version]: cluster `pg-meta` wants PostgreSQL 16, which the sources of Debian 13 (trixie) do not have
      --> pigsty.yml:55:5  wanted here
    hint: they have 17: change `pg_version`

    invalid pigsty.yml: 2 errors, 0 warnings; nothing was touched
    ");
    // What is no version at all is told once.
    insta::assert_snapshot!(check("many"), @"
    exit code 2
    --- stderr
    error[inventory/type]: `pg_version` is `many`, expected a whole number from 13 to 18
      --> pigsty.yml:55:17  this value
    hint: write such a value, or take it out for the default

    error[inventory/unknown-name]: `pg_vesion` is not a parameter
      --> pigsty.yml:56:5  unknown name
    hint: did you mean `pg_version`?

    invalid pigsty.yml: 2 errors, 0 warnings; nothing was touched
    ");
}

/// Without a sandbox, an inventory means real servers: nothing is struck before its name was
/// typed, and what nobody could end is not struck at all.
#[test]
fn drills_on_real_servers_are_confirmed_or_refused() {
    let home = tempfile::tempdir().unwrap();
    sty(home.path(), &["init", "full", "--keep-addresses"]);
    let drill = |cluster: &str, fault: &str| {
        sty(
            home.path(),
            &["drill", "failover", cluster, "--fault", fault],
        )
    };
    insta::assert_snapshot!(drill("pg-test", "node-kill"), @"
    exit code 2
    --- stderr
    error: `node-kill` cannot be drilled on pg-test: it is for sandboxes: `sty` cannot switch the power of a real machine on again
    ");
    insta::assert_snapshot!(drill("pg-meta", "switchover"), @"
    exit code 2
    --- stderr
    error: `switchover` cannot be drilled on pg-meta: cluster pg-meta has one member, and no replica
    ");
    insta::assert_snapshot!(drill("pg-test", "flood"), @"
    exit code 2
    --- stderr
    error: `flood` is no class of fault: choose one of postgres-kill, patroni-kill, node-kill, node-freeze, partition, partition-dcs, etcd-member-kill, etcd-quorum-loss, replica-kill, disk-full, switchover, restart, random
    ");
    insta::assert_snapshot!(drill("pg-test", "switchover"), @"
    exit code 2
    --- stderr
    this strikes cluster pg-test, 1 time, while its clients are served:
      switchover: moves the primary to a replica
      pg-test-1  10.10.10.11
      pg-test-2  10.10.10.12
      pg-test-3  10.10.10.13
    rows go to a schema `sty_drill` in database test, which is dropped at the end
    nothing was done: add
      --confirm pg-test
    ");
    insta::assert_snapshot!(sty(home.path(), &["drill", "history"]), @"
    exit code 0
    --- stdout
    WHEN  CLUSTER  FAULT  PLAN  RUNS  NO WRITE P50  P95  MAX  NO READ P95  REDUNDANT P95  LOST  TWICE 
    ");
}
