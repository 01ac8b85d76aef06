//! Nodes, etcd, and what listens where.

use insta::assert_snapshot;

use crate::{found, groups, one};

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
fn two_clusters() {
    assert_snapshot!(found(&one("", "").replace("  vars:\n    admin", "    pg-b:\n      hosts: { 10.10.10.10: }\n      vars: { pg_cluster: pg-b }\n  vars:\n    admin")), @"
    error[inventory/two-clusters]: host `10.10.10.10` belongs to clusters `pg-a` and `pg-b`
      3:22 this host
      7:21 one cluster
      hint: take the host out of one of the two groups
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
fn port_conflict() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5433, selector: '[]' } ]\npgbouncer_port: 5432", "")), @"
    error[inventory/port-conflict]: PgBouncer's way to the primary and service `primary` would both listen on port 5433, on host `10.10.10.10`
      8:22 service `primary`
      9:25 PgBouncer's way to the primary
      hint: change `pg_services`
    error[inventory/port-conflict]: HAProxy's way to the primary and service `replica` would both listen on port 5434, on host `10.10.10.10`
      8:22 service `replica`
      9:25 HAProxy's way to the primary
      hint: change `pg_services`
    error[inventory/port-conflict]: PgBouncer's way to the primary and service `s` would both listen on port 5433, on host `10.10.10.10`
      8:41 service `s`
      9:25 PgBouncer's way to the primary
      hint: change `pg_services`
    error[inventory/port-conflict]: PostgreSQL and PgBouncer would both listen on port 5432, on host `10.10.10.10`
      9:25 PgBouncer
      3:22 PostgreSQL
      hint: change `pgbouncer_port`
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
