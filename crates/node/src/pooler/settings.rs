//! Settings of a pooler that runs: an administrator may have changed them in its console (`SET`),
//! which lasts until it reads its file again.

use std::collections::BTreeMap;
use std::fs;

use sty_wire::observation::{Change, Failure};

use super::console::cell;
use crate::patroni::same_text;

/// Settings that no file has: where that is, and how talkative its command line makes it.
const OF_THE_PROCESS: [&str; 2] = ["conffile", "verbose"];

/// What differs from the file that the pooler reads, by its answer to `SHOW CONFIG`.
pub(super) fn changed(header: &[&str], rows: &[Vec<&str>]) -> Result<Vec<Change>, Failure> {
    let value = |row: &[&str], name: &str| cell(header, row, name).unwrap_or_default().to_owned();
    let own = rows.iter().find(|row| value(row, "key") == "conffile");
    let file = own.map(|row| value(row, "value")).unwrap_or_default();
    let written = written(&file)?;
    let whole = rows.iter().filter(|row| row.len() == header.len());
    let changes = whole.filter_map(|row| {
        let key = value(row, "key");
        if OF_THE_PROCESS.contains(&key.as_str()) || value(row, "changeable") != "yes" {
            return None;
        }
        let wanted = written.get(&key).cloned();
        let wanted = wanted.unwrap_or_else(|| value(row, "default"));
        let found = value(row, "value");
        (!same_text(&found, &wanted)).then(|| Change::new(key, found, wanted))
    });
    Ok(changes.collect())
}

/// What a file and those that it includes say in the section `pgbouncer`.
fn written(file: &str) -> Result<BTreeMap<String, String>, Failure> {
    let read = |path: &str| {
        let text = fs::read_to_string(path);
        text.map_err(|error| Failure::message(format!("cannot read {path}: {error}")))
    };
    let text = read(file)?;
    let mut found = settings(&text);
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("%include ") {
            // A file of its own begins in no section; this one stands in the right one.
            found.extend(settings(&format!("[pgbouncer]\n{}", read(path.trim())?)));
        }
    }
    Ok(found)
}

fn settings(text: &str) -> BTreeMap<String, String> {
    let mut inside = false;
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[pgbouncer]";
        } else if let (true, Some((key, value))) = (inside, line.split_once('='))
            && !line.starts_with(';')
        {
            found.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn what_the_console_has_set_differs_from_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let text = format!(
            "[databases]\nquery_timeout = host=x\n\n[pgbouncer]\n%include {}\n; verbose = 3\n\
             pool_mode = transaction\nlog_stats = 0\n",
            path("listen.ini")
        );
        std::fs::write(path("main.ini"), text).unwrap();
        std::fs::write(path("listen.ini"), "; first\nlogfile =\n").unwrap();
        let file = path("main.ini");
        let header = ["key", "value", "default", "changeable"];
        let rows = [
            vec!["conffile", file.as_str(), "", "yes"],
            vec!["pool_mode", "session", "session", "yes"],
            vec!["log_stats", "0", "1", "yes"],
            vec!["logfile", "", "/x", "yes"],
            vec!["query_timeout", "5", "0", "yes"],
            vec!["listen_port", "6432", "1", "no"],
            vec!["verbose", "0", "", "yes"],
        ];
        let found = changed(&header, &rows).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{}: {:?} {:?}", one.what, one.from, one.to))
            .collect();
        assert_eq!(
            shown,
            [
                "pool_mode: Some(\"session\") Some(\"transaction\")",
                "query_timeout: Some(\"5\") Some(\"0\")",
            ]
        );
    }
}
