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

/// Members that claimed a number and were not promoted leave a gap. Patroni takes the last line of
/// its history for the timeline before, and by that tells who is behind.
pub(crate) fn a_gap_hides_nobody(world: &World) {
    const CLAIM: &str = "\
python3 - <<'END'
import sys
sys.path.insert(0, '/etc/patroni')
from patroni.config import Config
from patroni.dcs import get_dcs
import timelines
dcs = get_dcs(Config('/etc/patroni/patroni.yml'))
number, unchanged = timelines.noted(dcs)
dcs._client.put(dcs.client_path(timelines.KEY), str(number + 2), **unchanged)
print(number)
END";
    let (_, node) = primary(world);
    let before: u64 = world.on(node, CLAIM).ok().text().parse().expect("a number");
    world.sty(&["cluster", "switchover", "pg-test"]).ok();
    heals_within(world, 60);
    let (leader, node) = primary(world);
    let next = before + 3;
    let members = status(world)["members"].clone();
    let members = members.as_array().expect("members");
    assert!(
        members.iter().all(|one| one["timeline"] == next),
        "{members:#?}"
    );
    until("the history to be written", Duration::from_secs(30), || {
        let told = world.sty(&["cluster", "history", "pg-test", "--output", "json"]);
        let lines: serde_json::Value = serde_json::from_str(&told.ok().stdout).expect("JSON");
        let last = lines.as_array().and_then(|lines| lines.last()).cloned();
        let last = last.unwrap_or_default();
        let told = (
            &last["timeline"],
            &last["next_timeline"],
            &last["new_leader"],
        );
        match told == (&before.into(), &next.into(), &leader.clone().into()) {
            true => Ok(()),
            false => Err(lines.to_string()),
        }
    });
    const KNOWN: &str = "\
python3 - <<'END'
from patroni.config import Config
from patroni.dcs import get_dcs
print(get_dcs(Config('/etc/patroni/patroni.yml')).get_cluster().timeline)
END";
    assert_eq!(world.on(node, KNOWN).ok().text(), next.to_string());
}
