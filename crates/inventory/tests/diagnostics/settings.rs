//! Settings of PostgreSQL, for clusters, instances, roles and databases.

use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn unknown_settings() {
    assert_snapshot!(found(&one("pg_version: 17\npg_parameters:
  shared_bufers: 1GB
  promote_trigger_file: /tmp/x
  io_method: worker
  old_snapshot_threshold: 1h
  auto_explain.log_min_durations: 1s
  app.tenant: x
  app.user.id: 3
  Work_Mem: 64MB
  TimeZone: UTC", "")), @"
    error[inventory/setting-unknown]: `shared_bufers` in `pg_parameters` of cluster `pg-a` is not a setting of PostgreSQL 17
      10:11 no such setting
      hint: did you mean `shared_buffers`?
    error[inventory/setting-taken]: `promote_trigger_file` in `pg_parameters` of cluster `pg-a` is Patroni's to set, which drops what it is given here
      11:11 decided elsewhere
      hint: take it out
    error[inventory/setting-unknown]: `io_method` in `pg_parameters` of cluster `pg-a` is not a setting of PostgreSQL 17
      12:11 no such setting
      hint: PostgreSQL 18 has it
    error[inventory/setting-unknown]: `old_snapshot_threshold` in `pg_parameters` of cluster `pg-a` is not a setting of PostgreSQL 17
      13:11 no such setting
      hint: PostgreSQL 13 to 16 have it
    error[inventory/setting-unknown]: `auto_explain.log_min_durations` in `pg_parameters` of cluster `pg-a` is not a setting of PostgreSQL 17
      14:11 no such setting
      hint: did you mean `auto_explain.log_min_duration`?
    error[inventory/setting-unknown]: `app.user.id` in `pg_parameters` of cluster `pg-a` is not a setting of PostgreSQL 17
      16:11 no such setting
      hint: write the extension's name, a dot and a word
    ");
}

#[test]
fn values_of_settings() {
    assert_snapshot!(found(&one("pg_version: 17\npg_parameters:
  work_mem: 64mb
  maintenance_work_mem: 1GB
  max_connections: 10MB
  checkpoint_completion_target: 1.5
  jit: maybe
  log_statement: dll
  autovacuum_naptime: ''
  random_page_cost: 1.1
  wal_compression: on
  deadlock_timeout: [ 1s, 2s ]", "")), @"
    error[inventory/setting-value]: `work_mem` in `pg_parameters` of cluster `pg-a` is `64mb`, expected a whole number from 64 to 2147483647, in kB where no unit is written
      10:21 this value
      hint: write the unit as `MB`: capitals count
    error[inventory/setting-value]: `max_connections` in `pg_parameters` of cluster `pg-a` is `10MB`, expected a whole number from 1 to 262143
      12:28 this value
      hint: write the number alone: this setting has no unit
    error[inventory/setting-value]: `checkpoint_completion_target` in `pg_parameters` of cluster `pg-a` is `1.5`, expected a number from 0 to 1
      13:41 this value
      hint: write such a value, or take it out for the default
    error[inventory/setting-value]: `jit` in `pg_parameters` of cluster `pg-a` is `maybe`, expected `on` or `off`
      14:16 this value
      hint: write such a value, or take it out for the default
    error[inventory/setting-value]: `log_statement` in `pg_parameters` of cluster `pg-a` is `dll`, expected one of `none`, `ddl`, `mod`, `all`
      15:26 this value
      hint: did you mean `all`?
    error[inventory/setting-value]: `autovacuum_naptime` in `pg_parameters` of cluster `pg-a` is ``, expected a whole number from 1 to 2147483, in s where no unit is written
      16:31 this value
      hint: write such a value, or take it out for the default
    error[inventory/setting-value]: `deadlock_timeout` in `pg_parameters` of cluster `pg-a` is `1s, 2s`, expected a whole number from 1 to 2147483647, in ms where no unit is written
      19:29 this value
      hint: units are `us`, `ms`, `s`, `min`, `h`, `d`
    ");
}

#[test]
fn what_patroni_would_change() {
    assert_snapshot!(found(&one("pg_version: 17\npg_parameters:
  jit: t
  max_connections: 20
  wal_keep_size: 1MB
  max_worker_processes: 8
  wal_level: minimal
  datestyle: 'german, dmy'", "")), @"
    error[inventory/setting-value]: `jit` in `pg_parameters` of cluster `pg-a` is `t`, which Patroni does not understand
      10:16 this value
      hint: write `on`
    error[inventory/setting-value]: `max_connections` in `pg_parameters` of cluster `pg-a` is `20`, which Patroni replaces by a default of its own
      11:28 this value
      hint: write `25` or more
    error[inventory/setting-value]: `wal_keep_size` in `pg_parameters` of cluster `pg-a` is `1MB`, which Patroni replaces by a default of its own
      12:26 this value
      hint: write `16MB` or more
    error[inventory/setting-value]: `wal_level` in `pg_parameters` of cluster `pg-a` is `minimal`, which Patroni replaces, since there is no replication with it
      14:22 this value
      hint: write `replica` or `logical`
    error[inventory/setting-value]: `datestyle` in `pg_parameters` of cluster `pg-a` is `german, dmy`, which Patroni cannot read times in
      15:22 this value
      hint: write `iso`, or set it for users or databases: `parameters`
    ");
}

#[test]
fn too_little_log_to_start() {
    let wal = "pg_parameters: { max_wal_size: 31MB, MIN_WAL_SIZE: 16 }";
    assert_snapshot!(found(&one(wal, "")), @"
    error[inventory/setting-value]: `max_wal_size` in `pg_parameters` of cluster `pg-a` is `31MB`, too little for two segments of the log
      8:40 this value
      hint: write `32MB` or more
    error[inventory/setting-value]: `MIN_WAL_SIZE` in `pg_parameters` of cluster `pg-a` is `16`, too little for two segments of the log
      8:60 this value
      hint: write `32MB` or more
    ");
    let enough = "pg_parameters: { max_wal_size: 32MB, min_wal_size: 32768 kB }";
    assert_eq!(found(&one(enough, "")), "");
}

#[test]
fn all_connections_reserved() {
    assert_snapshot!(found(&one("pg_version: 17\npg_max_conn: 100\npg_parameters: { superuser_reserved_connections: 60, reserved_connections: 40 }", "")), @"
    error[inventory/setting-value]: cluster `pg-a` keeps 100 of its 100 connections for superusers and members of `pg_use_reserved_connections`: PostgreSQL would not start
      10:58 nothing is left for others
      hint: raise `pg_max_conn`, or lower `superuser_reserved_connections` and `reserved_connections`
    ");
    let parameters = "pg_parameters: { max_connections: 50, Reserved_connections: 45 }";
    assert_snapshot!(found(&one(&format!("pg_version: 17\n{parameters}"), "")), @"
    error[inventory/setting-value]: cluster `pg-a` keeps 55 of its 50 connections for superusers and members of `pg_use_reserved_connections`: PostgreSQL would not start
      9:69 nothing is left for others
      hint: raise `pg_max_conn`, or lower `superuser_reserved_connections` and `reserved_connections`
    ");
    let host = one("pg_version: 17\npg_max_conn: 100", "").replace(
        "pg_role: primary",
        "pg_role: primary, pg_parameters: { reserved_connections: 90 }",
    );
    assert_snapshot!(found(&host), @"
    error[inventory/setting-value]: cluster `pg-a` keeps 100 of its 100 connections for superusers and members of `pg_use_reserved_connections`: PostgreSQL would not start
      5:99 nothing is left for others
      hint: raise `pg_max_conn`, or lower `superuser_reserved_connections` and `reserved_connections`
    ");
    let fewer = "pg_version: 17\npg_max_conn: 100\npg_parameters: { superuser_reserved_connections: 59, reserved_connections: 40 }";
    assert_eq!(found(&one(fewer, "")), "");
}

#[test]
fn libraries_of_sessions() {
    let text = "pg_version: 17
pg_extensions: [ postgresql-17-pgaudit ]
pg_parameters: { session_preload_libraries: 'auto_explain, \"pgaudit\", nowhere', shared_preload_libraries: auto_explan }
pg_users: [ { name: u, parameters: { local_preload_libraries: $libdir/plugins/auto_explan } } ]";
    assert_snapshot!(found(&one(text, "")), @"
    warning[inventory/library]: library `nowhere` of `session_preload_libraries` in `pg_parameters` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      10:53 who installs this one?
      hint: add its package to `pg_extensions`; without the library nobody can connect
    warning[inventory/library]: library `auto_explan` of `shared_preload_libraries` in `pg_parameters` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      10:115 who installs this one?
      hint: did you mean `auto_explain`? without the library PostgreSQL does not start
    warning[inventory/library]: library `$libdir/plugins/auto_explan` of `local_preload_libraries` in `parameters` of role `u` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      11:71 who installs this one?
      hint: did you mean `auto_explain`? without the library nobody can connect
    ");
}

#[test]
fn settings_at_the_wrong_level() {
    let users = "pg_users: [ { name: u, parameters: { work_mem: 64MB, shared_buffers: 1GB, log_line_prefix: '%m', log_connections: on, role: dbrole_readonly, block_size: 8192, app.x: y } } ]";
    let databases = "pg_databases: [ { name: d, parameters: { max_connections: 100, search_path: 'a, b', statement_timeout: 10 sec, sty.baseline: x } } ]";
    assert_snapshot!(found(&one(&format!("pg_version: 17\npg_parameters: {{ role: x, transaction_isolation: serializable, server_version: '17' }}\n{users}\n{databases}"), "")), @"
    error[inventory/setting-level]: `role` in `pg_parameters` of cluster `pg-a` is a matter of single sessions, not of a server
      9:26 cannot be set here
      hint: take it out
    error[inventory/setting-level]: `transaction_isolation` in `pg_parameters` of cluster `pg-a` is a matter of single sessions, not of a server
      9:35 cannot be set here
      hint: take it out
    error[inventory/setting-level]: `server_version` in `pg_parameters` of cluster `pg-a` is PostgreSQL's own and cannot be set
      9:72 cannot be set here
      hint: take it out
    error[inventory/setting-level]: `shared_buffers` in `parameters` of role `u` of cluster `pg-a` holds for the whole server, from its start
      10:62 cannot be set here
      hint: set it in `pg_parameters`, for everybody
    error[inventory/setting-level]: `log_line_prefix` in `parameters` of role `u` of cluster `pg-a` holds for the whole server
      10:83 cannot be set here
      hint: set it in `pg_parameters`, for everybody
    error[inventory/setting-level]: `log_connections` in `parameters` of role `u` of cluster `pg-a` is decided before it is known who connects, and to what
      10:106 cannot be set here
      hint: set it in `pg_parameters`, for everybody
    error[inventory/setting-level]: `block_size` in `parameters` of role `u` of cluster `pg-a` is PostgreSQL's own and cannot be set
      10:150 cannot be set here
      hint: take it out
    error[inventory/setting-level]: `max_connections` in `parameters` of database `d` of cluster `pg-a` holds for the whole server, from its start
      11:50 cannot be set here
      hint: set it in `pg_parameters`, for everybody
    error[inventory/setting-value]: `statement_timeout` in `parameters` of database `d` of cluster `pg-a` is `10 sec`, expected a whole number from 0 to 2147483647, in ms where no unit is written
      11:112 this value
      hint: units are `us`, `ms`, `s`, `min`, `h`, `d`
    error[inventory/setting-taken]: `sty.baseline` in `parameters` of database `d` of cluster `pg-a` is where `sty` keeps its own notes
      11:120 decided elsewhere
      hint: choose another prefix
    ");
}

#[test]
fn settings_of_one_instance() {
    let text = one("pg_version: 17", "").replace(
        "pg_role: primary }",
        "pg_role: primary, pg_parameters: { work_mem: 1GB, max_connections: 200, cluster_name: x, fsyn: off } }",
    );
    assert_snapshot!(found(&text), @"
    error[inventory/setting-level]: `max_connections` in `pg_parameters` of host `10.10.10.10` must be equal on all members, and is set for one
      5:92 cannot be set here
      hint: set it in the `vars` of the cluster's group
    error[inventory/setting-taken]: `cluster_name` in `pg_parameters` of host `10.10.10.10` follows from `pg_cluster`
      5:114 decided elsewhere
      hint: set `pg_cluster` instead
    error[inventory/setting-unknown]: `fsyn` in `pg_parameters` of host `10.10.10.10` is not a setting of PostgreSQL 17
      5:131 no such setting
      hint: did you mean `fsync`?
    ");
}

#[test]
fn settings_that_follow_from_something_else() {
    assert_snapshot!(found(&one("pg_version: 17\npg_parameters:
  port: 5555
  listen_addresses: '*'
  hba_file: /tmp/hba
  ident_file: /tmp/ident
  ssl: off
  ssl_key_file: /tmp/key
  primary_conninfo: host=x
  recovery_target_time: now
  archive_command: cp", "")), @"
    error[inventory/setting-taken]: `port` in `pg_parameters` of cluster `pg-a` follows from `pg_port`
      10:11 decided elsewhere
      hint: set `pg_port` instead
    error[inventory/setting-taken]: `listen_addresses` in `pg_parameters` of cluster `pg-a` follows from `pg_listen`
      11:11 decided elsewhere
      hint: set `pg_listen` instead
    error[inventory/setting-taken]: `hba_file` in `pg_parameters` of cluster `pg-a` follows from `pg_hba_rules`
      12:11 decided elsewhere
      hint: set `pg_hba_rules` instead
    error[inventory/setting-taken]: `ident_file` in `pg_parameters` of cluster `pg-a` is set by `sty`
      13:11 decided elsewhere
      hint: take it out
    error[inventory/setting-taken]: `ssl` in `pg_parameters` of cluster `pg-a` is set by `sty`
      14:11 decided elsewhere
      hint: take it out
    error[inventory/setting-taken]: `ssl_key_file` in `pg_parameters` of cluster `pg-a` is set by `sty`
      15:11 decided elsewhere
      hint: take it out
    error[inventory/setting-taken]: `primary_conninfo` in `pg_parameters` of cluster `pg-a` is Patroni's to set, which drops what it is given here
      16:11 decided elsewhere
      hint: take it out
    error[inventory/setting-taken]: `recovery_target_time` in `pg_parameters` of cluster `pg-a` is Patroni's to set, which drops what it is given here
      17:11 decided elsewhere
      hint: take it out
    error[inventory/setting-taken]: `archive_command` in `pg_parameters` of cluster `pg-a` belongs to pgBackRest
      18:11 decided elsewhere
      hint: take it out, or set `pgbackrest_enabled: false` to archive by other means
    ");
}

#[test]
fn archiving_by_other_means() {
    let text = one(
        "pg_version: 17\npgbackrest_enabled: false\npg_parameters: { archive_mode: on, archive_command: cp }",
        "",
    );
    assert!(!found(&text).contains("setting-taken"));
}

#[test]
fn settings_that_cost_data() {
    assert_snapshot!(found(&one("pg_version: 17\npg_parameters:
  fsync: off
  full_page_writes: 'no'
  zero_damaged_pages: true
  synchronous_commit: off
  autovacuum: on
pg_users: [ { name: u, parameters: { synchronous_commit: off, ignore_checksum_failure: on } } ]", "")), @"
    warning[inventory/setting-risk]: `fsync` in `pg_parameters` of cluster `pg-a` is `off`: a crash of the machine leaves a broken database
      10:18 costs data
      hint: leave it out, unless the data can be had again
    warning[inventory/setting-risk]: `full_page_writes` in `pg_parameters` of cluster `pg-a` is `no`: a crash of the machine leaves half-written pages
      11:29 costs data
      hint: leave it out, unless the data can be had again
    warning[inventory/setting-risk]: `zero_damaged_pages` in `pg_parameters` of cluster `pg-a` is `true`: damaged pages are emptied when they are read
      12:31 costs data
      hint: leave it out, unless the data can be had again
    warning[inventory/setting-risk]: `synchronous_commit` in `pg_parameters` of cluster `pg-a` is `off`: a crash loses transactions that were reported as committed
      13:31 costs data
      hint: leave it out, unless the data can be had again
    warning[inventory/setting-risk]: `ignore_checksum_failure` in `parameters` of role `u` of cluster `pg-a` is `on`: damaged pages are read as if they were whole
      15:96 costs data
      hint: leave it out, unless the data can be had again
    ");
}

#[test]
fn one_setting_in_two_spellings() {
    assert_snapshot!(found(&one("pg_parameters: { Work_Mem: 4MB, work_mem: 5MB }", "")), @"
    error[inventory/duplicate-name]: `work_mem` is twice in `pg_parameters` of cluster `pg-a`
      8:41 again here
      8:26 first here
      hint: keep one of them
    ");
}

#[test]
fn time_zones_and_destinations() {
    assert_snapshot!(found(&one("pg_parameters:
  timezone: Mars/X
  log_timezone: US/Pacific
  log_destination: csvlog, nowhere
pg_users:
  - { name: u, parameters: { TimeZone: Europe/Berlin } }
  - { name: v, parameters: { timezone: EST5EDT } }", "")), @"
    error[inventory/setting-value]: `timezone` in `pg_parameters` of cluster `pg-a` is `Mars/X`, which is no time zone
      9:21 this name
      hint: write it as `Europe/Berlin` or `UTC`; `timedatectl list-timezones` has them all
    error[inventory/setting-value]: `log_timezone` in `pg_parameters` of cluster `pg-a` is `US/Pacific`, an older name that nodes do not have
      10:25 this name
      hint: write `America/Los_Angeles`, or add `tzdata-legacy` to `node_packages`
    error[inventory/setting-value]: `log_destination` in `pg_parameters` of cluster `pg-a` is `csvlog, nowhere`, and PostgreSQL has no destination `nowhere`
      11:28 this value
      hint: write some of stderr, csvlog, jsonlog, syslog, with commas between
    ");
}

#[test]
fn where_the_log_is() {
    let text = "pg_parameters: { log_directory: /root, log_filename: a/b.log }";
    assert_snapshot!(found(&one(text, "")), @"
    error[inventory/setting-taken]: `log_directory` in `pg_parameters` of cluster `pg-a` is set by `sty`
      8:26 decided elsewhere
      hint: take it out
    error[inventory/setting-value]: `log_filename` in `pg_parameters` of cluster `pg-a` is `a/b.log`, which is no name of a file
      8:62 this value
      hint: write a name without `/`: the directory is `sty`'s to set
    ");
}

#[test]
fn no_version_of_tls_is_left() {
    assert_snapshot!(found(&one("pg_parameters: { ssl_max_protocol_version: TLSv1.1 }", "")), @"
    error[inventory/setting-value]: `ssl_max_protocol_version` in `pg_parameters` of cluster `pg-a` is below `ssl_min_protocol_version`, `TLSv1.2`
      8:52 too low
      hint: a server that no version is left for does not start: raise it, or take it out
    ");
    let both =
        "pg_parameters: { ssl_min_protocol_version: TLSv1.3, ssl_max_protocol_version: TLSv1.3 }";
    assert_eq!(found(&one(both, "")), "");
}
