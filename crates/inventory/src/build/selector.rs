//! JMESPath selectors of services.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jmespath::{Expression, Rcvar, Variable};

use super::Scope;
use crate::registry::{self, Kind};
use crate::source::{Data, Value};

/// Name under which a member's position travels through an expression.
const POSITION: &str = "\u{0}position";

/// Compiled expressions by text.
#[derive(Default)]
pub(super) struct Selectors {
    compiled: HashMap<String, Result<Compiled, String>>,
}

struct Compiled {
    expression: Expression<'static>,
    /// Words of the expression that may name a variable.
    words: BTreeSet<String>,
}

impl Selectors {
    /// Positions of the members that `text` selects, in their order.
    ///
    /// # Errors
    /// Says why the text is not a selector.
    pub(super) fn select(
        &mut self,
        text: &str,
        members: &[Scope<'_>],
    ) -> Result<Vec<usize>, String> {
        if text.trim() == "[]" || text.trim() == "[*]" {
            return Ok((0..members.len()).collect());
        }
        let compiled = self
            .compiled
            .entry(text.to_owned())
            .or_insert_with(|| compile(text));
        let compiled = compiled.as_ref().map_err(Clone::clone)?;
        let objects: Vec<Rcvar> = members
            .iter()
            .enumerate()
            .map(|(at, member)| object(at, member, &compiled.words))
            .collect();
        let result = compiled
            .expression
            .search(Rcvar::new(Variable::Array(objects)))
            .map_err(|error| first_line(&error.to_string()))?;
        positions(&result, members.len())
    }
}

fn compile(text: &str) -> Result<Compiled, String> {
    let expression =
        jmespath::compile(&quote_literals(text)).map_err(|error| first_line(&error.to_string()))?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text
        .split(|c: char| !is_word(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(Compiled { expression, words })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// JMESPath once allowed `` `word` `` for `` `"word"` ``, and inventories use it.
fn quote_literals(text: &str) -> String {
    let mut parts = text.split('`');
    let mut result = parts.next().unwrap_or_default().to_owned();
    while let Some(literal) = parts.next() {
        let Some(after) = parts.next() else {
            result.push('`');
            result.push_str(literal);
            break;
        };
        let json: Result<serde_json::Value, _> = serde_json::from_str(literal);
        let literal = match json {
            Ok(_) => literal.to_owned(),
            Err(_) => serde_json::Value::from(literal.trim()).to_string(),
        };
        result.push('`');
        result.push_str(&literal);
        result.push('`');
        result.push_str(after);
    }
    result
}

/// A member as an expression sees it: its variables, as far as the expression names them.
fn object(at: usize, member: &Scope<'_>, words: &BTreeSet<String>) -> Rcvar {
    let mut fields: BTreeMap<String, Rcvar> = BTreeMap::new();
    for word in words {
        if let Some(id) = registry::id(word) {
            let value = member.value(word);
            let kind = registry::get(id).kind;
            let variable = value.map_or(Variable::Null, |value| variable(member, value, kind));
            fields.insert(word.clone(), Rcvar::new(variable));
        }
    }
    let address = member.members.address(member.host).to_string();
    fields.insert("ip".to_owned(), Rcvar::new(Variable::String(address)));
    let name = Variable::String(member.name().to_owned());
    fields.insert("inventory_hostname".to_owned(), Rcvar::new(name));
    let position = Variable::String(at.to_string());
    fields.insert(POSITION.to_owned(), Rcvar::new(position));
    Rcvar::new(Variable::Object(fields))
}

fn variable(member: &Scope<'_>, value: &Value, kind: Kind) -> Variable {
    match (&value.data, kind) {
        (Data::Null, _) => Variable::Null,
        (Data::List(items), _) => {
            let items = items.iter().map(|item| variable(member, item, Kind::Any));
            Variable::Array(items.map(Rcvar::new).collect())
        }
        (Data::Map(entries), _) => {
            let field = |entry: &crate::source::Entry| {
                let inner = variable(member, &entry.value, Kind::Any);
                (entry.key.to_string(), Rcvar::new(inner))
            };
            Variable::Object(entries.iter().map(field).collect())
        }
        (Data::Scalar(_), Kind::Secret) => Variable::Null,
        (Data::Scalar(_), Kind::Bool) => Variable::Bool(value.as_bool().unwrap_or_default()),
        (Data::Scalar(_), Kind::Int { .. } | Kind::WordOrInt { .. }) => match value.as_i64() {
            Some(number) => Variable::Number(number.into()),
            None => Variable::String(member.expanded(value)),
        },
        (Data::Scalar(scalar), Kind::Any) if !scalar.quoted => {
            let plain = value.as_bool().map(Variable::Bool);
            let plain = plain.or_else(|| value.as_i64().map(|it| Variable::Number(it.into())));
            plain.unwrap_or_else(|| Variable::String(member.expanded(value)))
        }
        (Data::Scalar(_), _) => Variable::String(member.expanded(value)),
    }
}

fn positions(result: &Variable, size: usize) -> Result<Vec<usize>, String> {
    let selected: Vec<Rcvar> = match result {
        Variable::Array(items) => items.clone(),
        Variable::Object(_) => vec![Arc::new(result.clone())],
        Variable::Null => Vec::new(),
        _ => return Err("it yields a value instead of members".to_owned()),
    };
    let mut chosen = vec![false; size];
    for item in selected {
        let position = item.get_field(POSITION);
        let at = position
            .as_string()
            .and_then(|text| text.parse::<usize>().ok());
        match at.and_then(|at| chosen.get_mut(at)) {
            Some(slot) => *slot = true,
            None => return Err("it yields values instead of members".to_owned()),
        }
    }
    Ok((0..size).filter(|at| chosen[*at]).collect())
}

#[cfg(test)]
mod tests {
    use super::quote_literals;

    #[test]
    fn bare_literals_become_json() {
        let check = |text: &str, expected: &str| assert_eq!(quote_literals(text), expected);
        check("[? pg_role == `primary` ]", "[? pg_role == `\"primary\"` ]");
        check("[? a == `1` && b == `true`]", "[? a == `1` && b == `true`]");
        check("[? a == 'b']", "[? a == 'b']");
        check("[? a == `b", "[? a == `b");
    }
}
