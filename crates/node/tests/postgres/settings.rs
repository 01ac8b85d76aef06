//! What `sty check` says of PostgreSQL's settings, against what the server says.

use std::fmt::Write as _;

use postgres::{Client, SimpleQueryMessage};
use sty_inventory::codes;
use sty_inventory::postgres::{Server as Checked, Target};

use crate::server::{Server, installed};

/// Values of every type, right and wrong.
const VALUES: &[&str] = &[
    "on",
    "off",
    "t",
    "TRUE",
    "of",
    "yes",
    "maybe",
    "",
    "0",
    "1",
    "-1",
    "2",
    "10",
    "1000",
    "1.5",
    "0.1",
    "1e3",
    "-0.4",
    "0x10",
    "010",
    "08",
    "64MB",
    "64mb",
    "1GB",
    "2 kB",
    "10s",
    "5min",
    "100us",
    "1d",
    "99999999999",
    "1e400",
    "nan",
    "replica",
    "debug",
    "SAFE_ENCODING",
    "escape",
    "regress",
];

/// Settings whose values the machine, the build or the moment decides about, or a rule of their
/// own such as "a multiple of 16".
const UNFORESEEN: &[&str] = &[
    "allow_alter_system",
    "bonjour",
    "commit_timestamp_buffers",
    "io_max_concurrency",
    "max_stack_depth",
    "multixact_member_buffers",
    "multixact_offset_buffers",
    "notify_buffers",
    "serializable_buffers",
    "subtransaction_buffers",
    "transaction_buffers",
    "transaction_deferrable",
    "vacuum_buffer_usage_limit",
];

/// A setting as the server lists it.
struct Listed {
    name: String,
    /// Its value is a text, and only the server knows what makes a good one.
    text: bool,
}

fn listed(client: &mut Client) -> Vec<Listed> {
    let rows = client
        .query("SELECT name, vartype = 'string' FROM pg_settings", &[])
        .unwrap();
    let listed = |row: &postgres::Row| Listed {
        name: row.get(0),
        text: row.get(1),
    };
    rows.iter().map(listed).collect()
}

#[test]
fn what_a_role_may_set() {
    const TRY: &str = "
        CREATE ROLE probe;
        CREATE FUNCTION accepts(name text, value text) RETURNS bool LANGUAGE plpgsql AS $$
        BEGIN
          EXECUTE format('ALTER ROLE probe SET %s TO %L', name, value);
          RETURN true;
        EXCEPTION WHEN OTHERS THEN
          RETURN false;
        END $$";
    for programs in installed() {
        let server = Server::start_with(&programs);
        let checked = checked(&server);
        let mut client = server.connect("postgres");
        client.batch_execute(TRY).unwrap();
        let ask = client.prepare("SELECT accepts($1, $2)").unwrap();
        let mut wrong = String::new();
        for Listed { name, text } in listed(&mut client) {
            for value in VALUES {
                let accepted: bool = client.query_one(&ask, &[&name, value]).unwrap().get(0);
                let finding = checked.check(&name, value, Target::Role);
                let passes = finding.as_ref().is_none_or(|finding| finding.warning);
                let server_decides = text || UNFORESEEN.contains(&name.as_str());
                if accepted != passes && !(server_decides && passes) {
                    let _ = writeln!(wrong, "{name} = '{value}': {accepted}, {finding:?}");
                }
            }
        }
        assert!(wrong.is_empty(), "{}:\n{wrong}", server.major());
    }
}

#[test]
fn what_passes_for_the_file_is_taken() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let checked = checked(&server);
        let mut client = server.connect("postgres");
        let mut wrong = String::new();
        for Listed { name, text } in listed(&mut client) {
            let server_decides = text || UNFORESEEN.contains(&name.as_str());
            for value in VALUES.iter().filter(|_| !server_decides) {
                let finding = checked.check(&name, value, Target::Cluster);
                if finding.is_some_and(|finding| !finding.warning) {
                    continue;
                }
                let sql = format!("ALTER SYSTEM SET {name} TO '{value}'");
                if let Err(error) = client.simple_query(&sql) {
                    let _ = writeln!(wrong, "{name} = '{value}': {error:?}");
                }
            }
        }
        assert!(wrong.is_empty(), "{}:\n{wrong}", server.major());
    }
}

#[test]
fn every_setting_of_the_server_is_known() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let checked = checked(&server);
        let mut client = server.connect("postgres");
        for Listed { name, .. } in listed(&mut client) {
            let finding = checked.check(&name, "1", Target::Cluster);
            let unknown = finding.is_some_and(|one| one.code == codes::SETTING_UNKNOWN);
            assert!(!unknown, "{name} of {}", server.major());
        }
        for name in ["role", "session_authorization"] {
            let sql = format!("SHOW {name}");
            let shown = client.simple_query(&sql).unwrap();
            assert!(
                shown
                    .iter()
                    .any(|one| matches!(one, SimpleQueryMessage::Row(_)))
            );
            assert_eq!(checked.check(name, "postgres", Target::Role), None);
        }
    }
}

fn checked(server: &Server) -> Checked {
    Checked {
        major: server.major(),
        backups: false,
    }
}
