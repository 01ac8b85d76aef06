//! Clients at work.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use sty_stories::{World, until};

/// Four clients that keep their connections, write all the time, and end at the first error.
pub(crate) struct Load {
    child: Child,
    log: std::path::PathBuf,
}

impl Load {
    /// Makes the table that is written to.
    pub(crate) fn prepare(world: &World) {
        let sql = "create table story (id bigserial primary key, at timestamptz default now())";
        world.sql("10.10.10.11", 5433, "test", "test", sql).ok();
    }

    /// Writes through the pooled service of `entry`. Returns once rows arrive.
    pub(crate) fn start(world: &World, entry: &str) -> Self {
        let log = world.home().join("load.log");
        let script = world.home().join("load.sql");
        std::fs::write(&script, "insert into story default values;\n").expect("a script");
        let file = std::fs::File::create(&log).expect("a log file");
        let mut command = world.inside("pgbench");
        command
            .args(["-n", "-c", "4", "-j", "1", "-T", "600", "-R", "60", "-f"])
            .arg(&script)
            .arg(format!(
                "host={entry} port=5433 user=test dbname=test sslmode=require connect_timeout=5"
            ))
            .env("PGPASSFILE", world.passwords())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file);
        let child = command.spawn().expect("pgbench can be started");
        writes(world, entry, &log);
        Self { child, log }
    }
    /// Ends it; fails the story when a client had met an error.
    pub(crate) fn ends_without_error(mut self) {
        let ended = self.child.try_wait().expect("pgbench can be asked");
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        assert!(ended.is_none(), "a client met an error: {log}");
        assert!(!log.contains("error"), "a client met an error: {log}");
        self.child.kill().expect("pgbench can be ended");
        self.child.wait().expect("pgbench ends");
    }
}

fn writes(world: &World, entry: &str, log: &Path) {
    let rows = || {
        let sql = "select count(*) from story";
        world
            .sql(entry, 5433, "test", "test", sql)
            .ok()
            .text()
            .parse::<i64>()
    };
    let before = rows().expect("a number");
    until("rows arrive", Duration::from_secs(10), || match rows() {
        Ok(now) if now > before => Ok(()),
        other => {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            Err(format!("{other:?} rows, {before} before; pgbench: {said}"))
        }
    });
}
