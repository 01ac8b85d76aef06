use std::collections::BTreeSet;

use crate::{Catalog, Manager, Role};

#[test]
fn every_row_is_complete() {
    let catalog = Catalog::builtin();
    let ids: BTreeSet<_> = catalog.systems().iter().map(|os| &os.id).collect();
    assert_eq!(ids.len(), catalog.systems().len(), "an id is used twice");
    for os in catalog.systems() {
        assert!(!os.sources.is_empty(), "{}", os.id);
        for source in &os.sources {
            assert!(source.postgresql.is_sorted(), "{} {}", os.id, source.name);
            for &major in &source.postgresql {
                for role in [Role::Node, Role::PostgresqlServer, Role::PostgresqlClient] {
                    let packages = os.packages_from(source, role, major).unwrap();
                    assert!(!packages.is_empty(), "{} {role}", os.id);
                    assert!(packages.iter().all(|name| !name.contains('$')));
                }
            }
        }
    }
}

#[test]
fn debian_has_every_role() {
    for id in ["debian-13", "debian-12", "ubuntu-24.04", "ubuntu-22.04"] {
        let os = Catalog::builtin().os(id).unwrap();
        let major = os.postgresql_majors()[0];
        for role in Role::ALL {
            os.packages(role, major).unwrap();
        }
    }
}

#[test]
fn names_carry_the_major_version() {
    let os = Catalog::builtin().os("debian-13").unwrap();
    let server = os.packages(Role::PostgresqlServer, 17).unwrap();
    assert_eq!(server, ["postgresql-common", "postgresql-17"]);
    assert_eq!(os.sources[0].bin_dir(17), "/usr/lib/postgresql/17/bin");
    assert_eq!(os.units(Role::Patroni, 17), ["patroni.service"]);
    assert_eq!(os.package_architecture("x86_64"), Some("amd64"));

    let el = Catalog::builtin().os("el-9").unwrap();
    let pgdg = el.source("pgdg").unwrap();
    let server = el.packages_from(pgdg, Role::PostgresqlServer, 17).unwrap();
    assert_eq!(server, ["postgresql17-server"]);
    assert_eq!(pgdg.bin_dir(17), "/usr/pgsql-17/bin");
    let own = el.source("distribution").unwrap();
    assert_eq!(own.module(16).as_deref(), Some("postgresql:16"));
    assert_eq!(own.module(13), None);
}

#[test]
fn a_missing_major_says_what_there_is() {
    let os = Catalog::builtin().os("debian-13").unwrap();
    let error = os.packages(Role::PostgresqlServer, 16).unwrap_err();
    assert_eq!(
        error.to_string(),
        "PostgreSQL 16 is not in the distribution packages of Debian 13 (trixie), which have 17"
    );
    assert_eq!(
        error.help(),
        "set `pg_version` to one of: 17, or use the source pgdg"
    );
    assert_eq!(error.code(), "catalog/postgresql-version");
    // Roles without a major do not care.
    assert!(os.packages(Role::Haproxy, 16).is_ok());
}

#[test]
fn a_missing_role_says_who_has_it() {
    let os = Catalog::builtin().os("el-9").unwrap();
    let error = os.packages(Role::Patroni, 16).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the distribution packages of Enterprise Linux 9 have none for `patroni`"
    );
    assert_eq!(error.help(), "use the source pgdg");
}

#[test]
fn systems_are_told_from_os_release() {
    let catalog = Catalog::builtin();
    let id = |name: &str, version: &str| catalog.detect(name, version).map(|os| os.id.as_str());
    assert_eq!(id("debian", "13"), Ok("debian-13"));
    assert_eq!(id("debian", "12"), Ok("debian-12"));
    assert_eq!(id("ubuntu", "24.04"), Ok("ubuntu-24.04"));
    assert_eq!(id("rocky", "9.4"), Ok("el-9"));
    assert_eq!(id("almalinux", "10.0"), Ok("el-10"));
    assert_eq!(catalog.os("el-8").unwrap().manager, Manager::Dnf);
    let error = id("debian", "1").unwrap_err();
    assert_eq!(error.to_string(), "no packages are known for debian 1");
    assert!(error.help().contains("debian-13"));
}
