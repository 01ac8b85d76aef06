//! Databases and what is in them.

use sty_core::{Objects, Risk};
use sty_wire::observation::Observation;
use sty_wire::postgres::{DatabaseSpec, DefaultPrivilege, ExtensionSpec, SchemaSpec};

use crate::node::{Node, database, plain_database, plain_role, role};
use crate::server::{Server, installed};

#[test]
fn every_field_is_brought_about_and_drift_is_mended() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let postgres = server.access();
        let mut node = Node::new();
        for name in ["owner", "reader", "admin", "other"] {
            node.settle(&role(&postgres, &plain_role(name)));
        }
        let resource = database(&postgres, &full());
        assert_eq!(node.differences(&resource), ["create: - -> -"]);
        node.settle(&resource);
        assert!(server.connect_as("reader", "app").is_ok());
        assert!(server.connect_as("other", "app").is_err());

        let mut inside = server.connect("app");
        inside
            .batch_execute(
                "DROP EXTENSION citext;
                 ALTER EXTENSION hstore SET SCHEMA public;
                 ALTER SCHEMA app OWNER TO postgres;
                 REVOKE USAGE ON SCHEMA app FROM reader;
                 ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE SELECT ON TABLES FROM reader;
                 ALTER DATABASE app RESET statement_timeout;
                 ALTER DATABASE app SET work_mem = '8MB';
                 ALTER DATABASE app CONNECTION LIMIT 3;
                 GRANT CONNECT ON DATABASE app TO PUBLIC;
                 REVOKE TEMPORARY ON DATABASE app FROM admin",
            )
            .unwrap();
        assert_eq!(
            node.differences(&resource),
            [
                "connection limit: 3 -> 50",
                "connect for PUBLIC: granted -> -",
                "all for admin: - -> granted",
                "parameter statement_timeout: - -> 30s",
                "parameter work_mem: 8MB -> -",
                "owner of schema app: postgres -> owner",
                "usage of schema app for reader: - -> present",
                "extension citext: - -> present",
                "schema of extension hstore: public -> extensions",
                "default SELECT on TABLES of owner for reader: - -> present",
            ]
        );
        node.settle(&resource);
    }
}

fn full() -> DatabaseSpec {
    let extension = |name: &str, schema: Option<&str>| ExtensionSpec {
        name: name.to_owned(),
        schema: schema.map(str::to_owned),
        version: None,
        absent: false,
    };
    let by_default = |privilege: &str, objects: Objects| DefaultPrivilege {
        creator: "owner".to_owned(),
        privilege: privilege.to_owned(),
        objects,
        grantee: "reader".to_owned(),
    };
    DatabaseSpec {
        owner: Some("owner".to_owned()),
        connection_limit: 50,
        connect_only: Some(vec!["reader".to_owned(), "admin".to_owned()]),
        grant_all_to: vec!["admin".to_owned()],
        baseline: Some((
            "app.sql".to_owned(),
            "CREATE TABLE app.t AS SELECT ('Ä'::public.citext)::text AS c;\n\\echo done\n"
                .to_owned(),
        )),
        schemas: vec![SchemaSpec {
            name: "app".to_owned(),
            owner: Some("owner".to_owned()),
            absent: false,
            usage_to: vec!["reader".to_owned()],
        }],
        extensions: vec![
            extension("citext", None),
            extension("hstore", Some("extensions")),
            extension("earthdistance", Some("public")),
        ],
        default_privileges: vec![
            by_default("SELECT", Objects::Tables),
            by_default("USAGE", Objects::Sequences),
            by_default("EXECUTE", Objects::Functions),
            by_default("USAGE", Objects::Schemas),
        ],
        parameters: [
            ("search_path".to_owned(), "app, public".to_owned()),
            ("statement_timeout".to_owned(), "30s".to_owned()),
        ]
        .into(),
        comment: Some("the app's".to_owned()),
        ..plain_database("app")
    }
}

#[test]
fn a_baseline_runs_once_and_wholly() {
    let server = Server::start();
    let mut node = Node::new();
    let with = |text: &str| DatabaseSpec {
        baseline: Some(("init.sql".to_owned(), text.to_owned())),
        ..plain_database("shop")
    };
    let broken = with("CREATE TABLE orders(); SELECT secret_thing FROM nowhere;");
    let failure = node
        .converge(&database(&server.access(), &broken))
        .unwrap_err();
    assert_eq!(
        failure.message,
        "the baseline `init.sql` failed in database `shop`; nothing of it stays"
    );
    assert_eq!(failure.exit_code, Some(3));
    assert_eq!(
        failure.tail,
        ["psql:init.sql:1: ERROR:  relation \"nowhere\" does not exist at character 26"]
    );

    let mended = database(&server.access(), &with("CREATE TABLE orders();"));
    assert_eq!(node.differences(&mended), ["baseline init.sql: - -> run"]);
    node.settle(&mended);
    let later = database(&server.access(), &with("CREATE TABLE orders(n int);"));
    assert_eq!(node.observe(&later), Observation::InSync);
}

#[test]
fn an_interrupted_creation_is_begun_anew() {
    let server = Server::start();
    let mut node = Node::new();
    let mut admin = server.connect("postgres");
    admin
        .batch_execute("CREATE DATABASE \"shop.unfinished\"")
        .unwrap();
    let spec = DatabaseSpec {
        baseline: Some(("init.sql".to_owned(), "CREATE TABLE orders()".to_owned())),
        ..plain_database("shop")
    };
    node.settle(&database(&server.access(), &spec));
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop.%'";
    let left: i64 = admin.query_one(left, &[]).unwrap().get(0);
    assert_eq!(left, 0);
}

#[test]
fn a_database_goes_with_its_sessions_and_is_destructive() {
    let server = Server::start();
    let mut node = Node::new();
    let mut spec = plain_database("old\"one");
    spec.is_template = true;
    node.settle(&database(&server.access(), &spec));
    let _session = server.connect("old\"one");
    spec.absent = true;
    let resource = database(&server.access(), &spec);
    let observation = node.observe(&resource);
    assert!(
        matches!(
            &observation,
            Observation::Drift {
                risk: Risk::Destroy,
                ..
            }
        ),
        "{observation:?}"
    );
    node.settle(&resource);
    for name in ["postgres", "template1"] {
        let mut spec = plain_database(name);
        spec.absent = true;
        let observation = node.observe(&database(&server.access(), &spec));
        assert!(matches!(observation, Observation::Failed { .. }));
    }
}

#[test]
fn what_cannot_be_had_is_told_and_the_rest_is_done() {
    let server = Server::start();
    let mut node = Node::new();
    let mut spec = plain_database("app");
    spec.extensions = vec![ExtensionSpec {
        name: "no_such_extension".to_owned(),
        schema: None,
        version: None,
        absent: false,
    }];
    spec.schemas = vec![SchemaSpec {
        name: "app".to_owned(),
        owner: None,
        absent: false,
        usage_to: Vec::new(),
    }];
    let resource = database(&server.access(), &spec);
    let failure = node.converge(&resource).unwrap_err();
    assert_eq!(
        failure.message,
        "extension `no_such_extension` is not installed on this node"
    );
    assert!(failure.hint.is_some());
    let schema = "SELECT count(*) FROM pg_namespace WHERE nspname = 'app'";
    let made: i64 = server.connect("app").query_one(schema, &[]).unwrap().get(0);
    assert_eq!(made, 1);
    let observation = node.observe(&resource);
    assert!(
        matches!(observation, Observation::Failed { .. }),
        "{observation:?}"
    );
}

#[test]
fn a_schema_goes_only_when_it_is_empty() {
    let server = Server::start();
    let mut node = Node::new();
    let mut admin = server.connect("postgres");
    admin.batch_execute("CREATE DATABASE app").unwrap();
    let mut inside = server.connect("app");
    inside
        .batch_execute("CREATE SCHEMA old; CREATE TABLE old.t()")
        .unwrap();
    let mut spec = plain_database("app");
    spec.schemas = vec![SchemaSpec {
        name: "old".to_owned(),
        owner: None,
        absent: true,
        usage_to: Vec::new(),
    }];
    let resource = database(&server.access(), &spec);
    let observation = node.observe(&resource);
    assert!(
        matches!(observation, Observation::Failed { .. }),
        "{observation:?}"
    );
    inside.batch_execute("DROP TABLE old.t").unwrap();
    node.settle(&resource);
}

#[test]
fn a_closed_database_is_closed_last_and_opened_first() {
    let server = Server::start();
    let mut node = Node::new();
    let mut spec = plain_database("cold");
    spec.allow_connections = false;
    spec.schemas = vec![SchemaSpec {
        name: "ice".to_owned(),
        owner: None,
        absent: false,
        usage_to: Vec::new(),
    }];
    node.settle(&database(&server.access(), &spec));
    assert!(server.connect_as("postgres", "cold").is_err());
    spec.allow_connections = true;
    node.settle(&database(&server.access(), &spec));
    let schema = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ice'";
    let made: i64 = server
        .connect("cold")
        .query_one(schema, &[])
        .unwrap()
        .get(0);
    assert_eq!(made, 1);
}
