//! Inventory templates: complete but for passwords, which `${random}` stands for.

/// A template that `sty init` can write.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Name, as in `sty init NAME`.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Every template.
pub fn templates() -> &'static [Template] {
    &[
        Template {
            name: "meta",
            about: "one node with etcd and a PostgreSQL cluster of one",
            text: include_str!("../../../conf/meta.yml"),
        },
        Template {
            name: "trio",
            about: "three nodes with etcd and a highly available cluster",
            text: include_str!("../../../conf/trio.yml"),
        },
        Template {
            name: "full",
            about: "four nodes with etcd, a cluster of one and a cluster of three",
            text: include_str!("../../../conf/full.yml"),
        },
        Template {
            name: "crit",
            about: "three nodes where no acknowledged write is ever lost",
            text: include_str!("../../../conf/crit.yml"),
        },
    ]
}

/// The word that stands for a password.
pub const RANDOM: &str = "${random}";

/// The address that a template's first node has.
const FIRST_ADDRESS: &str = "10.10.10.10";

/// How a template is filled in.
pub struct Filling<'a> {
    /// Address of this host, instead of the template's first.
    pub address: Option<&'a str>,
    /// Gives a new secret at every call: letters and digits only.
    pub random: &'a mut dyn FnMut() -> String,
}

/// The template with a different secret for every [`RANDOM`]; comments are left alone.
pub fn fill(text: &str, filling: Filling<'_>) -> String {
    let Filling { address, random } = filling;
    let mut result = String::with_capacity(text.len() + 512);
    for line in text.split_inclusive('\n') {
        let (code, comment) = split_comment(line);
        let mut parts = code.split(RANDOM);
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            filled.push_str(&random());
            filled.push_str(part);
        }
        if let Some(address) = address {
            filled = replace_address(&filled, address);
        }
        result.push_str(&filled);
        result.push_str(comment);
    }
    result
}

fn split_comment(line: &str) -> (&str, &str) {
    let trimmed = line.trim_start();
    if trimmed.starts_with('#') {
        return ("", line);
    }
    match line.find(" #") {
        Some(at) => line.split_at(at),
        None => (line, ""),
    }
}

/// Replaces the first address, but not addresses that only begin like it.
fn replace_address(text: &str, address: &str) -> String {
    let mut parts = text.split(FIRST_ADDRESS);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let longer = part.starts_with(|c: char| c.is_ascii_digit());
        result.push_str(if longer { FIRST_ADDRESS } else { address });
        result.push_str(part);
    }
    result
}
