//! Databases.

use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn duplicate_names() {
    assert_snapshot!(found(&one("pg_users: [ { name: u }, { name: u } ]\npg_databases: [ { name: d, schemas: [ a, a ] }, { name: d } ]\npg_services: [ { name: replica, port: 5440, selector: '[]' } ]", "")), @"
    error[inventory/duplicate-name]: role `u` is declared twice in cluster `pg-a`
      8:42 again here
      8:29 first here
      hint: keep one of them
    error[inventory/duplicate-name]: schema `a` is declared twice in database `d` of cluster `pg-a`
      9:50 again here
      9:47 first here
      hint: keep one of them
    error[inventory/duplicate-name]: database `d` is declared twice in cluster `pg-a`
      9:65 again here
      9:33 first here
      hint: keep one of them
    error[inventory/duplicate-name]: service `replica` is declared twice in cluster `pg-a`
      10:32 again here
      hint: every cluster has one of this name: take this one out, or give it another name
    ");
}

#[test]
fn unknown_database() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: all, db: nowhere, addr: intra, auth: pwd } ]", "")), @"
    error[inventory/unknown-database]: a rule of `pg_hba_rules` is for database `nowhere`, which is not declared
      8:42 here
      hint: declare it in `pg_databases`, or write `all`
    ");
}

#[test]
fn recreate() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, state: recreate } ]", "")), @"
    error[inventory/recreate]: database `d` of cluster `pg-a` has `state: recreate`
      8:43 would destroy it on every run
      hint: drop it with `state: absent`, apply, then take the line out
    ");
}

#[test]
fn baseline() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, baseline: app.sql }, { name: e, baseline: other.sql } ]", "")), @"
    error[inventory/baseline]: baseline `other.sql` of cluster `pg-a` cannot be read: no such file
      8:78 this file
      hint: put the file beside the inventory, or name its whole path
    ");
}

#[test]
fn extension_name() {
    assert_snapshot!(found(&one("pg_databases: [ { name: d, extensions: [ 'a; drop' , vector ] } ]", "")), @"
    error[inventory/extension-name]: `a; drop` is not the name of an extension
      8:50 this one
      hint: write the name that `create extension` takes, such as `vector`
    warning[inventory/extension-package]: extension `vector` of database `d` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      8:62 who installs this one?
      hint: add the package that has it to `pg_extensions`; `apt-cache search vector` tells its name, often `postgresql-17-vector`
    ");
}

#[test]
fn databases_of_their_own() {
    assert_snapshot!(found(&one("pg_databases: [ { name: postgres, state: absent }, { name: d, template: nowhere }, { name: e, template: d } ]", "")), @"
    error[inventory/value]: database `postgres` of cluster `pg-a` cannot be absent
      8:25 part of every PostgreSQL
      hint: take `state: absent` out
    error[inventory/unknown-database]: template `nowhere` of a database of cluster `pg-a` is not declared
      8:81 no such database
      hint: declare it in `pg_databases`, before the databases that copy it
    ");
}

#[test]
fn a_template_stands_before_its_copies() {
    assert_snapshot!(found(&one("pg_databases:
  - { name: a, template: b }
  - { name: b, template: a }
  - { name: c, template: c }
  - { name: d, state: absent }
  - { name: e, template: d }
  - { name: f, template: b }", "")), @"
    error[inventory/unknown-database]: template `b` of a database of cluster `pg-a` is not declared before it
      9:34 not there yet
      hint: move the template up; no database copies itself, directly or through others
    error[inventory/unknown-database]: template `c` of a database of cluster `pg-a` is not declared before it
      11:34 not there yet
      hint: move the template up; no database copies itself, directly or through others
    error[inventory/unknown-database]: template `d` of a database of cluster `pg-a` is to be absent
      13:34 nothing to copy
      hint: choose another template, or take its `state: absent` out
    ");
}

#[test]
fn locales() {
    assert_snapshot!(
        found(&one(
            "pg_version: 16
pg_databases:
  - { name: a, icu_locale: de, locale: de_DE.UTF-8 }
  - { name: b, locale_provider: icu, icu_locale: de, template: template0 }
  - { name: c, locale_provider: builtin, builtin_locale: C.UTF-8, template: template0 }
  - { name: d, locale: C, encoding: UTF8 }",
            ""
        )),
        @"
    error[inventory/value]: `icu_locale` of database `a` of cluster `pg-a` belongs to the provider `icu`, not `libc`
      10:36 this field
      hint: add `locale_provider: icu`, or leave it out
    error[inventory/value]: `locale` of database `a` of cluster `pg-a` differs from the cluster's, which `template1` cannot give
      10:48 this field
      hint: add `template: template0`
    error[inventory/value]: `builtin_locale` of database `c` of cluster `pg-a` needs PostgreSQL 17, not 16
      12:66 this field
      hint: leave it out, or raise `pg_version` for a new cluster
    warning[inventory/locale]: `locale` of database `a` of cluster `pg-a` is `de_DE.UTF-8`, which nodes do not have by themselves
      10:48 PostgreSQL refuses what is not there
      hint: use `C.UTF-8`, or generate it on every node first; a database may sort by ICU instead: `locale_provider: icu`
    "
    );
}

#[test]
fn extension_package() {
    let databases = "pg_databases: [ { name: d, extensions: [ vector, pg_trgm, uuid-ossp, pg_repack, { name: postgis_topology, schema: public }, { name: gone, state: absent } ] } ]";
    assert_snapshot!(found(&one(databases, "")), @"
    warning[inventory/extension-package]: extension `vector` of database `d` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      8:50 who installs this one?
      hint: add the package that has it to `pg_extensions`; `apt-cache search vector` tells its name, often `postgresql-17-vector`
    warning[inventory/extension-package]: extension `postgis_topology` of database `d` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      8:89 who installs this one?
      hint: add the package that has it to `pg_extensions`; `apt-cache search postgis` tells its name, often `postgresql-17-postgis`
    ");
    let packages = "pg_extensions: [ postgresql-17-pgvector, postgresql-17-postgis-3 ]";
    assert_snapshot!(found(&one(&format!("{databases}\n{packages}"), "")), @"");
}

#[test]
fn pooled_name() {
    let databases = "pg_databases: [ { name: 'sp ace' }, { name: pgbouncer }, { name: 'own pool', pgbouncer: false }, { name: my-shop.2 }, { name: template0 } ]";
    assert_snapshot!(found(&one(databases, "")), @"
    error[inventory/pooled-name]: database `sp ace` of cluster `pg-a` has a name that PgBouncer cannot have in its configuration
      8:33 PgBouncer would refuse its whole configuration
      hint: choose ASCII letters, digits, `_`, `-` and `.`, or keep it out of the pooler: `pgbouncer: false`
    error[inventory/pooled-name]: database `pgbouncer` of cluster `pg-a` has a name that PgBouncer cannot have in its configuration
      8:53 PgBouncer would refuse its whole configuration
      hint: choose ASCII letters, digits, `_`, `-` and `.`, or keep it out of the pooler: `pgbouncer: false`
    error[inventory/value]: database `template0` of cluster `pg-a` is PostgreSQL's untouched original
      8:127 not to be managed
      hint: use `template1`, or a database of your own
    ");
    let users = "pg_users: [ { name: 'o x', password: p, pgbouncer: true, roles: [ dbrole_readonly ], pool_connlimit: 3 }, { name: 'o y', password: p, pgbouncer: true, roles: [ dbrole_readonly ] } ]";
    assert_snapshot!(found(&one(users, "")), @"
    error[inventory/pooled-name]: user `o x` of cluster `pg-a` has limits in the pooler and a name that PgBouncer cannot have in its configuration
      8:29 PgBouncer would refuse its whole configuration
      hint: choose ASCII letters, digits, `_`, `-` and `.`, or take `pool_mode` and `pool_connlimit` out
    ");
}

#[test]
fn locales_that_there_are_not() {
    assert_snapshot!(found(&one("pg_version: 18\npg_databases:
  - { name: a, template: template0, encoding: latin, locale: C }
  - { name: b, template: template0, locale: de-DE, encoding: LATIN1, lc_ctype: C.UTF-8 }
  - { name: c, template: template0, locale_provider: builtin, builtin_locale: de }
  - { name: d, encoding: utf-8 }", "")), @"
    error[inventory/value]: `encoding` of database `a` of cluster `pg-a` is `latin`, which is no encoding of PostgreSQL
      10:55 this value
      hint: did you mean `LATIN1`?
    error[inventory/value]: `locale` of database `b` of cluster `pg-a` is `de-DE`, which no locale is called
      11:53 this value
      hint: write it as `C` or `C.UTF-8`, which every node has
    error[inventory/value]: `lc_ctype` of database `b` of cluster `pg-a` is `C.UTF-8`, which is for the encoding UTF8, not LATIN1
      11:88 this value
      hint: let both be of one encoding
    error[inventory/value]: `builtin_locale` of database `c` of cluster `pg-a` is `de`, which PostgreSQL 18 does not have built in
      12:87 this value
      hint: use one of `C`, `C.UTF-8`, `PG_UNICODE_FAST`
    ");
}

#[test]
fn libraries() {
    assert_snapshot!(found(&one("pg_libs: [ pg_stat_statments, auto_explain, timescaledb, $libdir/passwordcheck, pg_prewarm ]", "")), @"
    warning[inventory/library]: library `pg_stat_statments` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      8:20 who installs this one?
      hint: did you mean `pg_stat_statements`? without the library PostgreSQL does not start
    warning[inventory/library]: library `timescaledb` of cluster `pg-a` comes with neither PostgreSQL 17 nor a package that the inventory names
      8:53 who installs this one?
      hint: add its package to `pg_extensions`; without the library PostgreSQL does not start
    ");
    for good in [
        "pg_libs: 'timescaledb, pg_cron, pg_stat_statements'\npg_extensions: [ timescaledb-2-postgresql-17, postgresql-17-cron ]",
        "pg_libs: pg_squeeze.so\npg_packages: [ pgsql-main, postgresql-17-squeeze ]",
        "pg_libs: [ auth_delay, basic_archive, sepgsql, pg_repack, plpgsql ]",
        "pg_libs: ''",
    ] {
        assert_eq!(found(&one(good, "")), "", "{good}");
    }
}
