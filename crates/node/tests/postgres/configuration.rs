//! Waiting for a server to take up its settings.

use sty_node::{settings_arrived, settings_waiting};
use sty_wire::observation::Failure;

use crate::server::{Server, installed};

fn arrived(server: &Server, name: &str, value: &str) -> Result<(), Failure> {
    let settings = [(name.to_owned(), value.to_owned())].into();
    settings_arrived(&settings, &server.access())
}

fn refused(server: &Server, line: &str, name: &str, value: &str) -> String {
    server.configure(line);
    server.reload();
    let failure = arrived(server, name, value).unwrap_err();
    assert!(failure.hint.is_some(), "{failure:?}");
    failure.message.replace(&server.config_path(), "FILE")
}

#[test]
fn what_is_taken_has_arrived() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        server.configure(
            "work_mem = 8MB\ntimezone = 'Europe/Berlin'\nmax_connections = 55\napp.x = 'y'",
        );
        server.reload();
        for (name, value) in [
            ("work_mem", "8MB"),
            ("timezone", "Europe/Berlin"),
            // Waits for a restart, and is known to.
            ("max_connections", "55"),
            ("app.x", "y"),
        ] {
            arrived(&server, name, value).unwrap();
        }
    }
}

/// Patroni writes `recovery_target` and others for a replica alone: on one that became the primary
/// they are gone from the file and wait for a restart, which is no refusal of any line.
#[test]
fn a_setting_that_is_gone_and_waits_for_a_restart_is_no_refusal() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        server.configure("recovery_target_timeline = 'current'\nmax_connections = 55");
        server.down();
        server.up();
        server.configure("work_mem = 8MB");
        server.reload();
        arrived(&server, "work_mem", "8MB").unwrap();
    }
}

/// Names of what waits for a restart.
fn waiting(server: &Server, lines: &str) -> String {
    server.configure(&format!("{lines}\nwork_mem = 9MB"));
    server.reload();
    arrived(server, "work_mem", "9MB").unwrap();
    server.configure(&format!("{lines}\nwork_mem = 8MB"));
    server.reload();
    arrived(server, "work_mem", "8MB").unwrap();
    let waiting = settings_waiting(&server.access()).unwrap();
    let shown = |side: Option<String>| side.unwrap_or_default();
    let shown = waiting
        .into_iter()
        .map(|one| format!("{}: {} -> {}", one.what, shown(one.from), shown(one.to)));
    shown.collect::<Vec<_>>().join(", ")
}

/// The server itself does not forget that a setting waited for a restart when its line goes again.
#[test]
fn what_is_taken_back_before_the_restart_waits_no_more() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let lines = "max_locks_per_transaction = 192\nmax_connections = 55";
        assert_eq!(
            waiting(&server, lines),
            "max_connections: 100 -> 55, max_locks_per_transaction: 64 -> 192"
        );
        assert_eq!(
            waiting(&server, "max_connections = 55"),
            "max_connections: 100 -> 55"
        );
        assert_eq!(waiting(&server, ""), "");
        server.configure("max_locks_per_transaction = 192\nmax_files_per_process = 1000");
        server.down();
        server.up();
        assert_eq!(waiting(&server, ""), "max_locks_per_transaction: 192 -> 64");
        assert_eq!(waiting(&server, "max_locks_per_transaction = 192"), "");
    }
}

#[test]
fn a_value_that_is_refused_is_told_at_once() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let said = refused(&server, "work_mem = 1kB", "work_mem", "1kB");
        assert!(said.contains("`work_mem = 1kB` in FILE, line "), "{said}");
        assert!(said.contains("outside the valid range"), "{said}");
        let said = refused(&server, "timezone = 'Mars/Base'", "timezone", "Mars/Base");
        assert!(said.contains("invalid value for parameter"), "{said}");
        let said = refused(&server, "max_connections = 0", "max_connections", "0");
        assert!(said.contains("outside the valid range"), "{said}");
        // What somebody else got wrong is theirs, as long as it keeps nothing else back.
        server.configure("log_line_prefix = 'x'\njit = maybe");
        server.reload();
        arrived(&server, "log_line_prefix", "x").unwrap();
        // What was asked by hand has not stayed.
        assert!(!server.auto_conf().contains("work_mem"));
    }
}

#[test]
fn a_file_that_is_refused_is_told_at_once() {
    for programs in installed() {
        let server = Server::start_with(&programs);
        let said = refused(&server, "work_men = 8MB", "work_mem", "8MB");
        assert!(said.contains("`work_men = 8MB` in FILE, line "), "{said}");
        assert!(
            said.contains("unrecognized configuration parameter"),
            "{said}"
        );
        let said = refused(&server, "work_mem = = 8MB", "work_mem", "8MB");
        assert!(said.contains("a line in FILE, line "), "{said}");
        assert!(said.contains("syntax error"), "{said}");
    }
}

#[test]
fn a_name_that_nobody_knows_does_not_arrive() {
    let server = Server::start();
    let failure = arrived(&server, "work_men", "8MB").unwrap_err();
    assert_eq!(failure.message, "PostgreSQL here has no setting `work_men`");
}
