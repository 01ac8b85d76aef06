//! Privileges by name.

use sty_core::Objects;

use super::model::{DefaultAcl, Grant};
use super::version::{Feature, has};

/// Privileges that a database has.
pub const DATABASE: [&str; 3] = ["CREATE", "CONNECT", "TEMPORARY"];

/// Privileges that objects of a kind have in `major`.
pub fn of(objects: Objects, major: u32) -> impl Iterator<Item = &'static str> {
    let known = move |name: &&str| *name != "MAINTAIN" || has(major, Feature::Maintain);
    objects.privileges().iter().copied().filter(known)
}

/// Whether everybody has `privilege` on such objects when nobody said anything.
fn public_by_default(objects: Objects, privilege: &str) -> bool {
    matches!(
        (objects, privilege),
        (Objects::Functions, "EXECUTE") | (Objects::Types, "USAGE")
    )
}

/// The letter of a kind in `pg_default_acl`.
fn letter(objects: Objects) -> &'static str {
    match objects {
        Objects::Tables => "r",
        Objects::Sequences => "S",
        Objects::Functions => "f",
        Objects::Types => "T",
        Objects::Schemas => "n",
        Objects::LargeObjects => "L",
    }
}

/// Whether `grantee` will hold `privilege` on what `creator` makes.
pub fn holds_by_default(
    objects: Objects,
    default_acl: &[DefaultAcl],
    creator: &str,
    grantee: &str,
    privilege: &str,
) -> bool {
    let changed = default_acl
        .iter()
        .find(|acl| acl.creator == creator && acl.object_type == letter(objects));
    match changed {
        Some(acl) => holds(&acl.acl, grantee, privilege),
        None if is_public(grantee) => public_by_default(objects, privilege),
        None => grantee == creator,
    }
}

/// Whether `acl` gives `privilege` to `grantee` by name.
pub fn holds(acl: &[Grant], grantee: &str, privilege: &str) -> bool {
    acl.iter().any(|grant| {
        let same = grant.grantee == grantee || (is_public(grantee) && is_public(&grant.grantee));
        same && grant.privilege.eq_ignore_ascii_case(privilege)
    })
}

/// Whether a grantee means everybody.
pub fn is_public(grantee: &str) -> bool {
    grantee.eq_ignore_ascii_case("public")
}
