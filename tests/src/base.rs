//! What most stories begin with: the fleet of the template `full`, deployed once and saved.
//!
//! It stays for the next story. A whole run of all stories makes it anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run;

/// The saved sandbox.
pub(crate) const SANDBOX: &str = "story-base";
/// What it is made from.
const TEMPLATE: &str = include_str!("../../conf/full.yml");

/// Deploys and saves it, unless it is there; returns the directory of its inventory. A second
/// story that needs it at the same time waits.
pub(crate) fn ensure(sty: &Path) -> PathBuf {
    let stories = state_directory().join("stories");
    fs::create_dir_all(&stories).expect("a directory for the base");
    let lock = fs::File::create(stories.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let home = stories.join("base");
    // Written last.
    let made_from = home.join("template.yml");
    if fs::read_to_string(&made_from).is_ok_and(|text| text == TEMPLATE) && is_saved(sty) {
        return home;
    }
    let within = |words: &[&str]| {
        let mut command = Command::new(sty);
        command.args(words).current_dir(&home);
        run(command)
    };
    if home.exists() {
        fs::remove_dir_all(&home).expect("the base before can go");
    }
    fs::create_dir(&home).expect("a directory for its inventory");
    within(&["sandbox", "down", SANDBOX]).ok();
    within(&["init", "full", "--keep-addresses"]).ok();
    within(&["sandbox", "up", SANDBOX]).ok();
    within(&["apply"]).ok();
    within(&["status", "--wait", "60"]).ok();
    assert_eq!(
        within(&["plan", "--exit-code"]).code,
        0,
        "nothing is left to do"
    );
    within(&["sandbox", "save", SANDBOX]).ok();
    fs::write(&made_from, TEMPLATE).expect("a note of what it was made from");
    home
}

fn is_saved(sty: &Path) -> bool {
    let mut command = Command::new(sty);
    command.args(["sandbox", "list", "--output", "json"]);
    let list: serde_json::Value = serde_json::from_str(&run(command).stdout).unwrap_or_default();
    let mut sandboxes = list.as_array().into_iter().flatten();
    sandboxes.any(|sandbox| sandbox["name"] == SANDBOX && sandbox["saved"] == true)
}

fn state_directory() -> PathBuf {
    std::env::var_os("STY_STATE_DIR").map_or("/var/lib/sty".into(), PathBuf::from)
}
