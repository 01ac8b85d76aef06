//! Where the Patroni of this node listens when it is not where it should: its port or its TLS is
//! about to change, or somebody changed it.

use std::collections::BTreeSet;

use sty_wire::resource::PATRONI_SERVICE;
use ureq::http::Uri;

use crate::run::Run;

/// URLs at which it may answer instead of at `url`; none when it listens nowhere, or where that
/// cannot be found out: that `url` does not answer is told then.
pub(super) fn urls(url: &str) -> Vec<String> {
    let parsed = url.parse::<Uri>().ok();
    let Some(host) = parsed.as_ref().and_then(Uri::host) else {
        return Vec::new();
    };
    let ports = listening().unwrap_or_default().into_iter();
    let urls =
        ports.flat_map(|port| ["https", "http"].map(|scheme| format!("{scheme}://{host}:{port}")));
    urls.filter(|found| found != url).collect()
}

/// Ports of its process; `None` where that cannot be found out.
fn listening() -> Option<BTreeSet<u16>> {
    let show = ["show", "--value", "--property", "MainPID", PATRONI_SERVICE];
    let process = Run::new("systemctl").args(show).ok().ok()?.stdout;
    let sockets = Run::new("ss").arg("-Hltnp").ok().ok()?.stdout;
    Some(ports(&sockets, process.trim()))
}

/// Local ports in lines of `ss -Hltnp` that are of `process`.
fn ports(sockets: &str, process: &str) -> BTreeSet<u16> {
    let own = format!("pid={process},");
    let lines = sockets.lines().filter(|line| line.contains(&own));
    let port = |line: &str| {
        line.split_whitespace()
            .nth(3)?
            .rsplit_once(':')?
            .1
            .parse()
            .ok()
    };
    lines.filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::ports;

    #[test]
    fn ports_are_those_of_one_process() {
        let sockets = "\
LISTEN 0 5    10.10.10.11:8018 0.0.0.0:* users:((\"python3\",pid=77,fd=5))
LISTEN 0 4096           *:2379       *:* users:((\"etcd\",pid=7,fd=8))
LISTEN 0 128         [::]:22      [::]:* users:((\"sshd\",pid=777,fd=4))
";
        assert_eq!(ports(sockets, "77"), [8018].into());
        assert_eq!(ports(sockets, "0"), [].into());
    }
}
