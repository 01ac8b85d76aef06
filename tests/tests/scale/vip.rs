//! A virtual address follows the primary.

use std::time::Duration;

use sty_stories::until;

use crate::fleet::{Fleet, TEST};

const ADDRESS: &str = "10.10.10.3";

/// Asked for, it answers on the primary; after a switchover it answers on the new one.
pub(crate) fn the_address_follows_the_primary(fleet: &Fleet) {
    fleet.replace("        pg_cluster: pg-test\n", &asked());
    fleet.apply();
    fleet.settle();
    answers_on(fleet, TEST[0]);
    switch_over(fleet, "pg-test-1", "pg-test-2");
    answers_on(fleet, TEST[1]);
    fleet.settle();
    switch_over(fleet, "pg-test-2", "pg-test-1");
    answers_on(fleet, TEST[0]);
    fleet.settle();
}

/// Not asked for any more, the address and what kept it are gone.
pub(crate) fn the_address_goes(fleet: &Fleet) {
    fleet.replace(&asked(), "        pg_cluster: pg-test\n");
    fleet.apply();
    fleet.settle();
    for node in TEST {
        let script = format!(
            "systemctl is-active keepalived; ls /etc/keepalived/keepalived.conf 2>/dev/null; \
             ip -4 -o address show | grep -F {ADDRESS}/; true"
        );
        assert_eq!(fleet.on(node, &script).ok().text(), "inactive", "on {node}");
    }
}

fn asked() -> String {
    format!(
        "        pg_cluster: pg-test\n        pg_vip_enabled: true\n        pg_vip_address: {ADDRESS}/24\n"
    )
}

fn answers_on(fleet: &Fleet, address: &str) {
    let asked = "select inet_server_addr() = inet_server_addr(), pg_is_in_recovery(), (select setting from pg_settings where name = 'cluster_name')";
    until(
        "the virtual address answers on the primary",
        Duration::from_secs(20),
        || {
            let holder = fleet.on(
                address,
                &format!("ip -4 -o address show | grep -F {ADDRESS}/"),
            );
            let ran = fleet.sql(ADDRESS, 5436, "test", "test", asked);
            if holder.code == 0 && ran.code == 0 && ran.text().contains("|f|") {
                Ok(())
            } else {
                Err(format!("{}{}", holder.all(), ran.all()))
            }
        },
    );
    for other in TEST.iter().filter(|other| **other != address) {
        fleet
            .on(
                other,
                &format!("ip -4 -o address show | grep -F {ADDRESS}/"),
            )
            .exits(1);
    }
}

/// A planned switchover by Patroni's own tool.
pub(crate) fn switch_over(fleet: &Fleet, from: &str, to: &str) {
    let script = format!(
        "runuser -u postgres -- patronictl -c /etc/patroni/patroni.yml switchover pg-test \
         --primary {from} --candidate {to} --force"
    );
    fleet.on(TEST[0], &script).ok();
    until(
        "the other one leads",
        Duration::from_secs(30),
        || match fleet.leader() {
            Some((leader, _)) if leader == to => Ok(()),
            other => Err(format!("{other:?}")),
        },
    );
}
