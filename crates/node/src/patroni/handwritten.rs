//! What somebody wrote into PostgreSQL's own files, past Patroni. Pure.
//!
//! The server reads `postgresql.base.conf` (what initdb wrote), then `postgresql.conf` (what Patroni
//! writes, from the cluster's configuration and the member's file), then `postgresql.auto.conf`
//! (what `ALTER SYSTEM` writes). The last one wins, and a slip in any keeps the server from starting.

use std::collections::{BTreeMap, BTreeSet};

use sty_wire::observation::Change;

use super::compare::same_text;

/// Settings that initdb writes (PostgreSQL 13 to 18), from its source and the files it makes.
pub(super) const INITDB: [&str; 17] = [
    "autovacuum_worker_slots",
    "datestyle",
    "default_text_search_config",
    "dynamic_shared_memory_type",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "log_file_mode",
    "log_timezone",
    "max_connections",
    "max_wal_size",
    "min_wal_size",
    "password_encryption",
    "shared_buffers",
    "timezone",
    "unix_socket_directories",
];

/// Settings that Patroni decides about itself, whatever it is given (`recovery_parameters` and
/// `_false_validator` in its source).
const PATRONIS: [&str; 16] = [
    "archive_cleanup_command",
    "cluster_name",
    "hba_file",
    "hot_standby",
    "hot_standby_feedback",
    "ident_file",
    "include",
    "listen_addresses",
    "port",
    "primary_conninfo",
    "primary_slot_name",
    "promote_trigger_file",
    "recovery_end_command",
    "recovery_min_apply_delay",
    "restore_command",
    "synchronous_standby_names",
];
/// Settings that it writes with a value of its own when it is given none (`CMDLINE_OPTIONS`).
const DEFAULTED: [&str; 7] = [
    "max_replication_slots",
    "track_commit_timestamp",
    "unix_socket_directories",
    "wal_keep_segments",
    "wal_keep_size",
    "wal_level",
    "wal_log_hints",
];
/// The same, and on a replica it takes what its data needs (`effective_configuration`).
const RAISED: [&str; 5] = [
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
];
const RECOVERY_TARGET: &str = "recovery_target";
/// Their values may hold passwords.
pub(super) const SECRET: [&str; 2] = ["primary_conninfo", "ssl_passphrase_command"];

/// A line that says something.
struct Line<'a> {
    number: usize,
    text: &'a str,
    /// Name in small letters, and value; `None` when it is no setting.
    setting: Option<(String, String)>,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let numbered = text.lines().map(str::trim).zip(1..);
    let says = numbered.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    says.map(|(text, number)| Line {
        number,
        text,
        setting: setting(text),
    })
}

/// `name = value`, `name value`, with or without quotes and a remark behind.
fn setting(line: &str) -> Option<(String, String)> {
    let is_name = |c: char| c.is_alphanumeric() || "_$.".contains(c);
    let (name, rest) = line.split_at(line.find(|c| !is_name(c))?);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let (value, rest) = match rest.strip_prefix('\'') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = rest.find(|c: char| c.is_whitespace() || c == '#');
            let (value, rest) = rest.split_at(end.unwrap_or(rest.len()));
            (value.to_owned(), rest)
        }
    };
    let rest = rest.trim_start();
    let begins_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_setting = begins_well && (rest.is_empty() || rest.starts_with('#'));
    is_setting.then(|| (name.to_ascii_lowercase(), value))
}

/// The value up to the closing quote, and what is behind it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = quoted.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\'' if rest.next_if(|(_, next)| *next == '\'').is_none() => {
                return Some((value, quoted.split_at(at + 1).1));
            }
            '\\' => value.push(rest.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// Lines of a file that are not the first of one of the settings `kept`.
pub(super) fn strangers(file: &str, text: &str, kept: &[&str]) -> Vec<Change> {
    let lines = foreign(text, kept);
    lines.iter().map(|line| line.change(file, None)).collect()
}

/// The file without them.
pub(super) fn without_strangers(text: &str, kept: &[&str]) -> String {
    let lines = foreign(text, kept);
    let foreign: BTreeSet<usize> = lines.iter().map(|line| line.number).collect();
    let kept = text.split_inclusive('\n').zip(1..);
    kept.filter(|(_, number)| !foreign.contains(number))
        .map(|(line, _)| line)
        .collect()
}

fn foreign<'a>(text: &'a str, kept: &[&str]) -> Vec<Line<'a>> {
    let mut seen = BTreeSet::new();
    let is_foreign = |line: &Line<'_>| match &line.setting {
        Some((name, _)) => !kept.contains(&name.as_str()) || !seen.insert(name.clone()),
        None => true,
    };
    lines(text).filter(is_foreign).collect()
}

/// In what the file that Patroni writes is not as `wanted`, on a member that leads or follows.
pub(super) fn differing(
    file: &str,
    text: &str,
    wanted: &BTreeMap<String, String>,
    leads: bool,
) -> Vec<Change> {
    let mut last: BTreeMap<String, Line<'_>> = BTreeMap::new();
    let mut changes = Vec::new();
    for line in lines(text) {
        match &line.setting {
            Some((name, _)) => {
                last.insert(name.clone(), line);
            }
            None => changes.push(line.change(file, None)),
        }
    }
    let given = |name: &str| !is_patronis(name) && (leads || !RAISED.contains(&name));
    for (name, value) in wanted.iter().filter(|(name, _)| given(name)) {
        match last.get(name) {
            Some(line) if line.says(value) => {}
            Some(line) => changes.push(line.change(file, Some(value))),
            None => changes.push(Change {
                what: format!("{file} {name}"),
                to: Some(value.clone()),
                ..Change::default()
            }),
        }
    }
    let by_itself =
        |name: &str| is_patronis(name) || DEFAULTED.contains(&name) || RAISED.contains(&name);
    let extra = last.iter().filter(|(name, _)| !by_itself(name));
    let extra = extra.filter(|(name, _)| !wanted.contains_key(*name));
    changes.extend(extra.map(|(_, line)| line.change(file, None)));
    changes
}

fn is_patronis(name: &str) -> bool {
    PATRONIS.contains(&name) || name.starts_with(RECOVERY_TARGET)
}

impl Line<'_> {
    fn says(&self, value: &str) -> bool {
        let setting = self.setting.as_ref();
        setting.is_some_and(|(_, own)| same_text(own, value))
    }

    fn change(&self, file: &str, to: Option<&str>) -> Change {
        let (what, from) = match &self.setting {
            Some((name, value)) => (format!("{file} {name}"), value.as_str()),
            None => (format!("{file} line {}", self.number), self.text),
        };
        let is_secret = SECRET.iter().any(|name| self.text.contains(name));
        Change {
            what,
            from: (!is_secret).then(|| from.to_owned()),
            to: to.map(str::to_owned),
            ..Change::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(changes: &[Change]) -> Vec<String> {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        let line = |c: &Change| format!("{}: {} -> {}", c.what, side(&c.from), side(&c.to));
        changes.iter().map(line).collect()
    }

    const BASE: &str = "# - Memory -\n\nmax_connections = 100\t\t\t# (change requires restart)\n\
        lc_time = C\ndatestyle = 'iso, mdy'\n";

    #[test]
    fn what_initdb_wrote_stays() {
        assert_eq!(strangers("base", BASE, &INITDB), []);
        assert_eq!(without_strangers(BASE, &INITDB), BASE);
    }

    #[test]
    fn what_was_added_goes() {
        let added = "Work_Mem '99MB'\nmax_connections = 7\nwork_mem = = 3\n\
            include_dir 'conf.d'\nx.y = 'it''s \\'' # why\nprimary_conninfo = 'password=x\n";
        let text = format!("{BASE}{added}");
        assert_eq!(
            shown(&strangers("base", &text, &INITDB)),
            [
                "base work_mem: 99MB -> -",
                "base max_connections: 7 -> -",
                "base line 8: work_mem = = 3 -> -",
                "base include_dir: conf.d -> -",
                "base x.y: it's ' -> -",
                "base line 11: - -> -",
            ]
        );
        assert_eq!(without_strangers(&text, &INITDB), BASE);
    }

    #[test]
    fn what_patroni_writes_is_compared_with_what_it_was_given() {
        let wanted = [
            ("work_mem", "6MB"),
            ("jit", "off"),
            ("log_line_prefix", "'%m\\"),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let wanted = BTreeMap::from(wanted);
        let whole = "include 'postgresql.base.conf'\n\nport = '5432'\njit = 'false'\n\
            log_line_prefix = '''%m\\\\'\nwork_mem = '6MB'\nrecovery_target_lsn = ''\n";
        assert_eq!(differing("conf", whole, &wanted, true), []);
        let edited = "jit = 'off'\njit = on\nwork_mem = 6MB\nenable_sort = off\n???\n";
        assert_eq!(
            shown(&differing("conf", edited, &wanted, true)),
            [
                "conf line 5: ??? -> -",
                "conf jit: on -> off",
                "conf log_line_prefix: - -> '%m\\",
                "conf enable_sort: off -> -",
            ]
        );
    }

    #[test]
    fn a_replica_takes_what_its_data_needs() {
        let wanted = BTreeMap::from([("max_connections".to_owned(), "100".to_owned())]);
        let raised = "max_connections = '250'\nmax_wal_senders = '10'\n";
        assert_eq!(differing("conf", raised, &wanted, false), []);
        assert_eq!(
            shown(&differing("conf", raised, &wanted, true)),
            ["conf max_connections: 250 -> 100"]
        );
    }
}
