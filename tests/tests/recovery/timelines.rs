//! Members that led, and the log that they have for themselves.

use std::time::Duration;

use sty_stories::{World, until};

use crate::cluster::{NODES, heals_within, primary, status};

/// Waits to be the primary, takes a row, and stops before anybody has heard of its timeline.
const BRIEFLY: &str = "\
cat > /tmp/briefly.sql <<'END'
do $$ begin
  for i in 1..4500 loop exit when not pg_is_in_recovery(); perform pg_sleep(0.01); end loop;
end $$;
insert into brief select current_setting('cluster_name') where not pg_is_in_recovery() returning 1;
\\! systemctl stop patroni --no-block
END
psql -U postgres -h /var/run/postgresql -d test -X -A -t -q -f /tmp/briefly.sql
systemctl stop patroni";

/// One after the other is stopped as soon as it leads. Whoever leads then would make the same
/// timeline again, without what was acknowledged on it: the last one that led is waited for.
pub(crate) fn who_led_last_is_waited_for(world: &World) {
    let (_, first) = primary(world);
    let others = NODES.into_iter().filter(|node| *node != first);
    let others: Vec<&str> = others.collect();
    world
        .superuser(first, "test", "create table brief (member text)")
        .ok();
    let acknowledged = std::thread::scope(|scope| {
        let takers: Vec<_> = others
            .iter()
            .map(|node| scope.spawn(|| world.on(node, BRIEFLY).ok().stdout.clone()))
            .collect();
        world.on(first, "systemctl stop patroni").ok();
        let rows = takers.into_iter().map(|taker| taker.join().expect("rows"));
        rows.map(|rows| rows.lines().filter(|line| *line == "1").count())
            .sum::<usize>()
    });
    assert!(acknowledged > 0, "nobody led");
    // The one that has least comes first.
    for node in std::iter::once(first).chain(others) {
        world.on(node, "systemctl start patroni").ok();
    }
    heals_within(world, 120);
    for node in NODES {
        let rows = world.superuser(node, "test", "select count(*) from brief");
        assert_eq!(rows.ok().text(), acknowledged.to_string(), "{node}");
    }
}

/// A former primary has log that the next one lacks, and not the log before it, where the two part.
pub(crate) fn who_cannot_be_rewound_is_copied_anew(world: &World) {
    const PATRONI: &str = "$(systemctl show --property=MainPID --value patroni)";
    let (name, node) = primary(world);
    world.on(node, &format!("kill -STOP {PATRONI}")).ok();
    until(
        "another primary",
        Duration::from_secs(90),
        || match status(world)["leader"].as_str() {
            Some(other) if other != name => Ok(()),
            other => Err(format!("{other:?} leads")),
        },
    );
    // Nobody hears it, and it goes on.
    let fill = "select pg_logical_emit_message(true, 'story', 'x'), pg_switch_wal()";
    for _ in 0..8 {
        world.superuser(node, "postgres", fill).ok();
    }
    world.superuser(node, "postgres", "checkpoint").ok();
    let back = format!("touch /pg/data/mark && kill -CONT {PATRONI}");
    world.on(node, &back).ok();
    heals_within(world, 120);
    let failed = "journalctl --unit=patroni --since=-5min | grep -q 'pg_rewind exit code=1'";
    world.on(node, failed).ok();
    let mark = world.on(node, "ls /pg/data/mark");
    assert_ne!(mark.code, 0, "it is the old data");
}
