//! Failures, as people read them.

use sty_engine::ConnectError;
use sty_plan::Problem;
use sty_wire::observation::Failure;

use crate::printer::{BLUE, DIM, RED, paint};

/// A node that could not be reached.
pub(crate) fn unreachable(error: &ConnectError) -> Failure {
    let diagnostic = error.diagnostic();
    let mut failure = Failure::message(diagnostic.message);
    failure.hint = diagnostic.help;
    failure
}

/// What failed on one node for one reason becomes one problem: `role a and 18 more`.
pub(crate) fn grouped(found: &[Problem]) -> Vec<Problem> {
    let mut groups: Vec<(Problem, usize)> = Vec::new();
    for problem in found {
        let same = |(one, _): &&mut (Problem, usize)| {
            one.node == problem.node && one.failure == problem.failure
        };
        match groups.iter_mut().find(same) {
            Some((_, more)) => *more += 1,
            None => groups.push((problem.clone(), 0)),
        }
    }
    let told = groups.into_iter().map(|(mut problem, more)| {
        if more > 0 {
            problem.subject.push_str(&format!(" and {more} more"));
        }
        problem
    });
    told.collect()
}

/// A failure with all that helps to mend it: node, what was tried, command, exit code, last
/// lines, next step.
pub(crate) fn render(node: &str, what: &str, failure: &Failure) -> String {
    let mut lines = vec![format!(
        "{} {node}: {what}: {}",
        paint(RED.bold(), "failed"),
        failure.message
    )];
    if let Some(command) = &failure.command {
        let code = failure.exit_code.map(|code| format!(" (exit code {code})"));
        lines.push(format!(
            "    command: {command}{}",
            code.unwrap_or_default()
        ));
    }
    for line in &failure.tail {
        lines.push(paint(DIM, format_args!("    | {line}")));
    }
    if let Some(hint) = &failure.hint {
        lines.push(format!("    {}: {hint}", paint(BLUE, "hint")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_is_told_once_a_node() {
        let problem = |node: &str, subject: &str, message: &str| Problem {
            node: node.to_owned(),
            subject: subject.to_owned(),
            failure: Failure::message(message),
        };
        let found = [
            problem("n1", "role a", "connection reset"),
            problem("n1", "database x", "no such template"),
            problem("n1", "role b", "connection reset"),
            problem("n2", "role a", "connection reset"),
            problem("n1", "role c", "connection reset"),
        ];
        let told = grouped(&found);
        let told = told
            .iter()
            .map(|one| format!("{} {}", one.node, one.subject));
        assert_eq!(
            told.collect::<Vec<_>>(),
            ["n1 role a and 2 more", "n1 database x", "n2 role a"]
        );
    }
}
