//! Privileges by name.

use super::model::{DefaultAcl, Grant};
use super::version::{Feature, has};

/// Privileges that a database has.
pub const DATABASE: [&str; 3] = ["CREATE", "CONNECT", "TEMPORARY"];

/// A kind of object that default privileges can be set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// Tables, views and the like.
    Tables,
    /// Sequences.
    Sequences,
    /// Functions and procedures.
    Functions,
    /// Types and domains.
    Types,
    /// Schemas.
    Schemas,
    /// Large objects.
    LargeObjects,
}

impl Objects {
    /// From its keyword, `TABLES`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "TABLES" => Some(Self::Tables),
            "SEQUENCES" => Some(Self::Sequences),
            "FUNCTIONS" | "ROUTINES" => Some(Self::Functions),
            "TYPES" => Some(Self::Types),
            "SCHEMAS" => Some(Self::Schemas),
            "LARGE OBJECTS" => Some(Self::LargeObjects),
            _ => None,
        }
    }

    /// Its keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Tables => "TABLES",
            Self::Sequences => "SEQUENCES",
            Self::Functions => "FUNCTIONS",
            Self::Types => "TYPES",
            Self::Schemas => "SCHEMAS",
            Self::LargeObjects => "LARGE OBJECTS",
        }
    }

    /// Its letter in `pg_default_acl`.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Tables => "r",
            Self::Sequences => "S",
            Self::Functions => "f",
            Self::Types => "T",
            Self::Schemas => "n",
            Self::LargeObjects => "L",
        }
    }

    /// Privileges that such objects have in `major`.
    pub fn privileges(self, major: u32) -> Vec<&'static str> {
        match self {
            Self::Tables => {
                let mut all = vec![
                    "SELECT",
                    "INSERT",
                    "UPDATE",
                    "DELETE",
                    "TRUNCATE",
                    "REFERENCES",
                    "TRIGGER",
                ];
                if has(major, Feature::Maintain) {
                    all.push("MAINTAIN");
                }
                all
            }
            Self::Sequences => vec!["SELECT", "UPDATE", "USAGE"],
            Self::Functions => vec!["EXECUTE"],
            Self::Types => vec!["USAGE"],
            Self::Schemas => vec!["USAGE", "CREATE"],
            Self::LargeObjects => vec!["SELECT", "UPDATE"],
        }
    }

    /// Whether everybody has `privilege` on such objects when nobody said anything.
    fn public_by_default(self, privilege: &str) -> bool {
        matches!(
            (self, privilege),
            (Self::Functions, "EXECUTE") | (Self::Types, "USAGE")
        )
    }

    /// Whether `grantee` will hold `privilege` on what `creator` makes.
    pub fn holds(
        self,
        default_acl: &[DefaultAcl],
        creator: &str,
        grantee: &str,
        privilege: &str,
    ) -> bool {
        let changed = default_acl
            .iter()
            .find(|acl| acl.creator == creator && acl.object_type == self.letter());
        match changed {
            Some(acl) => holds(&acl.acl, grantee, privilege),
            None if is_public(grantee) => self.public_by_default(privilege),
            None => grantee == creator,
        }
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
