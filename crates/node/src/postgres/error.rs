//! PostgreSQL's errors in the operator's words. Decisions rest on SQLSTATE.

use std::error::Error as _;
use std::io;

use postgres::error::SqlState;
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use super::session::ConnectError;

/// What was being done, where.
pub(super) struct Where<'a> {
    /// Database.
    pub(super) database: &'a str,
    /// Statement, by its kind.
    pub(super) what: &'a str,
}

/// Why a statement failed. The statement itself is not shown: it may hold a secret.
pub(super) fn statement(error: &postgres::Error, at: &Where<'_>) -> Failure {
    let Where { database, what } = at;
    let Some(server) = error.as_db_error() else {
        return Failure::message(format!(
            "{what} in database `{database}`: the connection to PostgreSQL broke: {}",
            cause(error)
        ));
    };
    let state = server.code();
    let secret = what.contains("PASSWORD") && *state == SqlState::SYNTAX_ERROR;
    let words = if secret { "" } else { server.message() };
    let lines = server.detail().unwrap_or_default().lines();
    Failure {
        tail: lines.map(str::to_owned).collect(),
        hint: advice(state).or_else(|| server.hint().map(str::to_owned)),
        ..Failure::message(format!(
            "{what} in database `{database}` failed: {words} (SQLSTATE {})",
            state.code()
        ))
    }
}

/// Why there is no session with `database`.
pub(super) fn connection(
    postgres: &PostgresAccess,
    database: &str,
    error: &ConnectError,
) -> Failure {
    let PostgresAccess {
        socket_dir,
        port,
        user,
    } = postgres;
    let place = format!("database `{database}` at {socket_dir} port {port} as `{user}`");
    let error = match error {
        ConnectError::Silent => {
            return Failure::message(format!("cannot connect to {place}: no answer"));
        }
        ConnectError::Postgres(error) => error,
    };
    let words = match error.as_db_error() {
        Some(server) => format!("{} (SQLSTATE {})", server.message(), server.code().code()),
        None => cause(error),
    };
    let refused = error.code().is_some_and(|state| {
        [
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            &SqlState::INVALID_PASSWORD,
        ]
        .contains(&state)
    });
    Failure {
        hint: refused.then(|| {
            "pg_hba.conf must let the operating system's root in as the superuser (peer)".to_owned()
        }),
        ..Failure::message(format!("cannot connect to {place}: {words}"))
    }
}

/// Whether nobody is there to answer, or not yet; a server that lacks files of its own answers
/// nobody either.
pub(super) fn is_down(error: &ConnectError) -> bool {
    let ConnectError::Postgres(error) = error else {
        return false;
    };
    if let Some(server) = error.as_db_error() {
        let state = server.code();
        return [SqlState::CANNOT_CONNECT_NOW, SqlState::DATA_CORRUPTED].contains(state)
            || *state == SqlState::UNDEFINED_FILE && is_of_data(server.message());
    }
    let source = error.source().and_then(|e| e.downcast_ref::<io::Error>());
    source.is_some_and(|source| {
        matches!(
            source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
        )
    })
}

/// Whether a message is about a file of the data directory, and not of a library: the words around
/// its name are in the server's language.
fn is_of_data(message: &str) -> bool {
    ["\"global/", "\"base/", "\"pg_"]
        .iter()
        .any(|place| message.contains(place))
}

/// The directory of a database that is there, and its files are not. PostgreSQL names the directory, or
/// a file in it.
pub(super) fn missed_directory(error: &postgres::Error) -> Option<String> {
    let server = error.as_db_error()?;
    let detail = server.detail().and_then(named_directory);
    detail.or_else(|| named_directory(server.message()))
}

/// Of the words around it nothing is known but the server's language.
fn named_directory(words: &str) -> Option<String> {
    const PLACE: &str = "base/";
    let (_, rest) = words.split_once(PLACE)?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then(|| format!("{PLACE}{number}"))
}

fn cause(error: &postgres::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn advice(state: &SqlState) -> Option<String> {
    let known = [
        (
            &SqlState::LOCK_NOT_AVAILABLE,
            "another session holds a lock: find it in pg_stat_activity, or run it again later",
        ),
        (
            &SqlState::OBJECT_IN_USE,
            "it is in use: end the sessions that use it, then run it again",
        ),
        (
            &SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            "something still depends on it: drop or move that first",
        ),
        (
            &SqlState::READ_ONLY_SQL_TRANSACTION,
            "the primary has moved meanwhile: run it again",
        ),
        (
            &SqlState::TOO_MANY_CONNECTIONS,
            "the server has no connection left, not even a reserved one",
        ),
    ];
    let found = known.into_iter().find(|(code, _)| *code == state);
    found.map(|(_, words)| words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{is_of_data, named_directory};

    #[test]
    fn a_missed_directory_is_found_in_any_language() {
        let english = "The database subdirectory \"base/5\" is missing.";
        assert_eq!(named_directory(english).as_deref(), Some("base/5"));
        let german = "Das Datenbankunterverzeichnis »base/16500« fehlt.";
        assert_eq!(named_directory(german).as_deref(), Some("base/16500"));
        let file = "File \"base/5/PG_VERSION\" is missing.";
        assert_eq!(named_directory(file).as_deref(), Some("base/5"));
        assert_eq!(named_directory("It seems to have just been dropped."), None);
    }

    #[test]
    fn a_library_is_no_file_of_the_data() {
        assert!(is_of_data("could not open file \"global/1260\": gone"));
        assert!(!is_of_data("could not access file \"nope\": gone"));
    }
}
