//! One session. It lives in a thread of its own, so that its owner can stop waiting.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use postgres::SimpleQueryMessage;

use crate::{ClientError, Door, Login};

/// Rows of text; `None` stands for NULL.
pub type Rows = Vec<Vec<Option<String>>>;

type Answer = Result<Rows, ClientError>;

struct Job {
    sql: String,
    answer: Sender<Answer>,
}

/// One session. Dropped, it ends as soon as the server has answered what was asked last.
#[derive(Debug)]
pub struct Connection {
    jobs: Sender<Job>,
}

/// A statement under way.
#[derive(Debug)]
pub struct Pending {
    answer: Receiver<Answer>,
}

impl Connection {
    /// Connects through the first door that leads to a session, waiting at most `limit` at each.
    ///
    /// # Errors
    /// When none does; what the last one said.
    pub fn open(login: &Login, doors: &[Door], limit: Duration) -> Result<Self, ClientError> {
        let mut last = ClientError::Unreachable;
        for door in doors {
            match Self::through(login, *door, limit) {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn through(login: &Login, door: Door, limit: Duration) -> Result<Self, ClientError> {
        let (jobs, work) = mpsc::channel::<Job>();
        let (tell, connected) = mpsc::channel();
        let login = login.clone();
        thread::spawn(move || {
            let mut client = match login.connect(door, limit) {
                Ok(client) => client,
                Err(error) => return drop(tell.send(Err(ClientError::from(&error)))),
            };
            // Nobody waits any more when it took too long; then there are no jobs either.
            drop(tell.send(Ok(())));
            for job in work {
                let answer = ask(&mut client, &job.sql);
                // As above.
                drop(job.answer.send(answer));
            }
        });
        match connected.recv_timeout(limit) {
            Ok(Ok(())) => Ok(Self { jobs }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ClientError::ConnectTimeout),
        }
    }

    /// Sends one statement, to be waited for.
    pub fn send(&self, sql: String) -> Pending {
        let (sender, answer) = mpsc::channel();
        // A thread that is gone drops the other end: the wait says so.
        drop(self.jobs.send(Job {
            sql,
            answer: sender,
        }));
        Pending { answer }
    }

    /// Sends one statement and waits for its rows.
    ///
    /// # Errors
    /// When it fails, or there is no answer within `limit`.
    pub fn query(&self, sql: &str, limit: Duration) -> Result<Rows, ClientError> {
        self.send(sql.to_owned())
            .wait(limit)
            .unwrap_or(Err(ClientError::NoAnswer))
    }
}

impl Pending {
    /// Waits for the answer; `None` when it did not come within `limit`. It may be waited for
    /// again.
    pub fn wait(&self, limit: Duration) -> Option<Answer> {
        match self.answer.recv_timeout(limit) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(ClientError::Closed)),
        }
    }

    /// The answer, if it is there.
    pub fn poll(&self) -> Option<Answer> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(ClientError::Closed)),
        }
    }
}

fn ask(client: &mut postgres::Client, sql: &str) -> Answer {
    let messages = client
        .simple_query(sql)
        .map_err(|error| ClientError::from(&error))?;
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let values = (0..row.len()).map(|column| row.get(column).map(str::to_owned));
            rows.push(values.collect());
        }
    }
    Ok(rows)
}
