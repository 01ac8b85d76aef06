//! Helpers of the tests.

use std::fmt::Write as _;

use sty_inventory::{Loaded, load};

/// Passwords and the rest that every inventory here needs.
pub(crate) const VARS: &str = "
    admin_ip: 10.10.10.10
    pg_admin_password: a1
    pg_monitor_password: b2
    pg_replication_password: c3
    patroni_password: d4
    haproxy_admin_password: e5
    etcd_root_password: f6
";

/// Reads text as `pigsty.yml`, with one baseline file.
pub(crate) fn read(text: &str) -> Loaded {
    load("pigsty.yml", text, &|path| match path {
        "app.sql" => Ok("create table t (i int);".to_owned()),
        _ => Err("no such file".to_owned()),
    })
}

/// Diagnostics as a person would see them.
pub(crate) fn render(loaded: &Loaded) -> String {
    let mut text = String::new();
    for one in &loaded.diagnostics {
        let severity = format!("{:?}", one.severity).to_lowercase();
        let _ = writeln!(text, "{severity}[{}]: {}", one.code, one.message);
        for label in &one.labels {
            let _ = writeln!(
                text,
                "  {}:{} {}",
                label.span.line, label.span.column, label.text
            );
        }
        if let Some(help) = &one.help {
            let _ = writeln!(text, "  hint: {help}");
        }
    }
    text
}
