//! A client at work: one statement a tick, connecting again as needed, and a ledger.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sty_drill::{Attempt, Ledger, Outcome};

use crate::{ClientError, Connection, Door, Login, Pending};

/// Between two attempts to connect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// How often a client that waits looks whether it should stop.
const SLICE: Duration = Duration::from_millis(100);

/// What a client does.
pub struct Script {
    /// Where it comes in: the first door that opens, anew for each session.
    pub doors: Vec<Door>,
    /// The statement of a number. What it returns, if anything, is where the log has come to, bytes.
    pub sql: Box<dyn Fn(u64) -> String + Send>,
    /// Number of the first statement.
    pub first: u64,
    /// From one statement to the next.
    pub period: Duration,
    /// How long it tries at one door.
    pub connect_limit: Duration,
    /// How long it waits for an answer before it gives the session up. `None`: for ever.
    pub answer_limit: Option<Duration>,
}

/// A client at work. Dropped, it ends by itself.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    ledger: Arc<Mutex<Ledger>>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Sets a client to work. Times in its ledger count from `clock`.
    pub fn start(login: Login, script: Script, clock: Instant) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let mut worker = Worker {
            login,
            script,
            clock,
            stop: Arc::clone(&stop),
            ledger: Arc::clone(&ledger),
            connection: None,
            late: Vec::new(),
        };
        let thread = thread::spawn(move || worker.work());
        Self {
            stop,
            ledger,
            thread: Some(thread),
        }
    }

    /// Its ledger so far.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, and gives its ledger.
    pub fn stop(mut self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        std::mem::take(&mut *self.ledger())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// A statement that was given up, whose answer may still come.
struct Abandoned {
    number: u64,
    began_us: u64,
    pending: Pending,
}

struct Worker {
    login: Login,
    script: Script,
    clock: Instant,
    stop: Arc<AtomicBool>,
    ledger: Arc<Mutex<Ledger>>,
    connection: Option<Connection>,
    late: Vec<Abandoned>,
}

impl Worker {
    fn work(&mut self) {
        let mut number = self.script.first;
        while !self.stop.load(Ordering::SeqCst) {
            let begun = Instant::now();
            self.take_late();
            let connected = self.attempt(number);
            number += 1;
            let period = match connected {
                true => self.script.period,
                false => self.script.period.max(RECONNECT_PAUSE),
            };
            thread::sleep(period.saturating_sub(begun.elapsed()));
        }
        self.take_late();
    }

    /// One statement. Whether there is, or was, a session to send it on.
    fn attempt(&mut self, number: u64) -> bool {
        let began_us = self.now_us();
        let connection = match self.session() {
            Ok(connection) => connection,
            Err(error) => {
                self.note(number, began_us, Outcome::NotSent(error.class()), None);
                return false;
            }
        };
        let pending = connection.send((self.script.sql)(number));
        let answer = self.wait(&pending);
        let mut position = None;
        let outcome = match answer {
            Some(Ok(rows)) => {
                self.connection = Some(connection);
                position = number_of(&rows);
                Outcome::Acknowledged
            }
            Some(Err(error)) if error.is_refusal() => {
                self.connection = Some(connection);
                Outcome::Refused(error.class())
            }
            Some(Err(error)) => Outcome::Unanswered(error.class()),
            None => {
                self.late.push(Abandoned {
                    number,
                    began_us,
                    pending,
                });
                Outcome::Unanswered(ClientError::NoAnswer.class())
            }
        };
        self.note(number, began_us, outcome, position);
        true
    }

    fn session(&mut self) -> Result<Connection, ClientError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(&self.login, &self.script.doors, self.script.connect_limit),
        }
    }

    /// Waits for an answer; a client that is told to stop waits no longer than a patient one.
    fn wait(&self, pending: &Pending) -> Option<Result<crate::Rows, ClientError>> {
        let begun = Instant::now();
        loop {
            if let Some(answer) = pending.wait(SLICE) {
                return Some(answer);
            }
            let over = self
                .script
                .answer_limit
                .is_some_and(|limit| begun.elapsed() >= limit);
            let stopped = self.script.answer_limit.is_none() && self.stop.load(Ordering::SeqCst);
            if over || stopped {
                return None;
            }
        }
    }

    /// Notes acknowledgements of statements that were given up: promises all the same.
    fn take_late(&mut self) {
        for abandoned in std::mem::take(&mut self.late) {
            match abandoned.pending.poll() {
                Some(Ok(rows)) => {
                    let (number, began_us) = (abandoned.number, abandoned.began_us);
                    self.note(number, began_us, Outcome::Late, number_of(&rows));
                }
                // It was counted as unanswered when it was given up.
                Some(Err(_)) => {}
                None => self.late.push(abandoned),
            }
        }
    }

    fn note(&self, number: u64, began_us: u64, outcome: Outcome, wal_position: Option<u64>) {
        let attempt = Attempt {
            number,
            began_us,
            ended_us: self.now_us(),
            outcome,
            wal_position,
        };
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.attempts.push(attempt);
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The one number of an answer.
fn number_of(rows: &crate::Rows) -> Option<u64> {
    rows.first()?.first()?.as_deref()?.parse().ok()
}
