//! Settings made past Patroni, by `ALTER SYSTEM`: they would win over the inventory's.

use serde::Deserialize;
use sty_plan::postgres::quote::setting_name;
use sty_wire::observation::{Change, Failure};
use sty_wire::resource::PostgresAccess;

use super::reload;
use crate::postgres::{self, Session};

const DATABASE: &str = "postgres";
/// Their values may hold passwords.
pub(super) const SECRET: [&str; 2] = ["primary_conninfo", "ssl_passphrase_command"];

/// What `ALTER SYSTEM` wrote, one line for each setting.
const WRITTEN: &str = "
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'value', setting)
                              ORDER BY name), '[]')
    FROM (SELECT DISTINCT ON (name) name, setting
          FROM pg_file_settings
          WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name IS NOT NULL
          ORDER BY name, seqno DESC) AS last";

#[derive(Deserialize)]
struct Written {
    name: String,
    value: Option<String>,
}

/// Settings that should go.
pub(super) fn found(access: &PostgresAccess) -> Result<Vec<Change>, Failure> {
    let Some(text) = postgres::value(access, WRITTEN)? else {
        return Ok(Vec::new());
    };
    let written: Vec<Written> = serde_json::from_str(&text).map_err(|error| {
        Failure::message(format!(
            "what ALTER SYSTEM wrote is not understood: {error}"
        ))
    })?;
    Ok(written.into_iter().map(change).collect())
}

fn change(written: Written) -> Change {
    let secret = SECRET.contains(&written.name.as_str());
    Change {
        what: format!("ALTER SYSTEM {}", written.name),
        from: written.value.filter(|_| !secret),
        to: None,
    }
}

/// Takes them back, and has the server read its files.
pub(super) fn remove(access: &PostgresAccess) -> Result<(), Failure> {
    let mut session = Session::open(access, DATABASE)?;
    let written: Vec<Written> = session.document(WRITTEN, "reading settings")?;
    if written.is_empty() {
        return Ok(());
    }
    for one in &written {
        let sql = format!("ALTER SYSTEM RESET {}", setting_name(&one.name));
        let outcome = session.value(&sql);
        outcome.map_err(|error| session.failure(&error, "ALTER SYSTEM RESET"))?;
    }
    reload::server(access)
}
