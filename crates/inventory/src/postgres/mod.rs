//! PostgreSQL's settings: which there are in each major, what values they take, and who may set
//! them where. Pure; the facts are part of the binary.

mod encoding;
mod facts;
mod number;
mod owned;
mod risky;
mod unit;
mod value;
mod verifier;

pub(crate) use encoding::{Encoding, canonical};
use facts::{Context, Facts, Kind, Setting};
use owned::Owner;
pub use verifier::is_secret;
pub(crate) use verifier::{SCRAM, is_md5_secret, is_scram_secret};

use crate::{codes, suggest};

/// Where a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// For all members of a cluster.
    Cluster,
    /// For one member.
    Instance,
    /// For the sessions of a role.
    Role,
    /// For the sessions in a database.
    Database,
}

impl Target {
    /// Whether the setting ends up in the server's file, by way of Patroni.
    fn is_file(self) -> bool {
        matches!(self, Self::Cluster | Self::Instance)
    }
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Code of the diagnostic.
    pub code: &'static str,
    /// It works, and should be known about.
    pub warning: bool,
    /// What is wrong, in words that follow the setting.
    pub message: String,
    /// At the place.
    pub label: String,
    /// It is the value that is wrong, not that the setting is there.
    pub value: bool,
    /// The next step, where there is one to name.
    pub help: Option<String>,
}

/// The server that a setting is for, as far as the inventory tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// PostgreSQL major.
    pub major: u32,
    /// pgBackRest archives its log.
    pub backups: bool,
}

impl Server {
    /// What is known to be wrong with the setting `name` when it is given the value `text` at
    /// `target`; `None` when nothing is. Values that only the server can judge (names of time
    /// zones, of files) pass.
    pub fn check(self, name: &str, text: &str, target: Target) -> Option<Finding> {
        let lower = name.to_ascii_lowercase();
        let facts = Facts::of(self.major);
        if let Some(taken) = self.taken(&lower, target) {
            return Some(taken);
        }
        let Some(setting) = facts.setting(&lower) else {
            return unknown(self.major, facts, name, target);
        };
        misplaced(setting, &lower, target)
            .or_else(|| wrong_value(setting, text))
            .or_else(|| wrong_destination(&lower, text))
            .or_else(|| wrong_file_name(&lower, text))
            .or_else(|| too_few_segments(&lower, text))
            .or_else(|| not_through_patroni(setting, text, target))
            .or_else(|| risky(&lower, text, target))
    }

    fn taken(self, name: &str, target: Target) -> Option<Finding> {
        if !target.is_file() {
            return name.starts_with("sty.").then(|| {
                let message = "is where `sty` keeps its own notes".to_owned();
                taken_by(message, "choose another prefix".to_owned())
            });
        }
        let (message, help) = match owned::owner(name)? {
            Owner::Parameter(parameter) => (
                format!("follows from `{parameter}`"),
                format!("set `{parameter}` instead"),
            ),
            Owner::Patroni => (
                "is Patroni's to set, which drops what it is given here".to_owned(),
                "take it out".to_owned(),
            ),
            Owner::Sty => ("is set by `sty`".to_owned(), "take it out".to_owned()),
            Owner::Backup if !self.backups => return None,
            Owner::Backup => (
                "belongs to pgBackRest".to_owned(),
                "take it out, or set `pgbackrest_enabled: false` to archive by other means"
                    .to_owned(),
            ),
        };
        Some(taken_by(message, help))
    }
}

fn taken_by(message: String, help: String) -> Finding {
    error(codes::SETTING_TAKEN, message, "decided elsewhere", help)
}

/// The extensions that come with PostgreSQL `major`; `None` where that is not known.
pub fn contrib(major: u32) -> Option<&'static std::collections::BTreeSet<&'static str>> {
    let extensions = Facts::of(major).extensions();
    (!extensions.is_empty()).then_some(extensions)
}

/// The libraries that come with PostgreSQL `major` and are extensions or have settings; `None`
/// where that is not known.
pub(crate) fn libraries(major: u32) -> Option<std::collections::BTreeSet<&'static str>> {
    let facts = Facts::of(major);
    Some(contrib(major)?.union(facts.prefixes()).copied().collect())
}

/// The number of a setting that has no unit; `None` where it is none.
pub(crate) fn whole_number(text: &str) -> Option<f64> {
    number::integer(text, "").ok()
}

/// Bytes that a `shared_buffers` of `text` is; `None` where it is no size.
pub fn shared_buffers_bytes(text: &str) -> Option<f64> {
    let kilobytes = number::integer(text, "8kB").ok()? * 8.0;
    Some(kilobytes * 1024.0)
}

fn error(code: &'static str, message: String, label: &str, help: impl Into<String>) -> Finding {
    Finding {
        code,
        warning: false,
        message,
        label: label.to_owned(),
        value: false,
        help: Some(help.into()),
    }
}

fn unknown(major: u32, facts: &Facts, name: &str, target: Target) -> Option<Finding> {
    let words: Vec<&str> = name.split('.').collect();
    let custom = words.len() > 1 && !facts.knows_prefix(words[0]);
    if custom && words.iter().all(|word| is_word(word)) && (words.len() == 2 || !target.is_file()) {
        return None;
    }
    if words.len() == 1 && !facts.complete() {
        return None;
    }
    let others = facts::majors_with(name);
    let help = match suggest::nearest(name, facts.names()) {
        _ if others.len() == 1 => format!("PostgreSQL {} has it", others[0]),
        _ if others.len() > 1 => {
            format!(
                "PostgreSQL {} to {} have it",
                others[0],
                others[others.len() - 1]
            )
        }
        Some(near) => format!("did you mean `{near}`?"),
        None if custom => "write the extension's name, a dot and a word".to_owned(),
        None => "take it out, or look it up in the view `pg_settings`".to_owned(),
    };
    let message = format!("is not a setting of PostgreSQL {major}");
    Some(error(
        codes::SETTING_UNKNOWN,
        message,
        "no such setting",
        help,
    ))
}

/// A part of the name of a setting that an extension or an application makes up.
fn is_word(word: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let later = |c: char| first(c) || c.is_ascii_digit() || c == '$';
    word.starts_with(first) && word.chars().all(later)
}

fn misplaced(setting: &Setting, name: &str, target: Target) -> Option<Finding> {
    const ELSEWHERE: &str = "set it in `pg_parameters`, for everybody";
    let (message, help) = match setting.context {
        Context::Internal => ("is PostgreSQL's own and cannot be set", "take it out"),
        Context::Session if target.is_file() => (
            "is a matter of single sessions, not of a server",
            "take it out",
        ),
        Context::Postmaster if !target.is_file() => {
            ("holds for the whole server, from its start", ELSEWHERE)
        }
        Context::Sighup if !target.is_file() => ("holds for the whole server", ELSEWHERE),
        Context::Backend if !target.is_file() => (
            "is decided before it is known who connects, and to what",
            ELSEWHERE,
        ),
        _ if target == Target::Instance && owned::is_cluster_wide(name) => (
            "must be equal on all members, and is set for one",
            "set it in the `vars` of the cluster's group",
        ),
        _ => return None,
    };
    let label = "cannot be set here";
    Some(error(codes::SETTING_LEVEL, message.to_owned(), label, help))
}

/// What is wrong with `text` as the time by which a replica is late; `None` when nothing is.
pub(crate) fn wrong_delay(major: u32, text: &str) -> Option<Finding> {
    let setting = Facts::of(major).setting("recovery_min_apply_delay")?;
    wrong_value(setting, text)
}

fn wrong_value(setting: &Setting, text: &str) -> Option<Finding> {
    let refusal = value::check(&setting.kind, text).err()?;
    let message = format!("is `{text}`, expected {}", refusal.expected);
    let otherwise = || "write such a value, or take it out for the default".to_owned();
    Some(wrong(message, refusal.help.or_else(|| Some(otherwise()))))
}

fn wrong(message: String, help: Option<String>) -> Finding {
    Finding {
        value: true,
        help,
        ..error(codes::SETTING_VALUE, message, "this value", "")
    }
}

/// Where a server on Linux can write its log.
const DESTINATIONS: [&str; 4] = ["stderr", "csvlog", "jsonlog", "syslog"];

/// A list of words, of which the catalogue of settings only knows that it is text.
fn wrong_destination(name: &str, text: &str) -> Option<Finding> {
    if name != "log_destination" {
        return None;
    }
    let words = text.split(',').map(|word| word.trim().trim_matches('"'));
    let known = |word: &str| {
        DESTINATIONS
            .iter()
            .any(|one| one.eq_ignore_ascii_case(word))
    };
    let word = words.into_iter().find(|word| !known(word))?;
    let help = match suggest::nearest(word, DESTINATIONS.into_iter()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "write some of {}, with commas between",
            DESTINATIONS.join(", ")
        ),
    };
    let message = format!("is `{text}`, and PostgreSQL has no destination `{word}`");
    Some(wrong(message, Some(help)))
}

/// A server whose log would be in a directory that is not there does not start.
fn wrong_file_name(name: &str, text: &str) -> Option<Finding> {
    (name == "log_filename" && (text.is_empty() || text.contains('/'))).then(|| {
        let message = format!("is `{text}`, which is no name of a file");
        wrong(
            message,
            Some("write a name without `/`: the directory is `sty`'s to set".to_owned()),
        )
    })
}

/// The log is kept in segments of 16 MB, of which PostgreSQL wants two when it starts.
fn too_few_segments(name: &str, text: &str) -> Option<Finding> {
    if !matches!(name, "max_wal_size" | "min_wal_size") {
        return None;
    }
    let small = number::integer(text, "MB").is_ok_and(|megabytes| megabytes < 32.0);
    small.then(|| {
        let message = format!("is `{text}`, too little for two segments of the log");
        wrong(message, Some("write `32MB` or more".to_owned()))
    })
}

/// What PostgreSQL would take, and Patroni, which hands it on, does not.
fn not_through_patroni(setting: &Setting, text: &str, target: Target) -> Option<Finding> {
    if !target.is_file() {
        return None;
    }
    let (why, help) = match &setting.kind {
        Kind::Bool => {
            const WORDS: [&str; 8] = ["on", "true", "yes", "1", "off", "false", "no", "0"];
            let text = text.to_ascii_lowercase();
            if WORDS.contains(&text.as_str()) {
                return None;
            }
            let word = if value::boolean(&text)? { "on" } else { "off" };
            ("does not understand".to_owned(), format!("write `{word}`"))
        }
        Kind::Integer(range) => {
            let least = owned::patroni_least(setting.name)?;
            let number = number::integer(text, range.unit).ok()?;
            if number >= least {
                return None;
            }
            let why = "replaces by a default of its own".to_owned();
            (why, format!("write `{least}{}` or more", range.unit))
        }
        Kind::Enum(_) if setting.name == "wal_level" => {
            if !text.eq_ignore_ascii_case("minimal") {
                return None;
            }
            let why = "replaces, since there is no replication with it".to_owned();
            (why, "write `replica` or `logical`".to_owned())
        }
        // A running Patroni does not notice that it changes, and takes no member for well.
        Kind::Text if setting.name.eq_ignore_ascii_case("datestyle") => {
            let text = text.to_ascii_lowercase();
            let others = ["german", "sql", "postgres"];
            if !others.iter().any(|style| text.contains(style)) {
                return None;
            }
            let help = "write `iso`, or set it for users or databases: `parameters`";
            ("cannot read times in".to_owned(), help.to_owned())
        }
        _ => return None,
    };
    let message = format!("is `{text}`, which Patroni {why}");
    Some(wrong(message, Some(help)))
}

fn risky(name: &str, text: &str, target: Target) -> Option<Finding> {
    let lasting = target.is_file() || name != "synchronous_commit";
    let consequence = risky::consequence(name, text).filter(|_| lasting)?;
    Some(Finding {
        code: codes::SETTING_RISK,
        warning: true,
        message: format!("is `{text}`: {consequence}"),
        label: "costs data".to_owned(),
        value: true,
        help: Some("leave it out, unless the data can be had again".to_owned()),
    })
}
