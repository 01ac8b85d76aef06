//! A member of a PostgreSQL cluster that the node has without being asked for one: its host has
//! left the group, or the group the inventory.

use std::fs;

use sty_wire::observation::PatroniStray;

use super::{data, file};

const FILE: &str = "/etc/patroni/patroni.yml";

/// The member whose file and data are here; `None` when there is none.
pub(crate) fn stray() -> Option<PatroniStray> {
    let (stray, data) = described(&fs::read_to_string(FILE).ok()?)?;
    data::is_there(&data).then_some(stray)
}

/// The member of a file, and its data directory.
fn described(text: &str) -> Option<(PatroniStray, String)> {
    let stray = PatroniStray {
        cluster: file::field(text, "scope")?.to_owned(),
        name: file::field(text, "name")?.to_owned(),
    };
    Some((stray, file::data(text)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn a_member_is_known_by_its_file() {
        let text = "# Managed\nscope: pg-test\nname: \"pg-test-1\"\npostgresql:\n  \
            listen: '*:5432'\n  data_dir: /pg/data\n";
        let (stray, data) = described(text).unwrap();
        assert_eq!(stray.cluster, "pg-test");
        assert_eq!(stray.name, "pg-test-1");
        assert_eq!(data, "/pg/data");
        assert_eq!(described("scope: pg-test\n"), None);
    }
}
