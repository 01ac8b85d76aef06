//! What a comparison answers: statements with the difference each of them mends.

use std::collections::BTreeSet;

use sty_core::Risk;
use sty_wire::observation::Change;

use super::statement::Statement;

/// One statement and why it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What differs; `None` when the statement only helps another one along.
    pub change: Option<Change>,
    /// The worst it does.
    pub risk: Risk,
    /// Where it runs.
    pub place: Place,
    /// What is run.
    pub statement: Statement,
}

/// The session in which a statement runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the maintenance database.
    Server,
    /// In this database.
    Database(String),
    /// In every database that can be connected to.
    EveryDatabase,
}

/// Something that no statement can mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What is wrong.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
}

/// The outcome of a comparison. Conflicts do not keep the steps from being taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Statements, in order.
    pub steps: Vec<Step>,
    /// What the steps touch beside what differs, for the operator to know.
    pub remarks: Vec<Change>,
    /// Databases that must have gone before the steps are taken.
    pub after: BTreeSet<String>,
    /// What stays different whatever is run.
    pub conflicts: Vec<Conflict>,
}

impl Comparison {
    /// Whether everything is as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.conflicts.is_empty()
    }

    /// The worst that the steps do.
    pub fn risk(&self) -> Risk {
        let risks = self.steps.iter().map(|step| step.risk);
        risks.max().unwrap_or_default()
    }

    /// What differs, then what else is touched; conflicts come last, by name only.
    pub fn changes(&self) -> Vec<Change> {
        let steps = self.steps.iter().filter_map(|step| step.change.clone());
        let conflicts = self.conflicts.iter().map(|c| Change::named(&c.message));
        let remarks = self.remarks.iter().cloned();
        steps.chain(remarks).chain(conflicts).collect()
    }

    /// Adds a statement that mends `change`.
    pub(super) fn push(&mut self, place: Place, change: Change, statement: Statement) {
        self.push_risky(place, change, statement, Risk::Safe);
    }

    /// Adds a statement that costs something.
    pub(super) fn push_risky(
        &mut self,
        place: Place,
        change: Change,
        statement: Statement,
        risk: Risk,
    ) {
        self.steps.push(Step {
            change: Some(change),
            risk,
            place,
            statement,
        });
    }

    /// Adds a statement that mends nothing by itself.
    pub(super) fn support(&mut self, place: Place, statement: Statement) {
        self.steps.push(Step {
            change: None,
            risk: Risk::Safe,
            place,
            statement,
        });
    }

    /// Adds something that no statement can mend.
    pub(super) fn conflict(&mut self, message: impl Into<String>, hint: impl Into<String>) {
        self.conflicts.push(Conflict {
            message: message.into(),
            hint: Some(hint.into()),
        });
    }
}
