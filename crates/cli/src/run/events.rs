//! What happens during an apply, on the terminal, for machines and in the journal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sty_engine::{Cause, Event, Journal, JournalError, Summary};
use sty_wire::observation::Failure;

use crate::printer::{BLUE, BOLD, DIM, GREEN, Printer, RED, YELLOW, count, paint, seconds};
use crate::run::problems;

/// Actions that take longer than this get a line of their own, however many there are.
const NOTABLE: Duration = Duration::from_secs(2);
/// Plans of at most this many actions have every action printed.
const FEW: usize = 40;

/// Follows a run.
pub(crate) struct Follower<'a> {
    printer: &'a Printer,
    journal: &'a mut Journal,
    total: usize,
    ended: usize,
    running: BTreeMap<u32, (String, Instant)>,
    /// Titles of skipped actions by node and reason.
    skipped: BTreeMap<(String, String), Vec<String>>,
    /// What failed, by node and failure: the title of the first.
    failed: Vec<(String, Failure, String)>,
    /// The journal could not be written; told at the end.
    pub(crate) journal_error: Option<JournalError>,
}

impl<'a> Follower<'a> {
    /// Follows a run of `total` actions.
    pub(crate) fn new(printer: &'a Printer, journal: &'a mut Journal, total: usize) -> Self {
        Self {
            printer,
            journal,
            total,
            ended: 0,
            running: BTreeMap::new(),
            skipped: BTreeMap::new(),
            failed: Vec::new(),
            journal_error: None,
        }
    }

    /// Takes one event.
    pub(crate) fn take(&mut self, event: &Event) {
        if !matches!(event, Event::Progress { .. })
            && let Err(error) = self.journal.event(event)
        {
            self.journal_error.get_or_insert(error);
        }
        if self.printer.is_json() {
            if let Err(error) = self.printer.json(event) {
                self.printer.say(format!("cannot write an event: {error}"));
            }
            return;
        }
        self.tell(event);
        self.show_running();
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::Started {
                action,
                node,
                title,
            } => {
                let text = format!("{node}: {title}");
                self.running.insert(*action, (text, Instant::now()));
            }
            Event::Progress { action, node, text } => {
                if let Some((shown, _)) = self.running.get_mut(action) {
                    *shown = format!("{node}: {text}");
                }
            }
            Event::Done {
                action,
                node,
                title,
                seconds: took,
                ..
            } => {
                self.end(*action);
                let took = Duration::from_secs_f64(*took);
                if self.total <= FEW || took >= NOTABLE || self.printer.is_verbose() {
                    let done = paint(GREEN, "done");
                    let took = paint(DIM, seconds(took));
                    self.printer.note(format!("{done} {node}: {title}  {took}"));
                }
            }
            Event::Failed {
                action,
                node,
                title,
                failure,
                ..
            } => {
                self.end(*action);
                self.tell_failure(node, title, failure);
            }
            Event::Skipped {
                action,
                node,
                title,
                cause,
                reason,
            } => {
                self.end(*action);
                if !matches!(cause, Cause::Held | Cause::Interrupted) {
                    let key = (node.clone(), reason.clone());
                    self.skipped.entry(key).or_default().push(title.clone());
                }
            }
            Event::Interrupted { running } => self.printer.say(format!(
                "{}: {} under way will finish; once more to stop at once",
                paint(YELLOW, "interrupted"),
                count(running.len(), "action")
            )),
            Event::Summary { .. } => self.tell_skipped(),
        }
    }

    /// What fails on one node for one reason is told in full once.
    fn tell_failure(&mut self, node: &str, title: &str, failure: &Failure) {
        let mut failed = self.failed.iter();
        let same = failed.find(|(other, told, _)| other == node && told == failure);
        if let Some((_, _, first)) = same {
            let word = paint(RED.bold(), "failed");
            let line = format!("{word} {node}: {title}: for the same reason as `{first}`");
            return self.printer.say(line);
        }
        self.printer.say(problems::render(node, title, failure));
        let failed = (node.to_owned(), failure.clone(), title.to_owned());
        self.failed.push(failed);
    }

    /// What was skipped for one reason on one node is one line.
    fn tell_skipped(&mut self) {
        self.running.clear();
        let word = paint(YELLOW, "skipped");
        for ((node, reason), titles) in &self.skipped {
            let what = match titles.as_slice() {
                [one] => one.clone(),
                [first, rest @ ..] => format!("{first} and {} more", rest.len()),
                [] => continue,
            };
            self.printer.say(format!("{word} {node}: {what}: {reason}"));
        }
    }

    fn end(&mut self, action: u32) {
        self.running.remove(&action);
        self.ended += 1;
    }

    fn show_running(&self) {
        let oldest = self
            .running
            .values()
            .max_by_key(|(_, since)| since.elapsed());
        let Some((text, since)) = oldest else {
            self.printer.progress("");
            return;
        };
        let more = match self.running.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        self.printer.progress(&format!(
            "{}/{} {text} ({}){more}",
            self.ended,
            self.total,
            seconds(since.elapsed())
        ));
    }
}

/// What to do about an interrupted run that goes on when it is begun again.
pub(crate) const GOES_ON: &str = "run the same command again; it goes on from here";

/// How a run ended, in a line; of one that was interrupted, what to do next.
pub(crate) fn summary(summary: &Summary, elapsed: Duration, next: &str) -> String {
    let mut parts = vec![format!("{} done", summary.done)];
    for (count, word) in [
        (summary.failed, "failed"),
        (summary.skipped, "skipped"),
        (summary.held, "held back"),
        (summary.not_started, "not started"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let word = if summary.interrupted {
        paint(YELLOW.bold(), "interrupted")
    } else if summary.failed + summary.skipped > 0 {
        paint(RED.bold(), "not everything was applied")
    } else {
        paint(GREEN.bold(), "applied")
    };
    format!(
        "{word}: {} in {}",
        parts.join(", "),
        paint(BOLD, seconds(elapsed))
    ) + &if summary.interrupted {
        format!("\n{}: {next}", paint(BLUE, "hint"))
    } else {
        String::new()
    }
}
