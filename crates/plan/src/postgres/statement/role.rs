//! SQL of statements about roles, and of settings and comments.

use sty_wire::postgres::MembershipOptions;

use super::{Attribute, MembershipOption, Statement};
use crate::postgres::quote::{identifier, literal, setting_name};
use crate::postgres::setting;

pub(super) fn sql(statement: &Statement) -> Option<String> {
    let sql = match statement {
        Statement::CreateRole { role } => format!("CREATE ROLE {}", identifier(role)),
        Statement::AlterRole { role, attribute } => {
            format!(
                "ALTER ROLE {} {}",
                identifier(role),
                attribute_sql(attribute)
            )
        }
        Statement::SetPassword { role, stored } => {
            let secret = match stored {
                Some(stored) => literal(stored.expose()),
                None => "NULL".to_owned(),
            };
            format!("ALTER ROLE {} PASSWORD {secret}", identifier(role))
        }
        Statement::ExpireAfter { role, days } => expire_after(role, *days),
        Statement::Set {
            subject,
            name,
            value,
        } => {
            let value = setting::value(name, value);
            format!(
                "ALTER {} SET {} TO {value}",
                subject.sql(),
                setting_name(name)
            )
        }
        Statement::Reset { subject, name } => {
            format!("ALTER {} RESET {}", subject.sql(), setting_name(name))
        }
        Statement::Comment { subject, text } => {
            format!("COMMENT ON {} IS {}", subject.sql(), literal(text))
        }
        Statement::GrantExecute { function, role } => {
            format!(
                "GRANT EXECUTE ON FUNCTION {function} TO {}",
                identifier(role)
            )
        }
        Statement::ReleaseOwned { role, heir } => {
            let (role, heir) = (identifier(role), identifier(heir));
            format!("REASSIGN OWNED BY {role} TO {heir}; DROP OWNED BY {role}")
        }
        Statement::EndSessions { role } => format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
             WHERE usename = {}",
            literal(role)
        ),
        Statement::DropRole { role } => format!("DROP ROLE {}", identifier(role)),
        _ => return membership(statement),
    };
    Some(sql)
}

fn membership(statement: &Statement) -> Option<String> {
    match statement {
        Statement::GrantMembership {
            role,
            member,
            options,
            explicit,
        } => {
            let option = match (explicit, options.admin) {
                (true, _) => format!(" WITH {}", all(*options)),
                (false, true) => " WITH ADMIN OPTION".to_owned(),
                (false, false) => String::new(),
            };
            let (role, member) = (identifier(role), identifier(member));
            Some(format!("GRANT {role} TO {member}{option}"))
        }
        Statement::RevokeMembership {
            role,
            member,
            option,
            grantor,
        } => {
            let option = option.map(|option| format!("{} OPTION FOR ", option.word()));
            let option = option.unwrap_or_default();
            let by = grantor
                .as_deref()
                .map(|name| format!(" GRANTED BY {}", identifier(name)))
                .unwrap_or_default();
            let (role, member) = (identifier(role), identifier(member));
            Some(format!("REVOKE {option}{role} FROM {member}{by}"))
        }
        _ => None,
    }
}

fn all(options: MembershipOptions) -> String {
    let each = MembershipOption::ALL.map(|option| {
        let on = if option.of(options) { "TRUE" } else { "FALSE" };
        format!("{} {on}", option.word())
    });
    each.join(", ")
}

/// `VALID UNTIL` wants a literal, so the server writes the statement itself. It is a moment: the end
/// of the last day is the beginning of the next.
fn expire_after(role: &str, days: u32) -> String {
    let body = format!(
        "BEGIN EXECUTE pg_catalog.format('ALTER ROLE %I VALID UNTIL %L', {}, \
         (CURRENT_DATE + {})::pg_catalog.timestamptz); END",
        literal(role),
        u64::from(days) + 1
    );
    format!("DO {}", literal(&body))
}

fn attribute_sql(attribute: &Attribute) -> String {
    let flag = |on: bool, word: &str| format!("{}{word}", if on { "" } else { "NO" });
    match attribute {
        Attribute::Login(on) => flag(*on, "LOGIN"),
        Attribute::Superuser(on) => flag(*on, "SUPERUSER"),
        Attribute::Createdb(on) => flag(*on, "CREATEDB"),
        Attribute::Createrole(on) => flag(*on, "CREATEROLE"),
        Attribute::Inherit(on) => flag(*on, "INHERIT"),
        Attribute::Replication(on) => flag(*on, "REPLICATION"),
        Attribute::Bypassrls(on) => flag(*on, "BYPASSRLS"),
        Attribute::ConnectionLimit(limit) => format!("CONNECTION LIMIT {limit}"),
        Attribute::ValidUntil(until) => {
            let until = until.as_deref().unwrap_or("infinity");
            format!("VALID UNTIL {}", literal(until))
        }
    }
}
