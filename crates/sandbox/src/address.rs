//! Addresses of nodes and of the controller's side of the bridge. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{Error, NodeName, Result};

/// An IPv4 address with the length of its subnet's prefix, as in `10.10.10.11/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub ip: Ipv4Addr,
    /// Length of the prefix in bits, 8 to 30.
    pub prefix: u8,
}

impl Address {
    /// First address of the subnet, which names the subnet itself.
    fn network(self) -> u32 {
        u32::from(self.ip) & self.mask()
    }

    /// Last address of the subnet, the broadcast address.
    fn broadcast(self) -> u32 {
        self.network() | !self.mask()
    }

    fn mask(self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.prefix))
            .unwrap_or(0)
    }

    /// A hardware address that follows from the IP address: a node that comes back after a
    /// power cut has the same one, as a real machine has.
    pub(crate) fn hardware(self) -> String {
        let [a, b, c, d] = self.ip.octets();
        format!("02:73:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

/// The controller's address: the first of the subnet that no node has.
///
/// # Errors
/// When there are no nodes, they are not in one subnet, two share an address, an address
/// is no host address of its subnet, or the subnet is full.
pub(crate) fn controller(nodes: &BTreeMap<NodeName, Address>) -> Result<Address> {
    let Some((first_name, first)) = nodes.iter().next() else {
        return Err(Error::BadAddress(
            "a sandbox needs at least one node".to_owned(),
        ));
    };
    let mut taken: BTreeMap<Ipv4Addr, &NodeName> = BTreeMap::new();
    for (name, address) in nodes {
        check(name, *address)?;
        if address.prefix != first.prefix || address.network() != first.network() {
            return Err(Error::BadAddress(format!(
                "nodes `{first_name}` ({first}) and `{name}` ({address}) are not in one subnet\n\
                 hint: give all nodes of a sandbox the same, wide enough prefix"
            )));
        }
        if let Some(other) = taken.insert(address.ip, name) {
            return Err(Error::BadAddress(format!(
                "nodes `{other}` and `{name}` have the same address {}",
                address.ip
            )));
        }
    }
    (first.network() + 1..first.broadcast())
        .map(Ipv4Addr::from)
        .find(|ip| !taken.contains_key(ip))
        .map(|ip| Address {
            ip,
            prefix: first.prefix,
        })
        .ok_or_else(|| {
            Error::BadAddress(format!(
                "no address of the subnet of {first} is left for the controller"
            ))
        })
}

fn check(name: &NodeName, address: Address) -> Result<()> {
    let wrong = |why: &str| Err(Error::BadAddress(format!("node `{name}`: {address} {why}")));
    if !(8..=30).contains(&address.prefix) {
        return wrong("needs a prefix of 8 to 30 bits");
    }
    let ip = u32::from(address.ip);
    if ip == address.network() || ip == address.broadcast() {
        return wrong("is the subnet's own or its broadcast address");
    }
    if address.ip.is_loopback() || address.ip.is_multicast() || address.ip.is_unspecified() {
        return wrong("is not an address that a node can have");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nodes(addresses: &[&str], prefix: u8) -> BTreeMap<NodeName, Address> {
        let node = |(i, ip): (usize, &&str)| {
            let name = NodeName::new(&format!("n{i}")).unwrap();
            (
                name,
                Address {
                    ip: ip.parse().unwrap(),
                    prefix,
                },
            )
        };
        addresses.iter().enumerate().map(node).collect()
    }

    #[test]
    fn the_controller_takes_the_first_free_address() {
        let chosen = |ips: &[&str], prefix| controller(&nodes(ips, prefix)).unwrap().to_string();
        assert_eq!(chosen(&["10.10.10.11"], 24), "10.10.10.1/24");
        assert_eq!(chosen(&["10.10.10.1", "10.10.10.2"], 24), "10.10.10.3/24");
        assert_eq!(chosen(&["10.10.10.10"], 8), "10.0.0.1/8");
    }

    #[test]
    fn addresses_that_do_not_fit_together_are_refused() {
        let refused =
            |ips: &[&str], prefix| controller(&nodes(ips, prefix)).unwrap_err().to_string();
        assert!(refused(&[], 24).contains("at least one node"));
        assert!(refused(&["10.1.1.1", "10.1.2.1"], 24).contains("not in one subnet"));
        assert!(refused(&["10.1.1.5", "10.1.1.5"], 24).contains("same address"));
        assert!(refused(&["10.1.1.255"], 24).contains("broadcast"));
        assert!(refused(&["10.1.1.1"], 31).contains("8 to 30 bits"));
        assert!(refused(&["10.1.1.1", "10.1.1.2"], 30).contains("left for the controller"));
        assert!(refused(&["127.0.0.5"], 24).contains("can have"));
    }

    proptest! {
        #[test]
        fn the_controller_shares_the_subnet_and_no_address(ips in proptest::collection::btree_set(1u8..=254, 1..254)) {
            let ips: Vec<String> = ips.iter().map(|last| format!("10.10.10.{last}")).collect();
            let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
            let nodes = nodes(&ips, 24);
            if let Ok(chosen) = controller(&nodes) {
                prop_assert!(nodes.values().all(|node| node.ip != chosen.ip));
                prop_assert!(nodes.values().all(|node| node.network() == chosen.network()));
            } else {
                prop_assert_eq!(nodes.len(), 254);
            }
        }
    }
}
