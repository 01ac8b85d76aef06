//! What default privileges can be given on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of object that PostgreSQL's `ALTER DEFAULT PRIVILEGES` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
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
    #[serde(rename = "LARGE OBJECTS")]
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

    /// Privileges that such objects have, in any major.
    pub fn privileges(self) -> &'static [&'static str] {
        match self {
            Self::Tables => &[
                "SELECT",
                "INSERT",
                "UPDATE",
                "DELETE",
                "TRUNCATE",
                "REFERENCES",
                "TRIGGER",
                "MAINTAIN",
            ],
            Self::Sequences => &["SELECT", "UPDATE", "USAGE"],
            Self::Functions => &["EXECUTE"],
            Self::Types => &["USAGE"],
            Self::Schemas => &["USAGE", "CREATE"],
            Self::LargeObjects => &["SELECT", "UPDATE"],
        }
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}
