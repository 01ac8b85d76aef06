//! Who waits for a restart, in words.

use std::collections::{BTreeMap, BTreeSet};

use sty_plan::Restart;

/// A line for each cluster and cause.
pub(crate) fn lines(found: &[Restart]) -> Vec<String> {
    let mut groups: BTreeMap<(bool, &str, BTreeSet<&str>), Vec<String>> = BTreeMap::new();
    for restart in found {
        let because = causes(restart, found);
        if restart.due || !because.is_empty() {
            let key = (!restart.due, restart.cluster.as_str(), because);
            groups.entry(key).or_default().push(who(restart));
        }
    }
    let line = |((coming, _, because), members): ((bool, &str, BTreeSet<&str>), Vec<String>)| {
        let verb = match (coming, members.as_slice()) {
            (true, _) => "will wait",
            (false, [_]) => "waits",
            (false, _) => "wait",
        };
        format!(
            "{} {verb} for a restart{}: `sty apply --restart`",
            listed(&members),
            cause(&because)
        )
    };
    groups.into_iter().map(line).collect()
}

/// What a member waits for; what it waits for already is not told again as what will come.
fn causes<'a>(restart: &'a Restart, found: &[Restart]) -> BTreeSet<&'a str> {
    let waits = |cause: &str| {
        let mut due = found.iter().filter(|other| other.due);
        due.any(|other| other.member == restart.member && other.because.contains(cause))
    };
    let causes = restart.because.iter().map(String::as_str);
    causes
        .filter(|cause| restart.due || !waits(cause))
        .collect()
}

/// A member; a unit with its node.
fn who(restart: &Restart) -> String {
    match restart.member.ends_with(".service") {
        true => format!("{} on {}", restart.member, restart.node),
        false => restart.member.clone(),
    }
}

/// Settings are the cause; files are what is read anew.
fn cause(because: &BTreeSet<&str>) -> String {
    let words = because.iter().map(|&one| one.to_owned());
    let (files, settings): (Vec<String>, Vec<String>) =
        words.partition(|one| one.starts_with("with "));
    let settings = match settings.as_slice() {
        [] => String::new(),
        some => format!(" because of {}", listed(some)),
    };
    let files: String = files.iter().map(|file| format!(" {file}")).collect();
    settings + &files
}

fn listed(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restart(member: &str, due: bool, because: &[&str]) -> Restart {
        Restart {
            cluster: "pg-test".to_owned(),
            member: member.to_owned(),
            node: "10.10.10.11".to_owned(),
            due,
            because: because.iter().map(|&one| one.to_owned()).collect(),
        }
    }

    #[test]
    fn members_with_the_same_cause_are_one_line() {
        let settings = ["max_connections", "wal_level", "shared_buffers"];
        let found = [
            restart("pg-test-1", true, &settings),
            restart("pg-test-2", true, &settings),
            restart("pg-test-3", true, &["max_connections"]),
            restart("pg-test-3", false, &["max_connections", "wal_level"]),
            restart("pg-test-2", false, &["wal_level"]),
            restart(
                "pgbouncer.service",
                true,
                &["with /etc/pgbouncer/listen.ini as changed"],
            ),
        ];
        insta::assert_snapshot!(lines(&found).join("\n"), @"
        pg-test-3 waits for a restart because of max_connections: `sty apply --restart`
        pg-test-1 and pg-test-2 wait for a restart because of max_connections, shared_buffers and wal_level: `sty apply --restart`
        pgbouncer.service on 10.10.10.11 waits for a restart with /etc/pgbouncer/listen.ini as changed: `sty apply --restart`
        pg-test-3 will wait for a restart because of wal_level: `sty apply --restart`
        ");
    }
}
