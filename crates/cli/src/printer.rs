//! The only place that writes to the terminal: data to standard output, the rest to standard
//! error.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::args::{Global, Output};

/// How often progress is told where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Bold.
pub(crate) const BOLD: Style = Style::new().bold();
/// Less important.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Good.
pub(crate) const GREEN: Style = color(AnsiColor::Green);
/// Mind this.
pub(crate) const YELLOW: Style = color(AnsiColor::Yellow);
/// Bad.
pub(crate) const RED: Style = color(AnsiColor::Red);
/// Names and places.
pub(crate) const BLUE: Style = color(AnsiColor::Cyan);

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// Writes for people or machines, as the operator asked.
#[derive(Debug)]
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
    verbose: bool,
    line: Mutex<Option<indicatif::ProgressBar>>,
    /// When progress was last told where there is no terminal.
    told: Mutex<Option<Instant>>,
}

impl Printer {
    /// As the global options say.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            output: global.output,
            quiet: global.quiet,
            verbose: global.verbose,
            line: Mutex::new(None),
            told: Mutex::new(None),
        }
    }

    /// The same without notes, for verbs whose output is the answer.
    pub(crate) fn calm(&self) -> Self {
        Self {
            output: self.output,
            quiet: true,
            verbose: self.verbose,
            line: Mutex::new(None),
            told: Mutex::new(None),
        }
    }

    /// Whether machines read standard output.
    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether every detail is wanted.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// A line of data.
    pub(crate) fn data(&self, text: impl AsRef<str>) {
        self.hide_progress(|| {
            // A closed pipe (`sty history | head`) is the reader's choice, not a failure.
            let _ = writeln!(anstream::stdout(), "{}", text.as_ref());
        });
    }

    /// One JSON document on one line.
    pub(crate) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(value)?;
        self.data(text);
        Ok(())
    }

    /// A line that must be seen: errors, results.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        self.hide_progress(|| {
            let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
        });
    }

    /// A line worth knowing, unless `--quiet`.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// What is under way: one line that changes; without a terminal a line every now and then.
    /// Empty text ends it.
    pub(crate) fn progress(&self, text: &str) {
        if self.quiet || self.is_json() {
            return;
        }
        if !std::io::stderr().is_terminal() {
            self.log_progress(text);
            return;
        }
        let Ok(mut line) = self.line.lock() else {
            return;
        };
        if text.is_empty() {
            if let Some(bar) = line.take() {
                bar.finish_and_clear();
            }
            return;
        }
        let bar = line.get_or_insert_with(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(text.to_owned());
    }

    /// A line for whoever reads a log, once there was nothing to read for a while.
    fn log_progress(&self, text: &str) {
        let Ok(mut told) = self.told.lock() else {
            return;
        };
        if text.is_empty() {
            *told = None;
        } else if told.get_or_insert_with(Instant::now).elapsed() >= LOG_EVERY {
            *told = Some(Instant::now());
            let _ = writeln!(anstream::stderr(), "... {text}");
        }
    }

    fn hide_progress(&self, write: impl FnOnce()) {
        match self.line.lock() {
            Ok(line) => match line.as_ref() {
                Some(bar) => bar.suspend(write),
                None => write(),
            },
            Err(_) => write(),
        }
    }
}

/// A table with this heading and no lines.
pub(crate) fn table(heading: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(
        heading
            .iter()
            .map(|word| comfy_table::Cell::new(word).add_attribute(comfy_table::Attribute::Bold)),
    );
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
}

/// `text` in a style; the stream drops it where there are no colours.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Seconds as people read them: `0.3 s`, `12 s`, `3 min 5 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A number of things: `1 node`, `3 nodes`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// Bytes as people read them.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = bytes;
    let mut fraction = 0;
    while rest >= 1024 && unit + 1 < UNITS.len() {
        fraction = (rest % 1024) * 10 / 1024;
        rest /= 1024;
        unit += 1;
    }
    match (unit, fraction) {
        (0, _) | (_, 0) => format!("{rest} {}", UNITS[unit]),
        _ => format!("{rest}.{fraction} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, seconds};
    use std::time::Duration;

    #[test]
    fn amounts_read_well() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(16 << 20), "16 MiB");
        assert_eq!(seconds(Duration::from_millis(340)), "0.3 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 5 s");
    }
}
