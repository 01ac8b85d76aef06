//! Memberships of a role in others: what differs.
//!
//! Since PostgreSQL 16 one role may be a member of another several times, by several grantors, and
//! has what any of them gives.

use sty_wire::observation::Change;
use sty_wire::postgres::{MembershipOptions, RoleSpec};

use super::model::{Membership, ObservedRole};
use super::statement::{MembershipOption, Statement};
use super::version::{Feature, has};
use super::{Comparison, Place};

/// Memberships that should be, and those that should not.
pub(super) fn compare(
    result: &mut Comparison,
    spec: &RoleSpec,
    observed: &ObservedRole,
    major: u32,
) {
    for (role, wanted) in &spec.member_of {
        let grants = observed.member_of.get(role).map_or(&[][..], Vec::as_slice);
        let wanted = known_to(major, *wanted);
        if grants.is_empty() {
            // The server gives a member that inherits the right to, and one that does not, not.
            let usual = MembershipOptions {
                admin: wanted.admin,
                inherit: spec.inherit,
                set: true,
            };
            let plain = wanted == usual || !has(major, Feature::MembershipOptions);
            let change = change(role, None, Some(wanted));
            result.push(Place::Server, change, grant(spec, role, wanted, !plain));
        } else {
            adjust(result, spec, role, wanted, grants, major);
        }
    }
    for (role, grants) in &observed.member_of {
        let predefined = role.starts_with("pg_") && !spec.member_of.contains_key(role);
        if predefined || spec.not_member_of.contains(role) {
            for membership in grants {
                // All of it goes; what it gave beside the right to pass it on tells nobody anything.
                let from = MembershipOptions {
                    admin: membership.admin,
                    ..MembershipOptions::default()
                };
                let change = change(role, Some(from), None);
                let statement = revoke(spec, role, membership, None, major);
                result.push(Place::Server, change, statement);
            }
        }
    }
}

/// Takes what is too much from whoever gave it, and gives what is missing.
fn adjust(
    result: &mut Comparison,
    spec: &RoleSpec,
    role: &str,
    wanted: MembershipOptions,
    grants: &[Membership],
    major: u32,
) {
    let now = grants.iter().map(of).reduce(either).unwrap_or_default();
    let mut statements = Vec::new();
    for option in MembershipOption::ALL {
        if option.of(now) && !option.of(wanted) {
            let given = grants.iter().filter(|grant| option.of(of(grant)));
            statements.extend(given.map(|one| revoke(spec, role, one, Some(option), major)));
        }
    }
    let lacks = |option: &MembershipOption| option.of(wanted) && !option.of(now);
    if MembershipOption::ALL.iter().any(lacks) {
        let explicit = has(major, Feature::MembershipOptions);
        statements.push(grant(spec, role, wanted, explicit));
    }
    let mut statements = statements.into_iter();
    if let Some(first) = statements.next() {
        let change = change(role, Some(now), Some(wanted));
        result.push(Place::Server, change, first);
    }
    statements.for_each(|statement| result.support(Place::Server, statement));
}

/// What `grant` gives; servers that know no options give all but the right to pass it on.
fn of(grant: &Membership) -> MembershipOptions {
    MembershipOptions {
        admin: grant.admin,
        inherit: grant.inherit.unwrap_or(true),
        set: grant.set.unwrap_or(true),
    }
}

fn either(one: MembershipOptions, other: MembershipOptions) -> MembershipOptions {
    MembershipOptions {
        admin: one.admin || other.admin,
        inherit: one.inherit || other.inherit,
        set: one.set || other.set,
    }
}

/// What of `wanted` a server of that major can be asked for.
fn known_to(major: u32, wanted: MembershipOptions) -> MembershipOptions {
    if has(major, Feature::MembershipOptions) {
        return wanted;
    }
    MembershipOptions {
        admin: wanted.admin,
        ..MembershipOptions::default()
    }
}

fn change(role: &str, from: Option<MembershipOptions>, to: Option<MembershipOptions>) -> Change {
    Change {
        what: format!("membership in {role}"),
        from: from.map(described),
        to: to.map(described),
        ..Change::default()
    }
}

fn described(options: MembershipOptions) -> String {
    let words = [
        (true, "member"),
        (options.admin, "admin"),
        (!options.inherit, "not inheriting"),
        (!options.set, "without SET ROLE"),
    ];
    let said: Vec<&str> = words
        .into_iter()
        .filter(|one| one.0)
        .map(|one| one.1)
        .collect();
    said.join(", ")
}

fn grant(spec: &RoleSpec, role: &str, options: MembershipOptions, explicit: bool) -> Statement {
    Statement::GrantMembership {
        role: role.to_owned(),
        member: spec.name.clone(),
        options,
        explicit,
    }
}

fn revoke(
    spec: &RoleSpec,
    role: &str,
    membership: &Membership,
    option: Option<MembershipOption>,
    major: u32,
) -> Statement {
    Statement::RevokeMembership {
        role: role.to_owned(),
        member: spec.name.clone(),
        option,
        grantor: has(major, Feature::GrantorOfMembership).then(|| membership.grantor.clone()),
    }
}
