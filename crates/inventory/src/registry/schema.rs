//! JSON Schema of the inventory, for editors.

use serde_json::{Map, Value, json};

use super::kind::{Entry, Kind};
use super::{MODULES, Parameter};
use crate::source::Value as Raw;
use crate::source::{Data, parse_default};

/// JSON Schema (draft 2020-12) of an inventory file.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sty inventory",
        "description": "groups of hosts with their variables",
        "type": "object",
        "additionalProperties": { "$ref": "#/$defs/group" },
        "$defs": {
            "group": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "hosts": { "type": ["object", "null"], "additionalProperties": { "$ref": "#/$defs/vars" } },
                    "children": { "type": ["object", "null"], "additionalProperties": { "$ref": "#/$defs/group" } },
                    "vars": { "$ref": "#/$defs/vars" },
                },
            },
            "vars": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": parameters(),
            },
        },
    })
}

fn parameters() -> Map<String, Value> {
    let all = MODULES.iter().flat_map(|module| module.parameters);
    let mut properties: Map<String, Value> = all
        .map(|parameter| (parameter.name.to_owned(), property(parameter)))
        .collect();
    properties.insert(
        "ansible_group_priority".to_owned(),
        json!({ "type": "integer", "description": "order among groups of the same depth; later ones win" }),
    );
    properties
}

fn property(parameter: &Parameter) -> Value {
    let mut schema = of_kind(parameter.kind);
    if let Value::Object(fields) = &mut schema {
        let about = match parameter.effective {
            true => parameter.about.to_owned(),
            false => format!("{} (no effect yet)", parameter.about),
        };
        fields.insert("description".to_owned(), about.into());
        if let Some(default) = parameter.default {
            fields.insert("default".to_owned(), json_of(&parse_default(default)));
        }
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int { min, max } if max == i64::MAX => json!({ "type": "integer", "minimum": min }),
        Kind::Int { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::WordOrInt { word, min, max } => json!({ "anyOf": [
            { "const": word },
            { "type": "integer", "minimum": min, "maximum": max },
        ] }),
        Kind::OneOf(words) => one_of(words),
        Kind::Text | Kind::Time | Kind::Days => scalar(),
        Kind::Secret
        | Kind::Identifier
        | Kind::ClusterName
        | Kind::Path
        | Kind::Address
        | Kind::Network => json!({ "type": ["string", "integer"] }),
        Kind::Words => json!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": ["string", "number"] } },
        ] }),
        Kind::Texts | Kind::Shell => json!({ "type": "array", "items": scalar() }),
        Kind::Pairs | Kind::ShellPairs => {
            json!({ "type": "object", "additionalProperties": scalar() })
        }
        Kind::Entries(entry) => json!({ "type": "array", "items": of_entry(entry) }),
        Kind::RecoveryPlans => json!({
            "type": "object",
            "additionalProperties": { "type": "array", "minItems": 10, "maxItems": 10 },
        }),
        Kind::AnyList => json!({ "type": "array" }),
        Kind::AnyMap => json!({ "type": "object" }),
        Kind::Any => json!({}),
    }
}

/// Words such as `off` are truth values to an editor: allow those as well.
fn one_of(words: &[&str]) -> Value {
    let mut allowed: Vec<Value> = words.iter().map(|word| (*word).into()).collect();
    if words.contains(&"off") {
        allowed.push(false.into());
    }
    json!({ "enum": allowed })
}

fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

fn of_entry(entry: &Entry) -> Value {
    let mut properties = Map::new();
    for field in entry.fields {
        let mut schema = of_kind(field.kind);
        if let Value::Object(inner) = &mut schema {
            inner.insert("description".to_owned(), field.about.into());
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = entry
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let object = json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    });
    match entry.short {
        Some(_) => json!({ "anyOf": [{ "type": "string" }, object] }),
        None => object,
    }
}

/// A raw value as JSON: plain numbers and truth values become what they look like.
pub(crate) fn json_of(value: &Raw) -> Value {
    match &value.data {
        Data::Null => Value::Null,
        Data::List(items) => items.iter().map(json_of).collect(),
        Data::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.to_string(), json_of(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
        Data::Scalar(scalar) if scalar.quoted => Value::from(&*scalar.text),
        Data::Scalar(scalar) => value
            .as_bool()
            .map(Value::from)
            .or_else(|| value.as_i64().map(Value::from))
            .or_else(|| value.as_f64().map(Value::from))
            .unwrap_or_else(|| Value::from(&*scalar.text)),
    }
}
