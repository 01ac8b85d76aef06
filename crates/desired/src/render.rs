//! Templates of line-oriented files: an undefined name is an error, never an empty text.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::Value;
use sty_core::Diagnostic;

/// Values for a template by name; anything that serialises.
macro_rules! values {
    ($($name:ident => $value:expr),* $(,)?) => {
        serde_json::json!({ $(stringify!($name): &$value),* })
    };
}
pub(crate) use values;

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "chrony.conf",
    "etcd_elsewhere.py",
    "etcd.env",
    "etcd.service",
    "fresh_copy.py",
    "haproxy.cfg",
    "keepalived.conf",
    "lease_gate.py",
    "patroni-callback",
    "patroni-within-lease.py",
    "patroni.service",
    "pgbouncer-primary.service",
    "pgbouncer.conf",
    "pgbouncer.ini",
    "pgbouncer.listen.ini",
    "profile.sh",
    "timelines.py",
    "waits.lua",
];

static ENVIRONMENT: LazyLock<Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(environment);

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// Renders a template.
///
/// # Errors
/// The template is wrong or names something that is not there: a fault of `sty` itself.
pub(crate) fn render(name: &str, values: Value) -> Result<String, Diagnostic> {
    let fault = |error: &dyn std::fmt::Display| {
        Diagnostic::error(
            "desired/template",
            format!("template `{name}` does not render, a fault of sty itself: {error}"),
        )
    };
    let environment = ENVIRONMENT.as_ref().map_err(|error| fault(error))?;
    environment
        .get_template(name)
        .and_then(|template| template.render(Serde(values)))
        .map_err(|error| fault(&error))
}
