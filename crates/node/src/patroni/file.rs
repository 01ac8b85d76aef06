//! What Patroni's file on the node says: the file that `sty` itself writes, read line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sty_wire::resource::PatroniMember;

/// The file's text; `None` when there is none.
pub(super) fn read(member: &PatroniMember) -> Option<String> {
    let mut paths = member.reload_on.iter();
    let path = paths.find(|path| path.ends_with("/patroni.yml"))?;
    fs::read_to_string(path).ok()
}

/// Where the certificate of the member's server is.
pub(super) fn certificate(member: &PatroniMember) -> Option<&str> {
    let mut paths = member.reload_on.iter();
    let path = paths.find(|path| path.ends_with("/server.crt"))?;
    Some(path)
}

/// The account that runs Patroni and its server, as the unit's file says.
pub(super) fn account(member: &PatroniMember) -> Option<String> {
    let name = format!("/{}", member.unit);
    let mut paths = member.restart_on.iter();
    let text = fs::read_to_string(paths.find(|path| path.ends_with(&name))?).ok()?;
    let user = text.lines().find_map(|line| line.strip_prefix("User="))?;
    Some(user.trim().to_owned())
}

/// A scalar at the top level.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(value.trim().trim_matches('"'))
}

/// The data directory.
pub(super) fn data(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(str::trim_start);
    lines.find_map(|line| field(line, "data_dir"))
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

/// Settings of PostgreSQL that it gives this member.
pub(super) fn parameters(text: &str) -> BTreeMap<String, String> {
    let section = text
        .lines()
        .skip_while(|line| *line != "postgresql:")
        .skip(1);
    let lines = section
        .take_while(|line| line.starts_with(' '))
        .skip_while(|line| *line != "  parameters:")
        .skip(1)
        .map_while(|line| line.strip_prefix("    "));
    let setting = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim().trim_matches('"');
        Some((name.trim_matches('"').to_owned(), value.to_owned()))
    };
    lines.filter_map(setting).collect()
}

/// `"10.10.10.11:2379"`, `"[fd00::1]:2379"` without quotes, port and brackets.
fn address(item: &str) -> Option<String> {
    let (host, _port) = item.trim().trim_matches('"').rsplit_once(':')?;
    Some(host.trim_matches(['[', ']']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{dcs, field, parameters};

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
    fn settings_of_the_member_are_read_and_not_those_of_its_bootstrap() {
        let text = "bootstrap:\n  dcs:\n    postgresql:\n      parameters:\n        jit: \"off\"\n\
                    postgresql:\n  listen: \"x\"\n  parameters:\n    shared_buffers: \"4096MB\"\n    \
                    hba_file: /pg/conf/pg_hba.conf\ntags:\n    a: b\n";
        let found: Vec<(String, String)> = parameters(text).into_iter().collect();
        let expected = [
            ("hba_file", "/pg/conf/pg_hba.conf"),
            ("shared_buffers", "4096MB"),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn etcd_members_are_read() {
        let found: Vec<String> = dcs(TEXT).into_iter().collect();
        assert_eq!(found, ["10.10.10.11", "fd00::1"]);
        assert!(dcs("scope: pg-test\n").is_empty());
    }
}
