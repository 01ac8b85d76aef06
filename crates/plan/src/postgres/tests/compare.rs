//! What differs, as the statements that mend it.

use insta::assert_snapshot;
use sty_core::{Objects, Risk};
use sty_wire::observation::Change;
use sty_wire::postgres::{
    DatabaseCreation, DefaultPrivilege, Expiry, ExtensionSpec, MembershipOptions, Password,
    RoleSpec, SchemaSpec,
};

use super::{plain_database, plain_role, server, shown};
use crate::postgres::model::{
    AvailableExtension, BASELINE_SETTING, Dependents, Grant, Membership, ObservedContents,
    ObservedDatabase, ObservedExtension, ObservedRole, ObservedSchema,
};
use crate::postgres::{database, role};

fn extension(name: &str, schema: Option<&str>, version: Option<&str>) -> ExtensionSpec {
    ExtensionSpec {
        name: name.to_owned(),
        schema: schema.map(str::to_owned),
        version: version.map(str::to_owned),
        absent: false,
    }
}

fn existing(owner: &str) -> ObservedDatabase {
    let grant = |grantee: &str, privilege: &str| Grant {
        grantee: grantee.to_owned(),
        privilege: privilege.to_owned(),
    };
    ObservedDatabase {
        owner: owner.to_owned(),
        made: Default::default(),
        is_template: false,
        allow_connections: true,
        connection_limit: -1,
        parameters: Default::default(),
        comment: None,
        acl: vec![
            grant("PUBLIC", "CONNECT"),
            grant("PUBLIC", "TEMPORARY"),
            grant(owner, "CREATE"),
            grant(owner, "CONNECT"),
            grant(owner, "TEMPORARY"),
        ],
    }
}

#[test]
fn a_new_role() {
    let mut spec = plain_role("app");
    spec.password = Password::Stored("SCRAM-SHA-256$secret".into());
    spec.createdb = true;
    spec.valid_until = Expiry::AfterDays(365);
    spec.member_of = [("dbrole_readwrite".to_owned(), with_admin())].into();
    spec.parameters = [("search_path".to_owned(), "app, public".to_owned())].into();
    spec.comment = Some("the app".to_owned());
    spec.execute = vec!["pg_stat_file(text, boolean)".to_owned()];
    let comparison = role::compare(&spec, &server(17), &Dependents::default());
    assert_snapshot!(shown(&comparison), @r#"
    CREATE ROLE "app"
    ALTER ROLE "app" LOGIN
    ALTER ROLE "app" CREATEDB
    DO 'BEGIN EXECUTE pg_catalog.format(''ALTER ROLE %I VALID UNTIL %L'', ''app'', (CURRENT_DATE + 366)::pg_catalog.timestamptz); END'
    ALTER ROLE "app" PASSWORD 'SCRAM-SHA-256$secret'
    GRANT "dbrole_readwrite" TO "app" WITH ADMIN OPTION
    ALTER ROLE "app" SET "search_path" TO 'app', 'public'
    COMMENT ON ROLE "app" IS 'the app'
    GRANT EXECUTE ON FUNCTION pg_stat_file(text,boolean) TO "app"
    "#);
    let told = format!("{:?} {:?}", comparison, comparison.changes());
    assert!(!told.contains("SCRAM"), "{told}");
    assert_eq!(comparison.changes()[0].what, "create");
}

#[test]
fn memberships_go_by_who_granted_them() {
    let mut spec = plain_role("app");
    spec.member_of = [("readers".to_owned(), MembershipOptions::default())].into();
    spec.not_member_of = vec!["guests".to_owned(), "strangers".to_owned()];
    let granted = |grantor: &str, admin| Membership {
        grantor: grantor.to_owned(),
        admin,
        inherit: None,
        set: None,
    };
    let mut observed = ObservedRole::fresh();
    observed.login = true;
    observed.member_of = [
        (
            "readers".to_owned(),
            vec![granted("ada", true), granted("postgres", false)],
        ),
        ("guests".to_owned(), vec![granted("ada", false)]),
        ("others".to_owned(), vec![granted("ada", false)]),
        ("pg_read_all_data".to_owned(), vec![granted("ada", false)]),
    ]
    .into();
    let compare = |major| {
        let mut server = server(major);
        server.roles.insert("app".to_owned(), observed.clone());
        shown(&role::compare(&spec, &server, &Dependents::default()))
    };
    assert_snapshot!(compare(17), @r#"
    REVOKE ADMIN OPTION FOR "readers" FROM "app" GRANTED BY "ada"
    REVOKE "guests" FROM "app" GRANTED BY "ada"
    REVOKE "pg_read_all_data" FROM "app" GRANTED BY "ada"
    "#);
    assert_snapshot!(compare(15), @r#"
    REVOKE ADMIN OPTION FOR "readers" FROM "app"
    REVOKE "guests" FROM "app"
    REVOKE "pg_read_all_data" FROM "app"
    "#);
}

fn with_admin() -> MembershipOptions {
    MembershipOptions {
        admin: true,
        ..MembershipOptions::default()
    }
}

#[test]
fn memberships_give_what_is_asked_for() {
    let options = |inherit, set| MembershipOptions {
        admin: false,
        inherit,
        set,
    };
    let mut spec = plain_role("app");
    let wanted = [
        ("new", options(false, true)),
        ("plain", options(true, true)),
        ("less", options(false, false)),
        ("more", options(true, true)),
        ("either", options(true, true)),
    ];
    spec.member_of = wanted
        .map(|(name, options)| (name.to_owned(), options))
        .into();
    let granted = |grantor: &str, inherit, set| Membership {
        grantor: grantor.to_owned(),
        admin: false,
        inherit: Some(inherit),
        set: Some(set),
    };
    let mut server = server(17);
    let mut observed = ObservedRole::fresh();
    observed.login = true;
    observed.member_of = [
        (
            "less",
            vec![granted("ada", true, false), granted("postgres", true, true)],
        ),
        ("more", vec![granted("postgres", false, true)]),
        (
            "either",
            vec![
                granted("ada", false, true),
                granted("postgres", true, false),
            ],
        ),
    ]
    .map(|(name, grants)| (name.to_owned(), grants))
    .into();
    server.roles.insert("app".to_owned(), observed);
    let comparison = role::compare(&spec, &server, &Dependents::default());
    assert_snapshot!(shown(&comparison), @r#"
    REVOKE INHERIT OPTION FOR "less" FROM "app" GRANTED BY "ada"
    REVOKE INHERIT OPTION FOR "less" FROM "app" GRANTED BY "postgres"
    REVOKE SET OPTION FOR "less" FROM "app" GRANTED BY "postgres"
    GRANT "more" TO "app" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE
    GRANT "new" TO "app" WITH ADMIN FALSE, INHERIT FALSE, SET TRUE
    GRANT "plain" TO "app"
    "#);
    let change = |one: &Change| format!("{}: {:?} -> {:?}", one.what, one.from, one.to);
    let changes: Vec<String> = comparison.changes().iter().map(change).collect();
    assert_snapshot!(changes.join("\n"), @r#"
    membership in less: Some("member") -> Some("member, not inheriting, without SET ROLE")
    membership in more: Some("member, not inheriting") -> Some("member")
    membership in new: None -> Some("member, not inheriting")
    membership in plain: None -> Some("member")
    "#);
}

#[test]
fn roles_that_go() {
    let mut spec = plain_role("gone");
    spec.absent = true;
    let mut server = server(17);
    assert_snapshot!(shown(&role::compare(&spec, &server, &Dependents::default())), @"");
    server
        .roles
        .insert("gone".to_owned(), ObservedRole::fresh());
    assert_snapshot!(shown(&role::compare(&spec, &server, &Dependents::default())), @r#"
    ALTER ROLE "gone" NOLOGIN
    everywhere: REASSIGN OWNED BY "gone" TO "postgres"; DROP OWNED BY "gone"
    SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'gone'
    DROP ROLE "gone"
    "#);
    let nothing = role::compare(&spec, &server, &Dependents::default());
    assert_eq!(nothing.risk(), Risk::Safe);
    let dependents = Dependents {
        objects: [("shop".to_owned(), 3), ("test".to_owned(), 1)].into(),
        databases: vec!["shop".to_owned()],
        members: vec!["ada".to_owned()],
        sessions: [("shop".to_owned(), 1), ("test".to_owned(), 1)].into(),
    };
    let touching = role::compare(&spec, &server, &dependents);
    assert_eq!(touching.risk(), Risk::Destroy);
    let changes: Vec<String> = touching.changes().into_iter().map(|c| c.what).collect();
    assert_snapshot!(changes.join("\n"), @"
    drop
    database shop goes to postgres
    3 objects in shop go to postgres
    1 object in test goes to postgres
    ada loses membership
    2 sessions are open
    ");
    // In databases that go as well, nothing is left of it.
    spec.going = ["shop".to_owned(), "old".to_owned()].into();
    assert_eq!(
        role::compare(&spec, &server, &dependents).risk(),
        Risk::Destroy
    );
    let inside = Dependents {
        objects: [("shop".to_owned(), 3)].into(),
        databases: vec!["shop".to_owned()],
        members: Vec::new(),
        sessions: [("shop".to_owned(), 1)].into(),
    };
    let after = role::compare(&spec, &server, &inside);
    assert_eq!(after.risk(), Risk::Safe);
    assert_eq!(after.after, ["shop".to_owned()].into());
    assert_eq!(after.changes(), [Change::named("drop")]);
    // A member that goes as well loses nothing.
    let group = Dependents {
        members: vec!["ada".to_owned()],
        ..Dependents::default()
    };
    let risk = |spec: &RoleSpec| role::compare(spec, &server, &group).risk();
    assert_eq!(risk(&spec), Risk::Destroy);
    spec.leaving = ["ada".to_owned()].into();
    assert_eq!(risk(&spec), Risk::Safe);
    let nothing = role::compare(&spec, &server, &Dependents::default());
    assert!(nothing.after.is_empty());
    if let Some(role) = server.roles.get_mut("gone") {
        role.system = true;
    }
    assert_snapshot!(
        shown(&role::compare(&spec, &server, &Dependents::default())),
        @"! role `gone` belongs to the server itself and cannot be dropped"
    );
}

#[test]
fn sty_s_own_role_keeps_what_it_needs() {
    let mut server = server(17);
    let mut observed = ObservedRole::fresh();
    observed.superuser = true;
    observed.login = true;
    server.roles.insert("postgres".to_owned(), observed);
    assert_snapshot!(
        shown(&role::compare(&plain_role("postgres"), &server, &Dependents::default())),
        @"! role `postgres` must keep superuser: `sty` works as it"
    );
}

#[test]
fn functions_are_named_not_written() {
    let mut spec = plain_role("app");
    spec.execute = vec!["f(text); DROP TABLE t".to_owned(), "f".to_owned()];
    let mut server = server(17);
    let mut observed = ObservedRole::fresh();
    observed.login = true;
    server.roles.insert("app".to_owned(), observed);
    assert_snapshot!(shown(&role::compare(&spec, &server, &Dependents::default())), @r"
    ! `f(text); DROP TABLE t` does not name a function
    ! `f` does not name a function
    ");
}

#[test]
fn a_new_database() {
    let mut spec = plain_database("app");
    spec.owner = Some("ada".to_owned());
    spec.creation = DatabaseCreation {
        template: Some("template0".to_owned()),
        encoding: Some("UTF8".to_owned()),
        locale: Some("C".to_owned()),
        ..DatabaseCreation::default()
    };
    assert_snapshot!(
        shown(&database::compare(&spec, &server(17), None)),
        @r#"CREATE DATABASE "app" OWNER = "ada" TEMPLATE = "template0" ENCODING = 'UTF8' LOCALE = 'C'"#
    );
    spec.baseline = Some(("app.sql".to_owned(), String::new()));
    let mut server = server(17);
    server
        .databases
        .insert("app.unfinished".to_owned(), existing("ada"));
    assert_snapshot!(shown(&database::compare(&spec, &server, None)), @r#"
    DROP DATABASE "app.unfinished" WITH (FORCE)
    CREATE DATABASE "app.unfinished" OWNER = "ada" TEMPLATE = "template0" ENCODING = 'UTF8' LOCALE = 'C'
    ALTER DATABASE "app.unfinished" SET "sty"."baseline" TO 'pending'
    ALTER DATABASE "app.unfinished" RENAME TO "app"
    "#);
}

#[test]
fn a_tablespace_is_there_before_its_databases() {
    let mut spec = plain_database("app");
    spec.creation.tablespace = Some("fast".to_owned());
    let mut server = server(17);
    assert_snapshot!(
        shown(&database::compare(&spec, &server, None)),
        @"! database `app`: there is no tablespace `fast`"
    );
    server.tablespaces.insert("fast".to_owned());
    let created = database::compare(&spec, &server, None);
    assert!(created.conflicts.is_empty());
}

#[test]
fn options_that_a_version_does_not_have() {
    let mut spec = plain_database("app");
    spec.creation.icu_rules = Some("&a < b".to_owned());
    spec.creation.builtin_locale = Some("C.UTF-8".to_owned());
    assert_snapshot!(shown(&database::compare(&spec, &server(15), None)), @r"
    ! database `app`: `icu_rules` needs PostgreSQL 16 or newer, this is 15
    ! database `app`: `builtin_locale` needs PostgreSQL 17 or newer, this is 15
    ");
    let created = database::compare(&spec, &server(17), None);
    assert!(created.conflicts.is_empty());
}

#[test]
fn an_existing_database() {
    let mut spec = plain_database("app");
    spec.owner = Some("ada".to_owned());
    spec.connect_only = Some(vec!["ada".to_owned(), "reader".to_owned()]);
    spec.grant_all_to = vec!["admin".to_owned()];
    spec.parameters = [("work_mem".to_owned(), "64MB".to_owned())].into();
    spec.baseline = Some(("app.sql".to_owned(), String::new()));
    let mut server = server(17);
    let mut observed = existing("postgres");
    observed.parameters = [
        ("jit".to_owned(), "off".to_owned()),
        (BASELINE_SETTING.to_owned(), "pending".to_owned()),
    ]
    .into();
    server.databases.insert("app".to_owned(), observed);
    let inside = ObservedContents::default();
    assert_snapshot!(shown(&database::compare(&spec, &server, Some(&inside))), @r#"
    ALTER DATABASE "app" OWNER TO "ada"
    GRANT CONNECT ON DATABASE "app" TO "reader"
    REVOKE CONNECT ON DATABASE "app" FROM PUBLIC
    GRANT ALL ON DATABASE "app" TO "admin"
    ALTER DATABASE "app" SET "work_mem" TO '64MB'
    ALTER DATABASE "app" RESET "jit"
    baseline
    "#);
}

#[test]
fn dropping_destroys() {
    let mut spec = plain_database("app");
    spec.absent = true;
    let mut server = server(17);
    let mut observed = existing("ada");
    observed.is_template = true;
    server.databases.insert("app".to_owned(), observed.clone());
    let comparison = database::compare(&spec, &server, None);
    assert_eq!(comparison.risk(), Risk::Destroy);
    assert_snapshot!(shown(&comparison), @r#"
    ALTER DATABASE "app" WITH IS_TEMPLATE false
    DROP DATABASE "app" WITH (FORCE)
    "#);
    spec.name = "template1".to_owned();
    server.databases.insert("template1".to_owned(), observed);
    assert_snapshot!(
        shown(&database::compare(&spec, &server, None)),
        @"! database `template1` belongs to the server itself and cannot be dropped"
    );
}

/// A database `app` with these extensions wanted, compared with `inside`.
fn extensions(wanted: Vec<ExtensionSpec>, inside: &ObservedContents) -> super::Comparison {
    let mut spec = plain_database("app");
    spec.extensions = wanted;
    let mut server = server(17);
    server.databases.insert("app".to_owned(), existing("ada"));
    database::compare(&spec, &server, Some(inside))
}

#[test]
fn extensions_that_are_missing() {
    let files = |schema: Option<&str>| AvailableExtension {
        default_version: Some("1.0".to_owned()),
        versions: ["1.0".to_owned(), "1.1".to_owned()].into(),
        schema: schema.map(str::to_owned),
    };
    let inside = ObservedContents {
        available: Some(
            [
                ("a".to_owned(), files(None)),
                ("fixed".to_owned(), files(Some("pg_catalog"))),
            ]
            .into(),
        ),
        ..ObservedContents::default()
    };
    let wanted = vec![
        extension("a", Some("ext"), Some("1.1")),
        extension("a", None, None),
        extension("a", None, Some("9")),
        extension("fixed", Some("public"), None),
        extension("unknown", None, None),
    ];
    assert_snapshot!(shown(&extensions(wanted, &inside)), @r#"
    app: CREATE SCHEMA "ext"
    app: CREATE SCHEMA "public"
    app: CREATE EXTENSION "a" SCHEMA "ext" VERSION '1.1' CASCADE
    app: SET LOCAL search_path TO public; CREATE EXTENSION "a" CASCADE; SET LOCAL search_path TO pg_catalog
    ! extension `a` has no version `9` on this node
    ! extension `fixed` lives in schema `pg_catalog` and cannot be in `public`
    ! extension `unknown` is not installed on this node
    "#);
}

#[test]
fn extensions_that_are_there() {
    let installed = |relocatable, owns_tables| ObservedExtension {
        version: "1.0".to_owned(),
        schema: "public".to_owned(),
        relocatable,
        owns_tables,
    };
    let inside = ObservedContents {
        schemas: [(
            "ext".to_owned(),
            ObservedSchema {
                owner: "ada".to_owned(),
                objects: 0,
                usage: Vec::new(),
            },
        )]
        .into(),
        extensions: [
            ("moves".to_owned(), installed(true, false)),
            ("stays".to_owned(), installed(false, false)),
            ("goes".to_owned(), installed(true, true)),
        ]
        .into(),
        ..ObservedContents::default()
    };
    let mut goes = extension("goes", None, None);
    goes.absent = true;
    let wanted = vec![
        extension("moves", Some("ext"), Some("1.1")),
        extension("stays", Some("ext"), None),
        goes,
    ];
    let comparison = extensions(wanted, &inside);
    assert_eq!(comparison.risk(), Risk::Destroy, "its tables go with it");
    assert_snapshot!(shown(&comparison), @r#"
    app: ALTER EXTENSION "moves" UPDATE TO '1.1'
    app: ALTER EXTENSION "moves" SET SCHEMA "ext"
    app: DROP EXTENSION "goes" RESTRICT
    ! extension `stays` is in schema `public` and cannot be moved to `ext`
    "#);
}

#[test]
fn schemas_and_default_privileges() {
    let mut spec = plain_database("app");
    let schema = |name: &str, absent| SchemaSpec {
        name: name.to_owned(),
        owner: Some("ada".to_owned()),
        absent,
        usage_to: vec!["reader".to_owned()],
    };
    spec.schemas = vec![
        schema("new", false),
        schema("there", false),
        schema("full", true),
        schema("empty", true),
    ];
    let grant = |privilege: &str, objects: Objects, grantee: &str| DefaultPrivilege {
        creator: "ada".to_owned(),
        privilege: privilege.to_owned(),
        objects,
        grantee: grantee.to_owned(),
    };
    spec.default_privileges = vec![
        grant("select", Objects::Tables, "reader"),
        grant("EXECUTE", Objects::Functions, "public"),
        grant("ALL", Objects::Sequences, "writer"),
        grant("ALL", Objects::Tables, "ada"),
        grant("FLY", Objects::Tables, "reader"),
        grant("SELECT", Objects::LargeObjects, "reader"),
    ];
    let found = |objects| ObservedSchema {
        owner: "ada".to_owned(),
        objects,
        usage: vec!["writer".to_owned()],
    };
    let inside = ObservedContents {
        schemas: [
            ("there".to_owned(), found(1)),
            ("full".to_owned(), found(3)),
            ("empty".to_owned(), found(0)),
        ]
        .into(),
        ..ObservedContents::default()
    };
    let mut server = server(17);
    server.databases.insert("app".to_owned(), existing("ada"));
    assert_snapshot!(shown(&database::compare(&spec, &server, Some(&inside))), @r#"
    app: CREATE SCHEMA "new" AUTHORIZATION "ada"
    app: GRANT USAGE ON SCHEMA "new" TO "reader"
    app: GRANT USAGE ON SCHEMA "there" TO "reader"
    app: ALTER DEFAULT PRIVILEGES FOR ROLE "ada" GRANT SELECT ON TABLES TO "reader"
    app: ALTER DEFAULT PRIVILEGES FOR ROLE "ada" GRANT SELECT ON SEQUENCES TO "writer"
    app: ALTER DEFAULT PRIVILEGES FOR ROLE "ada" GRANT UPDATE ON SEQUENCES TO "writer"
    app: ALTER DEFAULT PRIVILEGES FOR ROLE "ada" GRANT USAGE ON SEQUENCES TO "writer"
    app: DROP SCHEMA "empty" RESTRICT
    ! default privileges of `ada`: unknown privilege `FLY`
    ! default privileges of `ada`: unknown objects `LARGE OBJECTS`
    ! schema `full` should go but holds 3 objects
    "#);
}
