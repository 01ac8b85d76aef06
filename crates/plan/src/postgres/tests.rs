//! Tests of the comparison, without a server.

mod apply;
mod compare;
mod converge;
mod quoting;

use sty_wire::postgres::{DatabaseSpec, RoleSpec};

use super::Comparison;
use super::model::ObservedServer;

/// A role with nothing special.
fn plain_role(name: &str) -> RoleSpec {
    RoleSpec::login(name)
}

/// A database with nothing special.
fn plain_database(name: &str) -> DatabaseSpec {
    DatabaseSpec {
        name: name.to_owned(),
        allow_connections: true,
        connection_limit: -1,
        ..DatabaseSpec::default()
    }
}

/// A server that has nothing yet.
fn server(major: u32) -> ObservedServer {
    ObservedServer {
        version_num: major * 10_000,
        superuser: "postgres".to_owned(),
        ..ObservedServer::default()
    }
}

/// Statements, one a line, with where they run; conflicts at the end.
fn shown(comparison: &Comparison) -> String {
    let statement = |step: &super::Step| match step.statement.sql() {
        Some(sql) => sql,
        None => step.statement.kind().to_owned(),
    };
    let steps = comparison.steps.iter().map(|step| match &step.place {
        super::Place::Server => statement(step),
        super::Place::Database(name) => format!("{name}: {}", statement(step)),
        super::Place::EveryDatabase => format!("everywhere: {}", statement(step)),
    });
    let conflicts = comparison
        .conflicts
        .iter()
        .map(|c| format!("! {}", c.message));
    steps.chain(conflicts).collect::<Vec<_>>().join("\n")
}
