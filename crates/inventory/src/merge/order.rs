//! Ansible's order: by depth below `all`, then priority, then name; later groups win.

use std::collections::HashMap;
use std::sync::Arc;

use sty_core::Diagnostic;

use super::fleet::{Fleet, GroupId};
use crate::codes;
use crate::report::Report;

/// Sets the depth of every group; reports groups that contain themselves.
pub(crate) fn set_depths(fleet: &mut Fleet, report: &Report) {
    let mut children: Vec<Vec<GroupId>> = vec![Vec::new(); fleet.groups.len()];
    let mut waiting: Vec<usize> = fleet
        .groups
        .iter()
        .map(|group| group.parents.len())
        .collect();
    for (id, group) in fleet.groups.iter().enumerate() {
        for parent in &group.parents {
            children[*parent].push(id);
        }
    }
    let mut ready: Vec<GroupId> = (0..waiting.len()).filter(|id| waiting[*id] == 0).collect();
    while let Some(parent) = ready.pop() {
        let below = fleet.groups[parent].depth + 1;
        for child in &children[parent] {
            let depth = &mut fleet.groups[*child].depth;
            *depth = (*depth).max(below);
            waiting[*child] -= 1;
            if waiting[*child] == 0 {
                ready.push(*child);
            }
        }
    }
    refuse_cycles(fleet, &waiting, report);
}

fn refuse_cycles(fleet: &mut Fleet, waiting: &[usize], report: &Report) {
    let stuck: Vec<GroupId> = (0..waiting.len()).filter(|id| waiting[*id] > 0).collect();
    let Some(first) = stuck.first() else { return };
    let names: Vec<String> = stuck
        .iter()
        .map(|id| format!("`{}`", fleet.groups[*id].name))
        .collect();
    let message = format!("groups contain each other: {}", names.join(", "));
    let found = Diagnostic::error(codes::GROUP_CYCLE, message);
    let found = report.label(found, fleet.groups[*first].place, "part of the circle");
    report.push(found.help("take one of them out of the other's `children`"));
    for id in stuck {
        fleet.groups[id].parents.clear();
    }
}

/// Sets the merge order of every host. Hosts of the same groups share it.
pub(crate) fn set_orders(fleet: &mut Fleet) {
    let mut known: HashMap<Vec<GroupId>, Arc<[GroupId]>> = HashMap::new();
    for id in 0..fleet.hosts.len() {
        let mut groups = fleet.hosts[id].groups.clone();
        groups.sort_unstable();
        let order = match known.get(&groups) {
            Some(order) => order.clone(),
            None => {
                let order: Arc<[GroupId]> = merge_order(fleet, &groups).into();
                known.insert(groups, order.clone());
                order
            }
        };
        fleet.hosts[id].order = order;
    }
}

/// The groups and everything above them, in merge order.
pub(crate) fn merge_order(fleet: &Fleet, groups: &[GroupId]) -> Vec<GroupId> {
    let mut all: Vec<GroupId> = Vec::new();
    let mut todo = groups.to_vec();
    while let Some(group) = todo.pop() {
        if !all.contains(&group) {
            all.push(group);
            todo.extend(&fleet.groups[group].parents);
        }
    }
    all.sort_by_key(|id| {
        let group = &fleet.groups[*id];
        (group.depth, group.priority, group.name.clone())
    });
    all
}
