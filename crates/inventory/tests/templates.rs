//! Every template, filled in, is an inventory without a single complaint.

use sty_inventory::{Filling, fill, load, templates};

fn filled(text: &str) -> String {
    let mut count = 0;
    let mut random = || {
        count += 1;
        format!("Secret{count}x")
    };
    let filling = Filling {
        address: None,
        random: &mut random,
    };
    fill(text, filling)
}

#[test]
fn templates_are_valid() {
    for template in templates() {
        let loaded = load(template.name, &filled(template.text), &|path| {
            Err(path.to_owned())
        });
        assert!(
            loaded.diagnostics.is_empty(),
            "{}: {:#?}",
            template.name,
            loaded.diagnostics
        );
        assert!(loaded.inventory.is_some());
    }
}

#[test]
fn templates_have_no_password_of_their_own() {
    for template in templates() {
        for line in template
            .text
            .lines()
            .filter(|line| line.contains("password:"))
        {
            assert!(
                line.contains("password: ${random}"),
                "{}: {line}",
                template.name
            );
        }
    }
}

#[test]
fn full_has_what_it_says() {
    let full = templates().iter().find(|template| template.name == "full");
    let text = filled(full.map(|template| template.text).unwrap_or_default());
    let inventory = load("full.yml", &text, &|path| Err(path.to_owned())).inventory;
    let inventory = inventory.expect("valid");
    assert_eq!(inventory.nodes.len(), 4);
    assert_eq!(
        inventory.etcd.as_ref().map(|etcd| etcd.members.len()),
        Some(3)
    );
    let test = &inventory.clusters["pg-test"];
    let services: Vec<String> = test
        .services
        .iter()
        .map(|one| {
            format!(
                "{}:{} {} |{}",
                one.name,
                one.port,
                one.members.join(","),
                one.backup
                    .iter()
                    .map(|name| format!(" {name}"))
                    .collect::<String>()
            )
        })
        .collect();
    insta::assert_snapshot!(services.join("\n"), @r"
    primary:5433 pg-test-1,pg-test-2,pg-test-3 |
    replica:5434 pg-test-1,pg-test-2,pg-test-3 | pg-test-1
    default:5436 pg-test-1,pg-test-2,pg-test-3 |
    offline:5438 pg-test-3 | pg-test-2
    ");
    let roles: Vec<&str> = test.roles.iter().map(|role| role.name.as_str()).collect();
    insta::assert_snapshot!(roles.join(" "), @"dbrole_readonly dbrole_offline dbrole_readwrite dbrole_admin postgres replicator dbuser_dba dbuser_monitor test");
    assert_eq!(test.instances[0].name, "pg-test-1");
    assert_eq!(inventory.nodes["10.10.10.13"].name, "pg-test-3");
}

#[test]
fn every_file_of_conf_is_a_template() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf");
    let files = std::fs::read_dir(folder).expect("conf/ is there");
    let mut found: Vec<String> = files
        .map(|file| {
            file.expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut known: Vec<String> = templates()
        .iter()
        .map(|one| format!("{}.yml", one.name))
        .collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn filling_takes_the_address_and_leaves_comments() {
    let mut count = 0;
    let mut random = || {
        count += 1;
        format!("s{count}")
    };
    let filling = Filling {
        address: Some("192.168.1.5"),
        random: &mut random,
    };
    let text =
        "a: ${random} # ${random}\n# ${random}\nb: [ 10.10.10.10, 10.10.10.101, ${random} ]\n";
    assert_eq!(
        fill(text, filling),
        "a: s1 # ${random}\n# ${random}\nb: [ 192.168.1.5, 10.10.10.101, s2 ]\n"
    );
}
