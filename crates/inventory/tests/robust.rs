//! Whatever is in the file, reading it ends with diagnostics and never with a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::{VARS, read, render};
use proptest::prelude::*;

const PIECES: &[&str] = &[
    "all:",
    "children:",
    "hosts:",
    "vars:",
    "pg_users:",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\n  ",
    "\n    ",
    "&a ",
    "*a",
    "<<: ",
    "\"",
    "'",
    "|",
    ">",
    "#",
    "!x ",
    "%",
    "---",
    "...",
    "pg_cluster: x",
    "pg_seq: 1",
    "10.0.0.1",
    "10.0.0.[1:3]",
    "${admin_ip}",
    "${",
    "}",
    "~",
    "0600",
    "é",
    "\t",
    "\u{0}",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        let loaded = read(&text);
        prop_assert!(loaded.inventory.is_some() || !loaded.diagnostics.is_empty());
    }

    #[test]
    fn pieces_of_inventories(text in soup()) {
        let loaded = read(&text);
        prop_assert!(loaded.inventory.is_some() || !loaded.diagnostics.is_empty());
    }

    #[test]
    fn any_value_of_any_parameter(
        number in 0_usize..400,
        value in prop::sample::select(vec![
            "~", "x", "-1", "0", "99999999999999999999", "[]", "[ 1, [ 2 ] ]", "{}", "{ a: { b: c } }",
            "[ { name: x } ]", "[ { name: [ x ] } ]", "''", "${pg_data}", "${ip}", "'${'", "[ ~ ]", "{ name: ~ }",
        ]),
    ) {
        let modules = sty_inventory::registry::MODULES.iter();
        let names: Vec<&str> = modules.flat_map(|module| module.parameters).map(|one| one.name).collect();
        let name = names[number % names.len()];
        let text = format!(
            "all:\n  children:\n    etcd: {{ hosts: {{ 10.0.0.1: {{ etcd_seq: 1 }} }} }}\n    \
             p: {{ hosts: {{ 10.0.0.1: {{ pg_seq: 1, pg_role: primary }} }}, vars: {{ pg_cluster: p }} }}\n    \
             q: {{ vars: {{ {name}: {value} }}, hosts: {{ 10.0.0.1: }} }}\n  vars:{VARS}"
        );
        let loaded = read(&text);
        prop_assert!(loaded.inventory.is_some() || !loaded.diagnostics.is_empty());
        let _ = loaded.effective("10.0.0.1");
    }
}

#[test]
fn aliases_that_explode_are_refused() {
    let mut text = String::from("a: &a0 [ x, x, x, x, x, x, x, x, x, x ]\n");
    for level in 1..12 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 10].join(", ");
        text.push_str(&format!("b{level}: &a{level} [ {aliases} ]\n"));
    }
    let found = render(&read(&text));
    assert!(found.contains("aliases expand to too much"), "{found}");
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        "[".repeat(10_000),
        "a: ".repeat(10_000),
        "- ".repeat(10_000),
    ] {
        assert!(read(&text).inventory.is_none());
    }
    let mut chain = String::from("a: &a0 [ x ]\n");
    for level in 1..400 {
        chain.push_str(&format!("b{level}: &a{level} [ *a{} ]\n", level - 1));
    }
    let found = render(&read(&chain));
    assert!(found.contains("nested too deeply"), "{found}");
}

#[test]
fn an_alias_inside_its_own_anchor_is_refused() {
    let found = render(&read("all: &a { vars: { x: *a } }"));
    assert!(found.contains("inventory/syntax"), "{found}");
}
