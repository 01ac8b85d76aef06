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
fn addresses_that_are_no_machine_s() {
    let hosts = |entries: &str| found(&groups(&format!("a: {{ hosts: {{ {entries} }} }}")));
    assert_snapshot!(hosts("0.0.0.0: , 255.255.255.255: , '::1': , n: { ansible_host: 224.0.0.1 }"), @"
    error[inventory/no-address]: host `0.0.0.0` has the address 0.0.0.0, which is no machine's
      3:19 nothing has this address
      hint: write the address by which the other nodes reach it
    error[inventory/no-address]: host `255.255.255.255` has the address 255.255.255.255, which is no machine's
      3:30 nothing has this address
      hint: write the address by which the other nodes reach it
    error[inventory/no-address]: host `::1` has the address ::1, by which each node would reach only itself
      3:49 a loopback address, beside other hosts
      hint: write the address by which the other nodes reach it
    error[inventory/no-address]: host `n` has the address 224.0.0.1, which is no machine's
      3:58 nothing has this address
      hint: write the address by which the other nodes reach it
    ");
    assert_snapshot!(hosts("'fe80::1': "), @"
    error[inventory/no-address]: host `fe80::1` has the address fe80::1, which means nothing without the name of an interface
      3:19 a link-local address
      hint: write the address by which the other nodes reach it
    ");
    assert_eq!(hosts("127.0.0.1: { ansible_connection: local }"), "");
}

#[test]
fn names_that_ssh_would_take_for_something_else() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: { ansible_user: 'a b', ansible_host: -oProxyCommand=x } } }")), @"
    error[inventory/value]: `ansible_user` is `a b`, which is no name
      3:45 for ssh
      hint: write it without blanks, and not with a `-` in front
    error[inventory/value]: `ansible_host` is `-oProxyCommand=x`, which is no name
      3:66 for ssh
      hint: write it without blanks, and not with a `-` in front
    ");
}

#[test]
fn etcd_that_differs() {
    assert_snapshot!(found(&groups("etcd: { hosts: { 10.0.0.1: { etcd_seq: 1 }, 10.0.0.2: { etcd_seq: 2, etcd_cluster: other, etcd_port: 2381 }, 10.0.0.3: { etcd_seq: 3 } }, vars: { etcd_cluster: etcd, etcd_port: 2379 } }")), @"
    error[inventory/differs-in-cluster]: `etcd_cluster` differs between `10.0.0.1` and `10.0.0.2`, members of cluster `etcd`
      3:88 one value
      3:165 another
      hint: set it once, in the `vars` of the cluster's group
    error[inventory/differs-in-cluster]: `etcd_port` differs between `10.0.0.1` and `10.0.0.2`, members of cluster `etcd`
      3:106 one value
      3:182 another
      hint: set it once, in the `vars` of the cluster's group
    ");
}

#[test]
fn hosts_that_are_reached_the_same_way_are_one_machine() {
    let hosts = |entries: &str| found(&groups(&format!("a: {{ hosts: {{ {entries} }} }}")));
    assert_snapshot!(hosts("10.0.0.1: , 10.0.0.2: { ansible_host: 10.0.0.1 }"), @"
    error[inventory/duplicate-address]: hosts `10.0.0.1` and `10.0.0.2` are one machine: both are reached at `10.0.0.1`, port 22
      3:31 again here
      3:19 first here
      hint: give each host its own way: a name or address in `ansible_host`, or a port
    ");
    assert_snapshot!(hosts("10.0.0.1: { ansible_connection: local }, 10.0.0.2: { ansible_connection: local }"), @"
    error[inventory/duplicate-address]: hosts `10.0.0.1` and `10.0.0.2` are one machine: both are reached at this machine (`ansible_connection: local`)
      3:60 again here
      3:19 first here
      hint: give each host its own way: a name or address in `ansible_host`, or a port
    ");
    assert_eq!(
        hosts(
            "10.0.0.1: { ansible_host: gate }, 10.0.0.2: { ansible_host: gate, ansible_port: 2222 }"
        ),
        ""
    );
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
      1:1 among the `children` of this group
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
    error[inventory/port-conflict]: PgBouncer's way to the primary and service `s` would both listen on port 5433, on host `10.10.10.10`
      8:41 service `s`
      9:25 PgBouncer's way to the primary
      hint: change `pg_services`
    error[inventory/port-conflict]: PostgreSQL and PgBouncer would both listen on port 5432, on host `10.10.10.10`
      9:25 PgBouncer
      hint: change `pgbouncer_port`
    error[inventory/port-conflict]: PgBouncer's way to the primary and service `primary` would both listen on port 5433, on host `10.10.10.10`
      9:25 PgBouncer's way to the primary
      hint: change `pgbouncer_port`
    error[inventory/port-conflict]: HAProxy's way to the primary and service `replica` would both listen on port 5434, on host `10.10.10.10`
      9:25 HAProxy's way to the primary
      hint: change `pgbouncer_port`
    ");
}

/// A default gives way to nothing: what was written is what to change.
#[test]
fn port_conflict_with_a_default() {
    assert_snapshot!(found(&one("", "etcd_port: 2380")), @"
    error[inventory/port-conflict]: etcd and etcd's peers would both listen on port 2380, on host `10.10.10.10`
      17:16 etcd
      hint: change `etcd_port`
    ");
}

#[test]
fn addresses_of_haproxy_services() {
    assert_snapshot!(found(&one("", "haproxy_services:\n  - { name: h, ip: 10.0.0.300, port: 9000, servers: [ { name: one, ip: db.example, port: 1 }, { name: two, ip: '10.0.0.9:80', port: 1 } ] }")), @"
    error[inventory/value]: `ip` of service `h` is `10.0.0.300`, which is no address to listen at
      18:24 this address
      hint: write `*` for every address of the node, or one of them, such as `${admin_ip}`
    error[inventory/value]: `ip` of server `two` is `10.0.0.9:80`, which is neither an address nor a host name
      18:116 this address
      hint: write the address of the server; its port has a field of its own
    ");
}

/// Taken as it is written, it would be the password.
#[test]
fn placeholders_instead_of_passwords() {
    assert_snapshot!(found(&one("pg_monitor_password: '${nope}'\npg_admin_password: '{{ vault_admin }}'\npg_replication_password: 'a{{b}}c${d}'", "")), @"
    error[inventory/unknown-placeholder]: a placeholder stands for no password
      8:30 where a password belongs
      hint: write the password itself; `sty init` makes random ones
    error[inventory/jinja]: Jinja expressions are not evaluated
      9:28 where a password belongs
      hint: write the password itself; `sty init` makes random ones
    ");
}

#[test]
fn options_of_several_lines() {
    assert_snapshot!(found(&one("pg_services:\n  - { name: s, port: 5440, selector: '[]', options: \"inter 3s\\nuse-server x\" }", "haproxy_services:\n  - { name: h, port: 9000, servers: [ { name: one, ip: 10.0.0.9, port: 1, options: \"check\\nserver y\" } ] }")), @"
    error[inventory/value]: `options` of service `s` of cluster `pg-a` has several lines
      9:61 more than one line
      hint: write its words one after the other, on one line
    error[inventory/value]: `options` of server `one` has several lines
      19:88 more than one line
      hint: write its words one after the other, on one line
    ");
}

#[test]
fn a_service_that_leads_to_itself() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, dest: 5440, selector: '[]' } ]", "")), @"
    error[inventory/service-destination]: service `s` of cluster `pg-a` leads to port 5440, its own
      8:53 this destination
      hint: HAProxy would lead to itself: write `default`, `postgres`, `pgbouncer` or another port
    ");
}

#[test]
fn a_cluster_called_like_etcd() {
    assert_snapshot!(found(&one("", "").replace("pg_cluster: pg-a", "pg_cluster: etcd")), @"
    error[inventory/duplicate-name]: etcd and a cluster of PostgreSQL are both called `etcd`
      3:22 and so would be their members
      hint: rename the cluster of PostgreSQL (`pg_cluster`)
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
fn jobs_of_cron() {
    let jobs = |lines: &str| found(&one(&format!("node_crontab: [ {lines} ]"), ""));
    let fine = "'# x', 'A=b', '*/5 0-6/2 1,15 jan-mar sun root /bin/true', '@daily root /bin/true', \
                '0 0 * * 7 root /bin/true'";
    assert_eq!(jobs(fine), "");
    for bad in [
        "61 * * * * root /bin/true",
        "* 24 * * * root /bin/true",
        "* * 0 * * root /bin/true",
        "* * * 13 * root /bin/true",
        "* * * * 8 root /bin/true",
        "*/0 * * * * root /bin/true",
        "9-3 * * * * root /bin/true",
        "jan * * * * root /bin/true",
        "@never root /bin/true",
        "* * * * * root",
    ] {
        let said = jobs(&format!("'{bad}'"));
        let expected = format!("`node_crontab` has `{bad}`, which is no line of cron");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn how_late_a_replica_is() {
    let late = |delay: &str| {
        let replica = format!("10.0.0.2: {{ pg_seq: 2, pg_role: replica, pg_delay: {delay} }}");
        found(&groups(&format!(
            "pg-a: {{ hosts: {{ 10.0.0.1: {{ pg_seq: 1, pg_role: primary }}, {replica} }}, \
             vars: {{ pg_cluster: pg-a }} }}"
        )))
    };
    for fine in ["1h", "90min", "0", "1000", "1.5h"] {
        assert!(!late(fine).contains("`pg_delay` of"), "{fine}");
    }
    for bad in ["1z", "1h30", "soon"] {
        let expected = format!("`pg_delay` of `10.0.0.2` is `{bad}`, expected");
        assert!(late(bad).contains(&expected), "{}", late(bad));
    }
}

#[test]
fn names_that_nodes_read() {
    let text = "node_aliases: { ll: 'ls -l', 'a b;': x }
node_sysctl_params: { net.core.somaxconn: 1024, 'no such/;': 5 }
node_kernel_modules: [ softdog, 'no;mod' ]";
    assert_snapshot!(found(&one(text, "")), @"
    error[inventory/value]: `node_aliases` has `a b;`, which is no name of an alias
      8:38 not a name
      hint: write letters, digits and `_.-+`
    error[inventory/value]: `node_sysctl_params` has `no such/;`, which is no setting of the kernel
      9:57 not a name
      hint: write letters, digits and `_.-/`
    error[inventory/value]: `node_kernel_modules` has `no;mod`, which is no name of a kernel module
      10:41 not a name
      hint: write letters, digits and `_-`
    ");
}
