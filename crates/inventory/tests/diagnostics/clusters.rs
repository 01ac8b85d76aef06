//! PostgreSQL clusters: members, timing, replication.

use insta::assert_snapshot;

use crate::{found, groups, one};

#[test]
fn no_primary() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary", "pg_role: replica")), @"
    error[inventory/no-primary]: cluster `pg-a` has no primary
      5:51 the first role
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
fn no_cluster() {
    let hosts = "10.10.10.10: { pg_seq: 1, pg_role: primary }, 10.10.10.11: { pg_role: replica }";
    assert_snapshot!(found(&one("", "").replace("pg_cluster: pg-a", "pg_cluster:").replace("10.10.10.10: { pg_seq: 1, pg_role: primary }", hosts)), @"
    error[inventory/no-cluster]: host `10.10.10.10` belongs to no cluster: it has `pg_seq` and no `pg_cluster`
      5:31 an instance of which cluster?
      hint: set `pg_cluster` in the `vars` of the cluster's group; if no PostgreSQL should be here, take `pg_seq` and `pg_role` out
    error[inventory/no-cluster]: host `10.10.10.11` belongs to no cluster: it has `pg_role` and no `pg_cluster`
      5:77 an instance of which cluster?
      hint: set `pg_cluster` in the `vars` of the cluster's group; if no PostgreSQL should be here, take `pg_seq` and `pg_role` out
    ");
    let one_host = groups(
        "pg-a: { hosts: { 10.10.10.10: }, vars: { pg_role: primary, pg_seq: 1, pg_port: 5433 } }",
    );
    assert_snapshot!(found(&one_host), @"
    error[inventory/no-cluster]: host `10.10.10.10` belongs to no cluster: it has `pg_seq` and no `pg_cluster`
      3:64 an instance of which cluster?
      hint: set `pg_cluster` in the `vars` of the cluster's group; if no PostgreSQL should be here, take `pg_seq` and `pg_role` out
    ");
    let elsewhere = "pg-b: { hosts: { '10.10.10.1[2:4]': { pg_seq: 1 } } }\netcd: { hosts: { 10.10.10.12: { etcd_seq: 1 } } }";
    assert_snapshot!(found(&groups(elsewhere)), @"
    error[inventory/no-cluster]: host `10.10.10.12` belongs to no cluster: it has `pg_seq` and no `pg_cluster`
      3:43 an instance of which cluster?
      hint: set `pg_cluster` in the `vars` of the cluster's group; if no PostgreSQL should be here, take `pg_seq` and `pg_role` out
    ");
}

#[test]
fn roles_and_numbers_of_wide_groups_may_reach_hosts_without_an_instance() {
    let wide = one("", "pg_role: replica\npg_seq: 1");
    assert_eq!(found(&wide), "");
    let mixed = "etcd: { hosts: { 10.10.10.9: { etcd_seq: 1 } } }
site: { vars: { pg_role: replica }, children: { etcd: , pg-a: } }
pg-a: { hosts: { 10.10.10.10: { pg_seq: 1, pg_role: primary } }, vars: { pg_cluster: pg-a } }";
    assert_eq!(found(&groups(mixed)), "");
}

#[test]
fn nobody_could_take_over() {
    let with = |others: &str| {
        found(&one("", "").replace(
            "pg_role: primary }",
            &format!("pg_role: primary }}{others}"),
        ))
    };
    let offline = ", 10.10.10.11: { pg_seq: 2, pg_role: offline }";
    let late = ", 10.10.10.12: { pg_seq: 3, pg_role: replica, pg_delay: 1h }";
    assert_snapshot!(with(&[offline, late].concat()), @"
    warning[inventory/no-candidate]: nobody could take over cluster `pg-a`: its other members never lead
      5:51 the only one that leads
      hint: add a `replica` without `pg_delay`, or make one of an offline or late member
    ");
    let replica = ", 10.10.10.13: { pg_seq: 4, pg_role: replica }";
    assert_eq!(with(&[offline, replica].concat()), "");
}

#[test]
fn placeholders_stand_for_one_value_in_a_cluster() {
    let two = |set: &str| {
        let both = "pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: replica }";
        found(&one(set, "").replace("pg_role: primary }", both))
    };
    assert_snapshot!(two("pg_services: [ { name: s, port: 5440, ip: '${ip}', dest: postgres, selector: '[]' } ]"), @"
    error[inventory/differs-in-cluster]: `pg_services` stands for `10.10.10.10` on `10.10.10.10` and for `10.10.10.11` on `10.10.10.11`, members of cluster `pg-a`
      8:51 not the same for all
      hint: write the value itself: it is one for the whole cluster
    ");
    assert_snapshot!(two("pg_parameters: { log_line_prefix: '${ip} ' }"), @"
    error[inventory/differs-in-cluster]: `pg_parameters` stands for `10.10.10.10 ` on `10.10.10.10` and for `10.10.10.11 ` on `10.10.10.11`, members of cluster `pg-a`
      8:43 not the same for all
      hint: write the value itself: it is one for the whole cluster
    ");
    // Except where each member has its own.
    assert_eq!(two("pg_listen: '${ip},${lo}'"), "");
    assert_eq!(
        two("pg_parameters: { log_line_prefix: '${admin_ip} ' }"),
        ""
    );
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

/// Also one that no cluster has yet.
#[test]
fn recovery_plan_of_nobody() {
    assert_snapshot!(found(&one("", "pg_rto_plan: { norm: [ 30, 5, 10, 25, 5, 2s, 1s, 1s, 1, 3 ], y: [ 30 ] }")), @"
    error[inventory/recovery-plan]: recovery plan `y` cannot be used: ten values are needed, and it has 1
      17:69 this plan
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
fn upstream() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: replica, pg_upstream: 10.9.9.9 }")), @"
    error[inventory/upstream]: `pg-a-2` cannot follow `10.9.9.9`: it is not a member of this cluster
      5:119 not a usable upstream
      hint: name the address of another member, or leave `pg_upstream` out
    ");
}

#[test]
fn encodings_and_locales() {
    assert_snapshot!(found(&one("pg_encoding: UTF7\npg_locale: en-US\npg_lc_collate: de_DE.ISO-8859-1", "")), @"
    error[inventory/value]: `pg_encoding` of cluster `pg-a` is `UTF7`, which is no encoding of PostgreSQL
      8:22 this value
      hint: did you mean `UTF8`?
    error[inventory/value]: `pg_locale` of cluster `pg-a` is `en-US`, which no locale is called
      9:20 this value
      hint: write it as `C` or `C.UTF-8`, which every node has
    warning[inventory/locale]: `pg_lc_collate` of cluster `pg-a` is `de_DE.ISO-8859-1`, which nodes do not have by themselves
      10:24 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    ");
    assert_snapshot!(found(&one("pg_encoding: GBK\npg_locale: zh_CN.gbk\npg_lc_ctype: C.UTF-8", "")), @"
    error[inventory/value]: `pg_encoding` of cluster `pg-a` is `GBK`, which is for clients only: no database can be in it
      8:22 this value
      hint: use `UTF8`; clients ask for another with `client_encoding`
    warning[inventory/locale]: `pg_locale` of cluster `pg-a` is `zh_CN.gbk`, which nodes do not have by themselves
      9:20 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    ");
    let good = "pg_encoding: utf-8\npg_locale: C.UTF-8\npg_lc_collate: POSIX\npg_lc_ctype: C.utf8";
    assert_eq!(found(&one(good, "")), "");
}

#[test]
fn locales_that_nodes_lack() {
    let text = "pg_version: 17
pg_locale: en_US.UTF-8
pg_lc_collate: de_DE.UTF-8
pg_parameters: { lc_messages: en_US.UTF-8, lc_time: C, lc_numeric: '' }
pg_databases:
  - { name: a, template: template0, locale: C.utf8, lc_ctype: fr_FR }
  - { name: b, template: template0, locale: C, locale_provider: icu, icu_locale: en-US }
  - { name: c, template: template0, locale: C, locale_provider: builtin, builtin_locale: C.UTF-8 }";
    assert_snapshot!(found(&one(text, "")), @"
    warning[inventory/locale]: `pg_locale` of cluster `pg-a` is `en_US.UTF-8`, which nodes do not have by themselves
      9:20 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    warning[inventory/locale]: `pg_lc_collate` of cluster `pg-a` is `de_DE.UTF-8`, which nodes do not have by themselves
      10:24 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    warning[inventory/locale]: `lc_messages` in `pg_parameters` of cluster `pg-a` is `en_US.UTF-8`, which nodes do not have by themselves
      11:39 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    warning[inventory/locale]: `lc_ctype` of database `a` of cluster `pg-a` is `fr_FR`, which nodes do not have by themselves
      13:71 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    ");
}

#[test]
fn listen() {
    assert_snapshot!(found(&one("pg_listen: [ 10.10.10, '${ip}', pg.example.org ]", "")), @"
    error[inventory/value]: `pg_listen` has `10.10.10`, which is no address
      8:22 not `*` or an address
      hint: write `0.0.0.0` for all, addresses of the node, or `${ip}`, `${lo}` and `${vip}`
    error[inventory/value]: `pg_listen` has `pg.example.org`, which is no address
      8:41 not `*` or an address
      hint: write `0.0.0.0` for all, addresses of the node, or `${ip}`, `${lo}` and `${vip}`
    ");
    let two = "pg-a:
  hosts: { 10.10.10.10: { pg_seq: 1, pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: replica } }
  vars: { pg_cluster: pg-a, pg_listen: 10.10.10.10 }
etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } }";
    assert_snapshot!(found(&groups(two)), @"
    error[inventory/value]: `pg_listen` of host `10.10.10.11` has `10.10.10.10`, which is the address of host `10.10.10.10`
      5:44 the server would not start there
      hint: write `${ip}`, which is each member's own address
    ");
    for good in [
        "'*'",
        "'${ip},${lo},${vip}'",
        "[ localhost, fd00::1, 0.0.0.0 ]",
    ] {
        assert_eq!(found(&one(&format!("pg_listen: {good}"), "")), "");
    }
}

#[test]
fn reserved_names() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, schemas: [ pg_a, { name: pg_b, state: absent } ] } ]\npg_dbsu: pg_super", "pg_default_schemas: monitor, pg_x\npg_replication_username: pg_repl")), @"
    error[inventory/identifier]: schema `pg_a` of database `d` of cluster `pg-a` has a name that PostgreSQL reserves
      8:47 begins with `pg_`
      hint: choose one without `pg_`
    error[inventory/identifier]: schema `pg_b` of database `d` of cluster `pg-a` has a name that PostgreSQL reserves
      8:61 begins with `pg_`
      hint: choose one without `pg_`
    error[inventory/identifier]: role `pg_super` of cluster `pg-a` has a name that PostgreSQL reserves
      9:18 begins with `pg_`
      hint: choose one without `pg_`
    error[inventory/identifier]: schema `pg_x` of `pg_default_schemas` has a name that PostgreSQL reserves
      18:25 begins with `pg_`
      hint: choose one without `pg_`
    error[inventory/identifier]: role `pg_repl` of cluster `pg-a` has a name that PostgreSQL reserves
      19:30 begins with `pg_`
      hint: choose one without `pg_`
    ");
}

#[test]
fn a_cluster_without_hosts() {
    assert_snapshot!(found(&groups("etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } }
pg-a:
  hosts: { 10.10.10.10: { pg_seq: 1, pg_role: primary } }
  vars: { pg_cluster: pg-a }
pg-b: { vars: { pg_cluster: pg-b } }")), @"
    warning[inventory/empty-group]: group `pg-b` names a cluster and has no hosts
      7:21 a cluster without members is not made
      hint: add its hosts, or take the group out
    ");
}

#[test]
fn where_services_listen_and_ask() {
    assert_snapshot!(found(&one("pg_services:
  - { name: x, port: 5440, selector: '[]', ip: nonsense }
  - { name: y, port: 5441, selector: '[]', ip: '${admin_ip}', check: replica }
  - { name: z, port: 5442, selector: '[]', ip: '*', check: '/replica?lag=1MB' }", "")), @"
    error[inventory/value]: `ip` of service `x` of cluster `pg-a` is `nonsense`, which is no address to listen at
      9:56 this address
      hint: write `*` for every address of the node, or one of them, such as `${admin_ip}`
    error[inventory/value]: `check` of service `y` of cluster `pg-a` is `replica`, which is no path that Patroni answers at
      10:78 this path
      hint: write `/primary`, `/replica`, `/read-only` or another path of Patroni's REST API
    ");
}
