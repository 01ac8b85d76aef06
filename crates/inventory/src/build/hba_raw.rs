//! Raw lines of access rules, read as PostgreSQL and PgBouncer do. PostgreSQL neither starts nor
//! reloads with a line that it cannot read; PgBouncer leaves it out.

use std::net::IpAddr;

use super::hba::Program;
use super::hba_network::Network;
use super::hba_pooler::{self, Problem};
use super::{Scope, hba_option, hba_text};
use crate::codes;
use crate::source::Value;
use crate::suggest;

/// Types of connections that PostgreSQL knows.
const TYPES: &[&str] = &[
    "local",
    "host",
    "hostssl",
    "hostnossl",
    "hostgssenc",
    "hostnogssenc",
];

/// Methods that PostgreSQL knows on Linux; the last since 18.
const METHODS: &[&str] = &[
    "trust",
    "reject",
    "md5",
    "password",
    "scram-sha-256",
    "cert",
    "peer",
    "ident",
    "gss",
    "ldap",
    "pam",
    "radius",
    "oauth",
];

/// Checks the lines of a rule, which `what` names.
pub(super) fn check(
    scope: &Scope<'_>,
    program: Program,
    rules: &Value,
    lines: &[String],
    what: &str,
) {
    let mut said = false;
    let reader = Reader {
        major: scope.int("pg_version"),
        pooler: program.is_pooler(),
    };
    let each = lines.iter().enumerate().flat_map(|(at, text)| {
        let item = rules.list().get(at).unwrap_or(rules);
        text.lines().map(move |line| (item.place, line.trim()))
    });
    for (place, line) in each {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        said = true;
        if let Some((why, help)) = reader.problem(line) {
            let code = match program.is_pooler() {
                true => codes::HBA_POOLER,
                false => codes::HBA_RULE,
            };
            let message = format!("{what} has a line that cannot be read, `{line}`: {why}");
            let report = scope.report;
            report.error_once(code, place, message, "here", help);
        }
    }
    if !said {
        scope.report.error_once(
            codes::HBA_RULE,
            rules.place,
            format!("{what} says nothing: `rules` has no line"),
            "here",
            "write a raw line, or leave the rule out",
        );
    }
}

/// Who reads the lines.
struct Reader {
    major: u32,
    pooler: bool,
}

/// One line, in columns.
struct Line<'a> {
    kind: &'a str,
    databases: &'a str,
    users: &'a str,
    /// Empty for `local`.
    address: &'a str,
    mask: Option<IpAddr>,
    method: &'a str,
    options: Vec<&'a str>,
}

impl Reader {
    fn problem(&self, line: &str) -> Option<Problem> {
        let words = hba_text::columns(line);
        let kind = words.first().copied().unwrap_or_default();
        if matches!(kind, "include" | "include_if_exists" | "include_dir") {
            return self.include_problem(&words);
        }
        let types = if self.pooler {
            hba_pooler::TYPES
        } else {
            TYPES
        };
        if !types.contains(&kind) {
            return Some((
                format!("`{kind}` is no type of connection"),
                nearest_of(kind, types),
            ));
        }
        let Some(line) = columns(&words) else {
            return Some((
                "columns are missing".to_owned(),
                "write type, databases, users, address (unless local) and method".to_owned(),
            ));
        };
        match self.pooler {
            true => hba_pooler::list_problem(line.databases)
                .or_else(|| hba_pooler::list_problem(line.users))
                .or_else(|| {
                    let local = line.kind == "local";
                    let found = || hba_pooler::address_problem(line.address, line.mask);
                    (!local).then(found).flatten()
                }),
            false => address_problem(&line)
                .or_else(|| self.pattern_problem(line.databases))
                .or_else(|| self.pattern_problem(line.users)),
        }
        .or_else(|| self.method_problem(&line))
        .or_else(|| self.option_problem(&line))
    }

    /// What is wrong with the regular expressions among names, which PostgreSQL 16 and later know.
    fn pattern_problem(&self, names: &str) -> Option<Problem> {
        let names = hba_text::parts(names).into_iter();
        let mut names = names.filter_map(hba_text::unquoted);
        let why = names.find_map(|name| hba_text::pattern_problem(&name));
        let why = why.filter(|_| self.major >= 16)?;
        Some((why, hba_text::PATTERN_HELP.to_owned()))
    }

    fn include_problem(&self, words: &[&str]) -> Option<Problem> {
        let bad = self.pooler || self.major < 16 || words.len() != 2;
        bad.then(|| {
            let why = match self.pooler {
                true => "PgBouncer includes no files".to_owned(),
                false if self.major < 16 => format!("PostgreSQL {} includes no files", self.major),
                false => "it includes one file or directory".to_owned(),
            };
            (why, "write the lines themselves".to_owned())
        })
    }

    fn method_problem(&self, line: &Line<'_>) -> Option<Problem> {
        let method = line.method.trim_matches('"');
        let known: Vec<&str> = match self.pooler {
            true => hba_pooler::METHODS.to_vec(),
            false => METHODS.to_vec(),
        };
        let known = known.into_iter();
        let known: Vec<&str> = known
            .filter(|one| *one != "oauth" || self.major >= 18)
            .collect();
        if !known.contains(&method) {
            let why = format!("`{method}` is no method to authenticate");
            return Some((why, nearest_of(method, &known)));
        }
        let (why, help) = match (method, line.kind) {
            ("peer", "local") => return None,
            ("peer", _) => ("only the Unix socket tells who a peer is", "use `local`"),
            ("cert", "hostssl") => return None,
            ("cert", _) => ("certificates are shown over TLS alone", "use `hostssl`"),
            ("gss", "local") => ("`gss` does not work over the Unix socket", "use `host`"),
            _ => return None,
        };
        Some((why.to_owned(), help.to_owned()))
    }

    /// Behind the method stand options; those of LDAP are all that PgBouncer has without a map.
    fn option_problem(&self, line: &Line<'_>) -> Option<Problem> {
        if self.pooler {
            let option = line.options.first().filter(|_| line.method != "ldap")?;
            let why = format!("PgBouncer takes no option such as `{option}`");
            return Some((why, "end the line behind the method".to_owned()));
        }
        hba_option::problem(line.kind, line.method.trim_matches('"'), &line.options)
    }
}

fn columns<'a>(words: &[&'a str]) -> Option<Line<'a>> {
    let mut words = words.iter().copied();
    let (kind, databases, users) = (words.next()?, words.next()?, words.next()?);
    let address = match kind {
        "local" => "",
        _ => words.next()?,
    };
    // An address may have its mask behind it, as a word of its own.
    let mut method = words.next()?;
    let mask = method.parse().ok().filter(|_| kind != "local");
    if mask.is_some() {
        method = words.next()?;
    }
    Some(Line {
        kind,
        databases,
        users,
        address,
        mask,
        method,
        options: words.collect(),
    })
}

/// What PostgreSQL does not take for an address.
fn address_problem(line: &Line<'_>) -> Option<Problem> {
    let address = line.address;
    let network = |why: String| {
        let help = "write one network such as `10.0.0.0/8`, `all`, or the name of a host";
        Some((why, help.to_owned()))
    };
    let (host, bits) = match address.split_once('/') {
        Some((host, bits)) => (host, Some(bits)),
        None => (address, None),
    };
    let parsed: Option<IpAddr> = host.split('%').next()?.parse().ok();
    match (parsed, bits, line.mask) {
        _ if line.kind == "local" => None,
        _ if address.contains(',') => network(format!("`{address}` is more than one address")),
        (Some(ip), None, Some(mask)) if ip.is_ipv4() == mask.is_ipv4() => None,
        (Some(_), None, None) => network(format!("`{address}` has no mask")),
        (Some(ip), Some(bits), None) if Network::read(&format!("{ip}/{bits}")).is_some() => None,
        (None, None, None) if !is_number(host) => None,
        _ => network(format!("`{address}` is no address")),
    }
}

/// Whether a text can only be meant as an address.
fn is_number(host: &str) -> bool {
    host.chars().all(|one| one.is_ascii_digit() || one == '.')
}

fn nearest_of(word: &str, known: &[&str]) -> String {
    match suggest::nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of {}", known.join(", ")),
    }
}
