//! Lines that go into files of a node as they are.

use std::net::IpAddr;

use super::Scope;
use crate::codes;
use crate::source::{Place, Value};
use crate::suggest;

/// Checks `node_default_etc_hosts` and `node_etc_hosts`.
pub(super) fn check_hosts(scope: &Scope<'_>) {
    if !scope.bool("node_write_etc_hosts") {
        return;
    }
    for name in ["node_default_etc_hosts", "node_etc_hosts"] {
        for (place, text) in scope.written(name) {
            let wrong = text.lines().find(|line| !is_hosts_line(line));
            if let Some(line) = wrong {
                scope.report.error_once(
                    codes::VALUE,
                    place,
                    format!("`{name}` has `{line}`, which is no line of /etc/hosts"),
                    "not an address and names",
                    "write it as `10.10.10.20 files.example.org files`",
                );
            }
        }
    }
}

fn is_hosts_line(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let Some(address) = words.next() else {
        return true;
    };
    let names: Vec<&str> = words.collect();
    address.parse::<IpAddr>().is_ok()
        && !names.is_empty()
        && names.iter().all(|name| is_host_name(name))
}

fn is_host_name(name: &str) -> bool {
    let plain = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
    name.chars().all(plain) && !name.starts_with(['-', '.'])
}

/// Checks names that a shell, the kernel and its loader of modules read.
pub(super) fn check_names(scope: &Scope<'_>) {
    for (parameter, signs, noun) in [
        ("node_aliases", "_.-+", "name of an alias"),
        ("node_sysctl_params", "_.-/", "setting of the kernel"),
    ] {
        let entries = scope.value(parameter).map(Value::entries);
        for entry in entries.unwrap_or_default() {
            check_name(scope, entry.key_place, parameter, &entry.key, signs, noun);
        }
    }
    for (place, name) in scope.written_words("node_kernel_modules") {
        let noun = "name of a kernel module";
        check_name(scope, place, "node_kernel_modules", &name, "_-", noun);
    }
}

fn check_name(
    scope: &Scope<'_>,
    place: Place,
    parameter: &str,
    name: &str,
    signs: &str,
    noun: &str,
) {
    let plain = |one: char| one.is_ascii_alphanumeric() || signs.contains(one);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
        scope.report.error_once(
            codes::VALUE,
            place,
            format!("`{parameter}` has `{name}`, which is no {noun}"),
            "not a name",
            format!("write letters, digits and `{signs}`"),
        );
    }
}

/// Checks `node_crontab`, whose lines name an account, and `pg_crontab`, whose lines do not.
pub(super) fn check_jobs(scope: &Scope<'_>) {
    for (name, words, example) in [
        ("node_crontab", 2, "30 3 * * * root /usr/local/bin/job"),
        ("pg_crontab", 1, "30 3 * * * /usr/local/bin/job"),
    ] {
        for (place, text) in scope.written(name) {
            if let Some(line) = text.lines().find(|line| !is_job(line, words)) {
                scope.report.error_once(
                    codes::VALUE,
                    place,
                    format!("`{name}` has `{line}`, which is no line of cron"),
                    "not a time and a command",
                    format!("write it as `{example}`"),
                );
            }
        }
    }
}

/// A remark, a variable, or a time with so many words behind it.
fn is_job(line: &str, words: usize) -> bool {
    let line = line.trim();
    let name = line.split(['=', ' ']).next().unwrap_or_default();
    let is_variable = line.contains('=')
        && name.starts_with(|one: char| one.is_ascii_alphabetic())
        && name
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || one == '_');
    if line.is_empty() || line.starts_with('#') || is_variable {
        return true;
    }
    let mut fields = line.split_whitespace();
    let is_timed = match line.starts_with('@') {
        true => fields.next().is_some_and(|word| WORDS.contains(&word)),
        false => TIMES.iter().all(|time| {
            let field = fields.next();
            field.is_some_and(|field| field.split(',').all(|part| time.takes(part)))
        }),
    };
    is_timed && fields.count() >= words
}

/// What stands for five fields.
const WORDS: [&str; 8] = [
    "@reboot",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];

/// One of the five fields of a time: the least and the greatest number, and names of numbers.
struct Time(u32, u32, &'static str);

/// Minute, hour, day, month, day of the week, of which Sunday has two numbers (crontab(5)).
const TIMES: [Time; 5] = [
    Time(0, 59, ""),
    Time(0, 23, ""),
    Time(1, 31, ""),
    Time(1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    Time(0, 7, "sun mon tue wed thu fri sat"),
];

impl Time {
    /// `*`, a number or a range, each of them with a step.
    fn takes(&self, part: &str) -> bool {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse()),
            None => (part, Ok(1)),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let is_range = match (self.number(first), self.number(last)) {
            (Some(first), Some(last)) => first <= last,
            _ => range == "*",
        };
        is_range && step.is_ok_and(|step: u32| step >= 1)
    }

    fn number(&self, text: &str) -> Option<u32> {
        let Self(least, greatest, names) = *self;
        let mut names = names.split(' ').zip(least..);
        let named = names.find(|(name, _)| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some((_, number)) => number,
            None => text.parse().ok()?,
        };
        (least..=greatest).contains(&number).then_some(number)
    }
}

/// How a line begins that gives chrony the time.
const SOURCES: &[&str] = &["server", "pool", "peer", "refclock"];

/// Checks `node_ntp_servers`.
pub(super) fn check_time_sources(scope: &Scope<'_>) {
    if !scope.bool("node_ntp_enabled") {
        return;
    }
    for (place, text) in scope.written("node_ntp_servers") {
        for line in text.lines() {
            check_time_source(scope, place, line.trim());
        }
    }
}

fn check_time_source(scope: &Scope<'_>, place: Place, line: &str) {
    let mut words = line.split_whitespace();
    let Some(first) = words
        .next()
        .filter(|word| !word.starts_with(['#', '!', ';', '%']))
    else {
        return;
    };
    let more = words.next().is_some();
    if SOURCES.contains(&first) && more {
        return;
    }
    let directive = first.chars().all(|one| one.is_ascii_lowercase());
    let near = suggest::nearest(first, SOURCES.iter().copied());
    let message = format!("`node_ntp_servers` has `{line}`, which is no time source of chrony");
    if directive && near.is_none() {
        scope.report.once(
            place,
            line,
            scope.report.label(
                sty_core::Diagnostic::warning(codes::VALUE, message)
                    .help("chrony refuses to start with a word that it does not know"),
                place,
                "begins with none of `server`, `pool`, `peer`, `refclock`",
            ),
        );
        return;
    }
    let help = match near {
        Some(near) if near != first => format!("did you mean `{near}`?"),
        _ => "write it as `server 10.10.10.20 iburst` or `pool pool.ntp.org iburst`".to_owned(),
    };
    scope
        .report
        .error_once(codes::VALUE, place, message, "not a line of chrony", help);
}

#[cfg(test)]
mod tests {
    use super::{is_hosts_line, is_job};

    #[test]
    fn lines_of_cron() {
        for good in [
            "00 01 * * * root true",
            "@daily root true",
            "*/5 0-6,9 * jan mon-fri root a b c",
            "MAILTO=root",
            "# a remark",
        ] {
            assert!(is_job(good, 2), "{good}");
        }
        assert!(is_job("@hourly true", 1));
        for bad in [
            "foo",
            "00 01 * * * true",
            "@daily true",
            "0 1 * * root true x",
        ] {
            assert!(!is_job(bad, 2), "{bad}");
        }
    }

    #[test]
    fn lines_of_hosts() {
        for good in [
            "10.0.0.1 a",
            "  fd00::1\ta.example.org a_b  # who",
            "# only a comment",
            "",
        ] {
            assert!(is_hosts_line(good), "{good}");
        }
        for bad in [
            "a 10.0.0.1",
            "10.0.0.1",
            "10.0.0.1 a,b",
            "10.0.0.1/24 a",
            "x",
        ] {
            assert!(!is_hosts_line(bad), "{bad}");
        }
    }
}
