//! Roles.

use crate::common::read;
use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn identifiers() {
    assert_snapshot!(found(&one("pg_users: [ { name: pg_me }, { name: public } ]\npg_databases: [ { name: d, schemas: [ pg_x ] } ]", "")), @"
    error[inventory/identifier]: role `pg_me` of cluster `pg-a` has a name that PostgreSQL reserves
      8:29 begins with `pg_`
      hint: choose one without `pg_`
    error[inventory/identifier]: role `public` of cluster `pg-a` has a name that PostgreSQL reserves
      8:46 means something else in SQL
      hint: choose another name
    error[inventory/identifier]: schema `pg_x` of database `d` of cluster `pg-a` has a name that PostgreSQL reserves
      9:47 begins with `pg_`
      hint: choose one without `pg_`
    ");
}

#[test]
fn unknown_role() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, roles: [ dbrole_readolny ] } ]\npg_databases: [ { name: d, owner: v, pool_auth_user: w, schemas: [ { name: s, owner: x } ] } ]", "")), @"
    error[inventory/unknown-role]: role `dbrole_readolny`, `roles` of user `u` of cluster `pg-a`, is not declared
      8:41 no such role
      hint: did you mean `dbrole_readonly`?
    error[inventory/unknown-role]: role `v`, `owner` of database `d` of cluster `pg-a`, is not declared
      9:43 no such role
      hint: declare it in `pg_users`
    error[inventory/unknown-role]: role `w`, `pool_auth_user` of database `d` of cluster `pg-a`, is not declared
      9:62 no such role
      hint: declare it in `pg_users`
    error[inventory/unknown-role]: role `x`, owner of a schema of database `d` of cluster `pg-a`, is not declared
      9:94 no such role
      hint: declare it in `pg_users`
    ");
}

#[test]
fn role_cycle() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, roles: [ v ] }, { name: v, roles: [ { name: u } ] } ]", "")), @"
    error[inventory/role-cycle]: roles of cluster `pg-a` are members of each other: `u`, `v`
      8:19 declared here
      hint: take one membership out
    ");
}

#[test]
fn system_role() {
    assert_snapshot!(found(&one("pg_default_roles: [ { name: postgres }, { name: replicator }, { name: dbuser_dba, state: absent } ]\npg_default_privileges: []\npg_default_hba_rules: []\npgb_default_hba_rules: []", "")), @"
    error[inventory/system-role]: system user `dbuser_dba` is declared absent, in cluster `pg-a`
      8:27 declared here
      hint: declare it there, or leave `pg_default_roles` out to get the default ones
    error[inventory/system-role]: system user `dbuser_monitor` is not in `pg_default_roles`, in cluster `pg-a`
      8:27 declared here
      hint: declare it there, or leave `pg_default_roles` out to get the default ones
    ");
}

/// An md5 secret.
const MD5: &str = "md50123456789abcdef0123456789abcdef";

#[test]
fn md5_secret() {
    let users = format!(
        "pg_users: [ {{ name: u, password: {MD5} }}, {{ name: v, password: {MD5}, pgbouncer: true }}, {{ name: w, password: md5sum }} ]"
    );
    assert_snapshot!(found(&one(&users, "")), @"
    error[inventory/md5-secret]: user `u` of cluster `pg-a` has an md5 secret, and every rule asks for SCRAM: it cannot log in
      8:42 made for md5
      hint: write the password itself or a `SCRAM-SHA-256$` secret, or set `pg_pwd_enc: md5`
    error[inventory/md5-secret]: user `v` of cluster `pg-a` has an md5 secret, and every rule asks for SCRAM: it cannot log in
      8:102 made for md5
      hint: write the password itself or a `SCRAM-SHA-256$` secret, or set `pg_pwd_enc: md5`
    warning[inventory/pooled-offline]: user `v` of cluster `pg-a` belongs to no group and has `pgbouncer: true`, which leads nowhere
      8:150 PostgreSQL does not let it in from PgBouncer
      hint: give it a role such as `dbrole_readwrite`, add a rule for `localhost`, or leave `pgbouncer` out (the offline service leads to PostgreSQL itself)
    ");
    let rule = "pg_hba_rules: [ { user: u, db: all, addr: intra, auth: ssl-md5, order: 10 } ]";
    assert_snapshot!(found(&one(&format!("{users}\n{rule}"), "")), @"
    warning[inventory/md5-secret]: user `u` of cluster `pg-a` has an md5 secret, which opens only what md5 rules guard
      8:42 made for md5
      hint: write the password itself or a `SCRAM-SHA-256$` secret, or set `pg_pwd_enc: md5`
    warning[inventory/md5-secret]: user `v` of cluster `pg-a` has an md5 secret, with which PgBouncer cannot log in where SCRAM is asked for
      8:102 made for md5
      hint: write the password itself or a `SCRAM-SHA-256$` secret, or set `pg_pwd_enc: md5`
    warning[inventory/pooled-offline]: user `v` of cluster `pg-a` belongs to no group and has `pgbouncer: true`, which leads nowhere
      8:150 PostgreSQL does not let it in from PgBouncer
      hint: give it a role such as `dbrole_readwrite`, add a rule for `localhost`, or leave `pgbouncer` out (the offline service leads to PostgreSQL itself)
    ");
    assert_snapshot!(found(&one(&format!("{users}\npg_pwd_enc: md5"), "")), @"
    warning[inventory/pooled-offline]: user `v` of cluster `pg-a` belongs to no group and has `pgbouncer: true`, which leads nowhere
      8:150 PostgreSQL does not let it in from PgBouncer
      hint: give it a role such as `dbrole_readwrite`, add a rule for `localhost`, or leave `pgbouncer` out (the offline service leads to PostgreSQL itself)
    ");
}

#[test]
fn membership_options() {
    let users = "pg_users: [ { name: u, roles: [ { name: dbrole_readonly, inherit: false, set: true, admin: true } ] } ]";
    assert_snapshot!(found(&one(&format!("{users}\npg_version: 16"), "")), @"");
    assert_snapshot!(found(&one(&format!("{users}\npg_version: 15"), "")), @"
    error[inventory/value]: `inherit` of a membership of user `u` of cluster `pg-a` needs PostgreSQL 16, not 15
      8:75 this field
      hint: leave it out; `inherit` of the user itself holds for all its memberships
    error[inventory/value]: `set` of a membership of user `u` of cluster `pg-a` needs PostgreSQL 16, not 15
      8:87 this field
      hint: leave it out; `inherit` of the user itself holds for all its memberships
    ");
}

#[test]
fn pooled_offline() {
    let users = "pg_users: [ { name: u, password: x, pgbouncer: true, roles: [ dbrole_offline ] }, { name: v, password: y, pgbouncer: true, roles: [ dbrole_offline, dbrole_readonly ] } ]";
    assert_snapshot!(found(&one(users, "")), @"
    warning[inventory/pooled-offline]: user `u` of cluster `pg-a` belongs to `dbrole_offline` alone and has `pgbouncer: true`, which leads nowhere
      8:56 PostgreSQL does not let it in from PgBouncer
      hint: give it a role such as `dbrole_readwrite`, add a rule for `localhost`, or leave `pgbouncer` out (the offline service leads to PostgreSQL itself)
    ");
    let rule = "pg_hba_rules: [ { user: u, db: all, addr: localhost, auth: pwd, order: 10 } ]";
    assert_snapshot!(found(&one(&format!("{users}\n{rule}"), "")), @"");
}

#[test]
fn expiry() {
    assert_snapshot!(found(&one("pg_users:
  - { name: a, password: x, expire_at: 2030-12-31, expire_in: 30 }
  - { name: b, login: false, expire_in: 30 }
  - { name: c, expire_at: 2030-12-31 }
  - { name: d, password: x, expire_at: 2030-02-30 }
  - { name: e, password: x, expire_at: infinity }", "")), @"
    error[inventory/value]: role `d` of cluster `pg-a` expires at `2030-02-30`, which is not a date
      12:48 expected `YYYY-MM-DD`
      hint: write it as `2030-12-31`
    warning[inventory/expiry]: role `a` of cluster `pg-a` has both `expire_at` and `expire_in`; `expire_in` holds
      9:48 has no effect
      hint: keep one of them
    warning[inventory/expiry]: role `b` of cluster `pg-a` has a password that expires, and cannot log in
      10:49 has no effect
      hint: leave the expiry out, or `login: false`
    warning[inventory/expiry]: role `c` of cluster `pg-a` has no password that could expire
      11:35 has no effect
      hint: set `password`, or leave the expiry out
    ");
}

#[test]
fn expired() {
    let loaded = read(&one(
        "pg_users: [ { name: a, password: x, expire_at: 2030-12-31 } ]",
        "",
    ));
    assert_eq!(loaded.expired(22_279).count(), 0);
    let found: Vec<_> = loaded.expired(22_280).collect();
    assert_eq!(found[0].code, "inventory/expired");
    assert_snapshot!(found[0].message, @"the password of role `a` of cluster `pg-a` expired on 2030-12-31");
    assert_eq!(
        (found[0].labels[0].span.line, found[0].labels[0].span.column),
        (8, 56)
    );
}

#[test]
fn what_only_begins_like_a_scram_secret() {
    let key = "A".repeat(43) + "=";
    let good = format!("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${key}:{key}");
    let users = format!(
        "pg_users: [ {{ name: u, password: '{good}', roles: [ dbrole_readonly ] }}, {{ name: v, password: 'SCRAM-SHA-256$4096:W22Z', roles: [ dbrole_readonly ] }} ]"
    );
    assert_snapshot!(found(&one(&users, "")), @"
    warning[inventory/scram-secret]: user `v` of cluster `pg-a` has a password that begins like a SCRAM secret and is none: it is taken as it stands
      8:230 not `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER`
      hint: copy the whole of `rolpassword` from `pg_authid`, or write the password itself
    ");
}

#[test]
fn an_owner_that_is_to_go() {
    assert_snapshot!(found(&one("pg_users: [ { name: clerk, state: absent } ]\npg_databases: [ { name: shop, owner: clerk } ]", "")), @"
    error[inventory/unknown-role]: role `clerk`, `owner` of database `shop` of cluster `pg-a`, is to be absent
      9:46 no such role
      hint: name another role, or take its `state: absent` out
    ");
}

#[test]
fn what_placeholders_stand_for_in_an_entry() {
    assert_snapshot!(found(&one("pg_services: [ { name: '${admin_ip}/x', port: 5440, selector: '[]' } ]\npg_databases: [ { name: shop, owner: '${pg_dbsu}' } ]", "")), @"
    error[inventory/type]: `name` stands for `10.10.10.10/x`, expected a name of letters, digits, `-`, `_` and `.`, beginning with a letter or a digit
      8:32 this value
      hint: write the value itself, or another placeholder
    ");
}

#[test]
fn sessions_begin_as_a_role_that_is_there() {
    let users = "pg_users:
  - { name: a, parameters: { ROLE: b } }
  - { name: b, parameters: { role: none } }
  - { name: c, parameters: { role: nosuch } }";
    assert_snapshot!(found(&one(users, "")), @"
    error[inventory/unknown-role]: role `nosuch`, `role` in `parameters` of user `c` of cluster `pg-a`, is not declared
      11:44 no such role
      hint: declare it in `pg_users`
    ");
}

#[test]
fn a_user_and_its_group_may_go_together() {
    assert_eq!(
        found(&one(
            "pg_users: [ { name: app, state: absent, roles: [ grp ] }, { name: grp, state: absent } ]",
            ""
        )),
        ""
    );
}

#[test]
fn zones_of_a_server() {
    assert_snapshot!(found(&one("pg_parameters: { TimeZone: Mars, log_timezone: Foo/Bar }", "")), @"
    error[inventory/setting-value]: `TimeZone` in `pg_parameters` of cluster `pg-a` is `Mars`, which is no time zone
      8:36 this name
      hint: write it as `Europe/Berlin` or `UTC`; `timedatectl list-timezones` has them all
    error[inventory/setting-value]: `log_timezone` in `pg_parameters` of cluster `pg-a` is `Foo/Bar`, which is no time zone
      8:56 this name
      hint: write it as `Europe/Berlin` or `UTC`; `timedatectl list-timezones` has them all
    ");
    assert_eq!(
        found(&one(
            "pg_parameters: { timezone: utc, log_timezone: EST5EDT }",
            ""
        )),
        ""
    );
}
