//! Keys and settings with which ssh reaches the nodes, host keys known beforehand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::dirs::Place;
use crate::host::run;
use crate::state::{State, write};
use crate::{Address, Error, NodeName, Result};

/// User of the nodes who may use `sudo` without a password.
pub const USER: &str = "sty";

/// How ssh reaches a node, from within the sandbox's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// Address of the node.
    pub address: Address,
    /// Port of its sshd.
    pub port: u16,
    /// User who may use `sudo` without a password.
    pub user: &'static str,
    /// Private key of that user.
    pub key: PathBuf,
    /// Host keys of all nodes of the sandbox.
    pub known_hosts: PathBuf,
    /// Settings for `ssh -F`: nodes by name or address, strict host key checking.
    pub config: PathBuf,
}

impl SshTarget {
    pub(crate) fn new(place: &Place, address: Address) -> Self {
        Self {
            address,
            port: 22,
            user: USER,
            key: place.key(),
            known_hosts: place.known_hosts(),
            config: place.ssh_config(),
        }
    }
}

/// Makes an Ed25519 key pair without a passphrase, unless it is there.
pub(crate) fn ensure_key(path: &Path, comment: &str) -> Result<()> {
    if public(path).exists() {
        return Ok(());
    }
    if path.exists() {
        // A run was interrupted between the two files.
        fs::remove_file(path).map_err(Error::io("remove", path))?;
    }
    let file = path.to_string_lossy();
    run(
        "make an ssh key",
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", &file],
    )
    .map(drop)
}

/// The file of the public half.
pub(crate) fn public(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

/// Writes `known_hosts` and `ssh_config` for all nodes.
pub(crate) fn write_settings(place: &Place, state: &State) -> Result<()> {
    let mut known = String::new();
    for (name, node) in &state.nodes {
        let file = public(&place.node(name).host_key());
        let key = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        known.push_str(&known_host(name, node.address, &key));
    }
    write(&place.known_hosts(), known.as_bytes())?;
    write(&place.ssh_config(), config(place, state).as_bytes())?;
    let key = place.key();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).map_err(Error::io("protect", &key))
}

fn known_host(name: &NodeName, address: Address, public_key: &str) -> String {
    let mut words = public_key.split_whitespace();
    let (kind, key) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    format!("{name},{} {kind} {key}\n", address.ip)
}

fn config(place: &Place, state: &State) -> String {
    let mut text = format!(
        "# ssh settings of sandbox `{}`; usable within its network only.\n",
        state.name
    );
    for (name, node) in &state.nodes {
        let ip = node.address.ip;
        let names = if name.as_str() == ip.to_string() {
            name.to_string()
        } else {
            format!("{name} {ip}")
        };
        text.push_str(&format!("\nHost {names}\n  HostName {ip}\n"));
    }
    // Nothing leaves this machine, so the key exchange need not outlast quantum computers; the
    // hybrid ones cost older versions of ssh over 100 ms of processor time a connection.
    text.push_str(&format!(
        "\nHost *\n  User {USER}\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  \
         GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  BatchMode yes\n  \
         ConnectTimeout 10\n  KexAlgorithms curve25519-sha256\n",
        place.key().display(),
        place.known_hosts().display(),
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_name_and_address_without_the_comment() {
        let address = Address {
            ip: [10, 10, 10, 11].into(),
            prefix: 24,
        };
        let name = NodeName::new("pg-test-1").unwrap();
        let line = known_host(&name, address, "ssh-ed25519 AAAAC3 somebody@somewhere\n");
        assert_eq!(line, "pg-test-1,10.10.10.11 ssh-ed25519 AAAAC3\n");
    }
}
