//! Members of etcd come and go while a writer writes.

use crate::fleet::{Fleet, NEIGHBOUR, TEST};
use crate::writer::Writer;

/// From one member to three, one after the other, without anybody noticing.
pub(crate) fn grows(fleet: &Fleet) {
    fleet.add_etcd();
    undisturbed(fleet, &["apply"]);
    assert_eq!(fleet.etcd_members(), ["etcd-1", "etcd-2", "etcd-3"]);
    let refused = fleet.sty(&["node", "remove", TEST[1], "--confirm", TEST[1]]);
    refused.exits(2);
    assert!(
        refused.all().contains("holds a member of etcd"),
        "{}",
        refused.all()
    );
}

/// A member whose data is gone joins again.
pub(crate) fn a_member_loses_its_data(fleet: &Fleet) {
    fleet
        .on(
            TEST[0],
            "systemctl kill -s KILL etcd; systemctl stop etcd; rm -rf /data/etcd/*",
        )
        .ok();
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.exits(3);
    undisturbed(fleet, &["apply"]);
    assert_eq!(fleet.etcd_members(), ["etcd-1", "etcd-2", "etcd-3"]);
}

/// Back to one: the plan names the members, and they go once their names were typed, with their
/// data.
pub(crate) fn shrinks(fleet: &Fleet) {
    fleet.drop_etcd();
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.exits(3);
    for member in ["etcd-2", "etcd-3"] {
        assert!(
            plan.all().contains(&format!("--confirm {member}")),
            "{}",
            plan.all()
        );
    }
    undisturbed(
        fleet,
        &["apply", "--confirm", "etcd-2", "--confirm", "etcd-3"],
    );
    assert_eq!(fleet.etcd_members(), ["etcd-1"]);
    for node in &TEST[..2] {
        let left = fleet.on(
            node,
            "ls -d /data/etcd /etc/etcd /etc/systemd/system/etcd.service 2>/dev/null; \
             pgrep -l -x etcd; true",
        );
        assert_eq!(left.ok().text(), "", "left on {node}");
    }
}

/// Runs `sty` while a client writes; afterwards all is healthy, nobody else leads, and nothing is
/// left to do.
fn undisturbed(fleet: &Fleet, arguments: &[&str]) {
    let before = fleet.leader();
    let mut writer = Writer::start(fleet, TEST[0]);
    writer.writes(|| fleet.rows());
    fleet.sty(arguments).ok();
    writer.writes(|| fleet.rows());
    writer.stop();
    fleet.settle();
    assert_eq!(fleet.leader(), before, "no failover");
    fleet.neighbour_serves();
    let healthy = fleet.on(NEIGHBOUR, "systemctl is-active etcd");
    assert_eq!(healthy.text(), "active");
}
