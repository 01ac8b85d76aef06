//! Programs that check a file before it goes live.

use std::collections::HashSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use sty_wire::observation::Failure;
use sty_wire::resource::{File, FileCheck};

use crate::run::Run;

const LIMIT: Duration = Duration::from_secs(60);
/// Any free port.
const LOOPBACK: &str = "127.0.0.1:0";
/// Lines with these words may hold secrets.
const SECRET_WORDS: [&str; 6] = ["pass", "secret", "token", "auth", "userlist", "user"];

/// Has the checker of `file` judge the candidate. `ids` are the numbers of its owner and group.
pub(crate) fn accept(
    file: &File,
    check: FileCheck,
    candidate: &Path,
    ids: (u32, u32),
) -> Result<(), Failure> {
    let etcd = TcpListener::bind(LOOPBACK).map_err(unable_to_listen)?;
    let address = etcd.local_addr().map_err(unable_to_listen)?;
    let run = command(check, candidate, ids, address);
    run.limit(LIMIT).ok().map(drop).map_err(|failure| {
        let tail = match file.secret {
            true => masked(&failure.tail, file.content.expose()),
            false => failure.tail,
        };
        Failure {
            message: format!(
                "{} was not replaced: its new content is refused ({})",
                file.path, failure.message
            ),
            tail,
            ..failure
        }
    })
}

fn unable_to_listen(error: io::Error) -> Failure {
    Failure::message(format!("cannot listen on {LOOPBACK}: {error}"))
}

/// The checker's command. Patroni's connects to etcd, which runs later, or not at all on a bad
/// day: it is given `etcd` instead.
fn command(check: FileCheck, candidate: &Path, ids: (u32, u32), etcd: SocketAddr) -> Run {
    let candidate = candidate.display().to_string();
    match check {
        FileCheck::Haproxy => Run::new("haproxy").args(["-c", "-f"]).arg(candidate),
        FileCheck::Sudoers => Run::new("visudo").args(["-c", "-f"]).arg(candidate),
        // It looks at directories and programs as the account it will run as.
        FileCheck::Patroni => Run::new("patroni")
            .args(["--validate-config", "--ignore-listen-port"])
            .arg(candidate)
            .env("PATRONI_ETCD3_HOSTS", &etcd.to_string())
            .account(ids.0, ids.1),
        FileCheck::Keepalived => Run::new("keepalived")
            .args(["--config-test", "--use-file"])
            .arg(candidate),
    }
}

/// `lines` without any word that a line of `content` about accounts holds.
fn masked(lines: &[String], content: &str) -> Vec<String> {
    let telling = |line: &&str| is_telling(line);
    let secrets: HashSet<&str> = content
        .lines()
        .filter(telling)
        .flat_map(|line| line.split(separates))
        .filter(|word| word.len() > 3 && !is_telling(word))
        .collect();
    lines.iter().map(|line| mask(line, &secrets)).collect()
}

fn mask(line: &str, secrets: &HashSet<&str>) -> String {
    line.split_inclusive(separates)
        .map(|piece| {
            let word = piece.trim_end_matches(separates);
            match secrets.contains(word) {
                true => format!("[redacted]{}", &piece[word.len()..]),
                false => piece.to_owned(),
            }
        })
        .collect()
}

fn is_telling(text: &str) -> bool {
    let text = text.to_lowercase();
    SECRET_WORDS.iter().any(|word| text.contains(word))
}

fn separates(c: char) -> bool {
    c.is_whitespace() || "\"',:={}[]()".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checker_that_quotes_a_password_is_not_passed_on() {
        let content =
            "scope: pg-test\npostgresql:\n  password: 'hunter2x'\nstats auth ada:Geheim1\n";
        let lines = [
            "password hunter2x didn't pass validation".to_owned(),
            "line 3: 'ada:Geheim1'".to_owned(),
        ];
        assert_eq!(
            masked(&lines, content),
            [
                "password [redacted] didn't pass validation",
                "line 3: 'ada:[redacted]'"
            ]
        );
    }
}
