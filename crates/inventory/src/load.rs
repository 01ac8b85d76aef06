//! From text to inventory, in one run that finds every mistake.

use std::sync::Arc;

use sty_core::Diagnostic;

use crate::build::build;
use crate::codes;
use crate::merge::{Fleet, merge};
use crate::model::Inventory;
use crate::report::{Dated, Report};
use crate::source::{Place, parse};
use crate::validate;

/// What reading an inventory gave.
#[derive(Debug)]
pub struct Loaded {
    /// The inventory; `None` when a diagnostic is an error.
    pub inventory: Option<Inventory>,
    /// What could be made of it where one is, to look for more mistakes in.
    pub draft: Option<Inventory>,
    /// Everything found, errors first.
    pub diagnostics: Vec<Diagnostic>,
    pub(crate) file: String,
    pub(crate) fleet: Arc<Fleet>,
    dated: Dated,
}

impl Loaded {
    /// Problems that depend on the day: passwords that are not good any more on `today`, in days
    /// since 1970-01-01.
    pub fn expired(&self, today: u32) -> impl Iterator<Item = Diagnostic> {
        let past = self.dated.values().filter(move |(day, _)| *day < today);
        past.map(|(_, diagnostic)| diagnostic.clone())
    }
}

/// Reads an inventory.
///
/// `file_name` appears in diagnostics and managed-by lines. `files` reads what the inventory
/// refers to (baseline SQL), by the path written there; its error is shown to the operator.
/// Nothing else is read, and no machine is touched.
pub fn load(file_name: &str, text: &str, files: &dyn Fn(&str) -> Result<String, String>) -> Loaded {
    let report = Report::new(file_name);
    let Some(root) = parse(text, &report) else {
        return nothing(file_name, report);
    };
    let fleet = Arc::new(merge(&root, &report));
    let is_empty = fleet.hosts.is_empty();
    if is_empty && !report.has_errors() {
        refuse_hostless(root.place, &report);
    }
    validate::check_values(&fleet, &report);
    let inventory = (!is_empty).then(|| {
        let inventory = build(file_name, &fleet, files, &report);
        validate::check_ports(&inventory, &fleet, &report);
        inventory
    });
    let (inventory, draft) = match report.has_errors() {
        true => (None, inventory),
        false => (inventory, None),
    };
    Loaded {
        inventory,
        draft,
        dated: report.take_dated(),
        diagnostics: report.finish(),
        file: file_name.to_owned(),
        fleet,
    }
}

/// The same from the content of a file, which has to be UTF-8.
pub fn load_bytes(
    file_name: &str,
    content: &[u8],
    files: &dyn Fn(&str) -> Result<String, String>,
) -> Loaded {
    match std::str::from_utf8(content) {
        Ok(text) => load(file_name, text, files),
        Err(error) => {
            let report = Report::new(file_name);
            refuse_encoding(content, error.valid_up_to(), &report);
            nothing(file_name, report)
        }
    }
}

/// The result where nothing could be read.
fn nothing(file_name: &str, report: Report) -> Loaded {
    Loaded {
        inventory: None,
        draft: None,
        diagnostics: report.finish(),
        file: file_name.to_owned(),
        fleet: Arc::default(),
        dated: Dated::new(),
    }
}

/// Reports content that is UTF-8 only up to a byte.
fn refuse_encoding(content: &[u8], good: usize, report: &Report) {
    let (before, rest) = content.split_at(good);
    let before = String::from_utf8_lossy(before);
    let last = before.rsplit('\n').next().unwrap_or_default();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = Place {
        line: count(before.matches('\n').count() + 1),
        column: count(last.chars().count() + 1),
    };
    let wide = rest.starts_with(&[0xff, 0xfe]) || rest.starts_with(&[0xfe, 0xff]);
    let of = if wide { "UTF-16" } else { "LATIN1" };
    let byte = rest.first().copied().unwrap_or_default();
    report.error(
        codes::ENCODING,
        place,
        "the inventory is not UTF-8 text",
        format!("the byte 0x{byte:02x}"),
        format!("save it as UTF-8; `iconv -f {of} -t UTF-8` makes it that if it is {of}"),
    );
}

fn refuse_hostless(place: Place, report: &Report) {
    report.error(
        codes::EMPTY,
        place,
        "the inventory has no hosts",
        "no group here has any",
        "list them under `hosts` of a group; `sty init` writes an example",
    );
}
