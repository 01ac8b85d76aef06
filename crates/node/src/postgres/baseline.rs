//! The script that a new database gets, run once by `psql`.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};
use sha2::{Digest, Sha256};
use sty_plan::postgres::model::BASELINE_SETTING;
use sty_plan::postgres::statement::{Statement, Subject};
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use super::session::script_options;
use crate::run::Run;

/// Scripts may load data.
const LIMIT: Duration = Duration::from_secs(3600);
/// Where a node keeps the programs of its PostgreSQL version.
const OWN_PSQL: &str = "/usr/pgsql/bin/psql";

/// Runs `script` (its path for messages, its text) in `database` and records that it was, all in
/// one transaction. The text is handed over in memory: it may hold secrets.
pub(super) fn run(
    postgres: &PostgresAccess,
    database: &str,
    script: Option<&(String, String)>,
) -> Result<(), Failure> {
    let Some((path, text)) = script else {
        return Ok(());
    };
    let unable = |error: std::io::Error| {
        Failure::message(format!(
            "cannot hand the baseline `{path}` to psql: {error}"
        ))
    };
    let memory = memfd_create("baseline.sql", MemfdFlags::empty()).map_err(|e| unable(e.into()))?;
    let mut memory = File::from(memory);
    memory.write_all(text.as_bytes()).map_err(unable)?;
    let file = format!("/proc/self/fd/{}", memory.as_raw_fd());
    let command = psql(postgres, database)
        .args(["--file", &file])
        .args(["--command", &record(database, text)]);
    let outcome = command.ok();
    outcome.map(drop).map_err(|failure| Failure {
        message: format!(
            "the baseline `{path}` failed in database `{database}`; nothing of it stays"
        ),
        tail: failure
            .tail
            .iter()
            .map(|line| line.replace(&file, path))
            .collect(),
        hint: Some("mend the script, then run it again".to_owned()),
        ..failure
    })
}

fn psql(postgres: &PostgresAccess, database: &str) -> Run {
    let own = Path::new(OWN_PSQL).exists();
    Run::new(if own { OWN_PSQL } else { "psql" })
        .args(["--no-psqlrc", "--quiet", "--single-transaction"])
        .args(["--set", "ON_ERROR_STOP=1"])
        // Without the lines of the script that an error would quote.
        .args(["--set", "VERBOSITY=terse", "--set", "SHOW_CONTEXT=never"])
        .args([
            "--host",
            &postgres.socket_dir,
            "--port",
            &postgres.port.to_string(),
        ])
        .args([
            "--username",
            &postgres.user,
            "--dbname",
            database,
            "--no-password",
        ])
        .args(["--output", "/dev/null"])
        .env("PGOPTIONS", &script_options())
        .env("PGAPPNAME", "sty")
        .limit(LIMIT)
}

/// The statement that records what was run.
fn record(database: &str, text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let value = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let statement = Statement::Set {
        subject: Subject::Database(database.to_owned()),
        name: BASELINE_SETTING.to_owned(),
        value,
    };
    statement.sql().unwrap_or_default()
}
