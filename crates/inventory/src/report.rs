//! Collects problems while an inventory is read.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sty_core::{Diagnostic, Severity, Span};

use crate::source::Place;

/// Problems found so far, in one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: Arc<str>,
    found: RefCell<Vec<Diagnostic>>,
    seen: RefCell<HashSet<(&'static str, Place, String)>>,
    dated: RefCell<Dated>,
}

/// Problems from a day on, in days since 1970-01-01, by the place they are reported at.
pub(crate) type Dated = BTreeMap<Place, (u32, Diagnostic)>;

impl Report {
    /// Nothing found yet in `file`.
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.into(),
            found: RefCell::default(),
            seen: RefCell::default(),
            dated: RefCell::default(),
        }
    }

    /// One for the same file, with nothing found yet.
    pub(crate) fn aside(&self) -> Self {
        Self::new(&self.file)
    }

    /// Adds a problem.
    pub(crate) fn push(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// Adds a problem unless the same code was reported at `place` about `subject` before.
    pub(crate) fn once(&self, place: Place, subject: &str, diagnostic: Diagnostic) {
        let key = (diagnostic.code, place, subject.to_owned());
        if self.seen.borrow_mut().insert(key) {
            self.push(diagnostic);
        }
    }

    /// Adds a problem that there is once `day` (since 1970-01-01) is over.
    pub(crate) fn on_day(&self, day: u32, place: Place, diagnostic: Diagnostic) {
        self.dated.borrow_mut().insert(place, (day, diagnostic));
    }

    /// Takes the problems that depend on the day.
    pub(crate) fn take_dated(&self) -> Dated {
        self.dated.take()
    }

    /// The place as a span of the file; `None` for what was not written.
    pub(crate) fn span(&self, place: Place) -> Option<Span> {
        place.is_written().then(|| Span {
            file: self.file.clone(),
            line: place.line,
            column: place.column,
        })
    }

    /// Labels `diagnostic` with `place`, if that is in the file.
    pub(crate) fn label(
        &self,
        diagnostic: Diagnostic,
        place: Place,
        text: impl Into<String>,
    ) -> Diagnostic {
        match self.span(place) {
            Some(span) => diagnostic.at(span, text),
            None => diagnostic,
        }
    }

    /// Adds an error with one place and a next step.
    pub(crate) fn error(
        &self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = self.label(Diagnostic::error(code, message), place, label);
        self.push(diagnostic.help(help));
    }

    /// Adds an error with one place and a next step, unless it was reported there before.
    pub(crate) fn error_once(
        &self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = self.label(Diagnostic::error(code, message), place, label);
        let subject = diagnostic.message.clone();
        self.once(place, &subject, diagnostic.help(help));
    }

    /// Adds a warning with one place and a next step.
    pub(crate) fn warning(
        &self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = self.label(Diagnostic::warning(code, message), place, label);
        self.push(diagnostic.help(help));
    }

    /// Whether `code` was reported at `place`.
    pub(crate) fn has(&self, code: &str, place: Option<Place>) -> bool {
        let span = place.and_then(|place| self.span(place));
        self.found.borrow().iter().any(|diagnostic| {
            diagnostic.code == code
                && diagnostic.labels.first().map(|label| &label.span) == span.as_ref()
        })
    }

    /// Whether `code` was reported at all.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.found.borrow().iter().any(|one| one.code == code)
    }

    /// Whether an error was found.
    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .borrow()
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Everything found, errors first, then by place.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|diagnostic| {
            let first = diagnostic.labels.first().map(|label| label.span.clone());
            (std::cmp::Reverse(diagnostic.severity), first)
        });
        found
    }
}
