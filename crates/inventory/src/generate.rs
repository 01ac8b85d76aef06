//! Inventories of any size, for benchmarks and tests.

use std::fmt::Write as _;

/// An inventory of `clusters` PostgreSQL clusters of three members, and three members of etcd.
///
/// Valid for up to 20,000 clusters; its passwords are for nothing but measuring.
pub fn generate(clusters: usize) -> String {
    let mut text = String::from(HEAD);
    for number in 1..=clusters {
        cluster(&mut text, number);
    }
    text.push_str(TAIL);
    text
}

const HEAD: &str = "\
all:
  children:
    etcd:
      hosts:
        10.0.0.1: { etcd_seq: 1 }
        10.0.0.2: { etcd_seq: 2 }
        10.0.0.3: { etcd_seq: 3 }
      vars: { etcd_cluster: etcd }
";

const TAIL: &str = "  vars:
    admin_ip: 10.0.0.1
    repo_endpoint: http://10.0.0.1:8080
    node_tune: oltp
    pg_version: 17
    pg_admin_password: measure1
    pg_monitor_password: measure2
    pg_replication_password: measure3
    patroni_password: measure4
    haproxy_admin_password: measure5
    etcd_root_password: measure6
";

fn cluster(text: &mut String, number: usize) {
    let address = |member: usize| {
        let at = number * 3 + member + 1;
        format!("10.{}.{}.{}", 1 + at / 62_500, at / 250 % 250, at % 250 + 1)
    };
    let (primary, replica, offline) = (address(0), address(1), address(2));
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "    pg-{number}:
      hosts:
        {primary}: {{ pg_seq: 1, pg_role: primary }}
        {replica}: {{ pg_seq: 2, pg_role: replica }}
        {offline}: {{ pg_seq: 3, pg_role: replica, pg_offline_query: true }}
      vars:
        pg_cluster: pg-{number}
        pg_conf: oltp.yml
        pg_users:
          - {{ name: app{number}, password: measure, pgbouncer: true, roles: [ dbrole_admin ] }}
          - {{ name: view{number}, password: measure, pgbouncer: true, roles: [ dbrole_readonly ] }}
        pg_databases:
          - name: app{number}
            owner: app{number}
            schemas: [ app, audit ]
            extensions: [ {{ name: hstore, schema: public }}, {{ name: pg_trgm }} ]
            parameters: {{ search_path: 'app, public' }}
        pg_services:
          - {{ name: standby, port: 5435, dest: postgres, check: /replica, selector: \"[? pg_role == `replica`]\" }}
        pg_hba_rules:
          - {{ user: app{number}, db: app{number}, addr: 172.16.0.0/12, auth: ssl, order: 520 }}
        pg_parameters: {{ log_min_duration_statement: 500 }}
"
    );
}
