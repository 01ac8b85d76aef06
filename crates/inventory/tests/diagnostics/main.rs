//! Every code, provoked once, as it is reported.

#[path = "../common/mod.rs"]
mod common;

mod access;
mod clusters;
mod databases;
mod file;
mod nodes;
mod parameters;
mod roles;
mod settings;
mod system;

use common::{VARS, read, render};

/// An inventory of one instance; `cluster` goes into its `vars`, `all` into all's.
fn one(cluster: &str, all: &str) -> String {
    format!(
        "all:
  children:
    etcd: {{ hosts: {{ 10.10.10.10: {{ etcd_seq: 1 }} }} }}
    pg-a:
      hosts: {{ 10.10.10.10: {{ pg_seq: 1, pg_role: primary }} }}
      vars:
        pg_cluster: pg-a
{}
  vars:{VARS}{}
",
        indent(cluster, 8),
        indent(all, 4)
    )
}

/// An inventory of these groups.
fn groups(groups: &str) -> String {
    format!("all:\n  children:\n{}\n  vars:{VARS}", indent(groups, 4))
}

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    let lines: Vec<String> = text.lines().map(|line| format!("{pad}{line}")).collect();
    lines.join("\n")
}

fn found(text: &str) -> String {
    render(&read(text))
}

#[test]
fn every_code_is_provoked_here() {
    let tests = [
        include_str!("access.rs"),
        include_str!("clusters.rs"),
        include_str!("databases.rs"),
        include_str!("file.rs"),
        include_str!("nodes.rs"),
        include_str!("parameters.rs"),
        include_str!("roles.rs"),
        include_str!("settings.rs"),
        include_str!("system.rs"),
    ]
    .concat();
    for (code, text) in sty_inventory::codes::ALL {
        assert!(
            tests.contains(&format!("[{code}]")) || tests.contains(&format!("\"{code}\"")),
            "no test provokes {code}"
        );
        assert!(text.len() > 40, "{code} is not explained");
        assert_eq!(sty_inventory::explain(code), Some(*text));
    }
}
