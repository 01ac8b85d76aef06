//! Where values were written, for problems that show after the inventory was read.

use std::fmt;
use std::sync::Arc;

use sty_core::Span;

use crate::merge::{Binding, Fleet};
use crate::registry;
use crate::source::{Data, Place, Value};

/// The places of all values of an inventory.
#[derive(Clone)]
pub struct Written {
    file: Arc<str>,
    fleet: Arc<Fleet>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({})", self.file)
    }
}

impl Written {
    pub(crate) fn new(file: &str, fleet: &Arc<Fleet>) -> Self {
        Self {
            file: Arc::from(file),
            fleet: Arc::clone(fleet),
        }
    }

    /// Where the value of `parameter` was written that holds for a host; `None` for a default.
    pub fn place(&self, host: &str, parameter: &str) -> Option<Span> {
        let binding = self.binding(host, parameter)?;
        Some(self.span(binding.name_place))
    }

    /// Where the first of `parameters` that hold for a host has `text` in it.
    pub fn mention(&self, host: &str, parameters: &[&str], text: &str) -> Option<Span> {
        let bindings = parameters
            .iter()
            .filter_map(|name| self.binding(host, name));
        let place = bindings
            .into_iter()
            .find_map(|binding| mention(&binding.value, text))?;
        Some(self.span(place))
    }

    fn binding(&self, host: &str, parameter: &str) -> Option<&Binding> {
        let host = self.fleet.find_host(host)?;
        self.fleet.binding(host, registry::id(parameter)?)
    }

    fn span(&self, place: Place) -> Span {
        Span {
            file: Arc::clone(&self.file),
            line: place.line,
            column: place.column,
        }
    }
}

fn mention(value: &Value, text: &str) -> Option<Place> {
    match &value.data {
        Data::Null => None,
        Data::Scalar(scalar) => scalar.text.contains(text).then_some(value.place),
        Data::List(items) => items.iter().find_map(|item| mention(item, text)),
        Data::Map(entries) => entries.iter().find_map(|entry| mention(&entry.value, text)),
    }
}
