//! The member of etcd that a node has, also without being asked for one: its host has left the
//! group.

use std::fs;
use std::path::Path;

use sty_wire::observation::EtcdStray;

const ENVIRONMENT: &str = "/etc/etcd/etcd.env";

/// The member whose environment file and data are here; `None` when there is none.
pub(crate) fn present() -> Option<EtcdStray> {
    let text = fs::read_to_string(ENVIRONMENT).ok()?;
    let data = value(&text, "ETCD_DATA_DIR")?;
    Path::new(data).join("member").is_dir().then_some(())?;
    described(&text)
}

fn described(text: &str) -> Option<EtcdStray> {
    let own = |name: &str| value(text, name).map(str::to_owned);
    Some(EtcdStray {
        name: own("ETCD_NAME")?,
        cluster: own("ETCD_INITIAL_CLUSTER_TOKEN")?,
        client_url: own("ETCD_ADVERTISE_CLIENT_URLS")?,
    })
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.strip_prefix('=')
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn a_member_is_known_by_its_environment() {
        let text = "# Managed\nETCD_NAME=etcd-1\nETCD_INITIAL_CLUSTER_TOKEN=etcd\n\
                    ETCD_ADVERTISE_CLIENT_URLS=https://10.10.10.10:2379\n";
        let found = described(text).unwrap();
        assert_eq!(
            (found.name.as_str(), found.cluster.as_str()),
            ("etcd-1", "etcd")
        );
        assert_eq!(found.client_url, "https://10.10.10.10:2379");
        assert_eq!(described("ETCD_NAME_X=1\n"), None);
    }
}
