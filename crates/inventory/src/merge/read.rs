//! The raw tree to groups, hosts and variables.

use std::sync::Arc;

use sty_core::Diagnostic;

use super::fleet::{Binding, Fleet, GroupId, HostId, Setter};
use super::range;
use crate::codes;
use crate::registry;
use crate::report::Report;
use crate::source::{Data, Entry, Place, Scalar, Value};

/// Reads every group of the file.
pub(crate) fn read(root: &Value, fleet: &mut Fleet, report: &Report) {
    let Data::Map(groups) = &root.data else {
        report.error(
            codes::STRUCTURE,
            root.place,
            format!(
                "an inventory is a mapping of groups, found {}",
                root.describe()
            ),
            "expected `all:`",
            "begin with `all:`, then `children:` and `vars:`",
        );
        return;
    };
    let all = fleet.group_named(&"all".into(), root.place);
    for entry in groups.iter() {
        read_group(entry, None, fleet, report);
    }
    adopt_orphans(all, fleet);
}

/// Groups that nobody contains belong to `all`; hosts of no other group to `ungrouped`.
fn adopt_orphans(all: GroupId, fleet: &mut Fleet) {
    let ungrouped = fleet.find_group("ungrouped");
    for id in 0..fleet.groups.len() {
        if id != all && fleet.groups[id].parents.is_empty() {
            fleet.groups[id].parents.push(all);
        }
    }
    for host in &mut fleet.hosts {
        let elsewhere = |group: &GroupId| *group != all && Some(*group) != ungrouped;
        if host.groups.iter().any(elsewhere) {
            host.groups.retain(elsewhere);
        } else if let Some(ungrouped) = ungrouped {
            host.groups = vec![ungrouped];
        }
        if host.groups.is_empty() {
            host.groups.push(all);
        }
    }
}

fn read_group(entry: &Entry, parent: Option<GroupId>, fleet: &mut Fleet, report: &Report) {
    let id = fleet.group_named(&entry.key, entry.key_place);
    if let Some(parent) = parent {
        add_parent(id, parent, entry, fleet, report);
    }
    let Data::Map(sections) = &entry.value.data else {
        if !entry.value.is_null() {
            let found = entry.value.describe();
            report.error(
                codes::STRUCTURE,
                entry.value.place,
                format!("group `{}` is {found}, not a mapping", entry.key),
                "expected `hosts:`, `children:` or `vars:`",
                "indent what belongs to the group below its name",
            );
        }
        return;
    };
    for section in sections.iter() {
        read_section(id, section, fleet, report);
    }
}

fn add_parent(id: GroupId, parent: GroupId, entry: &Entry, fleet: &mut Fleet, report: &Report) {
    if id == parent || &*entry.key == "all" {
        report.error(
            codes::GROUP_CYCLE,
            entry.key_place,
            format!("group `{}` cannot be inside itself", entry.key),
            "listed as its own child",
            "take it out of `children`",
        );
    } else if !fleet.groups[id].parents.contains(&parent) {
        fleet.groups[id].parents.push(parent);
    }
}

fn read_section(id: GroupId, section: &Entry, fleet: &mut Fleet, report: &Report) {
    let known = matches!(&*section.key, "hosts" | "children" | "vars");
    if !known {
        let group = fleet.groups[id].name.clone();
        let place = section.key_place;
        report.error(
            codes::STRUCTURE,
            place,
            format!("`{}` is not a part of group `{group}`", section.key),
            "not one of `hosts`, `children`, `vars`",
            "a variable belongs under `vars`, a group under `children`",
        );
        return;
    }
    let named = as_mapping(&section.value);
    let Some(entries) = named else {
        report.error(
            codes::STRUCTURE,
            section.value.place,
            format!(
                "`{}` is {}, not a mapping",
                section.key,
                section.value.describe()
            ),
            "expected names with a colon",
            "write `name:` on a line of its own, without `-`",
        );
        return;
    };
    for entry in entries.iter() {
        match &*section.key {
            "vars" => set_variable(entry, Setter::Group(id), fleet, report),
            "children" => read_group(entry, Some(id), fleet, report),
            _ => read_hosts(entry, id, fleet, report),
        }
    }
}

/// A mapping; a single name stands for a mapping with that key.
fn as_mapping(value: &Value) -> Option<Arc<[Entry]>> {
    match &value.data {
        Data::Null => Some(Arc::new([])),
        Data::Map(entries) => Some(entries.clone()),
        Data::Scalar(Scalar { text, .. }) => Some(Arc::new([Entry {
            key: text.clone(),
            key_place: value.place,
            value: Value::null(),
        }])),
        Data::List(_) => None,
    }
}

fn read_hosts(entry: &Entry, group: GroupId, fleet: &mut Fleet, report: &Report) {
    let (names, port) = match range::expand(&entry.key) {
        Ok(expanded) => expanded,
        Err(why) => {
            report.error(
                codes::HOST_NAME,
                entry.key_place,
                format!("`{}` is not a host name: {why}", entry.key),
                "this host",
                "write a name, an address or a range such as `10.10.10.[11:13]`",
            );
            return;
        }
    };
    let vars = match &entry.value.data {
        Data::Map(_) | Data::Null => entry.value.entries(),
        _ => {
            report.error(
                codes::STRUCTURE,
                entry.value.place,
                format!(
                    "host `{}` has {} for variables",
                    entry.key,
                    entry.value.describe()
                ),
                "expected a mapping",
                "write `{ pg_seq: 1, pg_role: primary }`",
            );
            &[]
        }
    };
    for name in names {
        let host = fleet.host_named(&name.as_str().into(), entry.key_place);
        if !fleet.hosts[host].groups.contains(&group) {
            fleet.hosts[host].groups.push(group);
            fleet.groups[group].hosts.push(host);
        }
        add_host_vars(host, port, entry.key_place, vars, fleet, report);
    }
}

fn add_host_vars(
    host: HostId,
    port: Option<u16>,
    place: Place,
    vars: &[Entry],
    fleet: &mut Fleet,
    report: &Report,
) {
    if let Some(port) = port {
        let text: Arc<str> = port.to_string().as_str().into();
        let data = Data::Scalar(Scalar {
            text,
            quoted: false,
        });
        let entry = Entry {
            key: "ansible_port".into(),
            key_place: place,
            value: Value { place, data },
        };
        set_variable(&entry, Setter::Host(host), fleet, report);
    }
    for entry in vars {
        set_variable(entry, Setter::Host(host), fleet, report);
    }
}

fn set_variable(entry: &Entry, setter: Setter, fleet: &mut Fleet, report: &Report) {
    if let Setter::Group(group) = setter
        && &*entry.key == "ansible_group_priority"
    {
        set_priority(entry, group, fleet, report);
        return;
    }
    let replaced = fleet.set(Binding {
        name: entry.key.clone(),
        parameter: registry::id(&entry.key),
        name_place: entry.key_place,
        value: entry.value.clone(),
        setter,
    });
    if let Some(earlier) = replaced {
        warn_replaced(entry, earlier, setter, fleet, report);
    }
}

fn set_priority(entry: &Entry, group: GroupId, fleet: &mut Fleet, report: &Report) {
    match entry.value.as_i64() {
        Some(priority) => fleet.groups[group].priority = priority,
        None => report.error(
            codes::TYPE,
            entry.value.place,
            format!(
                "`ansible_group_priority` is {}, expected a whole number",
                entry.value.describe()
            ),
            "not a whole number",
            "groups of equal depth merge by rising priority; the default is 1",
        ),
    }
}

fn warn_replaced(entry: &Entry, earlier: usize, setter: Setter, fleet: &Fleet, report: &Report) {
    let first = &fleet.bindings[earlier];
    if first.value.same(&entry.value) {
        return;
    }
    let owner = match setter {
        Setter::Group(group) => format!("group `{}`", fleet.groups[group].name),
        Setter::Host(host) => format!("host `{}`", fleet.hosts[host].name),
    };
    let message = format!("{owner} sets `{}` twice, to different values", entry.key);
    let found = Diagnostic::warning(codes::SET_TWICE, message);
    let found = report.label(
        found,
        entry.key_place,
        "this one wins, being last in the file",
    );
    let found = report.label(found, first.name_place, "first here");
    report.push(found.help("keep one of them"));
}
