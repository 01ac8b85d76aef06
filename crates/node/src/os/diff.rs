//! Differences of texts, short enough for a plan.

use similar::TextDiff;
use sty_wire::observation::Change;

/// Lines shown of one text's differences.
const SHOWN_LINES: usize = 20;

/// What differs between two texts: one change for each run of lines, named by where it begins in
/// the text that was found.
pub(crate) fn changes(found: &str, wanted: &str) -> Vec<Change> {
    let diff = TextDiff::from_lines(found, wanted);
    let lines = |side: &[&str]| {
        let text: String = side.concat();
        (!text.is_empty()).then(|| text.trim_end_matches('\n').to_owned())
    };
    let mut shown = 0;
    let mut more = 0;
    let mut changes = Vec::new();
    for op in diff
        .ops()
        .iter()
        .filter(|op| op.as_tag_tuple().0 != similar::DiffTag::Equal)
    {
        let (old, new) = (op.old_range(), op.new_range());
        let count = old.len() + new.len();
        let room = SHOWN_LINES - shown;
        let (from, to) = (
            old.len().min(room),
            new.len().min(room - old.len().min(room)),
        );
        shown += from + to;
        more += count - from - to;
        if from + to > 0 {
            changes.push(Change {
                what: format!("line {}", old.start + 1),
                from: lines(&diff.old_slices()[old.start..old.start + from]),
                to: lines(&diff.new_slices()[new.start..new.start + to]),
                ..Change::default()
            });
        }
    }
    if more > 0 {
        changes.push(Change::named(format!("and {more} more lines")));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: &str, wanted: &str) -> String {
        let text = |change: Change| format!("{}: {:?} {:?}\n", change.what, change.from, change.to);
        changes(found, wanted).into_iter().map(text).collect()
    }

    #[test]
    fn runs_of_lines_that_differ_are_shown() {
        insta::assert_snapshot!(shown("a\nb\nc\ne\nf\n", "a\nB\nc\nd\ne\n"), @r#"
        line 2: Some("b") Some("B")
        line 4: None Some("d")
        line 5: Some("f") None
        "#);
    }

    #[test]
    fn long_differences_are_cut() {
        let lines =
            |from: usize, to: usize| (from..to).map(|n| format!("{n}\n")).collect::<String>();
        let all = changes(&lines(0, 15), &lines(100, 130));
        let count = |side: fn(&Change) -> &Option<String>| {
            all.iter()
                .filter_map(|one| side(one).as_ref())
                .flat_map(|text| text.lines())
                .count()
        };
        assert_eq!((count(|one| &one.from), count(|one| &one.to)), (15, 5));
        assert_eq!(all[1].what, "and 25 more lines");
    }
}
