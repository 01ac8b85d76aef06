//! Comparing Patroni's dynamic configuration. Pure.
//!
//! Patroni stores what it is given, so the same setting may be a number or a text, and a switch
//! `true` or `'on'`. Absent, `null` and an empty map mean the same.

use serde_json::{Map, Value};
use sty_wire::observation::Change;

/// Maintenance mode is kept in the configuration as well; whoever switched it on switches it off.
const LEFT_ALONE: &str = "pause";

/// What a comparison found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    /// Each setting that differs, by its dotted path.
    pub(super) changes: Vec<Change>,
    /// What `PATCH` must be given; `null` removes.
    pub(super) patch: Map<String, Value>,
}

/// What must be patched to get from `observed` to `wanted`.
pub(super) fn compare(wanted: &Value, observed: &Value) -> Difference {
    let (wanted, mut observed) = (object(wanted), object(observed));
    if !wanted.contains_key(LEFT_ALONE) {
        observed.remove(LEFT_ALONE);
    }
    let mut difference = Difference::default();
    difference.patch = maps(&wanted, &observed, "", &mut difference.changes);
    difference
}

fn maps(
    wanted: &Map<String, Value>,
    observed: &Map<String, Value>,
    path: &str,
    changes: &mut Vec<Change>,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (name, value) in wanted {
        let path = join(path, name);
        match (value, observed.get(name)) {
            (Value::Object(inner), Some(Value::Object(found))) => {
                let inner = maps(inner, found, &path, changes);
                if !inner.is_empty() {
                    patch.insert(name.clone(), Value::Object(inner));
                }
            }
            (value, Some(found)) if same(value, found) => {}
            (value, found) => {
                differ(&path, found, Some(value), changes);
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, found) in observed {
        if !wanted.contains_key(name) {
            differ(&join(path, name), Some(found), None, changes);
            patch.insert(name.clone(), Value::Null);
        }
    }
    patch
}

/// Tells a difference, setting by setting.
fn differ(path: &str, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<Change>) {
    match (from, to) {
        (None, Some(Value::Object(map))) => {
            for (name, value) in map {
                differ(&join(path, name), None, Some(value), changes);
            }
        }
        (Some(Value::Object(map)), None) => {
            for (name, value) in map {
                differ(&join(path, name), Some(value), None, changes);
            }
        }
        _ => changes.push(Change {
            what: path.to_owned(),
            from: from.map(shown),
            to: to.map(shown),
            ..Change::default()
        }),
    }
}

/// Whether two values mean the same to PostgreSQL and Patroni.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|found| same(value, found)))
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        _ => same_text(&shown(left), &shown(right)),
    }
}

/// Whether two texts are the same switch, the same number, or simply the same.
pub(crate) fn same_text(left: &str, right: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return left == right;
    }
    match (switch(left), switch(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// A value as the operator would write it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A map without what is absent.
fn object(value: &Value) -> Map<String, Value> {
    match clean(value) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn clean(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => {
            let inner = map
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), clean(value)?)));
            let map: Map<String, Value> = inner.collect();
            (!map.is_empty()).then_some(Value::Object(map))
        }
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(difference: &Difference) -> Vec<String> {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        let line = |c: &Change| format!("{}: {} -> {}", c.what, side(&c.from), side(&c.to));
        difference.changes.iter().map(line).collect()
    }

    #[test]
    fn values_written_differently_are_the_same() {
        let wanted = json!({
            "ttl": 30,
            "synchronous_mode": false,
            "slots": {},
            "postgresql": { "parameters": {
                "max_connections": "100", "wal_log_hints": "on", "random_page_cost": "1.10",
            } },
        });
        let observed = json!({
            "ttl": "30",
            "synchronous_mode": "off",
            "standby_cluster": null,
            "pause": true,
            "postgresql": { "parameters": {
                "max_connections": 100, "wal_log_hints": true, "random_page_cost": 1.1,
            } },
        });
        assert_eq!(compare(&wanted, &observed), Difference::default());
    }

    #[test]
    fn each_setting_is_named_and_patched() {
        let wanted = json!({
            "ttl": 30,
            "postgresql": { "parameters": { "work_mem": "64MB" }, "use_slots": true },
        });
        let observed = json!({
            "ttl": 20,
            "retry_timeout": 10,
            "postgresql": { "parameters": { "work_mem": "4MB", "jit": "off" } },
            "slots": { "old": { "type": "physical" } },
        });
        let difference = compare(&wanted, &observed);
        assert_eq!(
            lines(&difference),
            [
                "postgresql.parameters.work_mem: 4MB -> 64MB",
                "postgresql.parameters.jit: off -> -",
                "postgresql.use_slots: - -> true",
                "ttl: 20 -> 30",
                "retry_timeout: 10 -> -",
                "slots.old.type: physical -> -",
            ]
        );
        assert_eq!(
            Value::Object(difference.patch),
            json!({
                "ttl": 30,
                "retry_timeout": null,
                "slots": null,
                "postgresql": {
                    "use_slots": true, "parameters": { "work_mem": "64MB", "jit": null },
                },
            })
        );
    }

    #[test]
    fn lists_are_compared_in_order() {
        let list = |items: [&str; 2]| json!({ "postgresql": { "pg_hba": items } });
        assert_eq!(compare(&list(["a", "b"]), &list(["a", "b"])).changes, []);
        let difference = compare(&list(["a", "b"]), &list(["b", "a"]));
        assert_eq!(difference.changes.len(), 1);
    }
}
