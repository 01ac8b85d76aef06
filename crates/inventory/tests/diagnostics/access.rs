//! Ways in: access rules and services.

use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn hba_rule() {
    assert_snapshot!(found(&one("pg_hba_rules:\n  - { user: all, db: all }\n  - { rules: [ '# only' ] }\n  - { rules: [ 'host all' ] }\n  - { rules: [ 'local all all peer' ] }", "")), @"
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: it has no `addr`
      9:13 here
      hint: write `user`, `db`, `addr` and `auth`, or `rules` with raw lines
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: `rules` has no line
      10:22 here
      hint: write a raw line, or leave the rule out
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that is not a rule: `host all`
      11:22 here
      hint: write type, databases, users, address (unless local) and method
    ");
}

#[test]
fn hba_alias() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: nobody, db: all, addr: intar, auth: pdw }, { user: all, db: all, addr: 10.0.0.0/8, auth: ssl } ]", "")), @"
    error[inventory/unknown-role]: a rule of `pg_hba_rules` is for role `nobody`, which is not declared
      8:33 here
      hint: declare it in `pg_users`, or write `all`
    error[inventory/hba-alias]: a rule of `pg_hba_rules` has the unknown address `intar`
      8:56 here
      hint: did you mean `intra`?
    error[inventory/hba-alias]: a rule of `pg_hba_rules` has the unknown method `pdw`
      8:69 here
      hint: did you mean `pwd`?
    ");
}

#[test]
fn hba_unreachable() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: +dbrole_readonly, db: all, addr: intra, auth: ssl }, { user: +dbrole_readonly, db: all, addr: intra, auth: ssl, order: 90 } ]", "")), @"
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `+dbrole_readonly all intra ssl` with order 90 comes first
      8:25 matches nothing that is left
      hint: give it an `order` below 90, or leave it out
    ");
}

#[test]
fn selector() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, selector: '[?' }, { name: t, port: 5441, selector: '[].pg_seq' } ]", "")), @"
    error[inventory/selector]: `[?` of service `s` of cluster `pg-a` is not a selector: Parse error: Unexpected nud token -- found Eof (line 0, column 2)
      8:57 this expression
      hint: write JMESPath such as `[]` or `[? pg_role == 'replica']`
    error[inventory/selector]: `[].pg_seq` of service `t` of cluster `pg-a` is not a selector: it yields values instead of members
      8:98 this expression
      hint: write JMESPath such as `[]` or `[? pg_role == 'replica']`
    ");
}

#[test]
fn no_member() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, selector: \"[? pg_role == `replica`]\" } ]", "")), @"
    error[inventory/service-without-member]: service `s` of cluster `pg-a` has no member
      8:57 matches nobody
      hint: change the selector, or add the members that it means
    ");
}

#[test]
fn service_destination() {
    assert_snapshot!(found(&one("pgbouncer_enabled: false\npg_services: [ { name: s, port: 5440, selector: '[]', dest: pgbouncer }, { name: t, port: 5441, selector: '[]', dest: nowhere } ]\npg_default_service_dest: pgbouncer", "")), @"
    error[inventory/service-destination]: service `s` of cluster `pg-a` leads to PgBouncer, which is disabled
      9:69 this destination
      hint: write `postgres`, or enable PgBouncer
    error[inventory/service-destination]: service `t` of cluster `pg-a` leads to `nowhere`
      9:127 this destination
      hint: write `default`, `postgres`, `pgbouncer` or a port
    error[inventory/service-destination]: services of cluster `pg-a` lead to PgBouncer, which is disabled
      10:34 leads to nobody
      hint: write `postgres`, or enable PgBouncer
    ");
}

#[test]
fn hba_open() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, password: x } ]
pg_hba_rules:
  - { user: u, db: all, addr: [ localhost, world ], auth: trust, order: 10 }
  - { user: u, db: all, addr: 127.0.0.1/32, auth: trust, order: 11 }
  - { user: u, db: all, addr: 192.168.0.0/16, auth: password, order: 12 }
  - { user: u, db: all, addr: local, auth: password, order: 13 }
  - rules:
      - 'host all all 0.0.0.0/0 trust'
      - 'host all all 0.0.0.0 0.0.0.0 password'
      - 'hostssl all all all password'
      - 'host all all ::1/128 trust'
      - 'local all all trust'
pgb_hba_rules: [ { user: u, db: all, addr: intra, auth: trust, order: 10 } ]", "")), @"
    warning[inventory/hba-open]: a rule of `pg_hba_rules` lets everybody at `world` in without a password
      10:67 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `u all localhost,world trust` with order 10 comes first
      11:13 matches nothing that is left
      hint: give it an `order` below 10, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `u all localhost,world trust` with order 10 comes first
      12:13 matches nothing that is left
      hint: give it an `order` below 10, or leave it out
    warning[inventory/hba-open]: a rule of `pg_hba_rules` has passwords sent in clear from `192.168.0.0/16`
      12:61 `password` without TLS
      hint: use `auth: ssl`, or `pwd`, which never sends the password itself
    warning[inventory/hba-open]: a rule of `pg_hba_rules` lets everybody at `0.0.0.0/0` in without a password
      15:15 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    warning[inventory/hba-open]: a rule of `pg_hba_rules` has passwords sent in clear from `0.0.0.0`
      15:15 `password` without TLS
      hint: use `auth: ssl`, or `pwd`, which never sends the password itself
    warning[inventory/hba-open]: a rule of `pgb_hba_rules` lets everybody at `intra` in without a password
      20:65 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    ");
}
