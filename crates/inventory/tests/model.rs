//! What an inventory becomes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod common;

use common::{VARS, read, render};
use sty_inventory::model::{Connection, HbaKind, Inventory, Synchronous};
use sty_inventory::{Origin, schema};

fn inventory(text: &str) -> Inventory {
    let loaded = read(text);
    let found = render(&loaded);
    loaded.inventory.unwrap_or_else(|| panic!("{found}"))
}

#[test]
fn an_address_is_no_host_name() {
    let text = format!(
        "all:
  children:
    infra: {{ hosts: {{ 10.10.10.10: {{ infra_seq: 1 }}, 10.10.10.11: {{ infra_seq: 2, nodename: i2 }} }} }}
  vars:{VARS}"
    );
    let inventory = inventory(&text);
    let sets = |host: &str| inventory.nodes[host].settings.set_hostname;
    assert_eq!([sets("10.10.10.10"), sets("10.10.10.11")], [false, true]);
}

/// One host in three groups gets the variables of all; values stay as written.
fn sample() -> String {
    format!(
        "all:
  children:
    infra: {{ hosts: {{ 10.10.10.10: {{ infra_seq: 1 }} }}, vars: {{ node_timezone: Europe/Berlin }} }}
    etcd: {{ hosts: {{ 10.10.10.10: {{ etcd_seq: 1 }} }}, vars: {{ etcd_cluster: dcs }} }}
    pg-meta:
      hosts:
        10.10.10.10: {{ pg_seq: 1, pg_role: primary, pg_parameters: {{ work_mem: 64MB, jit: on }} }}
        10.10.10.11:
          pg_seq: 2
          pg_role: offline
          ansible_host: gate
          ansible_port: 2222
          ansible_user: ops
      vars:
        pg_cluster: pg-meta
        pg_conf: crit.yml
        pg_parameters: {{ work_mem: 32MB, jit: on, log_lock_waits: off, log_file_mode: 0600, app.version: 17.10 }}
        pg_users:
          - {{ name: app, password: x1, roles: [ owner, {{ name: dbrole_readonly, state: absent }} ], parameters: {{ search_path: 'a, b' }} }}
          - {{ name: owner, login: false }}
        pg_databases:
          - {{ name: app, owner: app, baseline: app.sql, schemas: [ s, {{ name: t, owner: owner }} ], extensions: [ vector ], pool_max_db_conn: 10 }}
        pg_hba_rules:
          - {{ user: '${{dbsu}},app', db: app, addr: 10.0.0.0/8 world, auth: ssl, order: 120 }}
          - {{ title: raw, role: offline, rules: [ 'host all all 1.2.3.4/32 md5' ] }}
        pg_listen: '${{ip}},${{lo}}'
  vars:{VARS}    repo_endpoint: http://${{admin_ip}}:8080/
"
    )
}

#[test]
fn a_host_gets_what_all_its_groups_say() {
    let inventory = inventory(&sample());
    let node = &inventory.nodes["10.10.10.10"];
    assert_eq!(node.settings.timezone, "Europe/Berlin");
    assert_eq!(node.name, "pg-meta-1");
    assert_eq!(node.cluster, "pg-meta");
    assert_eq!(inventory.infra.len(), 1);
    assert_eq!(inventory.repo_endpoint, "http://10.10.10.10:8080");
    let etcd = inventory.etcd.as_ref().unwrap();
    assert_eq!(
        (etcd.name.as_str(), etcd.members[0].name.as_str()),
        ("dcs", "dcs-1")
    );
    assert_eq!(
        inventory.nodes["10.10.10.11"].connection,
        Connection::Ssh {
            host: "gate".to_owned(),
            user: Some("ops".to_owned()),
            port: Some(2222),
            private_key: None,
        }
    );
}

#[test]
fn settings_stay_text() {
    let inventory = inventory(&sample());
    let cluster = &inventory.clusters["pg-meta"];
    let shown = format!("{:?}", cluster.settings.parameters);
    insta::assert_snapshot!(shown, @r#"{"app.version": "17.10", "jit": "on", "log_file_mode": "0600", "log_lock_waits": "off", "work_mem": "32MB"}"#);
    assert_eq!(cluster.settings.synchronous, Synchronous::On);
    let listens = cluster.instances.iter().map(|one| one.listen.as_str());
    let listens: Vec<&str> = listens.collect();
    assert_eq!(
        listens[..2],
        ["10.10.10.10,127.0.0.1", "10.10.10.11,127.0.0.1"]
    );
    let own = format!("{:?}", cluster.instances[0].parameters);
    insta::assert_snapshot!(own, @r#"{"work_mem": "64MB"}"#);
    assert!(cluster.instances[1].parameters.is_empty());
}

#[test]
fn roles_databases_and_rules() {
    let inventory = inventory(&sample());
    let cluster = &inventory.clusters["pg-meta"];
    let names: Vec<&str> = cluster
        .roles
        .iter()
        .map(|role| role.name.as_str())
        .collect();
    insta::assert_snapshot!(names.join(" "), @"dbrole_readonly dbrole_offline dbrole_readwrite dbrole_admin postgres replicator dbuser_dba dbuser_monitor owner app");
    let admin = cluster
        .roles
        .iter()
        .find(|role| role.name == "dbuser_dba")
        .unwrap();
    assert_eq!(admin.password.as_ref().unwrap().expose(), "a1");
    insta::assert_debug_snapshot!(cluster.databases[0], @r#"
    Database {
        name: "app",
        state: Present,
        owner: Some(
            "app",
        ),
        template: None,
        strategy: None,
        encoding: None,
        locale: None,
        lc_collate: None,
        lc_ctype: None,
        locale_provider: None,
        icu_locale: None,
        icu_rules: None,
        builtin_locale: None,
        is_template: false,
        allow_connections: true,
        revoke_public_connect: false,
        tablespace: None,
        connection_limit: -1,
        baseline: Some(
            Baseline {
                path: "app.sql",
                sql: "create table t (i int);",
            },
        ),
        schemas: [
            Schema {
                name: "s",
                owner: None,
                state: Present,
            },
            Schema {
                name: "t",
                owner: Some(
                    "owner",
                ),
                state: Present,
            },
        ],
        extensions: [
            Extension {
                name: "vector",
                schema: None,
                version: None,
                state: Present,
            },
        ],
        parameters: {},
        comment: None,
        pgbouncer: true,
        pool: PoolSettings {
            mode: None,
            size: None,
            min_size: None,
            reserve: None,
            max_connections: Some(
                10,
            ),
            auth_user: None,
        },
    }
    "#);
    let rules: Vec<String> = cluster
        .hba_rules
        .iter()
        .map(|rule| match &rule.kind {
            HbaKind::Alias {
                users,
                databases,
                addresses,
                auth,
            } => format!(
                "{} {} {} {} {} {auth}",
                rule.order,
                rule.role,
                users.join(","),
                databases.join(","),
                addresses.join(",")
            ),
            HbaKind::Raw(lines) => format!("{} {} {}", rule.order, rule.role, lines.join("; ")),
        })
        .collect();
    insta::assert_snapshot!(rules.join("\n"), @"
    100 common postgres all local ident
    120 common postgres,app app 10.0.0.0/8,world ssl
    150 common postgres replication local ident
    200 common replicator replication localhost pwd
    250 common replicator replication intra ssl
    300 common replicator postgres intra ssl
    350 common dbuser_monitor all localhost pwd
    400 common dbuser_monitor all infra pwd
    450 common dbuser_dba all intra ssl
    500 common dbuser_dba all world ssl
    550 common +dbrole_readonly all localhost pwd
    600 common +dbrole_readonly all intra pwd
    650 offline +dbrole_offline all intra pwd
    1000 offline host all all 1.2.3.4/32 md5
    ");
}

#[test]
fn effective_values_say_where_they_came_from() {
    let loaded = read(&sample());
    let shown = |name: &str| -> String {
        let wanted = [
            "pg_conf",
            "pg_seq",
            "pg_port",
            "pg_users",
            "pg_admin_password",
            "node_timezone",
        ];
        let values = loaded.effective(name).unwrap_or_default();
        let lines = values
            .iter()
            .filter(|one| wanted.contains(&one.name))
            .map(|one| {
                let origin = match &one.origin {
                    Origin::Default => "default".to_owned(),
                    Origin::Group { name, span } => {
                        format!("group {name} {}:{}", span.line, span.column)
                    }
                    Origin::Host { name, span } => {
                        format!("host {name} {}:{}", span.line, span.column)
                    }
                };
                format!("{} = {} ({origin})\n", one.name, one.shown())
            });
        lines.collect()
    };
    insta::assert_snapshot!(shown("pg-meta"), @r#"
    node_timezone = Europe/Berlin (group infra 3:64)
    pg_admin_password = [redacted] (group all 29:5)
    pg_conf = crit.yml (group pg-meta 16:9)
    pg_port = 5432 (default)
    pg_users = [{"name":"app","parameters":{"search_path":"a, b"},"password":"[redacted]","roles":["owner",{"name":"dbrole_readonly","state":"absent"}]},{"login":false,"name":"owner"}] (group pg-meta 18:9)
    "#);
    insta::assert_snapshot!(shown("10.10.10.11"), @r#"
    node_timezone =  (default)
    pg_admin_password = [redacted] (group all 29:5)
    pg_conf = crit.yml (group pg-meta 16:9)
    pg_port = 5432 (default)
    pg_seq = 2 (host 10.10.10.11 9:11)
    pg_users = [{"name":"app","parameters":{"search_path":"a, b"},"password":"[redacted]","roles":["owner",{"name":"dbrole_readonly","state":"absent"}]},{"login":false,"name":"owner"}] (group pg-meta 18:9)
    "#);
    insta::assert_snapshot!(shown("etcd"), @"
    node_timezone =  (default)
    pg_admin_password = [redacted] (group all 29:5)
    pg_conf = oltp.yml (default)
    pg_port = 5432 (default)
    pg_users = [] (default)
    ");
    assert!(loaded.effective("nothing").is_none());
}

#[test]
fn effective_values_are_what_hosts_make_of_placeholders() {
    let text = format!(
        "all:
  children:
    p:
      hosts:
        10.0.0.1: {{ pg_seq: 1, pg_role: primary }}
        10.0.0.2: {{ pg_seq: 2 }}
      vars: {{ pg_cluster: p, pg_dbsu: pg, pg_listen: '${{ip}},${{lo}}' }}
  vars:
    nodename: n
    repo_endpoint: http://${{admin_ip}}:80
    node_etc_hosts: [ '${{ip}} ${{pg_cluster}} ${{nothing}}', '${{dbsu}}' ]{VARS}"
    );
    let loaded = read(&text);
    let shown = |name: &str, parameter: &str| {
        let values = loaded.effective(name).unwrap();
        let found = values.into_iter().find(|one| one.name == parameter);
        found.unwrap().shown()
    };
    assert_eq!(shown("10.0.0.2", "pg_listen"), "10.0.0.2,127.0.0.1");
    let each_has_its_own = "${ip},${lo}";
    assert_eq!(shown("p", "pg_listen"), each_has_its_own);
    assert_eq!(shown("p", "repo_endpoint"), "http://10.10.10.10:80");
    assert_eq!(shown("all", "repo_endpoint"), "http://10.10.10.10:80");
    let lines = r#"["10.0.0.1 p ${nothing}","pg"]"#;
    assert_eq!(shown("10.0.0.1", "node_etc_hosts"), lines);
    assert_eq!(shown("10.0.0.1", "pg_admin_password"), "[redacted]");
}

#[test]
fn every_parameter_is_described_and_valid() {
    let mut names = std::collections::BTreeSet::new();
    for module in sty_inventory::registry::MODULES {
        for parameter in module.parameters {
            assert!(names.insert(parameter.name), "{} twice", parameter.name);
            assert!(
                parameter.about.len() > 2 && !parameter.about.ends_with('.'),
                "{}",
                parameter.name
            );
        }
    }
    let schema = schema();
    let vars = schema["$defs"]["vars"]["properties"].as_object().unwrap();
    assert!(names.iter().all(|name| vars.contains_key(*name)));
    let page = sty_inventory::reference_markdown();
    assert!(
        names
            .iter()
            .all(|name| page.contains(&format!("| `{name}`")))
    );
}

#[test]
fn generated_inventories_are_valid() {
    let inventory = inventory(&sty_inventory::generate::generate(20));
    assert_eq!((inventory.clusters.len(), inventory.nodes.len()), (20, 63));
}
