//! A client that commits twenty rows a second and remembers what was acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{World, until};

const TICK: Duration = Duration::from_millis(50);

/// What a writer has to tell.
#[derive(Debug)]
pub struct Report {
    /// Rows that were acknowledged.
    pub rows: u64,
    /// Times that its connection broke.
    pub errors: u64,
    /// The longest time between two acknowledged rows.
    pub longest_gap: Duration,
    acknowledged: Vec<u64>,
}

/// A writer at work.
pub struct Writer {
    stop: Arc<AtomicBool>,
    rows: Arc<AtomicU64>,
    thread: JoinHandle<Report>,
}

/// One psql.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("psql can be started");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            child,
            input,
            output,
        }
    }

    /// Commits a row; whether that was acknowledged.
    fn commit(&mut self, row: u64) -> bool {
        let sql = format!("insert into rows (id) values ({row}) returning id;\n");
        if self.input.write_all(sql.as_bytes()).is_err() {
            return false;
        }
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        read.is_ok() && line.trim() == row.to_string()
    }

    fn end(mut self) {
        drop(self.input);
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Writer {
    /// Writes to database `test` through port 5433 of `entry`.
    pub fn start(world: &World, entry: &str) -> Self {
        let create = "create table if not exists rows (id bigint); truncate rows";
        world.sql(entry, 5433, "test", "test", create).ok();
        let mut command = world.inside("psql");
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .arg(format!(
                "host={entry} port=5433 user=test dbname=test sslmode=require connect_timeout=2 \
                 keepalives_idle=2 keepalives_interval=1 keepalives_count=3"
            ))
            .env("PGPASSFILE", world.passwords())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let (stop, rows) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rows));
        let thread = std::thread::spawn(move || work(command, &stopped, &counted));
        Self { stop, rows, thread }
    }

    /// Waits until rows flow.
    pub fn settles(&mut self) {
        let before = self.rows.load(Ordering::Relaxed);
        until("rows flow", Duration::from_secs(30), || {
            match self.rows.load(Ordering::Relaxed) {
                now if now >= before + 10 => Ok(()),
                now => Err(format!("{} more", now - before)),
            }
        });
    }

    /// Ends it and sees that every acknowledged row is there.
    ///
    /// `primary` is the node that has them all.
    pub fn stop(self, world: &World, primary: &str) -> Report {
        self.stop.store(true, Ordering::Relaxed);
        let report = self.thread.join().expect("the writer ends");
        let there = world.superuser(primary, "test", "select id from rows");
        let there = there.ok().text();
        let there: std::collections::BTreeSet<u64> =
            there.lines().filter_map(|line| line.parse().ok()).collect();
        let lost: Vec<&u64> = report
            .acknowledged
            .iter()
            .filter(|id| !there.contains(id))
            .collect();
        assert!(lost.is_empty(), "acknowledged rows are lost: {lost:?}");
        eprintln!(
            "   {} rows, {} errors, longest gap {:.2} s",
            report.rows,
            report.errors,
            report.longest_gap.as_secs_f64()
        );
        report
    }
}

fn work(mut command: Command, stop: &AtomicBool, rows: &AtomicU64) -> Report {
    let mut report = Report {
        rows: 0,
        errors: 0,
        longest_gap: Duration::ZERO,
        acknowledged: Vec::new(),
    };
    let mut session = Session::start(&mut command);
    let mut last: Option<Instant> = None;
    let mut row = 0;
    while !stop.load(Ordering::Relaxed) {
        let tick = Instant::now();
        row += 1;
        if session.commit(row) {
            let gap = last.map(|at| at.elapsed()).unwrap_or_default();
            report.longest_gap = report.longest_gap.max(gap);
            last = Some(Instant::now());
            report.acknowledged.push(row);
            report.rows = rows.fetch_add(1, Ordering::Relaxed) + 1;
        } else {
            report.errors += 1;
            session.end();
            session = Session::start(&mut command);
        }
        std::thread::sleep(TICK.saturating_sub(tick.elapsed()));
    }
    session.end();
    report
}
