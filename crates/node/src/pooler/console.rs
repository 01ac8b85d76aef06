//! PgBouncer's console, by `psql` as the account that may use it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sty_wire::observation::Failure;
use sty_wire::resource::PoolerConsole;

use crate::accounts::Accounts;
use crate::run::Run;

/// How long it may take to answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// The console of a pooler on this node.
pub(crate) struct Console<'a> {
    pooler: &'a PoolerConsole,
    account: (u32, u32),
}

impl<'a> Console<'a> {
    /// Looks the account up; connects to nothing yet.
    pub(crate) fn new(pooler: &'a PoolerConsole) -> Result<Self, Failure> {
        let accounts = Accounts::read()?;
        let account = accounts
            .users
            .get(&pooler.account)
            .ok_or_else(|| Failure::message(format!("there is no account `{}`", pooler.account)))?;
        Ok(Self {
            pooler,
            account: (account.uid, account.gid),
        })
    }

    /// A command to run.
    pub(crate) fn command(&self, command: &str) -> Run {
        let psql = Run::new(&self.pooler.psql);
        self.with_words(psql, command).limit(LIMIT)
    }

    /// The same for one that nobody may be left to wait for: it ends by itself, also after this
    /// program has.
    pub(crate) fn command_for(&self, command: &str, limit: Duration) -> Run {
        let psql =
            Run::new("timeout").args([limit.as_secs().to_string(), self.pooler.psql.clone()]);
        self.with_words(psql, command).limit(limit + LIMIT)
    }

    fn with_words(&self, psql: Run, command: &str) -> Run {
        psql.args(words(self.pooler, command))
            .account(self.account.0, self.account.1)
    }

    /// Lets held clients go on. That there are none is known only to a second question, which is
    /// asked when the first was refused: clients wait.
    pub(crate) fn resume(&self) -> Result<(), Failure> {
        let Err(refused) = self.command("RESUME").ok() else {
            return Ok(());
        };
        let state = self.command("SHOW STATE").ok()?;
        match rows(&state.stdout).any(|row| row == ["active", "yes"]) {
            true => Ok(()),
            false => Err(refused),
        }
    }

    /// The answers to a question and more, one after the other.
    pub(super) fn answers(
        &self,
        first: &str,
        others: &[&str],
        limit: Duration,
    ) -> Result<String, Failure> {
        let others = others.iter().flat_map(|question| ["--command", question]);
        let run = self.command(first).args(others);
        Ok(run.limit(limit).ok()?.stdout)
    }

    /// Who keeps a server connection.
    pub(crate) fn busy(&self) -> Result<Busy, Failure> {
        let pools = self.command("SHOW POOLS").ok()?;
        let sessions = pooled_as_session(&pools.stdout);
        let clients = self.command("SHOW CLIENTS").ok()?;
        let mut rows = rows(&clients.stdout);
        let header = rows.next().unwrap_or_default();
        let cell =
            |row: &[&str], name: &str| cell(&header, row, name).unwrap_or_default().to_owned();
        let words = |row: Vec<&str>| {
            format!(
                "{} in database {} from {}, at work since {}",
                cell(&row, "user"),
                cell(&row, "database"),
                cell(&row, "addr"),
                cell(&row, "request_time")
            )
        };
        let served = rows.filter(|row| !cell(row, "link").is_empty());
        let (sessions, transactions): (Vec<_>, Vec<_>) =
            served.partition(|row| sessions.contains(&(cell(row, "database"), cell(row, "user"))));
        Ok(Busy {
            transactions: transactions.into_iter().map(words).collect(),
            sessions: sessions.len(),
        })
    }
}

/// Clients that keep a server connection.
#[derive(Debug)]
pub(crate) struct Busy {
    /// Transactions, in words.
    pub(crate) transactions: Vec<String>,
    /// Sessions pooled as such, which keep theirs until they leave, at work or not.
    pub(crate) sessions: usize,
}

/// Database and user of the pools that `SHOW POOLS` calls so.
fn pooled_as_session(pools: &str) -> BTreeSet<(String, String)> {
    let mut rows = rows(pools);
    let header = rows.next().unwrap_or_default();
    let cell = |row: &[&str], name: &str| cell(&header, row, name).unwrap_or_default().to_owned();
    let sessions = rows.filter(|row| cell(row, "pool_mode") == "session");
    sessions
        .map(|row| (cell(&row, "database"), cell(&row, "user")))
        .collect()
}

/// Whether there is a program to ask it with.
pub(crate) fn can_be_asked(pooler: &PoolerConsole) -> bool {
    Path::new(&pooler.psql).exists()
}

/// Arguments of `psql` for a command on the console.
pub(crate) fn words(pooler: &PoolerConsole, command: &str) -> Vec<String> {
    let port = pooler.port.to_string();
    let words = [
        "--no-psqlrc",
        "--no-align",
        "--pset=footer=off",
        "--host",
        &pooler.socket_dir,
        "--port",
        &port,
        "--username",
        &pooler.account,
        "--dbname=pgbouncer",
        "--command",
        command,
    ];
    words.map(str::to_owned).to_vec()
}

/// The value in the column `name`.
pub(super) fn cell<'a>(header: &[&str], row: &[&'a str], name: &str) -> Option<&'a str> {
    let at = header.iter().position(|column| *column == name)?;
    row.get(at).copied()
}

pub(super) fn rows(stdout: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = stdout.lines();
    lines.map(|line| line.split('|').map(str::trim).collect())
}
