//! The file: YAML, groups, hosts, names of variables.

use crate::common::{read, render};
use insta::assert_snapshot;
use sty_inventory::load_bytes;

use crate::{found, groups, one};

#[test]
fn a_good_one_has_nothing_to_say() {
    assert_snapshot!(found(&one("", "")), @"");
}

#[test]
fn syntax() {
    assert_snapshot!(found("all: [1, 2\nb: }"), @"
    error[inventory/syntax]: not readable as YAML: illegal placement of ':' indicator
      2:2 reading stopped here
      hint: check indentation, quotes and brackets at and before this line
    ");
}

#[test]
fn tags_of_ansible() {
    assert_snapshot!(found("all:\n  vars:\n    patroni_password: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n"), @"
    error[inventory/syntax]: not readable as YAML: the tag `!vault` is not supported
      4:7 reading stopped here
      hint: write the value itself, in a file that only its owner can read
    ");
}

#[test]
fn encoding() {
    let found = |content: &[u8]| render(&load_bytes("pigsty.yml", content, &|_| Ok(String::new())));
    assert_snapshot!(found(b"all:\n  # \xc3\xa4 J\xfcrgen\n"), @"
    error[inventory/encoding]: the inventory is not UTF-8 text
      2:8 the byte 0xfc
      hint: save it as UTF-8; `iconv -f LATIN1 -t UTF-8` makes it that if it is LATIN1
    ");
    assert_snapshot!(found(b"\xff\xfea\0l\0"), @"
    error[inventory/encoding]: the inventory is not UTF-8 text
      1:1 the byte 0xff
      hint: save it as UTF-8; `iconv -f UTF-16 -t UTF-8` makes it that if it is UTF-16
    ");
    assert_eq!(found("# ä".as_bytes()), crate::found("# ä"));
}

#[test]
fn empty() {
    assert_snapshot!(found("# nothing\n"), @"
    error[inventory/empty]: the inventory is empty
      1:1 nothing is declared
      hint: write one from a template: `sty init`
    ");
}

#[test]
fn structure() {
    assert_snapshot!(found("all:\n  hosts: [ a, b ]\n  childern: {}\n"), @"
    error[inventory/structure]: `hosts` is a list, not a mapping
      2:10 expected names with a colon
      hint: write `name:` on a line of its own, without `-`
    error[inventory/structure]: `childern` is not a part of group `all`
      3:3 not one of `hosts`, `children`, `vars`
      hint: a variable belongs under `vars`, a group under `children`
    ");
}

#[test]
fn top_is_a_list() {
    assert_snapshot!(found("- all\n"), @"
    error[inventory/structure]: an inventory is a mapping of groups, found a list
      1:1 expected `all:`
      hint: begin with `all:`, then `children:` and `vars:`
    ");
}

#[test]
fn duplicate_key() {
    assert_snapshot!(found(&one("pg_port: 5432\npg_port: 5433", "")), @"
    error[inventory/duplicate-key]: `pg_port` is written twice in one mapping
      9:9 again here
      8:9 first here
      hint: keep one of them
    ");
}

#[test]
fn group_cycle() {
    assert_snapshot!(found(&groups("a: { children: { b: } }\nb: { children: { a: } }")), @"
    error[inventory/group-cycle]: groups contain each other: `a`, `b`
      3:5 part of the circle
      hint: take one of them out of the other's `children`
    ");
}

#[test]
fn host_name() {
    assert_snapshot!(found(&groups("a: { hosts: { '10.0.0.[3:1]': } }")), @"
    error[inventory/host-name]: `10.0.0.[3:1]` is not a host name: `3:1` ends before it begins
      3:19 this host
      hint: write a name, an address or a range such as `10.10.10.[11:13]`
    ");
}

#[test]
fn set_twice() {
    assert_snapshot!(found(&groups("a: { hosts: { 10.0.0.1: { nodename: x } } }\nb: { hosts: { 10.0.0.1: { nodename: y } } }")), @"
    warning[inventory/set-twice]: host `10.0.0.1` sets `nodename` twice, to different values
      4:31 this one wins, being last in the file
      3:31 first here
      hint: keep one of them
    ");
}

#[test]
fn no_hosts() {
    assert_snapshot!(found("all: {}"), @"
    error[inventory/empty]: the inventory has no hosts
      1:1 no group here has any
      hint: list them under `hosts` of a group; `sty init` writes an example
    ");
}

#[test]
fn secrets_are_not_printed() {
    let text = one(
        "pg_users: [ { name: u, password: [ hunter2 ] } ]",
        "pg_admin_password: { x: hunter2 }",
    );
    let loaded = read(&text);
    assert!(!format!("{:?}", loaded.diagnostics).contains("hunter2"));
}
