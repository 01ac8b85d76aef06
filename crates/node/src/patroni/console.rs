//! PgBouncer's console, by `psql` as the account that may use it.

use std::time::Duration;

use sty_wire::observation::Failure;
use sty_wire::resource::PrimaryPooler;

use crate::accounts::Accounts;
use crate::run::{Finished, Run};

const LIMIT: Duration = Duration::from_secs(10);

/// The console of a node's primary pooler.
pub(super) struct Console<'a> {
    pooler: &'a PrimaryPooler,
    account: (u32, u32),
}

impl<'a> Console<'a> {
    /// Looks the account up; connects to nothing yet.
    pub(super) fn new(pooler: &'a PrimaryPooler) -> Result<Self, Failure> {
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
    pub(super) fn command(&self, command: &str) -> Run {
        Run::new(&self.pooler.psql)
            .args(words(self.pooler, command))
            .account(self.account.0, self.account.1)
            .limit(LIMIT)
    }

    /// Lets held clients go on. That there are none is known only to a second question, which is
    /// asked when the first was refused: clients wait.
    pub(super) fn resume(&self) -> Result<(), Failure> {
        let Err(refused) = self.command("RESUME").ok() else {
            return Ok(());
        };
        let state = self.command("SHOW STATE").ok()?;
        match rows(&state).any(|row| row == ["active", "yes"]) {
            true => Ok(()),
            false => Err(refused),
        }
    }

    /// Transactions that keep a server connection, in words.
    pub(super) fn busy(&self) -> Result<Vec<String>, Failure> {
        let clients = self.command("SHOW CLIENTS").ok()?;
        let mut rows = rows(&clients);
        let header = rows.next().unwrap_or_default();
        let cell = |row: &[&str], name: &str| {
            let at = header.iter().position(|column| *column == name);
            let cell = at.and_then(|at| row.get(at).copied());
            cell.unwrap_or_default().to_owned()
        };
        let words = |row: Vec<&str>| {
            format!(
                "{} in database {} from {}, at work since {}",
                cell(&row, "user"),
                cell(&row, "database"),
                cell(&row, "addr"),
                cell(&row, "request_time")
            )
        };
        let at_work = rows.filter(|row| !cell(row, "link").is_empty());
        Ok(at_work.map(words).collect())
    }
}

/// Arguments of `psql` for a command on the console.
pub(super) fn words(pooler: &PrimaryPooler, command: &str) -> Vec<String> {
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

fn rows(finished: &Finished) -> impl Iterator<Item = Vec<&str>> {
    let lines = finished.stdout.lines();
    lines.map(|line| line.split('|').map(str::trim).collect())
}
