//! Whether what placeholders stand for is of the kind that its parameter, or its field, wants.

use super::Scope;
use super::members::Members;
use crate::codes;
use crate::merge::Fleet;
use crate::registry::{self, Kind};
use crate::report::Report;
use crate::source::Value;
use crate::validate::is_of_kind;

/// Checks every value with a placeholder, for each host that it holds for.
pub(super) fn check(fleet: &Fleet, members: &Members, report: &Report) {
    for binding in &fleet.bindings {
        let Some(parameter) = binding.parameter else {
            continue;
        };
        let mut values = Vec::new();
        with_placeholders(
            &binding.name,
            registry::get(parameter).kind,
            &binding.value,
            &mut values,
        );
        if values.is_empty() {
            continue;
        }
        let holds = |host: &usize| {
            let found = fleet.binding(*host, parameter);
            found.is_some_and(|found| std::ptr::eq(found, binding))
        };
        for host in (0..fleet.hosts.len()).filter(holds) {
            let scope = Scope::new(fleet, host, members, report);
            for found in &values {
                found.check(&scope);
            }
        }
    }
}

/// A value with a placeholder: a parameter's, or a field's.
struct Found<'a> {
    name: &'a str,
    kind: Kind,
    value: &'a Value,
}

fn with_placeholders<'a>(name: &'a str, kind: Kind, value: &'a Value, found: &mut Vec<Found<'a>>) {
    if let Kind::Entries(entry) = kind {
        for field in value.list().iter().flat_map(Value::entries) {
            if let Some(known) = entry.field(&field.key) {
                with_placeholders(known.name, known.kind, &field.value, found);
            }
        }
    } else if value.text().is_some_and(|text| text.contains("${")) {
        found.push(Found { name, kind, value });
    }
}

impl Found<'_> {
    fn check(&self, scope: &Scope<'_>) {
        let Self { name, kind, value } = self;
        let text = scope.expanded(value);
        // What stands for nothing is told as such.
        if text.contains("${") || is_of_kind(*kind, &text) {
            return;
        }
        scope.report.error_once(
            codes::TYPE,
            value.place,
            format!("`{name}` stands for `{text}`, expected {}", kind.expected()),
            "this value",
            "write the value itself, or another placeholder",
        );
    }
}
