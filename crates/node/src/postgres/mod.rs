//! Roles and databases, on the leader's node.
//!
//! One query tells all roles and databases of the server, one more per database what is in it;
//! comparing is pure ([`sty_plan::postgres`]). A replica leaves everything to the leader.

mod apply;
mod baseline;
mod error;
mod observe;
mod session;

use std::sync::Arc;

use sty_plan::postgres::model::{Dependents, ObservedContents, ObservedServer};
use sty_plan::postgres::{Comparison, contents, creation, database, role};
use sty_wire::observation::{Failure, Note, Objects, Observation};
use sty_wire::postgres::{DatabaseSpec, Expiry, RoleSpec};
use sty_wire::resource::{PostgresAccess, Resource, ResourceKind};

use crate::context::Context;

pub(crate) use self::observe::Cache;
use self::observe::{Server, Standing};
use self::session::ConnectError;
pub(crate) use self::session::{Keeping, Session};

/// Rounds of comparing and mending that a database may need: creation, what is inside, and what
/// depends on it.
const ROUNDS: usize = 5;

pub(crate) fn observe_role(
    postgres: &PostgresAccess,
    role: &RoleSpec,
    context: &Context,
) -> Observation {
    observe_on(postgres, context, |server| compare_role(role, &server))
}

pub(crate) fn converge_role(
    postgres: &PostgresAccess,
    role: &RoleSpec,
    context: &Context,
) -> Result<(), Failure> {
    let server = leader(postgres, context)?;
    let comparison = compare_role(role, &server)?;
    if let Some(database) = comparison.after.first() {
        return Err(Failure::message(format!(
            "role `{}` has something in database `{database}`, which should go first",
            role.name
        )));
    }
    apply::run(postgres, &server, &comparison.steps, None)?;
    conflicts(&comparison)
}

fn compare_role(role: &RoleSpec, server: &Server) -> Result<Comparison, Failure> {
    let spec = as_written(role, server)?;
    let dependents = match role.absent && server.state.roles.contains_key(&role.name) {
        true => server.dependents(&role.name)?,
        false => Dependents::default(),
    };
    Ok(role::compare(&spec, &server.state, &dependents))
}

pub(crate) fn observe_database(
    postgres: &PostgresAccess,
    database: &DatabaseSpec,
    context: &Context,
) -> Observation {
    observe_on(postgres, context, |server| {
        let inside = look_inside(postgres, database, &server.state)?;
        Ok(database::compare(database, &server.state, inside.as_ref()))
    })
}

pub(crate) fn converge_database(
    postgres: &PostgresAccess,
    database: &DatabaseSpec,
    context: &Context,
) -> Result<(), Failure> {
    let mut server = leader(postgres, context)?;
    let name = &database.name;
    let mut last = Comparison::default();
    for round in 0..ROUNDS {
        if round > 0 {
            server = Arc::new(server.again()?);
        }
        let inside = look_inside(postgres, database, &server.state)?;
        let comparison = database::compare(database, &server.state, inside.as_ref());
        if comparison.steps.is_empty() || comparison.steps == last.steps {
            return conflicts(&comparison);
        }
        if let Some(step) = comparison.steps.first() {
            context.say(format!("database {name}: {}", step.statement.kind()));
        }
        apply::run(
            postgres,
            &server,
            &comparison.steps,
            database.baseline.as_ref(),
        )?;
        last = comparison;
    }
    conflicts(&last)
}

/// What people made on the server, where it leads; what was asked before in this look is not asked
/// again. That it cannot be asked shows in the observations.
pub(crate) fn objects(postgres: &PostgresAccess, context: &Context) -> Option<Objects> {
    match context.postgres.server(postgres) {
        Ok(Standing::Leads(server)) => Some(server.state.objects()),
        Ok(Standing::Follows | Standing::Down(_)) | Err(_) => None,
    }
}

/// What is to be known of a cluster or a database that was not made as declared, where the primary
/// is here. That it cannot be asked shows in the observations.
pub(crate) fn note(resource: &Resource, context: &Context) -> Option<Note> {
    let cluster = resource.cluster.as_deref()?;
    let leader = |postgres: &PostgresAccess| match context.postgres.server(postgres) {
        Ok(Standing::Leads(server)) => Some(server),
        Ok(Standing::Follows | Standing::Down(_)) | Err(_) => None,
    };
    match &resource.kind {
        ResourceKind::Database { postgres, database } if !database.absent => {
            creation::of_database(database, cluster, &leader(postgres)?.state)
        }
        ResourceKind::PatroniMember(member) => {
            let wanted = member.creation.as_deref()?;
            creation::of_cluster(wanted, cluster, &leader(&member.postgres)?.state.creation)
        }
        _ => None,
    }
}

/// The one value that `sql` selects in the maintenance database, on a primary or a replica; `None`
/// when PostgreSQL does not run.
pub(crate) fn value(postgres: &PostgresAccess, sql: &str) -> Result<Option<String>, Failure> {
    let mut session = match Session::try_open(postgres, session::MAINTENANCE) {
        Ok(session) => session,
        Err(error) if error::is_down(&error) => return Ok(None),
        Err(error) => return Err(error::connection(postgres, session::MAINTENANCE, &error)),
    };
    let value = session.value(sql);
    value.map_err(|error| session.failure(&error, "looking at the server"))
}

/// Why a server that runs lets the superuser not in, if so. It may know better by now: its files may
/// have been mended since it read them.
pub(crate) fn shut_out(postgres: &PostgresAccess) -> Option<Failure> {
    match Session::try_open(postgres, session::MAINTENANCE) {
        Err(error @ ConnectError::Postgres(_)) if !error::is_down(&error) => {
            Some(error::connection(postgres, session::MAINTENANCE, &error))
        }
        _ => None,
    }
}

/// The directory, below that of the data, that the server here misses of the maintenance database.
pub(crate) fn missed_directory(postgres: &PostgresAccess) -> Option<String> {
    match Session::try_open(postgres, session::MAINTENANCE) {
        Err(ConnectError::Postgres(error)) => error::missed_directory(&error),
        _ => None,
    }
}

/// Compares on the leader's node; elsewhere says who acts.
fn observe_on(
    postgres: &PostgresAccess,
    context: &Context,
    compare: impl FnOnce(Arc<Server>) -> Result<Comparison, Failure>,
) -> Observation {
    match context.postgres.server(postgres) {
        Ok(Standing::Leads(server)) => match compare(server) {
            Ok(comparison) => judge(&comparison),
            Err(failure) => Observation::Failed { failure },
        },
        Ok(Standing::Follows) => Observation::Elsewhere,
        Ok(Standing::Down(reason)) => Observation::Pending { reason },
        Err(failure) => Observation::Failed { failure },
    }
}

/// What can be mended is drift, with what cannot beside it; what can only be reported has failed.
fn judge(comparison: &Comparison) -> Observation {
    match conflicts(comparison) {
        _ if !comparison.after.is_empty() => Observation::AfterDatabases {
            databases: comparison.after.clone(),
            changes: comparison.changes(),
        },
        _ if !comparison.steps.is_empty() => Observation::Drift {
            changes: comparison.changes(),
            risk: comparison.risk(),
        },
        Ok(()) => Observation::InSync,
        Err(failure) => Observation::Failed { failure },
    }
}

fn conflicts(comparison: &Comparison) -> Result<(), Failure> {
    let Some(first) = comparison.conflicts.first() else {
        return Ok(());
    };
    let others = &comparison.conflicts[1..];
    Err(Failure {
        hint: first.hint.clone(),
        tail: others.iter().map(|other| other.message.clone()).collect(),
        ..Failure::message(&first.message)
    })
}

fn leader(postgres: &PostgresAccess, context: &Context) -> Result<Arc<Server>, Failure> {
    match context.postgres.server(postgres)? {
        Standing::Leads(server) => Ok(server),
        Standing::Follows => Err(Failure {
            hint: Some("run it again: the primary has moved meanwhile".to_owned()),
            ..Failure::message(
                "PostgreSQL here is a replica: roles and databases change on the primary",
            )
        }),
        Standing::Down(reason) => Err(Failure::message(reason)),
    }
}

/// What is in the database; `None` when it is not there, or closed.
fn look_inside(
    postgres: &PostgresAccess,
    database: &DatabaseSpec,
    server: &ObservedServer,
) -> Result<Option<ObservedContents>, Failure> {
    let open = server.databases.get(&database.name);
    if database.absent || open.is_none_or(|database| !database.allow_connections) {
        return Ok(None);
    }
    let plain = database.schemas.is_empty()
        && database.extensions.is_empty()
        && database.default_privileges.is_empty();
    if plain {
        return Ok(Some(ObservedContents::default()));
    }
    let mut session = Session::open(postgres, &database.name)?;
    let mut inside = observe::contents(&mut session)?;
    if contents::needs_available(database, &inside) {
        inside.available = Some(observe::available(&mut session)?);
    }
    Ok(Some(inside))
}

/// `role` with its expiry as the server writes times.
fn as_written(role: &RoleSpec, server: &Server) -> Result<RoleSpec, Failure> {
    let mut spec = role.clone();
    if let Expiry::At(text) = &role.valid_until {
        let observed = server.state.roles.get(&role.name);
        let known = observed.and_then(|observed| observed.valid_until.as_ref());
        if known != Some(text) {
            spec.valid_until = match server.time(text)? {
                Some(time) => Expiry::At(time),
                None => Expiry::Never,
            };
        }
    }
    Ok(spec)
}
