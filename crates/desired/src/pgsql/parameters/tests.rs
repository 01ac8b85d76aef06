//! What is written here is what every PostgreSQL understands.

use sty_inventory::postgres::{Server, Target};

use super::{Parameters, common, hardware, profile, version};
use crate::pgsql::tests_support::facts;

/// All parameters of clusters of that version and profile.
fn all(major: u32, profile: &str) -> Parameters {
    let full = include_str!("../../../tests/inventories/full.yml");
    let text = full
        .replace("pg_version: 17", &format!("pg_version: {major}"))
        .replace("pg_conf: tiny.yml", &format!("pg_conf: {profile}.yml"));
    let loaded = sty_inventory::load("pigsty.yml", &text, &|_| Ok(String::new()));
    let inventory = loaded.inventory.unwrap();
    let mut parameters = Parameters::new();
    for cluster in inventory.clusters.values() {
        assert_eq!(cluster.version, major);
        let machine = hardware::Machine::of(&facts());
        parameters.extend(common::parameters(cluster));
        parameters.extend(profile::parameters(cluster));
        parameters.extend(hardware::parameters(cluster, machine));
        version::adapt(cluster, &mut parameters);
    }
    parameters
}

#[test]
fn every_major_takes_every_parameter() {
    for major in 13..=18 {
        let server = Server {
            major,
            backups: false,
        };
        for profile in ["oltp", "olap", "crit", "tiny"] {
            for (name, value) in all(major, profile) {
                let found = server.check(&name, &value, Target::Cluster);
                // What is taken, is taken by what is written here.
                let found = found.filter(|one| one.code != "inventory/setting-taken");
                assert_eq!(found, None, "{name} = {value} of {profile}, {major}");
            }
        }
    }
}
