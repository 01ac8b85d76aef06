//! Networks in access rules.

use std::net::IpAddr;

/// An address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) address: IpAddr,
    pub(super) bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, or an address alone.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let one = Self::single(address.parse().ok()?);
        match bits {
            None => Some(one),
            Some(bits) => {
                let bits = bits.parse().ok().filter(|bits| *bits <= one.bits)?;
                Some(Self { bits, ..one })
            }
        }
    }

    /// The network of one address.
    pub(super) fn single(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    /// The first address, of which no bit is set that does not count.
    pub(super) fn first(self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits));
                IpAddr::V4((u32::from(address) & mask.unwrap_or_default()).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits));
                IpAddr::V6((u128::from(address) & mask.unwrap_or_default()).into())
            }
        }
    }

    /// Whether every address of `other` is in this network.
    pub(super) fn covers(self, other: Self) -> bool {
        let same_family = self.address.is_ipv4() == other.address.is_ipv4();
        let widened = Self {
            bits: self.bits,
            ..other
        };
        same_family && self.bits <= other.bits && self.first() == widened.first()
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    fn read(text: &str) -> Network {
        Network::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn networks() {
        for (text, first) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/8", "10.0.0.0"),
            ("10.1.2.3/0", "0.0.0.0"),
            ("fd00::1/64", "fd00::"),
            ("::1/0", "::"),
        ] {
            assert_eq!(read(text).first().to_string(), first);
        }
        for bad in ["10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "x/8"] {
            assert_eq!(Network::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn networks_in_networks() {
        for (outer, inner) in [
            ("10.0.0.0/8", "10.1.0.0/16"),
            ("10.9.9.9/8", "10.1.0.0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "fd00::1"),
        ] {
            assert!(read(outer).covers(read(inner)), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("10.1.0.0/16", "10.0.0.0/8"),
            ("10.1.0.0/16", "10.2.0.0/16"),
            ("0.0.0.0/0", "::/0"),
        ] {
            assert!(!read(outer).covers(read(inner)), "{outer} {inner}");
        }
    }
}
