//! Files by which PostgreSQL lets clients in. It reads them again when it is told to, and says
//! nothing to whoever told it: with a line that it cannot read it goes on with what it knew, and does
//! not start again.

use serde::Deserialize;
use sty_wire::observation::Failure;
use sty_wire::resource::PostgresAccess;

use crate::postgres::Session;

const DATABASE: &str = "postgres";

/// The view reads the file anew, whatever the server has read. PostgreSQL 16 and later name the
/// file, as one may include others.
const UNREADABLE: &str = "
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'file', coalesce(to_jsonb(rules) ->> 'file_name', current_setting('hba_file')),
      'line', line_number, 'error', error) ORDER BY line_number), '[]')
    FROM pg_hba_file_rules AS rules WHERE error IS NOT NULL";

/// A line that the server cannot read.
#[derive(Deserialize)]
struct Unreadable {
    file: String,
    line: u32,
    error: String,
}

/// What the server here cannot read of `pg_hba.conf` as it is now. Connects as the superuser.
///
/// # Errors
/// The server cannot be asked.
pub(crate) fn refused(postgres: &PostgresAccess) -> Result<Option<Failure>, Failure> {
    let mut session = Session::open(postgres, DATABASE)?;
    let lines: Vec<Unreadable> = session.document(UNREADABLE, "reading access rules")?;
    Ok(failure(&lines))
}

fn failure(lines: &[Unreadable]) -> Option<Failure> {
    let shown = |one: &Unreadable| format!("{}, line {}: {}", one.file, one.line, one.error);
    let (first, others) = lines.split_first()?;
    Some(Failure {
        tail: others.iter().map(shown).collect(),
        hint: Some(
            "mend the rule in the inventory and apply again: PostgreSQL goes on with the rules that \
             it knew, and would not start again"
                .to_owned(),
        ),
        ..Failure::message(format!("PostgreSQL cannot read {}", shown(first)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_told_and_the_others_follow() {
        let line = |line, error: &str| Unreadable {
            file: "/pg/conf/pg_hba.conf".to_owned(),
            line,
            error: error.to_owned(),
        };
        assert!(failure(&[]).is_none());
        let told = failure(&[line(3, "no"), line(5, "neither")]).unwrap();
        assert_eq!(
            told.message,
            "PostgreSQL cannot read /pg/conf/pg_hba.conf, line 3: no"
        );
        assert_eq!(told.tail, ["/pg/conf/pg_hba.conf, line 5: neither"]);
    }
}
