//! Names of sandboxes and nodes, and the host-side names made of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Longest sandbox name, in bytes.
const SANDBOX_MAX: usize = 20;
/// Longest node name: with the sandbox's it has to fit the 64 bytes of a machine name.
const NODE_MAX: usize = 39;

/// Name of a sandbox: lower-case letters, digits and `-`, at most 20, beginning with a letter.
///
/// It holds no `.`, so that `sty-a.b` belongs to sandbox `a` and to no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SandboxName(String);

/// Name of a node: what a host name may be, in lower case, at most 39 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

impl SandboxName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self> {
        let good = name.len() <= SANDBOX_MAX
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let rule = "use at most 20 lower-case letters, digits and `-`, a letter first";
        if good {
            Ok(Self(name.to_owned()))
        } else {
            Err(bad("sandbox", name, rule))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Network namespace that holds the bridge; the controller's place.
    pub(crate) fn namespace(&self) -> String {
        format!("sty-{self}")
    }

    /// Beginning of every namespace and machine name of this sandbox's nodes.
    pub(crate) fn node_prefix(&self) -> String {
        format!("sty-{self}.")
    }

    /// Network namespace and machine name of a node, unique on the host.
    pub(crate) fn node(&self, node: &NodeName) -> String {
        format!("sty-{self}.{node}")
    }
}

impl NodeName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self> {
        let label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let good = name.len() <= NODE_MAX && name.split('.').all(label);
        let rule = "use at most 39 lower-case letters, digits, `-` and `.`, as in a host name";
        if good {
            Ok(Self(name.to_owned()))
        } else {
            Err(bad("node", name, rule))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bad(kind: &'static str, name: &str, rule: &'static str) -> Error {
    Error::BadName {
        kind,
        name: name.to_owned(),
        rule,
    }
}

macro_rules! text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(name: String) -> Result<Self> {
                Self::new(&name)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}
text!(SandboxName);
text!(NodeName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_not_be_host_side_names_are_refused() {
        for good in ["a", "t1", "my-sandbox", "abcdefghijklmnopqrst"] {
            assert!(SandboxName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1a",
            "A",
            "a.b",
            "a/b",
            "a-",
            "-a",
            "a b",
            "abcdefghijklmnopqrstu",
        ] {
            assert!(SandboxName::new(bad).is_err(), "{bad}");
        }
        for good in ["meta", "pg-test-1", "10.10.10.11", "db1.example"] {
            assert!(NodeName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "..", ".a", "a.", "a..b", "-a", "a$(x)", "a/b", "A"] {
            assert!(NodeName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_node_of_one_sandbox_never_looks_like_another_sandbox() {
        let (short, long) = (
            SandboxName::new("a").unwrap(),
            SandboxName::new("a-b").unwrap(),
        );
        let node = NodeName::new("b").unwrap();
        assert_ne!(short.node(&node), long.namespace());
        assert!(!long.node(&node).starts_with(&short.node_prefix()));
    }
}
