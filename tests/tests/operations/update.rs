//! Newer minor versions while clients write.

use sty_stories::World;

use crate::load::Load;
use crate::{TEST, cluster, leader, services_follow};

/// Packs the installed packages once more as older ones, and installs those: what the repository
/// holds is newer then. Runs on a node.
const AGE: &str = "set -e; cd $(mktemp -d); apt-get -qq update; \
    for name in patroni postgresql-17; do \
      apt-get -qq download $name; dpkg-deb -R ${name}_*.deb old; \
      sed -i 's/^Version: .*/&~before/' old/DEBIAN/control; \
      dpkg-deb -Zgzip -b old $name-old.deb; rm -r old; \
    done; \
    printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; \
    dpkg --force-downgrade --force-confold -i patroni-old.deb postgresql-17-old.deb; \
    rm /usr/sbin/policy-rc.d";
const VERSIONS: &str = "dpkg-query -W -f '${Version} ' patroni postgresql-17";

pub(crate) fn newer_packages_arrive_and_pooled_clients_notice_nothing(world: &World) {
    let nothing = cluster(world, &["update", "pg-test"]);
    assert!(
        nothing.ok().all().contains("nothing to update"),
        "{}",
        nothing.all()
    );
    let before = leader(world);
    let started = TEST.map(|node| postmaster(world, node));
    for node in TEST {
        world.on(node, AGE).ok();
        let versions = world.on(node, VERSIONS);
        assert_eq!(
            versions.ok().text().matches("~before").count(),
            2,
            "{}",
            versions.all()
        );
    }
    assert_eq!(
        TEST.map(|node| postmaster(world, node)),
        started,
        "packages restart nothing"
    );
    let load = Load::start(world, TEST[0]);
    let ran = cluster(world, &["update", "pg-test"]);
    ran.ok();
    load.ends_without_error();
    assert!(ran.all().contains("~before to "), "{}", ran.all());
    assert!(ran.all().contains("stood still for"), "{}", ran.all());
    assert_ne!(leader(world), before, "the old primary came last");
    for (node, started) in TEST.into_iter().zip(started) {
        let versions = world.on(node, VERSIONS);
        assert!(
            !versions.ok().text().contains("~before"),
            "{}",
            versions.all()
        );
        assert_ne!(postmaster(world, node), started);
    }
    services_follow(world);
    let nothing = cluster(world, &["update", "pg-test"]);
    assert!(
        nothing.ok().all().contains("nothing to update"),
        "{}",
        nothing.all()
    );
}

fn postmaster(world: &World, node: &str) -> String {
    let sql = "select pg_postmaster_start_time()";
    world
        .superuser(node, "postgres", sql)
        .ok()
        .text()
        .to_owned()
}
