//! Members of etcd come and go while a writer writes.

use crate::fleet::{Fleet, NEIGHBOUR, TEST};
use crate::writer::Writer;

/// The only member on another host, in one edit, would be a new and empty etcd: refused, however
/// it is asked for, and nothing has changed.
pub(crate) fn is_not_moved_at_once(fleet: &Fleet) {
    let before = fleet.leader();
    let keys = fleet.keys("/pg/");
    fleet.move_etcd();
    let refused = |arguments: &[&str]| {
        let ran = fleet.sty(arguments);
        assert!(matches!(ran.code, 1 | 4), "{}: {}", ran.code, ran.all());
        for word in ["has no data", "etcd-1", "two new ones", "--confirm etcd"] {
            assert!(ran.all().contains(word), "`{word}` in: {}", ran.all());
        }
    };
    refused(&["plan", "--exit-code"]);
    refused(&["apply"]);
    refused(&["apply", "-l", TEST[0], "-m", "etcd"]);
    fleet.on(TEST[0], "pgrep -x etcd").exits(1);
    fleet.on(NEIGHBOUR, "systemctl is-active etcd").ok();
    fleet.move_etcd_back();
    fleet.apply();
    fleet.settle();
    assert_eq!(fleet.keys("/pg/"), keys);
    assert_eq!(fleet.leader(), before, "no failover");
}

/// A Patroni that runs has a token; the next one would not be let in.
pub(crate) fn has_a_password_of_somebody_else(fleet: &Fleet) {
    fleet.set_etcd_password("pg-test", "made-by-hand");
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.exits(3);
    let change = "password of user pg-test";
    assert!(plan.all().contains(change), "{}", plan.all());
    assert!(!plan.all().contains("user pg-test2"), "{}", plan.all());
    fleet.apply();
    fleet.settle();
    fleet.on(TEST[1], "systemctl restart patroni").ok();
    fleet.settle();
}

/// Told by the status, and mended by the next apply.
pub(crate) fn is_open_to_everybody(fleet: &Fleet) {
    fleet.disable_etcd_auth();
    let status = fleet.sty(&["status"]);
    status.exits(1);
    let told = "etcd-1: it answers everybody: authentication is off";
    assert!(status.all().contains(told), "{}", status.all());
    fleet.apply();
    fleet.settle();
}

/// It may be meant: told, and left alone.
pub(crate) fn has_a_user_of_somebody_else(fleet: &Fleet) {
    fleet.add_etcd_user("eve", "stranger");
    fleet.apply();
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.ok();
    let told = "users that are of no cluster of the inventory: `eve`";
    assert!(plan.all().contains(told), "{}", plan.all());
    fleet.delete_etcd_user("eve");
    fleet.apply();
    fleet.settle();
}

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

/// etcd starts again at once, is turned away as one that has been there before or ends at what the
/// others tell it, and leaves a directory without entries.
pub(crate) fn a_member_loses_its_data_and_starts_again(fleet: &Fleet) {
    const LOSE: &str = "systemctl stop etcd; rm -rf /data/etcd/*; \
                        systemctl start --no-block etcd; sleep 3; ls -d /data/etcd/member";
    fleet.on(TEST[0], LOSE).ok();
    let (_, status) = fleet.status();
    let problems = status["problems"].to_string();
    assert!(problems.contains("its data is gone"), "{problems}");
    undisturbed(fleet, &["apply"]);
    assert_eq!(fleet.etcd_members(), ["etcd-1", "etcd-2", "etcd-3"]);
}

/// Back to one: the plan names the members, and they go once their names were typed, with their
/// data.
pub(crate) fn shrinks(fleet: &Fleet) {
    fleet.drop_etcd();
    let plan = fleet.sty(&["plan", "--exit-code"]);
    plan.exits(3);
    let (_, status) = fleet.status();
    let problems = status["problems"].to_string();
    assert!(problems.contains("etcd has a member etcd-3"), "{problems}");
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
