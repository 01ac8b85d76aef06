//! The first minutes: `sty up`, the lines it prints, `sty up` again, `sty down`.

#![allow(clippy::expect_used, reason = "a story")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sty_stories::{Ran, Watch, World, run, until};

/// `sty` with a state directory of the story's own, so that what a person keeps is not touched.
fn sty(home: &Path, arguments: &[&str]) -> Ran {
    let program = std::env::var_os("STY_BIN").expect("STY_BIN");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(home)
        .env("STY_STATE_DIR", home.join("state"));
    run(command)
}

/// The same as a child of a program that holds a file locked: nodes and forwarders that go on
/// afterwards must not.
fn holding_a_lock(home: &Path, arguments: &[&str]) -> Ran {
    let mut command = lock(home);
    command
        .arg(std::env::var_os("STY_BIN").expect("STY_BIN"))
        .args(arguments)
        .current_dir(home)
        .env("STY_STATE_DIR", home.join("state"));
    run(command)
}

fn lock(home: &Path) -> Command {
    let mut command = Command::new("flock");
    command.arg("--nonblock").arg(home.join("lock"));
    command
}

/// Takes down what the story left, however it ended.
struct Home(tempfile::TempDir);

impl Drop for Home {
    fn drop(&mut self) {
        sty(self.0.path(), &["down"]);
    }
}

#[test]
fn a_newcomer_is_connected_after_one_command() {
    let home = Home(tempfile::tempdir().expect("a temporary directory"));
    let home = home.0.path();
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../conf/meta.yml");
    let ours = home.join("story-newcomer.yml");
    std::fs::copy(template, &ours).expect("a template of a name of its own");
    let ours = ours.to_string_lossy().into_owned();

    let first = holding_a_lock(home, &["up", &ours]);
    first.ok();
    assert_eq!(
        lock(home).arg("true").status().expect("flock").code(),
        Some(0),
        "what goes on holds it"
    );
    let lines: Vec<&str> = first
        .stdout
        .lines()
        .filter(|line| line.contains("psql"))
        .collect();
    assert_eq!(
        lines.len(),
        3,
        "a line for each service that someone serves:\n{}",
        first.stdout
    );
    for line in &lines {
        let mut pasted = Command::new("sh");
        pasted.args(["-c", &format!("{line} -At -c 'select current_user'")]);
        assert_eq!(run(pasted).ok().text(), "dbuser_meta");
    }

    let second = sty(home, &["up", &ours]);
    second.ok();
    assert!(second.stderr.contains("nothing to do"), "{}", second.stderr);
    assert!(
        second.stderr.contains("1 node up already"),
        "{}",
        second.stderr
    );

    let gone = sty(home, &["down"]);
    gone.ok();
    let list = sty(home, &["sandbox", "list"]);
    assert!(!list.stdout.contains("story-newcomer"), "{}", list.stdout);
    assert!(!home.join("state/up/story-newcomer").exists());
}

/// The one template that has no story of its own: synchronous replication.
#[test]
fn the_crit_template_converges() {
    let world = World::new("story-crit", "crit");
    let watch = Watch::start(world.secrets());
    world.apply();
    watch.stop();
    world.assert_converged();
    world.sty(&["status", "--wait", "60"]).ok();
    // Patroni names the replica that writes wait for once it streams, in its own rounds.
    until("writes wait for a replica", Duration::from_secs(60), || {
        let sql = "select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')";
        let ran = world.superuser("10.10.10.10", "postgres", sql);
        match ran.text() {
            "0" | "" => Err(ran.all()),
            _ => Ok(()),
        }
    });
}
