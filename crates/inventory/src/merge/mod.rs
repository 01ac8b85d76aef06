//! Ansible's model of groups, hosts and variables, whole.

mod fleet;
mod order;
mod range;
mod read;

pub(crate) use fleet::{Binding, Fleet, GroupId, HostId, Setter};

use crate::report::Report;
use crate::source::Value;

/// Reads the groups of `root` and merges their variables on every host.
pub(crate) fn merge(root: &Value, report: &Report) -> Fleet {
    let mut fleet = Fleet::default();
    read::read(root, &mut fleet, report);
    order::set_depths(&mut fleet, report);
    order::set_orders(&mut fleet);
    fleet.settle();
    fleet
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests")]
mod tests;
