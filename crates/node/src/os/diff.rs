//! Differences of texts, short enough for a plan.

use similar::{ChangeTag, TextDiff};
use sty_wire::observation::Change;

/// Lines shown of one difference.
const SHOWN_LINES: usize = 20;

/// What differs between two texts: a change called `diff`, its lines marked `-` and `+`.
pub(crate) fn change(found: &str, wanted: &str) -> Change {
    let diff = TextDiff::from_lines(found, wanted);
    let lines: Vec<String> = diff
        .iter_all_changes()
        .filter_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => return None,
            };
            Some(format!("{sign}{}", change.value().trim_end_matches('\n')))
        })
        .collect();
    let mut shown = lines[..lines.len().min(SHOWN_LINES)].join("\n");
    if lines.len() > SHOWN_LINES {
        shown.push_str(&format!(
            "\n... and {} more lines",
            lines.len() - SHOWN_LINES
        ));
    }
    Change {
        what: "diff".to_owned(),
        from: None,
        to: Some(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_shown() {
        let change = change("a\nb\nc\n", "a\nB\nc\nd");
        insta::assert_snapshot!(change.to.unwrap(), @r"
        -b
        +B
        +d
        ");
    }

    #[test]
    fn long_differences_are_cut() {
        let wanted: String = (0..30).map(|n| format!("line {n}\n")).collect();
        let text = change("", &wanted).to.unwrap();
        assert_eq!(text.lines().count(), SHOWN_LINES + 1);
        assert!(text.ends_with("... and 10 more lines"), "{text}");
    }
}
