//! Access rules of PostgreSQL and PgBouncer from one rule language.

mod expand;
mod line;

use sty_core::Diagnostic;
use sty_inventory::model::{HbaKind, HbaRule, Membership, Presence};
use sty_wire::resource::{Access, Module, Stage};

use super::{paths, privileges};
use crate::build::Desired;
use crate::view::{Member, View, single};

use expand::{Places, applies, expand};
use line::{Dialect, Line};

pub(super) fn resources(view: &View<'_>, desired: &mut Desired, member: Member<'_>) {
    let rules = postgres_rules(view, member);
    let Some(rules) = desired.take(rules) else {
        return;
    };
    let dbsu = &member.cluster.settings.dbsu;
    let managed = view.managed();
    let mut group = desired.group(Module::Pgsql, Stage::Config, Some(&member.cluster.name));
    group.file(paths::HBA, rules, Access::new(dbsu, dbsu, 0o600));
    group.file(
        paths::IDENT,
        format!(
            "# {managed}\n\
             # Who may be the superuser over the socket: its own account, and root.\n\
             # MAP  OS USER  ROLE\n\
             sty    root     {dbsu}\n\
             sty    {dbsu} {dbsu}\n"
        ),
        Access::new(dbsu, dbsu, 0o600),
    );
}

/// pg_hba.conf: what the cluster itself needs, then the operator's rules.
fn postgres_rules(view: &View<'_>, member: Member<'_>) -> Result<String, Diagnostic> {
    let mut text = format!("# {}\n", view.managed());
    text.push_str(&section("PostgreSQL, Patroni and sty themselves"));
    for line in own_rules(member) {
        text.push_str(&line.text());
    }
    let rules = &member.cluster.hba_rules;
    text.push_str(&written(view, member, rules, Dialect::Postgres)?);
    Ok(text)
}

/// PgBouncer's rules.
pub(crate) fn pgbouncer_rules(view: &View<'_>, member: Member<'_>) -> Result<String, Diagnostic> {
    let rules = &member.cluster.pgbouncer_hba_rules;
    let text = written(view, member, rules, Dialect::PgBouncer)?;
    let own = section("sty itself, on the console");
    let line = Line::local("pgbouncer", &member.cluster.settings.dbsu, "peer").text();
    Ok(format!("# {}\n{own}{line}{text}", view.managed()))
}

/// Rules without which members do not find each other, whatever the operator wrote.
fn own_rules(member: Member<'_>) -> Vec<Line> {
    let cluster = member.cluster;
    let dbsu = &cluster.settings.dbsu;
    let replication = &cluster.accounts.replication.name;
    let method = &cluster.settings.password_encryption;
    let mut lines = vec![
        Line::local("all", dbsu, "peer map=sty"),
        Line::local("replication", dbsu, "peer map=sty"),
        Line::local("all", replication, method),
        Line::local("replication", replication, method),
    ];
    for address in cluster.addresses().chain(cluster.followers.iter().copied()) {
        for database in ["replication", "postgres"] {
            let network = single(address);
            lines.push(Line::host(
                "hostssl",
                database,
                replication,
                &network,
                method,
            ));
        }
    }
    lines
}

fn written(
    view: &View<'_>,
    member: Member<'_>,
    rules: &[HbaRule],
    dialect: Dialect,
) -> Result<String, Diagnostic> {
    let places = Places::of(view, member);
    let mut sorted: Vec<&HbaRule> = rules.iter().collect();
    sorted.sort_by_key(|rule| rule.order);
    let mut text = String::new();
    for rule in sorted
        .into_iter()
        .filter(|rule| applies(rule, member.instance))
    {
        text.push_str(&section(&rule.title));
        match &rule.kind {
            HbaKind::Raw(lines) => {
                for line in lines {
                    text.push_str(line.trim_end());
                    text.push('\n');
                }
            }
            HbaKind::Alias {
                users,
                databases,
                addresses,
                auth,
            } => {
                let users = match dialect {
                    Dialect::Postgres => users.clone(),
                    Dialect::PgBouncer => without_groups(member, users),
                };
                if users.is_empty() {
                    text.push_str("# (nobody)\n");
                    continue;
                }
                let lines = expand(&places, dialect, &users, databases, addresses, auth)
                    .map_err(|reason| unusable(view, member, rule, dialect, &reason))?;
                text.extend(lines.iter().map(Line::text));
            }
        }
    }
    Ok(text)
}

/// PgBouncer knows no groups: `+role` becomes the users that belong to it.
fn without_groups(member: Member<'_>, users: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for user in users {
        match user.strip_prefix('+') {
            Some(group) => names.extend(login_roles(member, group)),
            None => names.push(user.clone()),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Users of the pooler that are a role or belong to it; those who should go until they are
/// forgotten.
fn login_roles(member: Member<'_>, group: &str) -> Vec<String> {
    let members = privileges::members_of(member.cluster, group);
    let belongs = |one: &Membership| {
        one.state == Presence::Present && (one.role == group || members.contains(&one.role))
    };
    let roles = member.cluster.roles.iter();
    roles
        .filter(|role| role.login && role.pgbouncer)
        .filter(|role| role.name == group || role.roles.iter().any(belongs))
        .map(|role| role.name.clone())
        .collect()
}

fn section(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        "\n".to_owned()
    } else {
        format!("\n# {title}\n")
    }
}

fn unusable(
    view: &View<'_>,
    member: Member<'_>,
    rule: &HbaRule,
    dialect: Dialect,
    reason: &str,
) -> Diagnostic {
    let lists = match dialect {
        Dialect::Postgres => ["pg_hba_rules", "pg_default_hba_rules"],
        Dialect::PgBouncer => ["pgb_hba_rules", "pgb_default_hba_rules"],
    };
    let written = &view.inventory.written;
    Diagnostic::error(
        "desired/hba-rule",
        format!(
            "rule `{}` in `{}` of cluster `{}`: {reason}",
            rule.title, lists[0], member.cluster.name
        ),
    )
    .at_if(
        written.mention(&member.instance.host, &lists, &rule.title),
        "this rule",
    )
}
