//! What values of a parameter look like.

/// The type of a value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`, in any of YAML's spellings.
    Bool,
    /// A whole number within bounds.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A number within bounds.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A word that stands for an automatic choice, or a whole number within bounds.
    WordOrInt {
        /// The word.
        word: &'static str,
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Any text, numbers and truth values included: kept as written.
    Text,
    /// Text that must not be seen.
    Secret,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A name of PostgreSQL: 1 to 63 bytes, no control characters.
    Identifier,
    /// A name of a cluster: letters, digits, `-` and `_`, not beginning with `-`.
    ClusterName,
    /// An absolute path.
    Path,
    /// An IP address.
    Address,
    /// An IP address with a prefix length.
    Network,
    /// HAProxy time: `500ms`, `3s`, `24h`.
    Time,
    /// Days, such as `7300d`.
    Days,
    /// A list of words, or one text of words separated by blanks or commas.
    Words,
    /// A list of texts.
    Texts,
    /// A list of texts in which `${...}` may belong to a shell.
    Shell,
    /// A mapping from names to texts.
    Pairs,
    /// A mapping from names to texts in which `${...}` may belong to a shell.
    ShellPairs,
    /// A list of entries.
    Entries(&'static Entry),
    /// Recovery plans: name to ten values.
    RecoveryPlans,
    /// A list of anything.
    AnyList,
    /// A mapping to anything.
    AnyMap,
    /// Anything.
    Any,
}

/// The fields of one entry of a list.
#[derive(Debug)]
pub struct Entry {
    /// What one entry is, for messages: `user`, `database`.
    pub noun: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// A plain text stands for an entry with only this field.
    pub short: Option<&'static str>,
}

/// A field of an [`Entry`].
#[derive(Debug)]
pub struct Field {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it has an effect yet.
    pub effective: bool,
    /// One line, for the reference and for editors.
    pub about: &'static str,
}

impl Entry {
    /// What one entry is, with its article.
    pub(crate) fn one(&self) -> String {
        let article =
            match self.noun.starts_with("hba") || self.noun.starts_with(['a', 'e', 'i', 'o']) {
                true => "an",
                false => "a",
            };
        format!("{article} {}", self.noun)
    }

    /// Finds a field.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A port number.
pub(crate) const PORT: Kind = Kind::Int { min: 1, max: 65535 };
/// A count from 0.
pub(crate) const COUNT: Kind = Kind::Int {
    min: 0,
    max: i64::MAX,
};

impl Kind {
    /// What is expected, for messages.
    pub fn expected(self) -> String {
        match self {
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Int { min: 0, max } if max == i64::MAX => "a whole number from 0".to_owned(),
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::WordOrInt { word, min, max } => {
                format!("`{word}` or a whole number from {min} to {max}")
            }
            Self::Text => "text".to_owned(),
            Self::Secret => "text of one line, without control characters".to_owned(),
            Self::OneOf(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Identifier => "a name of 1 to 63 bytes".to_owned(),
            Self::ClusterName => {
                "a name of letters, digits, `-`, `_` and `.`, beginning with a letter or a digit"
                    .to_owned()
            }
            Self::Path => "an absolute path without blanks".to_owned(),
            Self::Address => "an IP address".to_owned(),
            Self::Network => {
                "an IP address with a prefix length, such as `10.10.10.2/24`".to_owned()
            }
            Self::Time => "a time such as `500ms`, `3s` or `24h`".to_owned(),
            Self::Days => "days, such as `365d`".to_owned(),
            Self::Words => "a list of words".to_owned(),
            Self::Texts | Self::Shell => "a list of texts".to_owned(),
            Self::Pairs | Self::ShellPairs => "a mapping from names to texts".to_owned(),
            Self::Entries(entry) => format!("a list of {} entries", entry.noun),
            Self::RecoveryPlans => "a mapping from plan names to lists of ten values".to_owned(),
            Self::AnyList => "a list".to_owned(),
            Self::AnyMap => "a mapping".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }

    /// The word for the type in the parameter reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int { .. } => "int",
            Self::Number { .. } => "number",
            Self::WordOrInt { .. } => "word or int",
            Self::Text => "text",
            Self::Secret => "secret",
            Self::OneOf(_) => "enum",
            Self::Identifier | Self::ClusterName => "name",
            Self::Path => "path",
            Self::Address => "ip",
            Self::Network => "cidr",
            Self::Time => "time",
            Self::Days => "days",
            Self::Words => "words",
            Self::Texts | Self::Shell => "text[]",
            Self::Pairs | Self::ShellPairs => "map",
            Self::Entries(entry) => entry.noun,
            Self::RecoveryPlans => "plans",
            Self::AnyList => "list",
            Self::AnyMap => "object",
            Self::Any => "any",
        }
    }
}
