//! The gate in the kernel's packet filter by which answers of a leader leave its node, as
//! `lease_gate.py` on the node keeps it: a set of the ports that may answer, each until the lease
//! ends.

use std::time::Duration;

use serde_json::Value;
use sty_wire::observation::Failure;

use crate::run::Run;

const NFT: &str = "/usr/sbin/nft";
const SET: [&str; 6] = ["-j", "list", "set", "inet", "sty_lease", "led"];
const LIMIT: Duration = Duration::from_millis(900);

/// Whether the answers of a leader here are turned back, since its lease was not renewed in time. A
/// node that has no such set, or may have none, turns nothing back.
///
/// # Errors
/// nft cannot be run: it was taken away, and the gate of a leader that it was taken from closes.
pub(crate) fn is_closed() -> Result<bool, Failure> {
    let asked = Run::new(NFT).args(SET).limit(LIMIT).any_exit()?;
    Ok(asked.code == Some(0) && is_empty(&asked.stdout))
}

/// Whether nft's description of the set has no port.
fn is_empty(text: &str) -> bool {
    let described: Option<Value> = serde_json::from_str(text).ok();
    let items = described
        .as_ref()
        .and_then(|all| all["nftables"].as_array());
    let mut items = items.into_iter().flatten();
    let set = items.find_map(|item| item.get("set"));
    set.is_some_and(|set| set["elem"].as_array().is_none_or(Vec::is_empty))
}

#[cfg(test)]
mod tests {
    use super::is_empty;

    #[test]
    fn a_set_without_ports_is_closed() {
        let set = |elements: &str| {
            format!(
                "{{\"nftables\": [{{\"metainfo\": {{}}}}, {{\"set\": {{\"name\": \"led\"{elements}}}}}]}}"
            )
        };
        assert!(is_empty(&set("")));
        let led = ", \"elem\": [{\"elem\": {\"val\": 5432, \"timeout\": 28, \"expires\": 27}}]";
        assert!(!is_empty(&set(led)));
        assert!(!is_empty("{}"));
        assert!(!is_empty(""));
    }
}
