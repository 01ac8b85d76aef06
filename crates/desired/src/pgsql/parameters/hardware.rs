//! Parameters sized after the machine: memory, processors and disk of each node.

use sty_inventory::model::{PgCluster, Profile};
use sty_wire::facts::Facts;

use super::{Parameters, max_connections};

/// A tiny instance often shares its machine: it is sized as if there were no more than this.
const TINY_MEMORY_MB: u64 = 4096;

/// What an instance can use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    /// Processors.
    pub(crate) cpus: u32,
    /// Memory in MiB, rounded down: a kernel that reserves some kilobytes more after an upgrade
    /// must not ask for a restart of the database.
    pub(crate) memory_mb: u64,
    /// Size of the data disk in GiB.
    pub(crate) disk_gb: u64,
}

impl Machine {
    /// The machine that these facts tell of.
    pub(crate) fn of(facts: &Facts) -> Self {
        let memory_mb = facts.memory_bytes >> 20;
        let step = if memory_mb >= 8192 { 1024 } else { 128 };
        Self {
            cpus: facts.cpus.max(1),
            memory_mb: (memory_mb / step * step).max(256),
            disk_gb: (facts.data_disk_bytes >> 30).max(1),
        }
    }
}

/// The sized parameters.
pub(super) fn parameters(cluster: &PgCluster, machine: Machine) -> Parameters {
    let mut sizes = memory(cluster, machine);
    sizes.extend(disk(cluster, machine));
    sizes.extend(parallelism(cluster.settings.profile, machine.cpus));
    sizes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

type Sizes = Vec<(&'static str, String)>;

fn memory(cluster: &PgCluster, machine: Machine) -> Sizes {
    let settings = &cluster.settings;
    let memory = match settings.profile {
        Profile::Tiny => machine.memory_mb.min(TINY_MEMORY_MB),
        _ => machine.memory_mb,
    };
    let buffers = share(memory, settings.shared_buffer_ratio).max(64);
    let rest = memory - buffers.min(memory);
    // What is left, halved for the rest of the machine, over the backends that sort at once.
    let each = rest / 2 / u64::from(max_connections(cluster)).max(1);
    let (work, maintenance) = match settings.profile {
        Profile::Oltp | Profile::Crit => (each.clamp(16, 64), (buffers / 8).clamp(64, 2048)),
        Profile::Olap => ((each * 4).clamp(64, 1024), (buffers / 4).clamp(128, 8192)),
        Profile::Tiny => (each.clamp(4, 16), (buffers / 8).clamp(32, 256)),
    };
    let wal_buffers = (buffers / 32).clamp(4, 64);
    vec![
        ("shared_buffers", megabytes(buffers)),
        ("effective_cache_size", megabytes(rest.max(128))),
        ("work_mem", megabytes(work)),
        ("maintenance_work_mem", megabytes(maintenance)),
        // Several workers at once: each has less than a single index build.
        ("autovacuum_work_mem", megabytes((maintenance / 2).max(32))),
        ("wal_buffers", megabytes(wal_buffers)),
    ]
}

fn disk(cluster: &PgCluster, machine: Machine) -> Sizes {
    let gb = machine.disk_gb;
    // Much log between checkpoints saves writes and costs recovery time.
    let largest = match cluster.settings.profile {
        Profile::Oltp => 64,
        Profile::Olap => 128,
        Profile::Crit => 32,
        Profile::Tiny => 4,
    };
    let max_wal = (gb * 1024 / 10).clamp(512, largest * 1024);
    let slots = (gb * 1024 / 4).clamp(1024, 1024 * 1024);
    vec![
        ("min_wal_size", megabytes((max_wal / 4).max(128))),
        ("max_wal_size", megabytes(max_wal)),
        // A replica that stays away does not fill the primary's disk.
        ("max_slot_wal_keep_size", megabytes(slots)),
    ]
}

/// `wal_keep_size`: a replica that was away for a moment finds its log even without a slot.
pub(super) fn wal_keep_size(machine: Machine) -> String {
    megabytes((machine.disk_gb * 1024 / 40).clamp(256, 16 * 1024))
}

fn parallelism(profile: Profile, cpus: u32) -> Sizes {
    let portion = |percent: u32, least: u32| (cpus * percent / 100).max(least);
    let (workers, per_gather, maintenance) = match profile {
        Profile::Oltp => (portion(75, 2), portion(25, 1).min(4), portion(33, 2).min(8)),
        Profile::Olap => (portion(100, 2), portion(50, 2), portion(50, 2).min(16)),
        // Predictable beats fast: one statement is one process.
        Profile::Crit => (portion(50, 2), 0, portion(33, 2).min(8)),
        Profile::Tiny => (portion(50, 1), portion(25, 0).min(2), portion(33, 1).min(2)),
    };
    vec![
        ("max_parallel_workers", workers.to_string()),
        ("max_parallel_workers_per_gather", per_gather.to_string()),
        ("max_parallel_maintenance_workers", maintenance.to_string()),
        ("io_workers", portion(25, 3).min(32).to_string()),
    ]
}

fn megabytes(value: u64) -> String {
    format!("{value}MB")
}

/// A share (0 to 1) of a whole number, rounded down to thousandths first.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=1000"
)]
pub(crate) fn share(whole: u64, ratio: f64) -> u64 {
    let thousandths = (ratio * 1000.0).round().clamp(0.0, 1000.0) as u64;
    whole / 1000 * thousandths + whole % 1000 * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use super::{Machine, parallelism, share};
    use sty_inventory::model::Profile;

    #[test]
    fn shares_are_exact() {
        assert_eq!(share(24 * 1024, 0.25), 6144);
        assert_eq!(share(1000, 0.0), 0);
        assert_eq!(share(10, 7.0), 10);
    }

    #[test]
    fn a_machine_of_any_size_gets_sane_numbers() {
        for cpus in [1, 2, 128] {
            for (name, value) in parallelism(Profile::Oltp, cpus) {
                assert!(value.parse::<u32>().unwrap() <= 128, "{name}");
            }
        }
    }

    #[test]
    fn memory_is_rounded_down() {
        let mut facts = crate::pgsql::tests_support::facts();
        facts.memory_bytes = (24 << 30) - 12345;
        assert_eq!(Machine::of(&facts).memory_mb, 23 * 1024);
    }
}
