//! Where a service listens, as the kernel knows it.

use std::collections::BTreeSet;

use sty_wire::observation::Failure;

use crate::run::Run;

/// TCP ports at which the main process of a unit listens; none when it does not run.
///
/// # Errors
/// `systemctl` or `ss` failed.
pub(crate) fn of(unit: &str) -> Result<BTreeSet<u16>, Failure> {
    let show = ["show", "--value", "--property", "MainPID", unit];
    let process = Run::new("systemctl").args(show).ok()?.stdout;
    let sockets = Run::new("ss").arg("-Hltnp").ok()?.stdout;
    Ok(own(&sockets, process.trim()))
}

/// Local ports in lines of `ss -Hltnp` that are of `process`.
fn own(sockets: &str, process: &str) -> BTreeSet<u16> {
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
    use super::own;

    #[test]
    fn ports_are_those_of_one_process() {
        let sockets = "\
LISTEN 0 5    10.10.10.11:8018 0.0.0.0:* users:((\"python3\",pid=77,fd=5))
LISTEN 0 4096           *:2379       *:* users:((\"etcd\",pid=7,fd=8))
LISTEN 0 128         [::]:22      [::]:* users:((\"sshd\",pid=777,fd=4))
";
        assert_eq!(own(sockets, "77"), [8018].into());
        assert_eq!(own(sockets, "0"), [].into());
    }
}
