//! Roles.

use sty_core::Risk;
use sty_wire::observation::Observation;
use sty_wire::postgres::{Expiry, MembershipOptions, Password};

use crate::node::{Node, plain_role, role};
use crate::server::{Server, installed};

/// SCRAM-SHA-256 of some password.
const SECRET: &str = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$\
                      3vX0Z1c2wzq1vF8m0bq7qV3k0a2y4j5h6l7m8n9o0pQ=:\
                      1aB2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1U=";
const OTHER_SECRET: &str = "SCRAM-SHA-256$4096:b3RoZXJvdGhlcm90aGVyMQ==$\
                            3vX0Z1c2wzq1vF8m0bq7qV3k0a2y4j5h6l7m8n9o0pQ=:\
                            1aB2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1U=";

#[test]
fn every_field_is_brought_about_and_drift_is_mended() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let postgres = server.access();
        let mut node = Node::new();
        for name in ["readers", "writers", "guests"] {
            node.settle(&role(&postgres, &plain_role(name)));
        }
        let mut spec = plain_role("app");
        spec.password = Password::Stored(SECRET.into());
        spec.createdb = true;
        spec.bypassrls = true;
        spec.inherit = false;
        spec.connection_limit = 7;
        spec.valid_until = Expiry::At("2042-01-31".to_owned());
        spec.member_of = [
            ("readers".to_owned(), MembershipOptions::default()),
            ("writers".to_owned(), with_admin()),
        ]
        .into();
        spec.not_member_of = vec!["guests".to_owned()];
        spec.comment = Some("it's the \"app\"".to_owned());
        spec.execute = vec!["pg_read_binary_file(text, bigint, bigint, boolean)".to_owned()];
        let parameters = [
            ("search_path", "app, \"$user\", public"),
            ("log_min_duration_statement", "1000"),
            (
                "session_preload_libraries",
                "auto_explain, pg_stat_statements",
            ),
            ("auto_explain.log_min_duration", "100ms"),
        ];
        spec.parameters = parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let resource = role(&postgres, &spec);
        node.settle(&resource);

        let mut admin = server.connect("postgres");
        admin
            .batch_execute(
                "ALTER ROLE app NOBYPASSRLS CONNECTION LIMIT 9 VALID UNTIL 'infinity';
                 ALTER ROLE app SET search_path = public;
                 ALTER ROLE app SET work_mem = '8MB';
                 ALTER ROLE app IN DATABASE postgres SET work_mem = '9MB';
                 GRANT guests TO app;
                 REVOKE ADMIN OPTION FOR writers FROM app;
                 COMMENT ON ROLE app IS 'mine'",
            )
            .unwrap();
        assert_eq!(
            node.differences(&resource),
            [
                "bypassrls: false -> true",
                "connection limit: 9 -> 7",
                "valid until: never -> 2042-02-01 00:00:00+00",
                "membership in writers: member -> member, admin",
                "membership in guests: member -> -",
                "parameter search_path: public -> app, \"$user\", public",
                "parameter work_mem: 8MB -> -",
                "parameter work_mem in postgres: 9MB -> -",
                "comment: mine -> it's the \"app\"",
            ]
        );
        node.settle(&resource);
    }
}

#[test]
fn secrets_are_neither_shown_nor_logged() {
    let server = Server::start();
    let mut node = Node::new();
    let mut spec = plain_role("app");
    spec.password = Password::Stored(SECRET.into());
    node.settle(&role(&server.access(), &spec));
    spec.password = Password::Stored(OTHER_SECRET.into());
    let resource = role(&server.access(), &spec);
    assert_eq!(node.differences(&resource), ["password: - -> -"]);
    node.settle(&resource);
    let log = server.log();
    assert!(!log.contains("SCRAM-SHA-256"), "{log}");
    let stored = server
        .connect("postgres")
        .query_one(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'",
            &[],
        )
        .unwrap();
    assert_eq!(stored.get::<_, String>(0), OTHER_SECRET);
    spec.password = Password::None;
    let resource = role(&server.access(), &spec);
    assert_eq!(node.differences(&resource), ["password: - -> -"]);
    node.settle(&resource);
}

#[test]
fn names_are_taken_literally() {
    let server = Server::start();
    let mut node = Node::new();
    let group = plain_role("a\"; DROP ROLE x; --");
    node.settle(&role(&server.access(), &group));
    let mut spec = plain_role("o'ne \"two\" \\three ünï");
    spec.member_of = [(group.name.clone(), MembershipOptions::default())].into();
    spec.comment = Some("back\\slash 'quote'".to_owned());
    spec.parameters = [("application_name".to_owned(), "it's \\ it".to_owned())].into();
    spec.valid_until = Expiry::AfterDays(30);
    node.settle(&role(&server.access(), &spec));
    spec.absent = true;
    node.settle(&role(&server.access(), &spec));
}

/// PostgreSQL's `VALID UNTIL` is the moment from which the password is refused.
#[test]
fn the_last_day_of_validity_counts() {
    let server = Server::start();
    let mut node = Node::new();
    let mut admin = server.connect("postgres");
    for (written, until) in [
        ("2042-01-31", "2042-02-01 00:00:00"),
        ("2042-12-31", "2043-01-01 00:00:00"),
        ("2042-01-31 12:30:00+00", "2042-01-31 12:30:00"),
        ("infinity", "infinity"),
    ] {
        let mut spec = plain_role("guest");
        spec.valid_until = Expiry::At(written.to_owned());
        node.settle(&role(&server.access(), &spec));
        let seen = "SELECT coalesce((rolvaliduntil AT TIME ZONE 'UTC')::text, 'infinity')
                    FROM pg_roles WHERE rolname = 'guest'";
        let seen: String = admin.query_one(seen, &[]).unwrap().get(0);
        assert_eq!(seen, until, "{written}");
    }
}

#[test]
fn days_of_validity_count_from_the_first_time() {
    let server = Server::start();
    let mut node = Node::new();
    let mut spec = plain_role("guest");
    spec.valid_until = Expiry::AfterDays(30);
    node.settle(&role(&server.access(), &spec));
    let mut admin = server.connect("postgres");
    let days = "SELECT (rolvaliduntil AT TIME ZONE 'UTC')::date - (now() AT TIME ZONE 'UTC')::date
                FROM pg_roles WHERE rolname = 'guest'";
    assert_eq!(admin.query_one(days, &[]).unwrap().get::<_, i32>(0), 31);
    spec.valid_until = Expiry::AfterDays(90);
    let later = role(&server.access(), &spec);
    assert_eq!(node.observe(&later), Observation::InSync);
}

#[test]
fn a_role_goes_and_what_it_owned_stays() {
    let server = Server::start();
    let mut node = Node::new();
    let mut admin = server.connect("postgres");
    admin.batch_execute("CREATE ROLE gone LOGIN").unwrap();
    admin
        .batch_execute("CREATE DATABASE theirs OWNER gone")
        .unwrap();
    let theirs = "CREATE TABLE kept AS SELECT 1 AS n; GRANT SELECT ON kept TO PUBLIC";
    server
        .connect_as("gone", "theirs")
        .unwrap()
        .batch_execute(theirs)
        .unwrap();
    admin
        .batch_execute("CREATE TABLE mine(); GRANT SELECT ON mine TO gone")
        .unwrap();
    let mut spec = plain_role("gone");
    spec.absent = true;
    let resource = role(&server.access(), &spec);
    assert_eq!(
        node.differences(&resource),
        [
            "drop: - -> -",
            "database theirs goes to postgres: - -> -",
            "1 object in theirs goes to postgres: - -> -",
        ]
    );
    let Observation::Drift { risk, .. } = node.observe(&resource) else {
        panic!("the role is still there");
    };
    assert_eq!(risk, Risk::Destroy);
    node.settle(&resource);
    let mut theirs = server.connect("theirs");
    let owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'kept'";
    let owner = theirs.query_one(owner, &[]).unwrap();
    assert_eq!(owner.get::<_, String>(0), "postgres");
}

#[test]
fn roles_of_the_server_itself_are_never_dropped() {
    let server = Server::start();
    let mut node = Node::new();
    for name in ["postgres", "pg_monitor"] {
        let mut spec = plain_role(name);
        spec.absent = true;
        let observation = node.observe(&role(&server.access(), &spec));
        let Observation::Failed { failure } = observation else {
            panic!("{observation:?}");
        };
        assert!(failure.message.contains("cannot be dropped"), "{failure:?}");
    }
}

#[test]
fn a_failure_names_statement_and_state() {
    let server = Server::start();
    let mut node = Node::new();
    let mut spec = plain_role("app");
    spec.member_of = [("nobody_here".to_owned(), MembershipOptions::default())].into();
    let failure = node.converge(&role(&server.access(), &spec)).unwrap_err();
    assert_eq!(
        failure.message,
        "GRANT role in database `postgres` failed: role \"nobody_here\" does not exist \
         (SQLSTATE 42704)"
    );
    let mut admin = server.connect("postgres");
    let found = "SELECT count(*) FROM pg_roles WHERE rolname = 'app'";
    let found: i64 = admin.query_one(found, &[]).unwrap().get(0);
    assert_eq!(found, 0, "half a role stayed");
}

fn with_admin() -> MembershipOptions {
    MembershipOptions {
        admin: true,
        ..MembershipOptions::default()
    }
}

#[test]
fn memberships_have_their_options() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let postgres = server.access();
        let mut node = Node::new();
        for name in ["readers", "writers", "admins", "app"] {
            node.settle(&role(&postgres, &plain_role(name)));
        }
        let options = |admin, inherit, set| MembershipOptions {
            admin,
            inherit,
            set,
        };
        let rounds = [
            [options(true, false, true), options(false, true, false)],
            [options(false, false, false), options(true, true, true)],
            [options(true, true, false), options(false, false, true)],
        ];
        for inherit in [true, false] {
            for [readers, writers] in rounds {
                let mut spec = plain_role("app");
                spec.inherit = inherit;
                let member_of = [("readers", readers), ("writers", writers)];
                spec.member_of = member_of
                    .map(|(name, options)| (name.to_owned(), options))
                    .into();
                node.settle(&role(&postgres, &spec));
                if server.major() >= 16 {
                    assert_eq!(held(&server, "readers"), [readers]);
                    assert_eq!(held(&server, "writers"), [writers]);
                }
            }
        }
    }
}

#[test]
fn what_somebody_else_granted_is_put_right() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        if server.major() < 16 {
            continue;
        }
        let postgres = server.access();
        let mut node = Node::new();
        for name in ["readers", "app"] {
            node.settle(&role(&postgres, &plain_role(name)));
        }
        let mut admin = server.connect("postgres");
        admin
            .batch_execute(
                "CREATE ROLE ada SUPERUSER;
                 GRANT readers TO ada WITH ADMIN OPTION;
                 GRANT readers TO app WITH INHERIT FALSE, SET FALSE;
                 GRANT readers TO app WITH INHERIT TRUE, SET TRUE GRANTED BY ada",
            )
            .unwrap();
        let mut spec = plain_role("app");
        let wanted = MembershipOptions {
            admin: false,
            inherit: false,
            set: true,
        };
        spec.member_of = [("readers".to_owned(), wanted)].into();
        let resource = role(&postgres, &spec);
        assert_eq!(
            node.differences(&resource),
            ["membership in readers: member -> member, not inheriting"]
        );
        node.settle(&resource);
    }
}

/// What the grants of `role` to `app` give.
fn held(server: &Server, role: &str) -> Vec<MembershipOptions> {
    let sql = "SELECT admin_option, inherit_option, set_option FROM pg_auth_members
               WHERE roleid = $1::text::regrole AND member = 'app'::regrole";
    let rows = server.connect("postgres").query(sql, &[&role]).unwrap();
    let options = |row: &postgres::Row| MembershipOptions {
        admin: row.get(0),
        inherit: row.get(1),
        set: row.get(2),
    };
    rows.iter().map(options).collect()
}
