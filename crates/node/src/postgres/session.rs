//! A session with the local PostgreSQL: as the superuser, over the Unix socket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use super::error::{self, Where};

/// Database that every server has.
pub(super) const MAINTENANCE: &str = "postgres";
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Settings of every session, in force before the first statement and whatever was set for the
/// role or the database.
///
/// - Statements are not logged: they may hold SCRAM secrets.
/// - Names mean what the system catalog says they mean: the sessions are a superuser's, and
///   anybody may create functions of the same name elsewhere.
/// - A primary whose synchronous replica is missing still takes changes.
/// - Times are read and written in one way.
const SETTINGS: [(&str, &str); 14] = [
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_min_duration_sample", "-1"),
    ("log_transaction_sample_rate", "0"),
    ("log_min_error_statement", "panic"),
    ("pgaudit.log", "none"),
    ("search_path", "pg_catalog"),
    ("synchronous_commit", "local"),
    ("default_transaction_read_only", "off"),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO"),
    ("statement_timeout", "0"),
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "0"),
];

type Shared = Arc<Mutex<Client>>;

/// What one look has learnt of the servers that it asked.
#[derive(Default)]
struct Kept {
    /// Sessions in the maintenance database. Nobody uses one that is only here.
    sessions: Vec<(PostgresAccess, Shared)>,
    /// Servers that said nothing: asked once more, they would be waited for again.
    silent: Vec<PostgresAccess>,
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

fn kept() -> MutexGuard<'static, Option<Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives, a session in the maintenance database that is done with serves whoever asks next,
/// since each costs the server a process; and who has said nothing is not asked again. Not for
/// waiting: some settings show as they were when a session began.
pub(crate) struct Keeping(());

impl Keeping {
    pub(crate) fn begin() -> Self {
        *kept() = Some(Kept::default());
        Self(())
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        *kept() = None;
    }
}

/// One that nobody uses, and that the server has not ended meanwhile.
fn idle(postgres: &PostgresAccess) -> Option<Shared> {
    let free = |(access, one): &&(PostgresAccess, Shared)| {
        access == postgres && Arc::strong_count(one) == 1
    };
    let found = kept().as_ref()?.sessions.iter().find(free).cloned();
    let (_, session) = found?;
    let mut client = session.lock().unwrap_or_else(PoisonError::into_inner);
    let lives = client.is_valid(CONNECT_LIMIT).is_ok();
    drop(client);
    if !lives {
        forget(&session);
    }
    lives.then_some(session)
}

fn forget(session: &Shared) {
    if let Some(kept) = kept().as_mut() {
        kept.sessions.retain(|(_, one)| !Arc::ptr_eq(one, session));
    }
}

/// One session, in one database.
pub(crate) struct Session {
    client: Shared,
    database: String,
}

impl Session {
    /// Connects to `database`.
    pub(crate) fn open(postgres: &PostgresAccess, database: &str) -> Result<Self, Failure> {
        Self::try_open(postgres, database)
            .map_err(|error| error::connection(postgres, database, &error))
    }

    /// Connects; the caller judges the error.
    pub(super) fn try_open(
        postgres: &PostgresAccess,
        database: &str,
    ) -> Result<Self, ConnectError> {
        let database = database.to_owned();
        if database == MAINTENANCE
            && let Some(client) = idle(postgres)
        {
            return Ok(Self { client, database });
        }
        let client = Arc::new(Mutex::new(Self::connect(postgres, &database)?));
        if database == MAINTENANCE
            && let Some(kept) = kept().as_mut()
        {
            kept.sessions.push((postgres.clone(), Arc::clone(&client)));
        }
        Ok(Self { client, database })
    }

    fn connect(postgres: &PostgresAccess, database: &str) -> Result<Client, ConnectError> {
        if kept().iter().any(|kept| kept.silent.contains(postgres)) {
            return Err(ConnectError::Silent);
        }
        let mut config = Config::new();
        config
            .host_path(&postgres.socket_dir)
            .port(postgres.port)
            .user(&postgres.user)
            .dbname(database)
            .application_name("sty")
            .options(&options(&SETTINGS));
        let (connected, connection) = mpsc::channel();
        // A stopped server accepts and then says nothing: the thread is left to its fate, and
        // ends with this process.
        thread::spawn(move || {
            // Nobody listens any more when it took too long.
            let _ = connected.send(config.connect(NoTls));
        });
        match connection.recv_timeout(CONNECT_LIMIT) {
            Ok(outcome) => outcome.map_err(ConnectError::Postgres),
            Err(_) => {
                if let Some(kept) = kept().as_mut() {
                    kept.silent.push(postgres.clone());
                }
                Err(ConnectError::Silent)
            }
        }
    }

    /// Asks; a session that met an error is not kept.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, postgres::Error> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = question(&mut client);
        if answer.is_err() {
            forget(&self.client);
        }
        answer
    }

    /// The one value that `sql` selects, as text.
    pub(crate) fn value(&mut self, sql: &str) -> Result<Option<String>, postgres::Error> {
        let messages = self.ask(|client| client.simple_query(sql))?;
        Ok(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }

    /// The one JSON document that `sql` selects; `NULL` is JSON's.
    pub(crate) fn document<T: serde::de::DeserializeOwned>(
        &mut self,
        sql: &str,
        what: &'static str,
    ) -> Result<T, Failure> {
        let value = self.value(sql);
        let text = value.map_err(|error| self.failure(&error, what))?;
        serde_json::from_str(text.as_deref().unwrap_or("null")).map_err(|error| {
            Failure::message(format!(
                "{what} of `{}` could not be understood (column {}); this is a fault of sty",
                self.database,
                error.column()
            ))
        })
    }

    /// Runs `sql`, one or more statements without results.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), postgres::Error> {
        self.ask(|client| client.batch_execute(sql))
    }

    /// What to tell of an error of this session while it did `what`.
    pub(crate) fn failure(&self, error: &postgres::Error, what: &str) -> Failure {
        let database = &self.database;
        error::statement(error, &Where { database, what })
    }
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The server, or the way to it, said no.
    Postgres(postgres::Error),
    /// It accepted and said nothing.
    Silent,
}

/// Command line options for a server process.
pub(super) fn options(settings: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace(' ', "\\ ");
    let option = |(name, value): &(&str, &str)| format!("-c {name}={}", escape(value));
    let options: Vec<String> = settings.iter().map(option).collect();
    options.join(" ")
}

/// Options for scripts: they see the names that their database gives them.
pub(super) fn script_options() -> String {
    let settings = SETTINGS
        .iter()
        .filter(|(name, _)| *name != "search_path" && *name != "lock_timeout");
    options(&settings.copied().collect::<Vec<_>>())
}
