//! What HAProxy's file says of servers and limits, as far as its socket can change it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Read from its file.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Addresses, by `section/server`. A server with a name for an address is left out.
    servers: BTreeMap<String, SocketAddr>,
    /// Connections at once, by section, where they have a limit of their own.
    limits: BTreeMap<String, String>,
}

impl Written {
    pub(super) fn parse(text: &str) -> Self {
        let mut written = Self::default();
        let mut section = "";
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["listen" | "frontend" | "backend", name, ..] if !line.starts_with(' ') => {
                    section = name;
                }
                ["server", name, address, ..] => {
                    if let Ok(address) = address.parse() {
                        written.servers.insert(format!("{section}/{name}"), address);
                    }
                }
                ["maxconn", limit] if !section.is_empty() => {
                    written
                        .limits
                        .insert(section.to_owned(), (*limit).to_owned());
                }
                _ => {}
            }
        }
        written
    }

    pub(super) fn address(&self, server: &str) -> Option<SocketAddr> {
        self.servers.get(server).copied()
    }

    pub(super) fn limit(&self, section: &str) -> Option<&str> {
        self.limits.get(section).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Written;

    #[test]
    fn servers_and_limits_are_those_of_their_section() {
        let written = Written::parse(
            "global\n    maxconn 5000\ndefaults\n    mode tcp\nlisten a\n    maxconn 100\n    \
             server one 10.0.0.1:5432 check\nlisten b\n    server one [fd00::1]:80\n    \
             server two name:80\n",
        );
        let address = |server| written.address(server).map(|found| found.to_string());
        assert_eq!(address("a/one").as_deref(), Some("10.0.0.1:5432"));
        assert_eq!(address("b/one").as_deref(), Some("[fd00::1]:80"));
        assert_eq!(address("b/two"), None);
        assert_eq!(
            (written.limit("a"), written.limit("b")),
            (Some("100"), None)
        );
    }
}
