//! Removals that were begun and have not ended. A member that has left its cluster is in no list
//! any more, and what it had may still lie on its node: so it is written down until all is gone.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest, Sha256};
use sty_inventory::model::Inventory;
use sty_plan::Unwanted;

use crate::context::InventoryFile;

/// What was begun for one inventory, kept in the state directory of this controller.
#[derive(Debug)]
pub(crate) struct Leftovers {
    path: PathBuf,
    members: Vec<Unwanted>,
}

impl Leftovers {
    /// Reads what is written down for an inventory.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub(crate) fn read(file: &InventoryFile) -> anyhow::Result<Self> {
        let digest = Sha256::digest(file.path.as_os_str().as_encoded_bytes());
        let name = format!("{digest:x}");
        let directory = sty_engine::state_directory()?.join("removals");
        let path = directory.join(format!("{}.json", &name[..20]));
        let members = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("cannot understand {}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self { path, members })
    }

    /// Adds to `unwanted` who was being removed, is in no list and in no inventory. `holds_else`
    /// tells of an address whether its node holds something else than what is wanted there.
    pub(crate) fn add_to(
        &self,
        unwanted: &mut Vec<Unwanted>,
        inventory: &Inventory,
        holds_else: &dyn Fn(&str) -> bool,
    ) {
        for member in &self.members {
            let listed = unwanted.iter().any(|one| one.member == member.member);
            if !listed && !is_taken(inventory, member, holds_else) {
                unwanted.push(member.clone());
            }
        }
    }

    /// Writes down that the removal of these begins.
    ///
    /// # Errors
    /// When it cannot be written; nothing must be removed then.
    pub(crate) fn begin<'a>(
        &mut self,
        members: impl Iterator<Item = &'a Unwanted>,
    ) -> anyhow::Result<()> {
        for member in members {
            self.members.retain(|one| one.member != member.member);
            self.members.push(Unwanted {
                left: true,
                ..member.clone()
            });
        }
        self.write()
    }

    /// Forgets those of whom nothing is left.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn end(&mut self, names: &BTreeSet<String>) -> anyhow::Result<()> {
        let before = self.members.len();
        self.members.retain(|one| !names.contains(&one.member));
        match self.members.len() == before {
            true => Ok(()),
            false => self.write(),
        }
    }

    fn write(&self) -> anyhow::Result<()> {
        let save = || -> io::Result<()> {
            let directory = self.path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(directory)?;
            let mut draft = tempfile::NamedTempFile::new_in(directory)?;
            draft.write_all(&serde_json::to_vec(&self.members)?)?;
            draft.as_file().sync_data()?;
            draft.persist(&self.path)?;
            Ok(())
        };
        save().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Whether the member is wanted again, or another one of its kind where it was: what is there now is
/// not what was left.
fn is_taken(inventory: &Inventory, member: &Unwanted, holds_else: &dyn Fn(&str) -> bool) -> bool {
    let is_there = |address: IpAddr| address.to_string() == member.address;
    if let Some(etcd) = &inventory.etcd
        && etcd.name == member.cluster
    {
        let mut members = etcd.members.iter();
        return members.any(|one| one.name == member.member || is_there(one.address));
    }
    let clusters = inventory.clusters.values();
    let mut instances = clusters.flat_map(|cluster| &cluster.instances);
    // A node that was given to another cluster is not that cluster's before it has been cleared.
    instances.any(|one| {
        one.name == member.member || is_there(one.address) && !holds_else(&member.address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVENTORY: &str = "
all:
  vars:
    admin_ip: 10.10.10.10
    etcd_root_password: a-secret-of-etcd
    haproxy_admin_password: a-secret-of-haproxy
    patroni_password: a-secret-of-patroni
    pg_admin_password: a-secret-of-an-administrator
    pg_monitor_password: a-secret-of-monitoring
    pg_replication_password: a-secret-of-replication
  children:
    etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } }, vars: { etcd_cluster: etcd } }
    pg-a:
      hosts: { 10.10.10.11: { pg_seq: 1, pg_role: primary } }
      vars: { pg_cluster: pg-a }
";

    fn member(cluster: &str, member: &str, address: &str) -> Unwanted {
        Unwanted {
            cluster: cluster.to_owned(),
            member: member.to_owned(),
            address: address.to_owned(),
            leads: false,
            left: false,
        }
    }

    #[test]
    fn what_was_begun_is_told_until_it_has_ended_or_is_wanted_again() {
        let home = tempfile::tempdir().unwrap();
        let loaded = sty_inventory::load("fleet.yml", INVENTORY, &|_| Err(String::new()));
        let inventory = loaded
            .inventory
            .unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        let mut leftovers = Leftovers {
            path: home.path().join("removals/fleet.json"),
            members: Vec::new(),
        };
        let begun = [
            member("pg-a", "pg-a-2", "10.10.10.12"),
            member("etcd", "etcd-2", "10.10.10.11"),
            member("pg-a", "pg-a-1", "10.10.10.19"),
            member("pg-a", "pg-a-9", "10.10.10.11"),
        ];
        leftovers.begin(begun.iter()).unwrap();
        let written = fs::read(&leftovers.path).unwrap();
        let members: Vec<Unwanted> = serde_json::from_slice(&written).unwrap();
        assert!(members.len() == 4 && members.iter().all(|one| one.left));
        let told = |leftovers: &Leftovers| {
            let mut unwanted = vec![member("etcd", "etcd-2", "10.10.10.11")];
            leftovers.add_to(&mut unwanted, &inventory, &|_| false);
            let names = unwanted.into_iter().map(|one| one.member);
            names.collect::<Vec<_>>()
        };
        assert_eq!(told(&leftovers), ["etcd-2", "pg-a-2"]);
        let mut unwanted = Vec::new();
        let holds_else = |address: &str| address == "10.10.10.11";
        leftovers.add_to(&mut unwanted, &inventory, &holds_else);
        let names = unwanted.iter().map(|one| one.member.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["pg-a-2", "etcd-2", "pg-a-9"]);
        leftovers.end(&["pg-a-2".to_owned()].into()).unwrap();
        assert_eq!(told(&leftovers), ["etcd-2"]);
    }
}
