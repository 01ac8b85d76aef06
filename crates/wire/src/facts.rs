//! What a node is: read once at the start of every session.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Facts of one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Host name the node answers to now.
    pub hostname: String,
    /// `ID` of /etc/os-release, `debian`.
    pub os: String,
    /// `VERSION_ID` of /etc/os-release, `13`.
    pub os_version: String,
    /// `x86_64` or `aarch64`.
    pub arch: String,
    /// Processors that the node may use.
    pub cpus: u32,
    /// Memory that the node may use, bytes.
    pub memory_bytes: u64,
    /// Size of the file system that holds the data directory, bytes.
    pub data_disk_bytes: u64,
    /// Virtualisation as systemd sees it, `none` on bare metal.
    pub virtualization: String,
    /// True in a container, where the kernel is not the node's own.
    pub container: bool,
    /// Services may change the packet filter: `CAP_NET_ADMIN` is not withheld from this machine.
    #[serde(default)]
    pub network_admin: bool,
    /// Hard limit of open files for services.
    pub open_files_limit: u64,
    /// Network interfaces with their addresses.
    pub interfaces: Vec<Interface>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Name, `eth0`.
    pub name: String,
    /// Addresses with prefix length.
    pub addresses: Vec<(IpAddr, u8)>,
}
