//! Facts: what this machine is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::num::NonZero;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use sty_wire::facts::{Facts, Interface};
use thiserror::Error;

use crate::run::Run;

/// Why a fact could not be read.
#[derive(Debug, Error)]
pub enum FactsError {
    /// A file of the system could not be read.
    #[error("cannot read {path}")]
    Read {
        /// Path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file of the system says nothing of a fact.
    #[error("{path} does not tell {fact}")]
    Missing {
        /// Path.
        path: &'static str,
        /// Fact.
        fact: &'static str,
    },
    /// The kernel does not answer.
    #[error("cannot ask the kernel for {what}")]
    Kernel {
        /// What was asked for.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// Reads the facts of this machine.
pub fn gather() -> Result<Facts, FactsError> {
    let os = os_release()?;
    let field = |name: &'static str| {
        os.get(name).cloned().ok_or(FactsError::Missing {
            path: "/etc/os-release",
            fact: name,
        })
    };
    let (virtualization, container) = virtualization();
    Ok(Facts {
        hostname: read("/proc/sys/kernel/hostname")?.trim().to_owned(),
        os: field("ID")?,
        // Debian testing has no version.
        os_version: field("VERSION_ID").unwrap_or_default(),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: cpus()?,
        memory_bytes: memory_bytes()?,
        data_disk_bytes: data_disk_bytes()?,
        virtualization,
        container,
        network_admin: network_admin(&read("/proc/1/status")?),
        open_files_limit: open_files_limit()?,
        interfaces: interfaces()?,
    })
}

fn read(path: &str) -> Result<String, FactsError> {
    fs::read_to_string(path).map_err(|source| FactsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn os_release() -> Result<BTreeMap<String, String>, FactsError> {
    Ok(parse_os_release(&read("/etc/os-release")?))
}

fn parse_os_release(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        .collect()
}

/// Processors by affinity and control group quota.
fn cpus() -> Result<u32, FactsError> {
    let cpus = thread::available_parallelism().map_err(|source| FactsError::Kernel {
        what: "the number of processors",
        source,
    })?;
    Ok(u32::try_from(cpus.get()).unwrap_or(NonZero::<u32>::MAX.get()))
}

/// Memory of the machine, or what its control group may use when that is less.
fn memory_bytes() -> Result<u64, FactsError> {
    let total = meminfo_total(&read("/proc/meminfo")?).ok_or(FactsError::Missing {
        path: "/proc/meminfo",
        fact: "MemTotal",
    })?;
    // In a container its own limit is at the root of what it sees of the hierarchy; on a whole
    // machine the root has no such file. `max` is no number: no limit.
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse().ok());
    Ok(limit.map_or(total, |limit: u64| limit.min(total)))
}

fn meminfo_total(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Size of the file system of /data, or of / as long as there is no /data.
fn data_disk_bytes() -> Result<u64, FactsError> {
    let path = if Path::new("/data").is_dir() {
        "/data"
    } else {
        "/"
    };
    let stat = rustix::fs::statvfs(path).map_err(|error| FactsError::Kernel {
        what: "the size of the data disk",
        source: error.into(),
    })?;
    Ok(stat.f_blocks * stat.f_frsize)
}

/// What kind of container this machine is, when it is one: its kernel is not its own.
pub(crate) fn container() -> Option<&'static str> {
    static KIND: OnceLock<Option<String>> = OnceLock::new();
    let kind = KIND.get_or_init(|| match virtualization() {
        (kind, true) => Some(kind),
        (_, false) => None,
    });
    kind.as_deref()
}

/// Virtualisation, and whether it is a container.
fn virtualization() -> (String, bool) {
    if let Ok(kind) = fs::read_to_string("/run/systemd/container") {
        return (kind.trim().to_owned(), true);
    }
    let detect = |option: &str| {
        let run = Run::new("systemd-detect-virt")
            .arg(option)
            .any_exit()
            .ok()?;
        Some(run.stdout.trim().to_owned()).filter(|kind| !kind.is_empty() && kind != "none")
    };
    match detect("--container") {
        Some(kind) => (kind, true),
        None => (detect("--vm").unwrap_or_else(|| "none".to_owned()), false),
    }
}

/// What init may hand to services.
fn open_files_limit() -> Result<u64, FactsError> {
    const PATH: &str = "/proc/1/limits";
    parse_open_files_limit(&read(PATH)?).ok_or(FactsError::Missing {
        path: PATH,
        fact: "the limit of open files",
    })
}

/// Whether a process may ever have `CAP_NET_ADMIN`, by `/proc/1/status`.
fn network_admin(status: &str) -> bool {
    const CAP_NET_ADMIN: u64 = 1 << 12;
    let mut lines = status.lines();
    let bounding = lines.find_map(|line| line.strip_prefix("CapBnd:"));
    let bounding = bounding.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    bounding.is_some_and(|set| set & CAP_NET_ADMIN != 0)
}

fn parse_open_files_limit(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Every interface, those without an address too: a virtual one may be meant for them.
fn interfaces() -> Result<Vec<Interface>, FactsError> {
    let unreadable = |source| FactsError::Kernel {
        what: "the network interfaces",
        source,
    };
    let mut interfaces: BTreeMap<String, Vec<(IpAddr, u8)>> = BTreeMap::new();
    for entry in fs::read_dir("/sys/class/net").map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Beside the interfaces, which are links, there may be a file of the bonding driver.
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            interfaces.entry(name).or_default();
        }
    }
    for address in if_addrs::get_if_addrs().map_err(unreadable)? {
        let prefix = match &address.addr {
            if_addrs::IfAddr::V4(v4) => v4.prefixlen,
            if_addrs::IfAddr::V6(v6) => v6.prefixlen,
        };
        let ip = address.ip();
        interfaces
            .entry(address.name)
            .or_default()
            .push((ip, prefix));
    }
    let interface = |(name, addresses)| Interface { name, addresses };
    Ok(interfaces.into_iter().map(interface).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_lose_their_quotes() {
        let os = parse_os_release("ID=debian\nVERSION_ID=\"13\"\n# note\n");
        assert_eq!(os["ID"], "debian");
        assert_eq!(os["VERSION_ID"], "13");
    }

    #[test]
    fn memory_and_limits_are_read() {
        assert_eq!(meminfo_total("MemTotal:  16 kB\n"), Some(16_384));
        let limits = "Limit  Soft  Hard  Units\nMax open files  1024  20000  files\n";
        assert_eq!(parse_open_files_limit(limits), Some(20_000));
    }

    #[test]
    fn a_withheld_capability_is_known() {
        let status = |set: &str| format!("CapEff:\t0000000000001000\nCapBnd:\t{set}\n");
        assert!(network_admin(&status("00000000fdecbfff")));
        assert!(!network_admin(&status("00000000fdecafff")));
        assert!(!network_admin(""));
    }

    #[test]
    fn this_machine_has_facts() {
        let facts = gather().unwrap();
        assert!(facts.cpus > 0 && facts.memory_bytes > 0 && facts.data_disk_bytes > 0);
        assert!(
            facts
                .interfaces
                .iter()
                .any(|interface| interface.name == "lo")
        );
    }
}
