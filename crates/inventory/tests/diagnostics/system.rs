//! What nodes are told as it stands: accounts, keys, lines of their files, directories.

use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn time_zones() {
    let zone = |name: &str| found(&one("", &format!("node_timezone: {name}")));
    assert_snapshot!(zone("Mars/X"), @"
    error[inventory/value]: `node_timezone` is `Mars/X`, which is no time zone
      17:20 this name
      hint: write it as `Europe/Berlin` or `UTC`; `timedatectl list-timezones` has them all
    ");
    assert_snapshot!(zone("europe/berlin"), @"
    error[inventory/value]: `node_timezone` is `europe/berlin`, which is no time zone
      17:20 this name
      hint: did you mean `Europe/Berlin`?
    ");
    assert_snapshot!(zone("US/Pacific"), @"
    error[inventory/value]: `node_timezone` is `US/Pacific`, an older name that nodes do not have
      17:20 this name
      hint: write `America/Los_Angeles`, or add `tzdata-legacy` to `node_packages`
    ");
    for good in [
        "UTC",
        "''",
        "America/Argentina/Salta",
        "US/Pacific\nnode_packages: [ tzdata-legacy ]",
    ] {
        assert_eq!(zone(good), "");
    }
}

#[test]
fn accounts() {
    assert_snapshot!(found(&one("pg_dbsu: 'a b'", "node_admin_username: 'a b'")), @"
    error[inventory/account]: `pg_dbsu` is `a b`, which is no name of a Linux account
      8:18 nodes would refuse it
      hint: use letters, digits, `_` and `-`, at most 32, beginning with a letter, not all capitals
    error[inventory/account]: `node_admin_username` is `a b`, which is no name of a Linux account
      17:26 nodes would refuse it
      hint: use letters, digits, `_` and `-`, at most 32, beginning with a letter, not all capitals
    ");
    assert_snapshot!(found(&one("pg_dbsu: root", "node_admin_username: root")), @"
    error[inventory/account]: `pg_dbsu` is `root`: PostgreSQL refuses to run as root
      8:18 not this account
      hint: leave it out, which means `postgres`
    error[inventory/account]: `node_admin_username` is `root`: every node has it, and its home and keys are not the administrator's
      17:26 not this account
      hint: choose a name of its own such as `dba`, or set `node_admin_enabled: false`
    ");
    assert_snapshot!(found(&one("", "node_admin_username: '${dbsu}'")), @"
    error[inventory/account]: `node_admin_username` is `postgres`, the account that PostgreSQL runs as
      17:26 two accounts in one
      hint: choose another name, such as `dba`
    ");
    let disabled = "node_admin_enabled: false\nnode_admin_username: root";
    assert_eq!(found(&one("pg_dbsu: pg-super_1", disabled)), "");
}

#[test]
fn public_keys() {
    let keys = "node_admin_pk_list:
  - hello
  - ssh-ed25519 AAAA ada@laptop
  - -----BEGIN OPENSSH PRIVATE KEY----- x
  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGw0uRrbW1kbW1kbW1kbW1kbW1kbW1kbW1kbW1kbW1kb
  - 'from=\"10.0.0.0/8, 10.1.0.1\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGw0uRrbW1kbW1kbW1kbW1kbW1kbW1kbW1kbW1kbW1kb ada'";
    assert_snapshot!(found(&one("", keys)), @"
    error[inventory/value]: a key of `node_admin_pk_list` is no public key of OpenSSH
      18:9 not a type and a key
      hint: write the line of a `.pub` file, such as `ssh-ed25519 AAAA... ada@laptop`
    error[inventory/value]: a key of `node_admin_pk_list` is no public key of OpenSSH
      19:9 not a type and a key
      hint: write the line of a `.pub` file, such as `ssh-ed25519 AAAA... ada@laptop`
    error[inventory/value]: a key of `node_admin_pk_list` is a private one
      20:9 nobody else may see it
      hint: write the line of the `.pub` file beside it; this one is known now: make a new pair
    ");
}

#[test]
fn lines_of_hosts() {
    let lines = "node_etc_hosts: [ 'files.example.org 10.0.0.9', '10.0.0.9', '${admin_ip} files # here', '# files' ]\nnode_default_etc_hosts: 10.0.0.1/24 gate";
    assert_snapshot!(found(&one("", lines)), @"
    error[inventory/value]: `node_etc_hosts` has `files.example.org 10.0.0.9`, which is no line of /etc/hosts
      17:23 not an address and names
      hint: write it as `10.10.10.20 files.example.org files`
    error[inventory/value]: `node_etc_hosts` has `10.0.0.9`, which is no line of /etc/hosts
      17:53 not an address and names
      hint: write it as `10.10.10.20 files.example.org files`
    error[inventory/value]: `node_default_etc_hosts` has `10.0.0.1/24 gate`, which is no line of /etc/hosts
      18:29 not an address and names
      hint: write it as `10.10.10.20 files.example.org files`
    ");
}

#[test]
fn time_sources() {
    let of = |servers: &str| found(&one("", &format!("node_ntp_servers: {servers}")));
    assert_snapshot!(of("5"), @"
    error[inventory/value]: `node_ntp_servers` has `5`, which is no time source of chrony
      17:23 not a line of chrony
      hint: write it as `server 10.10.10.20 iburst` or `pool pool.ntp.org iburst`
    ");
    assert_snapshot!(of("[ 10.0.0.1, sever a.example.org, server, allow 10.0.0.0/8, 'server 10.0.0.1 iburst', '# none' ]"), @"
    error[inventory/value]: `node_ntp_servers` has `10.0.0.1`, which is no time source of chrony
      17:25 not a line of chrony
      hint: write it as `server 10.10.10.20 iburst` or `pool pool.ntp.org iburst`
    error[inventory/value]: `node_ntp_servers` has `sever a.example.org`, which is no time source of chrony
      17:35 not a line of chrony
      hint: did you mean `server`?
    error[inventory/value]: `node_ntp_servers` has `server`, which is no time source of chrony
      17:56 not a line of chrony
      hint: write it as `server 10.10.10.20 iburst` or `pool pool.ntp.org iburst`
    warning[inventory/value]: `node_ntp_servers` has `allow 10.0.0.0/8`, which is no time source of chrony
      17:64 begins with none of `server`, `pool`, `peer`, `refclock`
      hint: chrony refuses to start with a word that it does not know
    ");
    assert_snapshot!(of("{ server: a }"), @"
    error[inventory/type]: `node_ntp_servers` is a mapping, expected a list of texts
      17:23 this value
      hint: write such a value, or take it out for the default
    ");
}

#[test]
fn directories_of_the_system() {
    assert_snapshot!(found(&one("pg_data: /etc\npg_fs_main: /usr\npg_fs_backup: /var", "etcd_data: /var/lib\nnode_data: /home")), @"
    error[inventory/directory]: `pg_data` is `/etc`, a directory of the system
      8:18 not here
      hint: choose a directory of its own, such as `/pg/data`
    error[inventory/directory]: `pg_fs_main` is `/usr`, a directory of the system
      9:21 not here
      hint: choose a directory of its own, such as `/data/postgres`
    error[inventory/directory]: `pg_fs_backup` is `/var`, a directory of the system
      10:23 not here
      hint: choose a directory of its own, such as `/data/backups`
    error[inventory/directory]: `etcd_data` is `/var/lib`, a directory of the system
      19:16 not here
      hint: choose a directory of its own, such as `/data/etcd`
    error[inventory/directory]: `node_data` is `/home`, a directory of the system
      20:16 not here
      hint: choose a directory of its own, such as `/data`
    ");
    assert_snapshot!(found(&one("pg_data: /pgdata", "")), @"
    error[inventory/directory]: `pg_data` is `/pgdata`, and goes with its cluster, which no top-level directory may
      8:18 not here
      hint: choose one below it, such as `/pgdata/data`
    ");
}

#[test]
fn directories_in_each_other() {
    assert_snapshot!(found(&one("pg_data: /data/postgres", "etcd_data: /data/backups")), @"
    error[inventory/directory]: `pg_data` is `/data/postgres`, which goes with its cluster and would take the home of cluster `pg-a` along, which is `/data/postgres/pg-a-17`
      8:18 not here
      hint: choose a directory that nothing else is in
    error[inventory/directory]: `etcd_data` is `/data/backups`, which goes with its cluster and would take `pg_fs_backup` along, the same directory
      17:16 not here
      hint: choose a directory that nothing else is in
    ");
    assert_snapshot!(found(&one("pg_data: /data/x\npg_fs_backup: /data/x/backups", "etcd_data: /data/x/")), @"
    error[inventory/directory]: `pg_data` is `/data/x`, which goes with its cluster and would take `pg_fs_backup` along, which is `/data/x/backups`
      8:18 not here
      hint: choose a directory that nothing else is in
    error[inventory/directory]: `etcd_data` is `/data/x/`, which goes with its cluster and would take `pg_data` along, the same directory
      18:16 not here
      hint: choose a directory that nothing else is in
    ");
    assert_snapshot!(found(&one("pg_fs_backup: /data/postgres/pg-a-17/backups", "")), @"
    error[inventory/directory]: the home of cluster `pg-a` is `/data/postgres/pg-a-17`, which goes with its cluster and would take `pg_fs_backup` along, which is `/data/postgres/pg-a-17/backups`
      8:23 not here
      hint: choose a directory that nothing else is in
    ");
}

#[test]
fn directories_of_two_owners() {
    assert_snapshot!(found(&one("pg_fs_backup: /data", "")), @"
    error[inventory/directory]: `pg_fs_backup` and `node_data` are both `/data`, and have different owners
      8:23 not here
      hint: choose a directory that nothing else is in
    ");
    assert_snapshot!(found(&one("pg_fs_main: /srv/pg\npg_fs_backup: /srv/pg/", "")), @"
    error[inventory/directory]: `pg_fs_backup` and `pg_fs_main` are both `/srv/pg/`, and have different owners
      9:23 not here
      hint: choose a directory that nothing else is in
    ");
}

#[test]
fn directories_of_the_instance() {
    assert_snapshot!(found(&one("pg_data: /pg", "")), @"
    error[inventory/directory]: `pg_data` is `/pg`, and goes with its cluster, which no top-level directory may
      8:18 not here
      hint: choose one below it, such as `/pg/data`
    ");
    assert_snapshot!(found(&one("pg_data: /data/postgres/pg-a-17/conf/x\npg_fs_backup: /pg/backup", "")), @"
    error[inventory/directory]: `pg_data` is `/data/postgres/pg-a-17/conf/x`, where other files of the instance are
      8:18 not here
      hint: choose a directory of its own, such as `/pg/data`
    error[inventory/directory]: `pg_fs_backup` is `/pg/backup`, where a link to the home of the instance is made
      9:23 not here
      hint: choose a directory of its own, such as `/data/backups`
    ");
}

#[test]
fn directories_of_ones_own() {
    for good in [
        "pg_fs_main: /data\npg_fs_backup: /data1",
        "pg_fs_main: /srv/pg\npg_data: /srv/pg/pg-a-17/data\npg_fs_backup: /srv/backups",
        "pg_fs_main: /data1/postgres\npg_data: /data2/postgres",
        "pg_fs_main: /var/lib/postgresql\npg_fs_backup: /var/backups/postgres",
        "pg_data: /pg/data2",
        "pg_data: /usr/local/pgsql/data",
    ] {
        assert_eq!(found(&one(good, "")), "", "{good}");
    }
    assert_eq!(
        found(&one("", "node_data: /pgdata\netcd_data: /var/lib/etcd")),
        ""
    );
}
