//! What Patroni's file on the node says: the file that `sty` itself writes, read line by line.

use std::collections::BTreeSet;
use std::fs;

use sty_wire::resource::PatroniMember;

/// The file's text; `None` when there is none.
pub(super) fn read(member: &PatroniMember) -> Option<String> {
    let mut paths = member.reload_on.iter();
    let path = paths.find(|path| path.ends_with("/patroni.yml"))?;
    fs::read_to_string(path).ok()
}

/// A scalar at the top level.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(value.trim().trim_matches('"'))
}

/// Addresses of the etcd members that it names.
pub(super) fn dcs(text: &str) -> BTreeSet<String> {
    let section = text.lines().skip_while(|line| *line != "etcd3:").skip(1);
    let hosts = section
        .take_while(|line| line.starts_with(' '))
        .skip_while(|line| *line != "  hosts:")
        .skip(1)
        .map_while(|line| line.strip_prefix("    - "));
    hosts.filter_map(address).collect()
}

/// `"10.10.10.11:2379"`, `"[fd00::1]:2379"` without quotes, port and brackets.
fn address(item: &str) -> Option<String> {
    let (host, _port) = item.trim().trim_matches('"').rsplit_once(':')?;
    Some(host.trim_matches(['[', ']']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{dcs, field};

    const TEXT: &str = "# Managed\nscope: pg-test\nnamespace: /pg/\nname: \"pg-test-1\"\nx:\n  \
        name: no\netcd3:\n  hosts:\n    - \"10.10.10.11:2379\"\n    - \"[fd00::1]:2379\"\n  \
        protocol: https\nlast:\n    - \"10.10.10.12:1\"\n";

    #[test]
    fn top_level_scalars_are_read() {
        assert_eq!(field(TEXT, "scope"), Some("pg-test"));
        assert_eq!(field(TEXT, "name"), Some("pg-test-1"));
        assert_eq!(field(TEXT, "nam"), None);
    }

    #[test]
    fn etcd_members_are_read() {
        let found: Vec<String> = dcs(TEXT).into_iter().collect();
        assert_eq!(found, ["10.10.10.11", "fd00::1"]);
        assert!(dcs("scope: pg-test\n").is_empty());
    }
}
