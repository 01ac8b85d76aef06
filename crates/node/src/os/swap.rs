//! No swap, now and at boot.

use std::fs;
use std::io;
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};

use super::{atomic, drift};
use crate::facts::container;
use crate::run::Run;

const FSTAB: &str = "/etc/fstab";
const ROOT: (u32, u32) = (0, 0);

/// Looks for swap in use and swap in /etc/fstab.
pub(crate) fn observe() -> Result<Observation, Failure> {
    let in_use = fs::read_to_string("/proc/swaps")
        .map_err(|error| atomic::unable("read", Path::new("/proc/swaps"), &error))?;
    let fstab = fstab()?;
    let mut changes: Vec<Change> = fstab
        .lines()
        .filter(|line| is_swap(line))
        .map(|line| Change {
            what: FSTAB.to_owned(),
            from: Some(line.to_owned()),
            to: None,
            ..Change::default()
        })
        .collect();
    let devices: Vec<&str> = in_use.lines().skip(1).filter_map(first_word).collect();
    match container() {
        Some(kind) if changes.is_empty() && !devices.is_empty() => {
            let reason = format!("the machine's swap is not this node's own ({kind})");
            return Ok(Observation::Skipped { reason });
        }
        Some(_) => {}
        None => changes.extend(devices.into_iter().map(|device| Change {
            what: "swap".to_owned(),
            from: Some(device.to_owned()),
            to: None,
            ..Change::default()
        })),
    }
    Ok(drift(changes, Risk::Safe))
}

/// Takes swap out of use and out of /etc/fstab (as a comment).
pub(crate) fn converge() -> Result<(), Failure> {
    let fstab = fstab()?;
    if fstab.lines().any(is_swap) {
        let text = without_swap(&fstab);
        atomic::replace(Path::new(FSTAB), text.as_bytes(), ROOT, 0o644, |_| Ok(()))?;
    }
    match container() {
        Some(_) => Ok(()),
        None => Run::new("swapoff").arg("--all").ok().map(drop),
    }
}

fn fstab() -> Result<String, Failure> {
    match fs::read_to_string(FSTAB) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(atomic::unable("read", Path::new(FSTAB), &error)),
    }
}

fn first_word(line: &str) -> Option<&str> {
    line.split_whitespace().next()
}

fn is_swap(line: &str) -> bool {
    !line.trim_start().starts_with('#') && line.split_whitespace().nth(2) == Some("swap")
}

fn without_swap(fstab: &str) -> String {
    let keep = |line: &str| match is_swap(line) {
        true => format!("# off by sty: {line}\n"),
        false => format!("{line}\n"),
    };
    fstab.lines().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_lines_become_comments() {
        let fstab = "# swap was on sda2\nUUID=a / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\n";
        insta::assert_snapshot!(without_swap(fstab), @r"
        # swap was on sda2
        UUID=a / ext4 defaults 0 1
        # off by sty: /dev/sda2 none swap sw 0 0
        ");
    }
}
