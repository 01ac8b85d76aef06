//! A former primary that goes on after its lease.

use std::time::Duration;

use sty_stories::{World, until};

pub(crate) const MEMBERS: [(&str, &str); 3] = [
    ("pg-test-1", "10.10.10.11"),
    ("pg-test-2", "10.10.10.12"),
    ("pg-test-3", "10.10.10.13"),
];
/// Main process of the unit.
const PATRONI: &str = "$(systemctl show --property=MainPID --value patroni)";
/// A member gives the lead away, with what Patroni itself is made of.
const RELEASE: &str = "python3 -c \"\
    from patroni.config import Config; from patroni.dcs import get_dcs; \
    dcs = get_dcs(Config('/etc/patroni/patroni.yml')); \
    leader = dcs.get_cluster().leader; assert not leader or dcs.delete_leader(leader)\"";

/// Whatever keeps Patroni from its work, its server takes itself for the primary for as long. The
/// kernel lets nobody know what it says.
pub(crate) fn answers_nobody_after_its_lease(world: &World) {
    world.sty(&["status", "--wait", "120"]).ok();
    let old = leader(world).expect("a leader");
    let node_of_old = node(&old);
    let insert =
        "create table if not exists twofold (id serial); insert into twofold default values";
    let direct = || world.sql(node_of_old, 5432, "test", "test", insert);
    direct().ok();
    let patroni = |signal: &str| world.on(node_of_old, &format!("kill -{signal} {PATRONI}"));
    patroni("STOP").ok();
    let next = until("another primary", Duration::from_secs(90), || {
        let other = leader(world).filter(|name| *name != old);
        other.ok_or_else(|| "nobody else leads".to_owned())
    });
    let recovers = "select pg_is_in_recovery()";
    let asked = world.superuser(node_of_old, "postgres", recovers);
    assert_eq!(asked.ok().text(), "f", "it takes itself for the primary");
    let refused = direct();
    assert_ne!(refused.code, 0, "{}", refused.all());
    world.sql(node(&next), 5433, "test", "test", insert).ok();
    patroni("CONT").ok();
    world.sty(&["status", "--wait", "120"]).ok();
    assert_eq!(leader(world), Some(next.clone()));
    // Replicas answer whenever they are asked.
    let gate = "nft list table inet sty_lease";
    world.on(node(&next), gate).ok();
    // Patroni opens it again with its next look.
    let closing = "nft flush set inet sty_lease led";
    until("a closed gate to be told", Duration::from_secs(30), || {
        world.on(node(&next), closing).ok();
        let (_, status) = world.status();
        let problems = status["problems"].to_string();
        match problems.contains("its answers are turned back") {
            true => Ok(()),
            false => Err(problems),
        }
    });
    world.sty(&["status", "--wait", "60"]).ok();
    assert_ne!(world.on(node_of_old, gate).code, 0);
    let found = world.sql(node_of_old, 5432, "test", "test", recovers);
    assert_eq!(found.ok().text(), "t");
}

/// Has Patroni's renewals of the gate take a moment, and tells when one has begun. What closes or
/// lifts the gate is as quick as ever.
const SLOW_NFT: &str = r#"mv /usr/sbin/nft /usr/sbin/nft.real
cat > /usr/sbin/nft <<'END'
#!/bin/sh
[ "$1" = -f ] || exec /usr/sbin/nft.real "$@"
rules=$(cat)
case "$rules" in *"add element"*) touch /run/postgresql/opening; sleep 1.5;; esac
echo "$rules" | /usr/sbin/nft.real -f -
END
chmod 755 /usr/sbin/nft"#;

/// An etcd that led when it stood still takes the leases of others for run out when it goes on,
/// and the next primary's key is gone for a moment. The old one knows nothing of the next one yet;
/// it must not lead again, on a history that lacks what the next one has told its clients. Its gate
/// was about to be opened anew when it stood still, and stays closed all the same.
pub(crate) fn gives_no_lead_back(world: &World) {
    world.sty(&["status", "--wait", "120"]).ok();
    // The third member's node has no etcd, and hears at once what it has missed.
    if leader(world).as_deref() == Some("pg-test-3") {
        world.sty(&["cluster", "switchover", "pg-test"]).ok();
        world.sty(&["status", "--wait", "120"]).ok();
    }
    let old = leader(world).expect("a leader");
    // A replica that is asked for would keep it from an answer as well.
    let insert = "create table if not exists stood (id serial); \
                  set synchronous_commit to local; insert into stood default values";
    let direct = || world.sql(node(&old), 5432, "test", "test", insert);
    direct().ok();
    world.on(node(&old), SLOW_NFT).ok();
    until("the gate to be renewed", Duration::from_secs(30), || {
        let begun = world.on(node(&old), "ls /run/postgresql/opening");
        (begun.code == 0).then_some(()).ok_or(begun.stderr)
    });
    world.sandbox(&["freeze", node(&old)]).ok();
    let next = until("another primary", Duration::from_secs(90), || {
        let other = leader(world).filter(|name| *name != old);
        other.ok_or_else(|| "nobody else leads".to_owned())
    });
    let others = MEMBERS.iter().filter(|(name, _)| *name != old);
    for (_, node) in others.clone() {
        world.on(node, &format!("kill -STOP {PATRONI}")).ok();
    }
    // It may first ask the member of etcd that stands still.
    until("the lead to be given away", Duration::from_secs(30), || {
        let released = world.on(node(&next), RELEASE);
        (released.code == 0).then_some(()).ok_or(released.stderr)
    });
    world.sandbox(&["thaw", node(&old)]).ok();
    until(
        "the old primary to step down",
        Duration::from_secs(30),
        || {
            let refused = direct();
            assert_ne!(refused.code, 0, "{}", refused.all());
            let script = "runuser -u postgres -- psql -XAtc 'SELECT pg_is_in_recovery()'";
            let asked = world.on(node(&old), script);
            match asked.stdout.trim() {
                "t" => Ok(()),
                _ => Err(asked.all()),
            }
        },
    );
    let quick = "mv /usr/sbin/nft.real /usr/sbin/nft";
    world.on(node(&old), quick).ok();
    for (_, node) in others {
        world.on(node, &format!("kill -CONT {PATRONI}")).ok();
    }
    world.sty(&["status", "--wait", "120"]).ok();
    assert_eq!(leader(world), Some(next));
}

pub(crate) fn leader(world: &World) -> Option<String> {
    let (_, status) = world.status();
    let mut clusters = status["clusters"].as_array().into_iter().flatten();
    let cluster = clusters.find(|cluster| cluster["name"] == "pg-test")?;
    cluster["leader"].as_str().map(str::to_owned)
}

pub(crate) fn node(member: &str) -> &'static str {
    let found = MEMBERS.iter().find(|(name, _)| *name == member);
    found.expect("a member").1
}
