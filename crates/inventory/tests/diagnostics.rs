//! Every code, provoked once, as it is reported.

mod common;

use common::{VARS, read, render};
use insta::assert_snapshot;

/// An inventory of one instance; `cluster` goes into its `vars`, `all` into all's.
fn one(cluster: &str, all: &str) -> String {
    format!(
        "all:
  children:
    etcd: {{ hosts: {{ 10.10.10.10: {{ etcd_seq: 1 }} }} }}
    pg-a:
      hosts: {{ 10.10.10.10: {{ pg_seq: 1, pg_role: primary }} }}
      vars:
        pg_cluster: pg-a
{}
  vars:{VARS}{}
",
        indent(cluster, 8),
        indent(all, 4)
    )
}

/// An inventory of these groups.
fn groups(groups: &str) -> String {
    format!("all:\n  children:\n{}\n  vars:{VARS}", indent(groups, 4))
}

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    let lines: Vec<String> = text.lines().map(|line| format!("{pad}{line}")).collect();
    lines.join("\n")
}

fn found(text: &str) -> String {
    render(&read(text))
}

#[test]
fn a_good_one_has_nothing_to_say() {
    assert_snapshot!(found(&one("", "")), @"");
}

#[test]
fn syntax() {
    assert_snapshot!(found("all: [1, 2\nb: }"), @"
    error[inventory/syntax]: not readable as YAML: illegal placement of ':' indicator
      2:2 reading stopped here
      hint: check indentation, quotes and brackets at and before this line
    ");
}

#[test]
fn empty() {
    assert_snapshot!(found("# nothing\n"), @"
    error[inventory/empty]: the inventory is empty
      1:1 nothing is declared
      hint: write one from a template: `sty init`
    ");
}

#[test]
fn structure() {
    assert_snapshot!(found("all:\n  hosts: [ a, b ]\n  childern: {}\n"), @"
    error[inventory/structure]: `hosts` is a list, not a mapping
      2:10 expected names with a colon
      hint: write `name:` on a line of its own, without `-`
    error[inventory/structure]: `childern` is not a part of group `all`
      3:3 not one of `hosts`, `children`, `vars`
      hint: a variable belongs under `vars`, a group under `children`
    ");
}

#[test]
fn top_is_a_list() {
    assert_snapshot!(found("- all\n"), @"
    error[inventory/structure]: an inventory is a mapping of groups, found a list
      1:1 expected `all:`
      hint: begin with `all:`, then `children:` and `vars:`
    ");
}

#[test]
fn duplicate_key() {
    assert_snapshot!(found(&one("pg_port: 5432\npg_port: 5433", "")), @"
    error[inventory/duplicate-key]: `pg_port` is written twice in one mapping
      9:9 again here
      8:9 first here
      hint: keep one of them
    ");
}

#[test]
fn group_cycle() {
    assert_snapshot!(found(&groups("a: { children: { b: } }\nb: { children: { a: } }")), @"
    error[inventory/group-cycle]: groups contain each other: `a`, `b`
      3:5 part of the circle
      hint: take one of them out of the other's `children`
    ");
}

#[test]
fn host_name() {
    assert_snapshot!(found(&groups("a: { hosts: { '10.0.0.[3:1]': } }")), @"
    error[inventory/host-name]: `10.0.0.[3:1]` is not a host name: `3:1` ends before it begins
      3:19 this host
      hint: write a name, an address or a range such as `10.10.10.[11:13]`
    ");
}

#[test]
fn set_twice() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: { nodename: x } } }\nb: { hosts: { 10.0.0.1: { nodename: y } } }")), @"
    warning[inventory/set-twice]: host `10.0.0.1` sets `nodename` twice, to different values
      4:31 this one wins, being last in the file
      3:31 first here
      hint: keep one of them
    ");
}

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
fn types() {
    assert_snapshot!(found(&one("pg_port: many\npg_checksum: perhaps\npg_users: { name: u }\npg_vip_address: 10.0.0.1\npg_data: data\npg_conf: olpt.yml\npg_max_conn: 07\npg_parameters: [ a ]\npg_shared_buffer_ratio: 0.9", "admin_ip2: 1\nhaproxy_client_timeout: long")), @"
    error[inventory/type]: `pg_port` is `many`, expected a whole number from 1 to 65535
      8:18 this value
    error[inventory/type]: `pg_checksum` is `perhaps`, expected `true` or `false`
      9:22 this value
    error[inventory/type]: `pg_users` is a mapping, expected a list of user entries
      10:19 this value
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
    error[inventory/type]: `pg_parameters` is a list, expected a mapping from names to texts
      15:24 this value
    error[inventory/type]: `pg_shared_buffer_ratio` is `0.9`, expected a number from 0.1 to 0.4
      16:33 this value
    error[inventory/unknown-name]: `admin_ip2` is not a parameter
      25:5 unknown name
      hint: did you mean `admin_ip`?
    error[inventory/type]: `haproxy_client_timeout` is `long`, expected a time such as `500ms`, `3s` or `24h`
      26:29 this value
    ");
}

#[test]
fn wrong_level() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: , 10.0.0.2: }, vars: { nodename: x } }")), @"
    error[inventory/wrong-level]: `nodename` identifies one host, and group `a` has 2
      3:52 the same for all of them
      hint: set it on each host
    ");
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
fn not_effective() {
    assert_snapshot!(found(&one("pg_exporter_port: 9999", "grafana_enabled: true")), @"
    note[inventory/not-effective]: known, but without effect yet: `grafana_enabled`, `pg_exporter_port`
      17:5 `grafana_enabled`
      8:9 `pg_exporter_port`
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn missing_everything() {
    assert_snapshot!(found("all: { children: { pg-a: { hosts: { 10.10.10.10: { pg_cluster: pg-a } } } } }"), @"
    error[inventory/missing-parameter]: `admin_ip` is not set
      hint: set it under `all.vars` to the address of the node you administer from
    error[inventory/missing-password]: `haproxy_admin_password` is not set, which the HAProxy status page needs
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `pg_replication_password` is not set, which replication needs
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `pg_admin_password` is not set, which the administrator of PostgreSQL needs
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `pg_monitor_password` is not set, which monitoring needs
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/missing-password]: `patroni_password` is not set, which Patroni needs
      hint: set it under `all.vars`; `sty init` writes random ones
    error[inventory/etcd-missing]: there is no etcd, which cluster `pg-a` needs
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
fn duplicate_address() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: , n1: { ansible_host: 10.0.0.1 } } }")), @"
    error[inventory/duplicate-address]: hosts `10.0.0.1` and `n1` have the same address `10.0.0.1`
      3:31 again here
      3:19 first here
      hint: give each host its own address, or list one host under one name
    ");
}

#[test]
fn no_address() {
    assert_snapshot!(found(&groups("a: { hosts: { n1: } }")), @"
    error[inventory/no-address]: host `n1` has no IP address
      3:19 neither this name nor `ansible_host` is one
      hint: write the address as the host's name, or set `ansible_host` to it
    ");
}

#[test]
fn two_clusters() {
    assert_snapshot!(found(&one("", "").replace("  vars:\n    admin", "    pg-b:\n      hosts: { 10.10.10.10: }\n      vars: { pg_cluster: pg-b }\n  vars:\n    admin")), @"
    error[inventory/two-clusters]: host `10.10.10.10` belongs to clusters `pg-a` and `pg-b`
      3:22 this host
      7:21 one cluster
      hint: take the host out of one of the two groups
    ");
}

#[test]
fn no_primary() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary", "pg_role: replica")), @"
    error[inventory/no-primary]: cluster `pg-a` has no primary
      3:22 first member
      hint: set `pg_role: primary` on one member
    ");
}

#[test]
fn two_primaries() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: primary }")), @"
    error[inventory/two-primaries]: cluster `pg-a` has 2 primaries
      5:97 another one
      5:51 first here
      hint: keep one `primary`; write `replica` on the others
    ");
}

#[test]
fn sequence() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 1, pg_role: replica }, 10.10.10.12: { pg_role: replica }")), @"
    error[inventory/sequence]: two members of cluster `pg-a` have `pg_seq: 1`
      5:85 again here
      5:39 first here
      hint: give each member its own number
    error[inventory/sequence]: host `10.10.10.12` of cluster `pg-a` has no `pg_seq`
      5:108 no number
      hint: number the members from 1, such as `{ pg_seq: 1 }`, and never renumber them
    ");
}

#[test]
fn etcd_missing() {
    assert_snapshot!(found(&one("", "").replace("    etcd: {", "    node: {").replace("{ etcd_seq: 1 }", "")), @"
    error[inventory/etcd-missing]: there is no etcd, which cluster `pg-a` needs
      hint: add a group: `etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } }`
    ");
}

#[test]
fn etcd_size() {
    assert_snapshot!(found(&one("", "etcd_election_timeout: 200").replace("{ etcd_seq: 1 }", "{ etcd_seq: 1 }, 10.10.10.11: { etcd_seq: 2 }")), @"
    error[inventory/etcd-size]: etcd has 2 members
      3:22 the first of them
      hint: use 1, 3 or 5 members
    error[inventory/etcd-timing]: etcd's election timeout of 200 ms is less than five heartbeats of 100 ms
      17:28 too short, or the heartbeat too long
      hint: keep the election timeout at ten heartbeats
    ");
}

#[test]
fn differs() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary, pg_port: 5555 }, 10.10.10.11: { pg_seq: 2, pg_role: replica }")), @"
    error[inventory/differs-in-cluster]: `pg_port` differs between `10.10.10.10` and `10.10.10.11`, members of cluster `pg-a`
      5:77 one value
      5:69 another
      hint: set it once, in the `vars` of the cluster's group
    ");
}

#[test]
fn unsupported() {
    assert_snapshot!(found(&one("pg_mode: citus\npatroni_enabled: false", "")), @"
    error[inventory/unsupported]: cluster `pg-a` has `pg_mode: citus`, which is not supported yet
      8:18 this kernel
      hint: use `pgsql`
    error[inventory/unsupported]: cluster `pg-a` would run without Patroni, which is not supported
      9:26 switched off here
      hint: leave it out, or `patroni_mode: pause` to pause failover
    ");
}

#[test]
fn duplicate_names() {
    assert_snapshot!(found(&one("pg_users: [ { name: u }, { name: u } ]\npg_databases: [ { name: d, schemas: [ a, a ] }, { name: d } ]\npg_services: [ { name: replica, port: 5440, selector: '[]' } ]", "")), @"
    error[inventory/duplicate-name]: role `u` is declared twice in cluster `pg-a`
      8:42 again here
      8:29 first here
      hint: keep one of them
    error[inventory/duplicate-name]: schema `a` is declared twice in database `d` of cluster `pg-a`
      9:50 again here
      9:47 first here
      hint: keep one of them
    error[inventory/duplicate-name]: database `d` is declared twice in cluster `pg-a`
      9:65 again here
      9:33 first here
      hint: keep one of them
    error[inventory/duplicate-name]: service `replica` is declared twice in cluster `pg-a`
      10:32 again here
      hint: keep one of them
    ");
}

#[test]
fn port_conflict() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5433, selector: '[]' } ]\npgbouncer_port: 5432", "")), @"
    error[inventory/port-conflict]: service `primary` and service `s` would both listen on port 5433, on host `10.10.10.10`
      8:41 service `s`
      8:22 service `primary`
      hint: change `pg_services`
    error[inventory/port-conflict]: PostgreSQL and PgBouncer would both listen on port 5432, on host `10.10.10.10`
      9:25 PgBouncer
      3:22 PostgreSQL
      hint: change `pgbouncer_port`
    ");
}

#[test]
fn identifiers() {
    assert_snapshot!(found(&one("pg_users: [ { name: pg_me }, { name: public } ]\npg_databases: [ { name: d, schemas: [ pg_x ] } ]", "")), @"
    error[inventory/identifier]: role `pg_me` of cluster `pg-a` has a name that PostgreSQL reserves
      8:29 begins with `pg_`
      hint: choose one without `pg_`
    error[inventory/identifier]: role `public` of cluster `pg-a` has a name that PostgreSQL reserves
      8:46 means something else in SQL
      hint: choose another name
    error[inventory/identifier]: schema `pg_x` of database `d` of cluster `pg-a` has a name that PostgreSQL reserves
      9:47 begins with `pg_`
      hint: choose one without `pg_`
    ");
}

#[test]
fn unknown_role() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, roles: [ dbrole_readolny ] } ]\npg_databases: [ { name: d, owner: v, pool_auth_user: w, schemas: [ { name: s, owner: x } ] } ]", "")), @"
    error[inventory/unknown-role]: role `dbrole_readolny`, `roles` of user `u` of cluster `pg-a`, is not declared
      8:41 no such role
      hint: did you mean `dbrole_readonly`?
    error[inventory/unknown-role]: role `v`, `owner` of database `d` of cluster `pg-a`, is not declared
      9:43 no such role
      hint: declare it in `pg_users`
    error[inventory/unknown-role]: role `w`, `pool_auth_user` of database `d` of cluster `pg-a`, is not declared
      9:62 no such role
      hint: declare it in `pg_users`
    error[inventory/unknown-role]: role `x`, owner of a schema of database `d` of cluster `pg-a`, is not declared
      9:94 no such role
      hint: declare it in `pg_users`
    ");
}

#[test]
fn unknown_database() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: all, db: nowhere, addr: intra, auth: pwd } ]", "")), @"
    error[inventory/unknown-database]: a rule of `pg_hba_rules` is for database `nowhere`, which is not declared
      8:42 here
      hint: declare it in `pg_databases`, or write `all`
    ");
}

#[test]
fn role_cycle() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, roles: [ v ] }, { name: v, roles: [ { name: u } ] } ]", "")), @"
    error[inventory/role-cycle]: roles of cluster `pg-a` are members of each other: `u`, `v`
      8:19 declared here
      hint: take one membership out
    ");
}

#[test]
fn system_role() {
    assert_snapshot!(found(&one("pg_default_roles: [ { name: postgres }, { name: replicator }, { name: dbuser_dba, state: absent } ]\npg_default_privileges: []\npg_default_hba_rules: []\npgb_default_hba_rules: []", "")), @"
    error[inventory/system-role]: system user `dbuser_dba` is declared absent, in cluster `pg-a`
      8:27 declared here
      hint: declare it there, or leave `pg_default_roles` out to get the default ones
    error[inventory/system-role]: system user `dbuser_monitor` is not in `pg_default_roles`, in cluster `pg-a`
      8:27 declared here
      hint: declare it there, or leave `pg_default_roles` out to get the default ones
    ");
}

#[test]
fn recreate() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, state: recreate } ]", "")), @"
    error[inventory/recreate]: database `d` of cluster `pg-a` has `state: recreate`
      8:43 would destroy it on every run
      hint: drop it with `state: absent`, apply, then take the line out
    ");
}

#[test]
fn baseline() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, baseline: app.sql }, { name: e, baseline: other.sql } ]", "")), @"
    error[inventory/baseline]: baseline `other.sql` of cluster `pg-a` cannot be read: no such file
      8:78 this file
      hint: put the file into `files/` beside the inventory
    ");
}

#[test]
fn hba_rule() {
    assert_snapshot!(found(&one("pg_hba_rules:\n  - { user: all, db: all }\n  - { rules: [ '# only' ] }\n  - { rules: [ 'host all' ] }\n  - { rules: [ 'local all all peer' ] }", "")), @"
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: it has no `addr`
      9:13 here
      hint: write `user`, `db`, `addr` and `auth`, or `rules` with raw lines
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: `rules` has no line
      10:22 here
      hint: write a raw line, or leave the rule out
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that is not a rule: `host all`
      11:22 here
      hint: write type, databases, users, address (unless local) and method
    ");
}

#[test]
fn hba_alias() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: nobody, db: all, addr: intar, auth: pdw }, { user: all, db: all, addr: 10.0.0.0/8, auth: ssl } ]", "")), @"
    error[inventory/unknown-role]: a rule of `pg_hba_rules` is for role `nobody`, which is not declared
      8:33 here
      hint: declare it in `pg_users`, or write `all`
    error[inventory/hba-alias]: a rule of `pg_hba_rules` has the unknown address `intar`
      8:56 here
      hint: did you mean `intra`?
    error[inventory/hba-alias]: a rule of `pg_hba_rules` has the unknown method `pdw`
      8:69 here
      hint: did you mean `pwd`?
    ");
}

#[test]
fn selector() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, selector: '[?' }, { name: t, port: 5441, selector: '[].pg_seq' } ]", "")), @"
    error[inventory/selector]: `[?` of service `s` of cluster `pg-a` is not a selector: Parse error: Unexpected nud token -- found Eof (line 0, column 2)
      8:57 this expression
      hint: write JMESPath such as `[]` or `[? pg_role == 'replica']`
    error[inventory/selector]: `[].pg_seq` of service `t` of cluster `pg-a` is not a selector: it yields values instead of members
      8:98 this expression
      hint: write JMESPath such as `[]` or `[? pg_role == 'replica']`
    ");
}

#[test]
fn no_member() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, selector: \"[? pg_role == `replica`]\" } ]", "")), @"
    error[inventory/service-without-member]: service `s` of cluster `pg-a` has no member
      8:57 matches nobody
      hint: change the selector, or add the members that it means
    ");
}

#[test]
fn service_destination() {
    assert_snapshot!(found(&one("pgbouncer_enabled: false\npg_services: [ { name: s, port: 5440, selector: '[]', dest: pgbouncer }, { name: t, port: 5441, selector: '[]', dest: nowhere } ]\npg_default_service_dest: pgbouncer", "")), @"
    error[inventory/service-destination]: service `s` of cluster `pg-a` leads to PgBouncer, which is disabled
      9:69 this destination
      hint: write `postgres`, or enable PgBouncer
    error[inventory/service-destination]: service `t` of cluster `pg-a` leads to `nowhere`
      9:127 this destination
      hint: write `default`, `postgres`, `pgbouncer` or a port
    error[inventory/service-destination]: services of cluster `pg-a` lead to PgBouncer, which is disabled
      10:34 leads to nobody
      hint: write `postgres`, or enable PgBouncer
    ");
}

#[test]
fn recovery_plan() {
    assert_snapshot!(found(&one("pg_rto: quick", "")), @"
    error[inventory/recovery-plan]: cluster `pg-a` has recovery plan `quick`, which does not exist
      8:17 not in `pg_rto_plan`
      hint: use one of `fast`, `norm`, `safe`, `wide`
    ");
}

#[test]
fn recovery_plan_bounds() {
    assert_snapshot!(found(&one("pg_rto: x", "pg_rto_plan: { x: [ 20, 5, 10, 1, 1, 1s, 0.5s, 1s, 1, 1 ] }")), @"
    error[inventory/recovery-plan]: recovery plan `x` cannot be used: Patroni wants loop_wait + 2 * retry_timeout to be at most ttl, but 5 + 2 * 10 > 20
      17:23 this plan
      hint: the ten values: ttl, loop_wait, retry_timeout, primary_start_timeout, margin, inter, fastinter, downinter, rise, fall
    ");
}

#[test]
fn synchronous() {
    assert_snapshot!(found(&one("pg_rpo: 0", "")), @"
    warning[inventory/synchronous]: cluster `pg-a` asks for synchronous replication and has one member
      8:17 no replica confirms writes
      hint: add a replica, or accept that the loss of this node loses data
    ");
}

#[test]
fn extension_name() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, extensions: [ 'a; drop' , vector ] } ]", "")), @"
    error[inventory/extension-name]: `a; drop` is not the name of an extension
      8:50 this one
      hint: write the name that `create extension` takes, such as `vector`
    ");
}

#[test]
fn vip() {
    assert_snapshot!(found(&one("pg_vip_enabled: true\nvip_enabled: true\nvip_address: 10.10.10.10\nvip_vrid: 1", "")), @"
    error[inventory/vip]: the virtual IP of cluster `pg-a` has no address
      8:25 written here
      hint: set `pg_vip_address` to a free address of the nodes' network, such as `10.10.10.2/24`
    error[inventory/vip]: the virtual IP `10.10.10.10/24` is the address of host `10.10.10.10`
      10:22 this address
      hint: choose a free address of the same network
    ");
}

#[test]
fn vip_on_loopback() {
    assert_snapshot!(found(&one("pg_vip_enabled: true\npg_vip_address: 127.0.0.1/24\nvip_enabled: true", "")), @"
    error[inventory/vip]: the virtual IP of cluster `pg-a` has the loopback address `127.0.0.1/24`
      9:25 written here
      hint: set `pg_vip_address` to a free address of the nodes' network, such as `10.10.10.2/24`
    error[inventory/vip]: host `10.10.10.10` has a virtual IP without `vip_address`
      10:22 enabled here
      hint: set `vip_address` in the `vars` of the group
    ");
}

#[test]
fn upstream() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: replica, pg_upstream: 10.9.9.9 }")), @"
    error[inventory/upstream]: `pg-a-2` cannot follow `10.9.9.9`: it is not a member of this cluster
      5:119 not a usable upstream
      hint: name the address of another member, or leave `pg_upstream` out
    ");
}

#[test]
fn value() {
    assert_snapshot!(found(&one("pg_delay: 1h\npg_users: [ { name: u, expire_at: soon } ]", "")), @"
    error[inventory/value]: cluster `pg-a` has `pg_delay`, but is not a standby cluster
      8:19 a delay of replication from another cluster
      hint: set `pg_upstream` on the primary to a member of the other cluster, or leave the delay out
    error[inventory/value]: role `u` of cluster `pg-a` expires at `soon`, which is not a date
      9:43 expected `YYYY-MM-DD`
      hint: write it as `2030-12-31`
    ");
}

#[test]
fn hba_unreachable() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: +dbrole_readonly, db: all, addr: intra, auth: ssl }, { user: +dbrole_readonly, db: all, addr: intra, auth: ssl, order: 90 } ]", "")), @"
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `+dbrole_readonly all intra ssl` with order 90 comes first
      8:25 matches nothing that is left
      hint: give it an `order` below 90, or leave it out
    ");
}

#[test]
fn no_hosts() {
    assert_snapshot!(found("all: {}"), @"
    error[inventory/empty]: the inventory has no hosts
      hint: list them under `hosts` of a group; `sty init` writes an example
    ");
}

#[test]
fn same_node_name() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: { nodename: x }, 10.0.0.2: { nodename: x } } }")), @"
    error[inventory/duplicate-name]: hosts `10.0.0.1` and `10.0.0.2` have the same name `x`
      3:46 again here
      3:19 first here
      hint: give each its own `nodename`
    ");
}

#[test]
fn same_virtual_ip() {
    assert_snapshot!(found(&one("pg_vip_enabled: true\npg_vip_address: 10.10.10.2/24", "").replace("  vars:\n    admin", "    pg-b:\n      hosts: { 10.10.10.11: { pg_seq: 1, pg_role: primary, pg_upstream: 10.9.9.9 } }\n      vars: { pg_cluster: pg-b, pg_vip_enabled: true, pg_vip_address: 10.10.10.2/24 }\n  vars:\n    admin")), @"
    error[inventory/vip]: clusters `pg-a` and `pg-b` have the same virtual IP `10.10.10.2`
      12:71 this address
      hint: give each cluster its own
    warning[inventory/upstream]: `pg-b-1` follows `10.9.9.9`, which is no instance of this inventory
      11:73 an address from elsewhere
      hint: check the address; a server from elsewhere must accept the replication user
    ");
}

#[test]
fn databases_of_their_own() {
    assert_snapshot!(found(&one("pg_databases: [ { name: postgres, state: absent }, { name: d, template: nowhere }, { name: e, template: d } ]", "")), @"
    error[inventory/value]: database `postgres` of cluster `pg-a` cannot be absent
      8:25 part of every PostgreSQL
      hint: take `state: absent` out
    error[inventory/unknown-database]: template `nowhere` of a database of cluster `pg-a` is not declared
      8:81 no such database
      hint: declare it in `pg_databases`, before the databases that copy it
    ");
}

#[test]
fn passwords_of_one_line() {
    assert_snapshot!(found(&one("", "").replace("pg_admin_password: a1", r#"pg_admin_password: "a\nb""#)), @"
    error[inventory/type]: `pg_admin_password` is [redacted], expected text of one line, without control characters
      11:24 this value
    ");
}

#[test]
fn locales() {
    assert_snapshot!(
        found(&one(
            "pg_version: 16
pg_databases:
  - { name: a, icu_locale: de, locale: de_DE.UTF-8 }
  - { name: b, locale_provider: icu, icu_locale: de, template: template0 }
  - { name: c, locale_provider: builtin, builtin_locale: C.UTF-8, template: template0 }
  - { name: d, locale: C, encoding: UTF8 }",
            ""
        )),
        @"
    error[inventory/value]: `icu_locale` of database `a` of cluster `pg-a` belongs to the provider `icu`, not `libc`
      10:36 this field
      hint: add `locale_provider: icu`, or leave it out
    error[inventory/value]: `locale` of database `a` of cluster `pg-a` differs from the cluster's, which `template1` cannot give
      10:48 this field
      hint: add `template: template0`
    error[inventory/value]: `builtin_locale` of database `c` of cluster `pg-a` needs PostgreSQL 17, not 16
      12:66 this field
      hint: leave it out, or raise `pg_version` for a new cluster
    "
    );
}

#[test]
fn idle_fields() {
    let users = "pg_users: [ { name: u, roles: [ { name: dbrole_readonly, set: false, state: grant } ] }, { name: v, roles: [ { name: u, set: true } ] } ]";
    let databases = "pg_databases: [ { name: a, register_datasource: false } ]";
    assert_snapshot!(found(&one(&format!("{users}\n{databases}"), "")), @"
    note[inventory/not-effective]: known, but without effect yet: `register_datasource` of a database, `set` of a membership
      9:36 `register_datasource` of a database
      8:66 `set` of a membership
      hint: nothing needs to be done; do not rely on them
    ");
}

#[test]
fn repository() {
    assert_snapshot!(found(&one("", "repo_endpoint: 10.10.10.1:8080")), @"
    error[inventory/value]: `repo_endpoint` is `10.10.10.1:8080`, which is not a URL
      17:20 nodes install from here
      hint: write it as `http://10.10.10.1:8080`
    ");
}

#[test]
fn every_code_is_provoked_here() {
    let tests = include_str!("diagnostics.rs");
    for (code, text) in sty_inventory::codes::ALL {
        assert!(
            tests.contains(&format!("[{code}]")),
            "no test provokes {code}"
        );
        assert!(text.len() > 40, "{code} is not explained");
        assert_eq!(sty_inventory::explain(code), Some(*text));
    }
}

#[test]
fn secrets_are_not_printed() {
    let text = one(
        "pg_users: [ { name: u, password: [ hunter2 ] } ]",
        "pg_admin_password: { x: hunter2 }",
    );
    let loaded = read(&text);
    assert!(!format!("{:?}", loaded.diagnostics).contains("hunter2"));
}
