//! Decisions that a golden file would hide in a crowd.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use sty_desired::Stays;
use sty_wire::facts::Interface;
use sty_wire::postgres::Password;
use sty_wire::resource::{Resource, ResourceKind, Stage};
use support::{context, facts, inventory, parse, resources};

fn dynamic(all: &[Resource]) -> &Value {
    all.iter()
        .find_map(|one| match &one.kind {
            ResourceKind::PatroniConfig { config, .. } => Some(config),
            _ => None,
        })
        .unwrap()
}

fn file<'a>(all: &'a [Resource], wanted: &str) -> &'a str {
    all.iter()
        .find_map(|one| match &one.kind {
            ResourceKind::File(file) if file.path == wanted => Some(file.content.expose().as_str()),
            _ => None,
        })
        .unwrap()
}

/// The local parameters of patroni.yml.
fn local(all: &[Resource]) -> BTreeMap<String, String> {
    let text = file(all, "/etc/patroni/patroni.yml");
    let section = text.split("\npostgresql:\n").nth(1).unwrap();
    let section = section.split("  parameters:\n").nth(1).unwrap();
    section
        .lines()
        .map_while(|line| line.strip_prefix("    "))
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        })
        .collect()
}

#[test]
fn what_is_written_for_the_cluster_is_dynamic_and_not_sized() {
    let inventory = inventory("full");
    let all = resources(&inventory, "10.10.10.11");
    let shared = &dynamic(&all)["postgresql"]["parameters"];
    assert_eq!(shared["shared_buffers"], "1GB");
    assert_eq!(shared["log_min_duration_statement"], "500ms");
    assert!(!local(&all).contains_key("shared_buffers"));
    assert!(shared.get("work_mem").is_none());
}

#[test]
fn more_shared_memory_than_a_node_has_is_refused() {
    let inventory = inventory("full");
    let mut known = facts(&inventory);
    known.get_mut("10.10.10.11").unwrap().memory_bytes = 1 << 30;
    let of = |host| sty_desired::node(&inventory, host, &known, &context());
    let problem = &of("10.10.10.11").unwrap_err()[0];
    assert_eq!(
        (problem.code, problem.message.as_str()),
        (
            "desired/shared-buffers",
            "`shared_buffers` of pg-test-1 is `1GB`, and node `10.10.10.11` has 1024 MB of memory"
        )
    );
    of("10.10.10.12").unwrap();
}

#[test]
fn what_is_written_for_a_host_is_local() {
    let inventory = inventory("full");
    let of = |host| local(&resources(&inventory, host))["work_mem"].clone();
    assert_eq!(of("10.10.10.13"), "128MB");
    assert_ne!(of("10.10.10.12"), "128MB");
}

#[test]
fn members_agree_on_the_dynamic_configuration() {
    let inventory = inventory("full");
    let first = resources(&inventory, "10.10.10.11");
    let last = resources(&inventory, "10.10.10.13");
    assert_eq!(dynamic(&first), dynamic(&last));
}

#[test]
fn missing_facts_are_a_problem_of_that_node_only() {
    let inventory = inventory("full");
    let mut known = facts(&inventory);
    known.remove("10.10.10.12");
    let of = |host| sty_desired::node(&inventory, host, &known, &context());
    assert!(of("10.10.10.11").is_ok());
    assert_eq!(of("10.10.10.12").unwrap_err()[0].code, "desired/no-facts");
}

#[test]
fn an_old_version_lacks_what_came_later() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/inventories/meta.yml"
    ))
    .unwrap();
    let inventory = parse(&text.replace("pg_version: 17", "pg_version: 15"));
    let mut known = facts(&inventory);
    for machine in known.values_mut() {
        machine.os_version = "12".into();
    }
    let all = sty_desired::node(&inventory, "10.10.10.10", &known, &context()).unwrap();
    assert!(!local(&all).contains_key("io_workers"));
    assert!(
        dynamic(&all)["postgresql"]["parameters"]
            .get("io_method")
            .is_none()
    );
}

#[test]
fn the_pooler_and_the_catalogue_have_the_same_secrets() {
    let inventory = inventory("meta");
    let all = resources(&inventory, "10.10.10.10");
    let users = file(&all, "/etc/pgbouncer/userlist.txt");
    let mut compared = 0;
    for one in &all {
        let ResourceKind::Role { role, .. } = &one.kind else {
            continue;
        };
        let Password::Stored(secret) = &role.password else {
            continue;
        };
        if let Some(line) = users
            .lines()
            .find(|line| line.starts_with(&format!("\"{}\" ", role.name)))
        {
            assert_eq!(line, format!("\"{}\" \"{}\"", role.name, secret.expose()));
            compared += 1;
        }
    }
    assert_eq!(compared, 4, "{users}");
}

#[test]
fn a_standby_cluster_has_no_objects_and_its_upstreams_secrets() {
    let inventory = inventory("standby");
    let source = resources(&inventory, "10.10.10.11");
    let follower = resources(&inventory, "10.10.10.12");
    assert!(follower.iter().all(|one| one.stage != Stage::Objects));
    assert_eq!(
        file(&source, "/etc/pgbouncer/userlist.txt"),
        file(&follower, "/etc/pgbouncer/userlist.txt")
    );
    assert_eq!(dynamic(&follower)["standby_cluster"]["host"], "10.10.10.11");
    let rules = file(&source, "/pg/conf/pg_hba.conf");
    assert!(rules.contains("10.10.10.12/32"), "{rules}");
}

#[test]
fn ids_are_unique_and_stages_ascend() {
    for case in ["meta", "full", "crit", "standby", "hba"] {
        let inventory = inventory(case);
        for host in inventory.nodes.keys() {
            let all = resources(&inventory, host);
            assert!(all.is_sorted_by_key(|one| one.stage), "{case} {host}");
        }
    }
}

#[test]
fn etcd_keeps_its_certificate_when_its_node_leaves_a_cluster() {
    let certificate = |text: &str| {
        let all = resources(&parse(text), "10.10.10.12");
        let mut kinds = all.into_iter().map(|one| one.kind);
        kinds.find(|kind| {
            let path = "/etc/etcd/server.crt";
            matches!(kind, ResourceKind::Certificate(one) if one.cert_path == path)
        })
    };
    let member = certificate(&edited("full", "", ""));
    assert!(member.is_some());
    let second = "10.10.10.12: { pg_seq: 2, pg_role: replica }";
    assert_eq!(member, certificate(&edited("full", second, "")));
}

#[test]
fn removal_is_exact() {
    let inventory = inventory("full");
    let cluster = &inventory.clusters["pg-test"];
    let etcd = inventory.etcd.as_ref().unwrap();
    let list = |all: Vec<Resource>| -> Vec<String> { all.into_iter().map(|one| one.id).collect() };
    insta::assert_debug_snapshot!(
        "removed",
        (
            list(sty_desired::removed_cluster(
                &inventory,
                cluster,
                "10.10.10.13",
                true
            )),
            list(sty_desired::removed_instance(
                cluster,
                Stays {
                    proxy: true,
                    vip: true,
                }
            )),
            list(sty_desired::removed_etcd(etcd)),
        )
    );
    let scope = sty_desired::removed_cluster(&inventory, cluster, "10.10.10.11", true)
        .into_iter()
        .find_map(|one| match one.kind {
            ResourceKind::EtcdScopeAbsent { prefix, user, .. } => Some((prefix, user)),
            _ => None,
        });
    assert_eq!(scope, Some(("/pg/pg-test/".into(), "pg-test".into())));
}

#[test]
fn a_database_that_should_go_keeps_its_pool_until_the_inventory_forgets_it() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/inventories/meta.yml"
    ))
    .unwrap();
    let with = |database: &str| {
        let list = format!("pg_databases:\n          - {database}");
        let inventory = parse(&text.replacen("pg_databases:", &list, 1));
        let all = resources(&inventory, "10.10.10.10");
        file(&all, "/etc/pgbouncer/pgbouncer.ini").to_owned()
    };
    let there = with("{ name: shop, pool_size_min: 3 }");
    assert!(there.contains("\nshop = ") && there.contains("min_pool_size=3"));
    let going = with("{ name: shop, pool_size_min: 3, state: absent }");
    assert!(going.contains("\nshop = ") && !going.contains("min_pool_size=3"));
}

/// The text of a case with the variables of a cluster or host replaced.
fn edited(case: &str, from: &str, to: &str) -> String {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories");
    let text = std::fs::read_to_string(format!("{directory}/{case}.yml")).unwrap();
    assert!(text.contains(from), "{case} has no `{from}`");
    text.replacen(from, to, 1)
}

#[test]
fn the_main_disk_of_postgresql_may_be_that_of_the_node() {
    let text = edited(
        "meta",
        "pg_cluster: pg-meta",
        "pg_cluster: pg-meta\n        pg_fs_main: /data",
    );
    let all = resources(&parse(&text), "10.10.10.10");
    let asked = |id: &str| all.iter().filter(|one| one.id == id).count();
    assert_eq!(asked("directory:/data"), 1);
    assert_eq!(asked("directory:/data/pg-meta-17"), 1);
}

#[test]
fn what_goes_on_beside_a_removed_cluster_forgets_it_at_once() {
    let inventory = inventory("full");
    let on = |host: &str| {
        let facts = facts(&inventory);
        sty_desired::staying(&inventory, host, &facts, &context()).unwrap()
    };
    // A member of etcd stays, with its HAProxy.
    let staying = on("10.10.10.11");
    let ids: Vec<&str> = staying.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        ["file:/etc/haproxy/haproxy.cfg", "unit:haproxy.service"]
    );
    let config = |all: &[Resource]| file(all, "/etc/haproxy/haproxy.cfg").to_owned();
    let before = resources(&inventory, "10.10.10.11");
    assert!(config(&before).contains(":5433"));
    assert!(!config(&staying).contains(":5433"));
    assert_eq!(on("10.10.10.13"), []);
}

#[test]
fn keepalived_goes_with_the_last_address_and_not_before() {
    let asks = |all: &[Resource]| -> Vec<String> {
        let ids = all.iter().map(|one| one.id.clone());
        ids.filter(|id| id.contains("keepalived.service")).collect()
    };
    let without = resources(&inventory("full"), "10.10.10.12");
    assert_eq!(asks(&without), ["retired:keepalived.service"]);
    let address = "pg_cluster: pg-test\n        pg_vip_enabled: true\n        \
                   pg_vip_address: 10.10.10.3/24";
    let with = parse(&edited("full", "pg_cluster: pg-test", address));
    assert_eq!(
        asks(&resources(&with, "10.10.10.12")),
        ["unit:keepalived.service"]
    );
    let cluster = &with.clusters["pg-test"];
    let removed = |vip: bool| {
        let stays = Stays { proxy: true, vip };
        asks(&sty_desired::removed_instance(cluster, stays))
    };
    assert_eq!(removed(false), ["retired:keepalived.service"]);
    assert_eq!(removed(true), Vec::<String>::new());
}

#[test]
fn poolers_and_proxies_that_are_switched_off_are_retired() {
    let asks = |all: &[Resource]| -> Vec<String> {
        let own = |id: &&str| {
            let unit = id.contains(".service") && !id.contains('/');
            unit && (id.contains("pgbouncer") || id.contains("haproxy"))
        };
        let ids = all.iter().map(|one| one.id.as_str()).filter(own);
        ids.map(str::to_owned).collect()
    };
    let off = |switch: &str| {
        let cluster = format!("pg_cluster: pg-test\n        {switch}: false");
        resources(
            &parse(&edited("full", "pg_cluster: pg-test", &cluster)),
            "10.10.10.12",
        )
    };
    assert_eq!(
        asks(&resources(&inventory("full"), "10.10.10.12")),
        [
            "unit:pgbouncer.service",
            "unit:pgbouncer-primary.service",
            "unit:haproxy.service"
        ]
    );
    let without_poolers = off("pgbouncer_enabled");
    assert_eq!(
        asks(&without_poolers),
        [
            "unit:haproxy.service",
            "retired:pgbouncer.service",
            "retired:pgbouncer-primary.service"
        ]
    );
    assert!(
        without_poolers
            .iter()
            .all(|one| !one.id.starts_with("file:/etc/pgbouncer/"))
    );
    // The primary pooler leads through the HAProxy next door.
    let without_proxy = off("haproxy_enabled");
    assert_eq!(
        asks(&without_proxy),
        [
            "unit:pgbouncer.service",
            "retired:pgbouncer-primary.service",
            "retired:haproxy.service"
        ]
    );
    let retired = without_proxy
        .iter()
        .find(|one| one.id == "retired:pgbouncer-primary.service");
    let kind = ResourceKind::Retired {
        unit: "pgbouncer-primary.service".to_owned(),
        config: "/etc/pgbouncer/primary.ini".to_owned(),
        files: vec![
            "/etc/pgbouncer/primary-listen.ini".to_owned(),
            "/etc/systemd/system/pgbouncer-primary.service".to_owned(),
        ],
    };
    assert_eq!(retired.unwrap().kind, kind, "what both poolers have stays");
}

#[test]
fn a_virtual_address_needs_an_interface_that_is_there() {
    let address = "pg_cluster: pg-test\n        pg_vip_enabled: true\n        \
                   pg_vip_interface: eth1\n        pg_vip_address: 10.10.10.3/24";
    let inventory = parse(&edited("full", "pg_cluster: pg-test", address));
    let mut known = facts(&inventory);
    let of = |known: &_| sty_desired::node(&inventory, "10.10.10.12", known, &context());
    let problem = &of(&known).unwrap_err()[0];
    assert_eq!(
        (problem.code, problem.message.as_str()),
        (
            "desired/no-interface",
            "node `10.10.10.12` has no interface `eth1` for its virtual IP: there are `eth0`"
        )
    );
    assert_eq!(problem.labels.len(), 1, "where it is asked for");
    let eth1 = Interface {
        name: "eth1".to_owned(),
        addresses: Vec::new(),
    };
    known.get_mut("10.10.10.12").unwrap().interfaces.push(eth1);
    of(&known).unwrap();
}

#[test]
fn the_pooler_logs_to_the_journal_only() {
    let all = resources(&inventory("meta"), "10.10.10.10");
    let listen = file(&all, "/etc/pgbouncer/listen.ini");
    assert!(listen.contains("\nlogfile =\n"), "{listen}");
}
