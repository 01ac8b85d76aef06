//! Running the statements of a comparison.

use sty_plan::postgres::{Place, Step};
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use super::baseline;
use super::observe::Server;
use super::session::Session;
use sty_plan::postgres::statement::Statement;

/// Runs `steps` in order. Neighbours that run in the same place share a transaction, so that
/// nobody sees half of them.
pub(super) fn run(
    postgres: &PostgresAccess,
    server: &Server,
    steps: &[Step],
    script: Option<&(String, String)>,
) -> Result<(), Failure> {
    let together = |left: &Step, right: &Step| {
        left.place == right.place
            && left.statement.transactional()
            && right.statement.transactional()
    };
    for group in steps.chunk_by(together) {
        let Some(first) = group.first() else { continue };
        if let Statement::RunBaseline { database, .. } = &first.statement {
            baseline::run(postgres, database, script)?;
            continue;
        }
        match &first.place {
            Place::Server => server.with_session(|session| transaction(session, group))?,
            Place::Database(name) => transaction(&mut Session::open(postgres, name)?, group)?,
            Place::EveryDatabase => {
                let open = |(_, database): &(_, &Observed)| database.allow_connections;
                for (name, _) in server.state.databases.iter().filter(open) {
                    transaction(&mut Session::open(postgres, name)?, group)?;
                }
            }
        }
    }
    Ok(())
}

type Observed = sty_plan::postgres::model::ObservedDatabase;

fn transaction(session: &mut Session, steps: &[Step]) -> Result<(), Failure> {
    if let [step] = steps
        && !step.statement.transactional()
    {
        return statement(session, step);
    }
    let begin = session.run("BEGIN");
    begin.map_err(|error| session.failure(&error, "BEGIN"))?;
    for step in steps {
        if let Err(failure) = statement(session, step) {
            // The session may be broken as well; what failed first is what is told.
            let _ = session.run("ROLLBACK");
            return Err(failure);
        }
    }
    let commit = session.run("COMMIT");
    commit.map_err(|error| session.failure(&error, "COMMIT"))
}

fn statement(session: &mut Session, step: &Step) -> Result<(), Failure> {
    let Some(sql) = step.statement.sql() else {
        return Ok(());
    };
    let outcome = session.run(&sql);
    outcome.map_err(|error| session.failure(&error, step.statement.kind()))
}
