//! Parameters: names, types, levels, placeholders, passwords.

use insta::assert_snapshot;

use crate::{found, groups, one};

#[test]
fn unknown_name() {
    assert_snapshot!(found(&one("pg_user: []", "ansible_foo: 1")), @"
    error[inventory/unknown-name]: `pg_user` is not a parameter
      8:9 unknown name
      hint: did you mean `pg_users`?
    warning[inventory/unknown-name]: `ansible_foo` is Ansible's and means nothing here
      17:5 unknown name
      hint: take it out, or look it up in the parameter reference
    ");
}

#[test]
fn unknown_field() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, pasword: x } ]", "")), @"
    error[inventory/unknown-field]: user `u` of `pg_users` has the unknown field `pasword`
      8:32 unknown field
      hint: did you mean `password`?
    ");
}

#[test]
fn missing_field() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, selector: '[]' } ]", "")), @"
    error[inventory/missing-field]: service `s` of `pg_services` has no `port`
      8:24 this entry
      hint: add `port`: port HAProxy listens on
    ");
}

#[test]
fn entries_have_their_article() {
    assert_snapshot!(found(&one("pg_default_extensions: [ [ x ], { schema: a } ]\npg_hba_rules: [ [ x ] ]\npg_users: [ [ x ] ]", "")), @"
    error[inventory/type]: an item of `pg_default_extensions` is a list, expected the fields of an extension
      8:34 this item
      hint: write `{ name: ... }`
    error[inventory/missing-field]: an extension of `pg_default_extensions` has no `name`
      8:41 this entry
      hint: add `name`: name of the extension
    error[inventory/type]: an item of `pg_hba_rules` is a list, expected the fields of an hba rule
      9:25 this item
      hint: write `{ user: ... }`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: it has no `addr`
      9:25 here
      hint: write `user`, `db`, `addr` and `auth`, or `rules` with raw lines
    error[inventory/type]: an item of `pg_users` is a list, expected the fields of a user
      10:21 this item
      hint: write `{ name: ... }`
    ");
}

#[test]
fn types() {
    assert_snapshot!(found(&one("pg_port: many\npg_checksum: perhaps\npg_users: { name: u }\npg_vip_address: 10.0.0.1\npg_data: data\npg_conf: olpt.yml\npg_max_conn: 07\npg_parameters: [ a ]\npg_shared_buffer_ratio: 0.9", "admin_ip2: 1\nhaproxy_client_timeout: long")), @"
    error[inventory/type]: `pg_port` is `many`, expected a whole number from 1 to 65535
      8:18 this value
      hint: write such a value, or take it out for the default
    error[inventory/type]: `pg_checksum` is `perhaps`, expected `true` or `false`
      9:22 this value
      hint: write such a value, or take it out for the default
    error[inventory/type]: `pg_users` is a mapping, expected a list of user entries
      10:19 this value
      hint: write such a value, or take it out for the default
    error[inventory/type]: `pg_vip_address` is `10.0.0.1`, expected an IP address with a prefix length, such as `10.10.10.2/24`
      11:25 this value
      hint: add the prefix length: `10.0.0.1/24`
    error[inventory/type]: `pg_data` is `data`, expected an absolute path without blanks
      12:18 this value
      hint: write it from `/`, without blanks, quotes or `..`
    error[inventory/type]: `pg_conf` is `olpt.yml`, expected one of `oltp.yml`, `olap.yml`, `crit.yml`, `tiny.yml`, `oltp`, `olap`, `crit`, `tiny`
      13:18 this value
      hint: did you mean `oltp.yml`?
    error[inventory/type]: `pg_max_conn` is `07`, expected `auto` or a whole number from 20 to 262143
      14:22 this value
      hint: write such a value, or take it out for the default
    error[inventory/type]: `pg_parameters` is a list, expected a mapping from names to texts
      15:24 this value
      hint: write such a value, or take it out for the default
    error[inventory/type]: `pg_shared_buffer_ratio` is `0.9`, expected a number from 0.1 to 0.4
      16:33 this value
      hint: write such a value, or take it out for the default
    error[inventory/unknown-name]: `admin_ip2` is not a parameter
      25:5 unknown name
      hint: did you mean `admin_ip`?
    error[inventory/type]: `haproxy_client_timeout` is `long`, expected a time such as `500ms`, `3s` or `24h`
      26:29 this value
      hint: write such a value, or take it out for the default
    ");
}

#[test]
fn wrong_level() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: , 10.0.0.2: }, vars: { nodename: x } }")), @"
    error[inventory/wrong-level]: `nodename` identifies one host, and 2 of group `a` have it from there
      3:52 the same for all of them
      hint: set it on each host
    ");
}

#[test]
fn numbers_of_a_whole_group() {
    let second = "pg_role: primary }, 10.10.10.11: { pg_role: replica }";
    let two = |cluster: &str, all: &str| {
        let text = one(cluster, all).replace("{ pg_seq: 1, ", "{ ");
        found(&text.replace("pg_role: primary }", second))
    };
    assert_snapshot!(two("pg_seq: 1", ""), @"
    error[inventory/wrong-level]: `pg_seq` identifies one host, and 2 of group `pg-a` have it from there
      8:9 the same for all of them
      hint: set it on each host
    ");
    assert_snapshot!(two("", "pg_seq: 1"), @"
    error[inventory/wrong-level]: `pg_seq` identifies one host, and 2 of group `all` have it from there
      17:5 the same for all of them
      hint: set it on each host
    ");
    // A parent group, and all others have their own.
    let parent = "p: { children: { a: , b: }, vars: { nodename: x } }\na: { hosts: { 10.0.0.1: } }\nb: { hosts: { 10.0.0.2: { nodename: y }, 10.0.0.3: } }";
    assert_snapshot!(found(&groups(parent)), @"
    error[inventory/wrong-level]: `nodename` identifies one host, and 2 of group `p` have it from there
      3:41 the same for all of them
      hint: set it on each host
    ");
    assert_snapshot!(found(&one("", "etcd_seq: 1").replace("{ etcd_seq: 1 }", "").replace("pg_role: primary }", second).replace("pg_role: replica", "pg_seq: 2, pg_role: replica")), @"
    error[inventory/etcd-size]: etcd has 2 members
      3:22 the first of them
      hint: use 1, 3 or 5 members
    error[inventory/wrong-level]: `etcd_seq` identifies one host, and 2 of group `all` have it from there
      17:5 the same for all of them
      hint: set it on each host
    ");
    assert_eq!(
        found(&one("", "pg_seq: 1").replace("{ pg_seq: 1, ", "{ ")),
        ""
    );
}

#[test]
fn placeholders() {
    assert_snapshot!(found(&one("pg_listen: '${ip},${vpi}'", "node_etc_hosts: [ '${vip_address} x', '${pg_admin_password} y' ]")), @"
    error[inventory/unknown-placeholder]: `${vpi}` stands for nothing
      8:20 used here
      hint: did you mean `${vip}`?
    error[inventory/unknown-placeholder]: `${vip_address}` is not set here, on host `10.10.10.10`
      17:23 used here
      hint: set the parameter, or write the value itself
    error[inventory/unknown-placeholder]: `${pg_admin_password}` stands for nothing
      17:43 used here
      hint: passwords, lists and mappings cannot be inserted
    ");
}

#[test]
fn unfilled() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, password: '${random}' } ]", "grafana_admin_password: ${random}")), @"
    error[inventory/unfilled-placeholder]: the inventory still has `${random}` where a password belongs
      8:42 not a password
      hint: `sty init` writes a template with a random secret for each
    note[inventory/not-effective]: known, but without effect yet: `grafana_admin_password`
      17:5 `grafana_admin_password`
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn jinja() {
    assert_snapshot!(found(&one("", "node_timezone: '{{ tz }}'")), @"
    error[inventory/jinja]: Jinja expressions are not evaluated
      17:20 an expression
      hint: write the value itself, a YAML anchor, or a `${...}` placeholder
    ");
}

#[test]
fn an_account_that_patroni_cannot_make() {
    let found_with = |password: &str, more: &str| {
        let text = one("pg_users: [ { name: u, password: café } ]", more);
        let password = format!("pg_replication_password: {password}");
        found(&text.replace("pg_replication_password: c3", &password))
    };
    assert_snapshot!(found_with("cé3", ""), @"
    error[inventory/type]: `pg_replication_password` has `$$` or characters beyond ASCII: Patroni cannot quote it
      13:30 it would fail when the cluster is made
      hint: choose another; a password, for example: `openssl rand -hex 16`
    ");
    assert_snapshot!(found_with("c$$3", ""), @"
    error[inventory/type]: `pg_replication_password` has `$$` or characters beyond ASCII: Patroni cannot quote it
      13:30 it would fail when the cluster is made
      hint: choose another; a password, for example: `openssl rand -hex 16`
    ");
    assert_snapshot!(found_with("c$3", "pg_replication_username: réplica"), @"
    error[inventory/type]: `pg_replication_username` has `$$` or characters beyond ASCII: Patroni cannot quote it
      17:30 it would fail when the cluster is made
      hint: choose another; a password, for example: `openssl rand -hex 16`
    ");
}

#[test]
fn known_password() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, password: DBUser.Meta } ]", "grafana_admin_password: pigsty")), @"
    warning[inventory/known-password]: `password` of user `u` of `pg_users` is a password that is publicly known
      8:42 printed in public documentation
      hint: choose another: `openssl rand -hex 16`
    warning[inventory/known-password]: `grafana_admin_password` is a password that is publicly known
      17:29 printed in public documentation
      hint: choose another: `openssl rand -hex 16`
    note[inventory/not-effective]: known, but without effect yet: `grafana_admin_password`
      17:5 `grafana_admin_password`
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn passwords_of_one_line() {
    assert_snapshot!(found(&one("", "").replace("pg_admin_password: a1", r#"pg_admin_password: "a\nb""#)), @"
    error[inventory/type]: `pg_admin_password` is [redacted], expected text of one line, without control characters
      11:24 this value
      hint: write such a value, or take it out for the default
    ");
}

#[test]
fn not_effective() {
    assert_snapshot!(found(&one("pg_exporter_port: 9999", "grafana_enabled: true")), @"
    note[inventory/not-effective]: known, but without effect yet: `grafana_enabled`, `pg_exporter_port`
      17:5 `grafana_enabled`
      8:9 `pg_exporter_port`
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn what_is_not_effective_yet_has_its_type() {
    assert_snapshot!(found(&one("pg_exporter_port: 99999\npgbackrest_enabled: maybe", "")), @"
    warning[inventory/type]: `pg_exporter_port` is `99999`, expected a whole number from 1 to 65535
      8:27 this value
      hint: write such a value, or take it out for the default
    warning[inventory/type]: `pgbackrest_enabled` is `maybe`, expected `true` or `false`
      9:29 this value
      hint: write such a value, or take it out for the default
    note[inventory/not-effective]: known, but without effect yet: `pg_exporter_port`, `pgbackrest_enabled`
      8:9 `pg_exporter_port`
      9:9 `pgbackrest_enabled`
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn idle_fields() {
    let users = "pg_users: [ { name: u, roles: [ { name: dbrole_readonly, set: false, state: grant } ] }, { name: v, roles: [ { name: u, set: true } ] } ]";
    let databases = "pg_databases: [ { name: a, register_datasource: false } ]";
    assert_snapshot!(found(&one(&format!("{users}\n{databases}"), "")), @"
    note[inventory/not-effective]: known, but without effect yet: `register_datasource` of a database
      9:36 `register_datasource` of a database
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn missing_everything() {
    assert_snapshot!(found("all: { children: { pg-a: { hosts: { 10.10.10.10: { pg_cluster: pg-a } } } } }"), @"
    error[inventory/missing-parameter]: `admin_ip` is not set
      1:1 in the `vars` of this group
      hint: set it under `all.vars` to the address of the node you administer from
    error[inventory/missing-password]: `haproxy_admin_password` is not set, which the HAProxy status page needs
      1:1 in the `vars` of this group
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `pg_replication_password` is not set, which replication needs
      1:1 in the `vars` of this group
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `pg_admin_password` is not set, which the administrator of PostgreSQL needs
      1:1 in the `vars` of this group
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `pg_monitor_password` is not set, which monitoring needs
      1:1 in the `vars` of this group
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `patroni_password` is not set, which Patroni needs
      1:1 in the `vars` of this group
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/etcd-missing]: there is no etcd, which cluster `pg-a` needs
      1:1 among the `children` of this group
      hint: add a group: `etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } }`
    error[inventory/sequence]: host `10.10.10.10` of cluster `pg-a` has no `pg_seq`
      1:37 no number
      hint: number the members from 1, such as `{ pg_seq: 1 }`, and never renumber them
    error[inventory/no-primary]: cluster `pg-a` has no primary
      1:37 first member
      hint: set `pg_role: primary` on one member
    error[inventory/missing-parameter]: host `10.10.10.10` of cluster `pg-a` has no `pg_role`
      1:37 no role
      hint: set it to `primary`, `replica` or `offline`
    ");
}

#[test]
fn repository() {
    let bare = found(&one("", "repo_endpoint: http://fd00::5:8080"));
    assert!(bare.contains("which is not a URL"), "{bare}");
    assert_eq!(
        found(&one("", "repo_endpoint: \"http://[fd00::5]:8080\"")),
        ""
    );
    assert_snapshot!(found(&one("", "repo_endpoint: 10.10.10.1:8080")), @"
    error[inventory/value]: `repo_endpoint` is `10.10.10.1:8080`, which is not a URL
      17:20 nodes install from here
      hint: write it as `http://10.10.10.1:8080`, or `http://[fd00::1]:8080`
    ");
}

#[test]
fn value() {
    assert_snapshot!(found(&one("pg_delay: 1h\npg_users: [ { name: u, expire_at: soon } ]", "")), @"
    error[inventory/value]: the primary of cluster `pg-a` has `pg_delay`, but follows nobody
      8:19 a delay of replication
      hint: write it on a replica, or set `pg_upstream` on the primary to a member of another cluster
    error[inventory/value]: role `u` of cluster `pg-a` expires at `soon`, which is not a date
      9:43 expected `YYYY-MM-DD`
      hint: write it as `2030-12-31`
    warning[inventory/expiry]: role `u` of cluster `pg-a` has no password that could expire
      9:43 has no effect
      hint: set `password`, or leave the expiry out
    ");
}

#[test]
fn pooler_drops() {
    assert_snapshot!(found(&one("pgbouncer_ignore_param: [ extra_float_digits, search_path, TimeZone, statement_timeout ]", "")), @"
    warning[inventory/pooler-drops]: PgBouncer of cluster `pg-a` throws away what clients say of `search_path`, `statement_timeout`, and does not tell them
      8:35 ignored at connection
      hint: set it for the user or the database, in `parameters`, or by `SET` in the transaction
    ");
    assert_snapshot!(found(&one("pgbouncer_ignore_param: extra_float_digits", "")), @"");
}

#[test]
fn placeholders_of_another_kind() {
    assert_snapshot!(found(&one("pgbouncer_port: ${patroni_port}
pgbouncer_enabled: ${node_ntp_enabled}
pg_max_conn: ${pg_conf}
pg_data: ${pg_conf}
pg_fs_main: ${nodata
pg_vip_address: ${ip}/24
pg_services: [ { name: q, port: '${pg_port}', selector: '[]' } ]", "")), @"
    error[inventory/type]: `pgbouncer_port` is `${patroni_port}`, expected a whole number from 1 to 65535
      8:25 this value
      hint: placeholders stand in texts: write the value itself
    error[inventory/type]: `pgbouncer_enabled` is `${node_ntp_enabled}`, expected `true` or `false`
      9:28 this value
      hint: placeholders stand in texts: write the value itself
    error[inventory/type]: `pg_max_conn` is `${pg_conf}`, expected `auto` or a whole number from 20 to 262143
      10:22 this value
      hint: placeholders stand in texts: write the value itself
    error[inventory/type]: `pg_data` stands for `oltp.yml`, expected an absolute path without blanks
      11:18 this value
      hint: write the value itself, or another placeholder
    error[inventory/unknown-placeholder]: a placeholder begins with `${` and does not end
      12:21 used here
      hint: close it with `}`
    error[inventory/type]: `port` of service `q` of `pg_services` is `${pg_port}`, expected a whole number from 1 to 65535
      14:41 this value
      hint: placeholders stand in texts: write the value itself
    ");
}
