//! The four kernel tuning profiles.

use std::collections::BTreeMap;

use sty_inventory::model::Profile;

const GIB: u64 = 1 << 30;

/// What every node of this kind wants, whatever its load.
const COMMON: &[(&str, &str)] = &[
    // Databases open many files, and Patroni's, HAProxy's and PgBouncer's sockets are files too.
    ("fs.file-max", "6553600"),
    ("fs.aio-max-nr", "1048576"),
    // A listener's queue holds the storm of new connections after a failover.
    ("net.core.somaxconn", "65535"),
    ("net.core.netdev_max_backlog", "16384"),
    ("net.ipv4.tcp_max_syn_backlog", "65535"),
    // HAProxy and PgBouncer make many short connections to the same few addresses; the range
    // begins above every port that the services listen on.
    ("net.ipv4.ip_local_port_range", "32768 65535"),
    ("net.ipv4.tcp_tw_reuse", "1"),
    ("net.ipv4.tcp_fin_timeout", "15"),
    // A peer that lost its power is noticed within two minutes, not two hours.
    ("net.ipv4.tcp_keepalive_time", "60"),
    ("net.ipv4.tcp_keepalive_intvl", "10"),
    ("net.ipv4.tcp_keepalive_probes", "6"),
    // Unanswered data gives up after 13 s (0.2 s, doubled five times) instead of 15 minutes. An old
    // process of HAProxy, which checks nobody any more, has nothing else to go by.
    ("net.ipv4.tcp_retries2", "5"),
    // HAProxy may bind a virtual IP that another node holds at the moment.
    ("net.ipv4.ip_nonlocal_bind", "1"),
    // Latency before idle power: a writer is not put aside for a background job's sake.
    ("kernel.sched_autogroup_enabled", "0"),
    // Shared memory is not swapped out under the database.
    ("vm.zone_reclaim_mode", "0"),
];

/// Kernel settings of a profile on a machine with so much memory.
pub(super) fn values(profile: Profile, memory_bytes: u64) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, String> = COMMON
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut set = |name: &str, value: String| values.insert(name.to_owned(), value);
    set("vm.swappiness", swappiness(profile).to_string());
    set("vm.max_map_count", "1048576".to_owned());
    set(
        "vm.min_free_kbytes",
        min_free_kbytes(memory_bytes).to_string(),
    );
    let (background, limit) = dirty_bytes(profile, memory_bytes);
    // Bytes, not percent: one percent of 512 GiB is more than a disk takes in a second.
    set("vm.dirty_background_bytes", background.to_string());
    set("vm.dirty_bytes", limit.to_string());
    values
}

/// Swap is a last resort for a database; a tiny machine may need it to live.
fn swappiness(profile: Profile) -> u32 {
    match profile {
        Profile::Oltp | Profile::Crit => 1,
        Profile::Olap => 5,
        Profile::Tiny => 10,
    }
}

/// Room for network bursts: half a percent of memory, 64 MiB to 1 GiB.
fn min_free_kbytes(memory_bytes: u64) -> u64 {
    (memory_bytes / 200 / 1024).clamp(65_536.min(memory_bytes / 20 / 1024), 1_048_576)
}

/// When the kernel begins to write back, and when writers must wait.
fn dirty_bytes(profile: Profile, memory_bytes: u64) -> (u64, u64) {
    const MIB: u64 = 1 << 20;
    let (background, limit) = match profile {
        // Small and steady: no stall at a checkpoint's end.
        Profile::Oltp => (256 * MIB, 2 * GIB),
        // Throughput: sorts and loads may pile up.
        Profile::Olap => (GIB, 8 * GIB),
        // Smaller still: little is at stake at any moment.
        Profile::Crit => (64 * MIB, GIB),
        Profile::Tiny => (32 * MIB, 256 * MIB),
    };
    (
        background.min(memory_bytes / 20).max(MIB),
        limit.min(memory_bytes / 5).max(2 * MIB),
    )
}

#[cfg(test)]
mod tests {
    use super::{GIB, dirty_bytes, min_free_kbytes};
    use sty_inventory::model::Profile;

    #[test]
    fn small_machines_keep_most_of_their_memory() {
        assert_eq!(min_free_kbytes(GIB / 2), 26_214);
        assert_eq!(min_free_kbytes(512 * GIB), 1_048_576);
        let (background, limit) = dirty_bytes(Profile::Olap, GIB);
        assert!(background < limit && limit <= GIB / 5);
    }
}
