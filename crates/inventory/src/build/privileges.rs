//! `pg_default_privileges`.

use sty_core::Objects;

use super::Scope;
use super::roles::Names;
use crate::codes;
use crate::model::DefaultGrant;
use crate::source::{Place, Value};

const PARAMETER: &str = "pg_default_privileges";
const ALL: [&str; 2] = ["ALL", "ALL PRIVILEGES"];

/// Reads and checks the statements of a cluster.
pub(super) fn build(cluster: &str, scope: &Scope<'_>, names: &Names<'_>) -> Vec<DefaultGrant> {
    let list = scope.value(PARAMETER).map(Value::list).unwrap_or_default();
    let written = scope.is_set(PARAMETER);
    let grants = list.iter().filter_map(|item| {
        let text = scope.expanded(item);
        let place = if written {
            item.place
        } else {
            scope.place(PARAMETER)
        };
        match parse(&text).and_then(checked) {
            Ok(grant) => {
                check_grantees(cluster, scope, place, &grant, names);
                Some(grant)
            }
            Err(why) => {
                scope.report.error(
                    codes::VALUE,
                    place,
                    format!("`pg_default_privileges` of cluster `{cluster}`: `{text}`: {why}"),
                    "this statement",
                    "write `GRANT privilege ON TABLES|SEQUENCES|FUNCTIONS|TYPES|SCHEMAS TO role`",
                );
                None
            }
        }
    });
    grants.collect()
}

fn check_grantees(
    cluster: &str,
    scope: &Scope<'_>,
    place: Place,
    grant: &DefaultGrant,
    names: &Names<'_>,
) {
    let what = format!("`pg_default_privileges` of cluster `{cluster}`");
    for grantee in &grant.grantees {
        if !grantee.eq_ignore_ascii_case("public") {
            names.check_name(scope, place, grantee, &what);
        }
    }
}

/// `GRANT privilege, ... ON objects TO role, ...`.
fn parse(statement: &str) -> Result<DefaultGrant, String> {
    let words: Vec<&str> = statement.trim_end_matches(';').split_whitespace().collect();
    let position = |word: &str| words.iter().position(|one| one.eq_ignore_ascii_case(word));
    let begins = words
        .first()
        .is_some_and(|w| w.eq_ignore_ascii_case("GRANT"));
    let (Some(on), Some(to), true) = (position("ON"), position("TO"), begins) else {
        return Err("it is no `GRANT ... ON ... TO ...`".to_owned());
    };
    if on < 2 || to != on + 2 || to + 1 >= words.len() {
        return Err("privileges, one kind of objects and roles are wanted".to_owned());
    }
    let list = |words: &[&str]| -> Vec<String> {
        let text = words.join(" ");
        text.split(',').map(|one| one.trim().to_owned()).collect()
    };
    let grantees = list(&words[to + 1..]);
    let odd = |one: &&String| one.is_empty() || one.contains(' ');
    if let Some(odd) = grantees.iter().find(odd) {
        return Err(format!("`{odd}` is no role"));
    }
    let grantees = grantees.iter().map(|one| one.trim_matches('"').to_owned());
    let privileges = list(&words[1..on]);
    let objects = Objects::parse(words[on + 1])
        .ok_or_else(|| format!("there are no default privileges on `{}`", words[on + 1]))?;
    Ok(DefaultGrant {
        privileges: privileges.iter().map(|one| one.to_uppercase()).collect(),
        objects,
        grantees: grantees.collect(),
    })
}

fn checked(grant: DefaultGrant) -> Result<DefaultGrant, String> {
    let objects = grant.objects;
    let known = |one: &str| objects.privileges().contains(&one) || ALL.contains(&one);
    match grant.privileges.iter().find(|one| !known(one)) {
        Some(unknown) => Err(format!("`{unknown}` is no privilege on {objects}")),
        None => Ok(grant),
    }
}

#[cfg(test)]
mod tests {
    use super::{Objects, checked, parse};

    #[test]
    fn statements_are_taken_apart() {
        let grant =
            parse("GRANT SELECT, INSERT   ON TABLES TO  dbrole_readonly, \"Other\"").unwrap();
        assert_eq!(grant.privileges, ["SELECT", "INSERT"]);
        assert_eq!(grant.objects, Objects::Tables);
        assert_eq!(grant.grantees, ["dbrole_readonly", "Other"]);
        for odd in [
            "REVOKE SELECT ON TABLES FROM x",
            "GRANT SELECT ON ALL TABLES TO x",
            "GRANT SELECT ON TABLES TO x WITH GRANT OPTION",
            "GRANT EXECUTE ON TABLES TO x",
            "GRANT SELECT ON DATABASES TO x",
        ] {
            assert!(parse(odd).and_then(checked).is_err(), "{odd}");
        }
    }
}
