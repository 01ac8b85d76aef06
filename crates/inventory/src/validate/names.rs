//! Names and levels of what was set; hands every value on to its type's check.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use sty_core::{Diagnostic, Severity};

use super::kinds::Check;
use super::placeholders;
use crate::codes;
use crate::merge::{Binding, Fleet, HostId, Setter};
use crate::registry::{self, Parameter, ParameterId};
use crate::report::Report;
use crate::source::{Place, Value};
use crate::suggest;

/// Checks every value of the file.
pub(crate) fn check_values(fleet: &Fleet, report: &Report) {
    let idle: RefCell<BTreeMap<String, Place>> = RefCell::default();
    let mut done: HashSet<(Place, &str)> = HashSet::new();
    for binding in &fleet.bindings {
        let Some(id) = binding.parameter else {
            unknown(binding, report);
            continue;
        };
        // Hosts of one range share a value.
        if !done.insert((binding.name_place, &binding.name)) {
            continue;
        }
        let parameter = registry::get(id);
        check_level(binding, parameter, fleet, report);
        if parameter.effective {
            check(binding, parameter, &idle, report);
        } else {
            check_idle(binding, parameter, &idle, report);
            let name = format!("`{}`", parameter.name);
            let mut idle = idle.borrow_mut();
            idle.entry(name).or_insert(binding.name_place);
        }
    }
    note_idle(&idle.into_inner(), report);
}

fn check(
    binding: &Binding,
    parameter: &Parameter,
    idle: &RefCell<BTreeMap<String, Place>>,
    report: &Report,
) {
    let check = Check { report, idle };
    let what = format!("`{}`", parameter.name);
    check.value(&what, parameter.kind, &binding.value);
}

/// What does nothing yet stops nothing yet, but for secrets that are yet to be filled in: a wrong
/// type is a warning.
fn check_idle(
    binding: &Binding,
    parameter: &Parameter,
    idle: &RefCell<BTreeMap<String, Place>>,
    report: &Report,
) {
    placeholders::check_filled(&binding.value, report);
    let aside = report.aside();
    check(binding, parameter, idle, &aside);
    let found = aside.finish().into_iter();
    for mut wrong in found.filter(|one| one.code == codes::TYPE) {
        wrong.severity = Severity::Warning;
        report.push(wrong);
    }
    super::secrets::check_known(parameter.name, parameter.kind, &binding.value, report);
}

fn unknown(binding: &Binding, report: &Report) {
    placeholders::check_filled(&binding.value, report);
    let foreign = binding.name.strip_prefix("ansible_");
    let names = registry::all().map(|(_, parameter)| parameter.name);
    let near = match foreign {
        None => suggest::nearest(&binding.name, names).map(str::to_owned),
        Some(rest) => {
            suggest::nearest(rest, names.filter_map(|name| name.strip_prefix("ansible_")))
                .map(|name| format!("ansible_{name}"))
        }
    };
    let help = match &near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "take it out, or look it up in the parameter reference".to_owned(),
    };
    let found = match foreign.is_some() && near.is_none() {
        true => Diagnostic::warning(
            codes::UNKNOWN_NAME,
            format!("`{}` is Ansible's and means nothing here", binding.name),
        ),
        false => Diagnostic::error(
            codes::UNKNOWN_NAME,
            format!("`{}` is not a parameter", binding.name),
        ),
    };
    let found = report.label(found.help(help), binding.name_place, "unknown name");
    report.once(binding.name_place, &binding.name, found);
}

/// What identifies one instance is set on a host, or on a group of one.
fn check_level(binding: &Binding, parameter: &Parameter, fleet: &Fleet, report: &Report) {
    let Setter::Group(group) = binding.setter else {
        return;
    };
    let identity = matches!(
        parameter.name,
        "pg_seq" | "etcd_seq" | "infra_seq" | "nodename"
    );
    let hosts = match identity {
        true => hosts_with(binding, fleet).count(),
        false => return,
    };
    if hosts < 2 {
        return;
    }
    let message = format!(
        "`{}` identifies one host, and {hosts} of group `{}` have it from there",
        parameter.name, fleet.groups[group].name,
    );
    report.error(
        codes::WRONG_LEVEL,
        binding.name_place,
        message,
        "the same for all of them",
        "set it on each host",
    );
}

/// Hosts for which a binding holds, and says something: numbers of instances are for instances.
fn hosts_with<'a>(binding: &'a Binding, fleet: &'a Fleet) -> impl Iterator<Item = HostId> + 'a {
    let of = |host: HostId, id: Option<ParameterId>| fleet.binding(host, id?);
    let is_instance = move |host: HostId| of(host, registry::id("pg_cluster")).is_some();
    (0..fleet.hosts.len()).filter(move |host| {
        let holds = of(*host, binding.parameter).is_some_and(|one| std::ptr::eq(one, binding));
        holds && (&*binding.name != "pg_seq" || is_instance(*host))
    })
}

fn note_idle(idle: &BTreeMap<String, Place>, report: &Report) {
    if idle.is_empty() {
        return;
    }
    let names: Vec<&str> = idle.keys().map(String::as_str).collect();
    let message = format!("known, but without effect yet: {}", names.join(", "));
    let mut found = Diagnostic::note(codes::NOT_EFFECTIVE, message);
    for (name, place) in idle {
        found = report.label(found, *place, name.clone());
    }
    report.push(found.help("nothing needs to be done; do not rely on them"));
}

/// Every scalar inside a value.
pub(crate) fn scalars<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a Value, &'a str)) {
    if let Some(text) = value.text() {
        visit(value, text);
    }
    for item in value.list() {
        scalars(item, visit);
    }
    for entry in value.entries() {
        scalars(&entry.value, visit);
    }
}
