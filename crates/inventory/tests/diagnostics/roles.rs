//! Roles.

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
