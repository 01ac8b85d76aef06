//! What the server has: one query for roles and databases, one per database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Deserialize;
use sty_plan::postgres::model::{AvailableExtension, Dependents, ObservedContents, ObservedServer};
use sty_plan::postgres::quote::literal;
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use super::error;
use super::session::{MAINTENANCE, Session};

const SERVER: &str = include_str!("server.sql");
const DEPENDENTS: &str = include_str!("dependents.sql");
const CONTENTS: &str = include_str!("contents.sql");
const AVAILABLE: &str = include_str!("available.sql");

/// How PostgreSQL here stands.
#[derive(Clone)]
pub(super) enum Standing {
    /// Takes changes.
    Leads(Arc<Server>),
    /// Is a replica.
    Follows,
    /// Is not there to ask, and why.
    Down(String),
}

/// A server that takes changes: what it has, and a session in its maintenance database.
pub(super) struct Server {
    pub(super) state: ObservedServer,
    session: Mutex<Option<Session>>,
    postgres: PostgresAccess,
}

/// Servers that this look has asked, by socket directory and port.
#[derive(Default)]
pub(crate) struct Cache {
    servers: Mutex<BTreeMap<(String, u16), Slot>>,
}

type Slot = Arc<OnceLock<Result<Standing, Failure>>>;

impl Cache {
    /// How the server at `postgres` stands; asked at most once.
    pub(super) fn server(&self, postgres: &PostgresAccess) -> Result<Standing, Failure> {
        let key = (postgres.socket_dir.clone(), postgres.port);
        let slot = {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(servers.entry(key).or_default())
        };
        slot.get_or_init(|| ask(postgres)).clone()
    }
}

fn ask(postgres: &PostgresAccess) -> Result<Standing, Failure> {
    let session = match Session::try_open(postgres, MAINTENANCE) {
        Ok(session) => session,
        Err(error) if error::is_down(&error) => {
            return Ok(Standing::Down("PostgreSQL is not running".to_owned()));
        }
        Err(error) => return Err(error::connection(postgres, MAINTENANCE, &error)),
    };
    look(session, postgres)
}

/// The answer of `server.sql`.
#[derive(Deserialize)]
struct Document {
    in_recovery: bool,
    server: Option<ObservedServer>,
}

fn look(mut session: Session, postgres: &PostgresAccess) -> Result<Standing, Failure> {
    let document: Document = session.document(SERVER, "reading roles and databases")?;
    match document.server {
        Some(state) if !document.in_recovery => Ok(Standing::Leads(Arc::new(Server {
            state,
            session: Mutex::new(Some(session)),
            postgres: postgres.clone(),
        }))),
        _ => Ok(Standing::Follows),
    }
}

impl Server {
    /// The session in the maintenance database, to be given back.
    pub(super) fn with_session<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut guard = self.guard();
        let session = match guard.as_mut() {
            Some(session) => session,
            None => guard.insert(Session::open(&self.postgres, MAINTENANCE)?),
        };
        work(session)
    }

    /// The same server, looked at again over the same session.
    pub(super) fn again(&self) -> Result<Self, Failure> {
        let session = match self.guard().take() {
            Some(session) => session,
            None => Session::open(&self.postgres, MAINTENANCE)?,
        };
        match look(session, &self.postgres)? {
            Standing::Leads(server) => {
                Arc::into_inner(server).ok_or_else(|| Failure::message("session lost"))
            }
            _ => Err(Failure::message(
                "PostgreSQL here stopped being the primary meanwhile",
            )),
        }
    }

    /// `text` as the server writes times, a day as its end; `None` for `infinity`.
    pub(super) fn time(&self, text: &str) -> Result<Option<String>, Failure> {
        let time = match text.contains([' ', 'T']) {
            true => format!("{}::timestamptz", literal(text)),
            false => format!("({}::date + 1)::timestamptz", literal(text)),
        };
        let sql = format!("SELECT nullif({time}::text, 'infinity')");
        self.with_session(|session| {
            let value = session.value(&sql);
            value.map_err(|error| session.failure(&error, "reading an expiry date"))
        })
    }

    /// What depends on a role that is there.
    pub(super) fn dependents(&self, role: &str) -> Result<Dependents, Failure> {
        let sql = DEPENDENTS.replace("$role", &literal(role));
        self.with_session(|session| session.document(&sql, "reading what depends on a role"))
    }

    fn guard(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in the session's database.
pub(super) fn contents(session: &mut Session) -> Result<ObservedContents, Failure> {
    session.document(CONTENTS, "reading schemas and extensions")
}

/// Extensions that the server has files for.
pub(super) fn available(
    session: &mut Session,
) -> Result<BTreeMap<String, AvailableExtension>, Failure> {
    session.document(AVAILABLE, "reading available extensions")
}
