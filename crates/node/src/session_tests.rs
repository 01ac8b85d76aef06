//! Sessions over real files of this machine, in temporary directories.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::accounts::Accounts;

/// Output of a session, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replies to `requests`, without the first, which is the greeting.
fn replies(directory: &TempDir, requests: &[Value]) -> Vec<Value> {
    let input: String = requests
        .iter()
        .map(|request| format!("{request}\n"))
        .collect();
    let kept = Kept::default();
    let lock_path = directory.path().join("lock");
    serve_with(input.as_bytes(), kept.clone(), &lock_path).unwrap();
    let output = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let mut replies = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let hello: Value = replies.next().unwrap();
    assert_eq!(hello["protocol"], PROTOCOL);
    replies.collect()
}

/// Owned by whoever runs the test.
fn access(mode: u32) -> Value {
    let found = fs::metadata("/proc/self").unwrap();
    let accounts = Accounts::read().unwrap();
    use std::os::unix::fs::MetadataExt;
    json!({
        "owner": accounts.user_name(found.uid()),
        "group": accounts.group_name(found.gid()),
        "mode": mode,
    })
}

fn resource(id: &str, kind: Value) -> Value {
    json!({"id": id, "module": "node", "stage": "config", "cluster": null, "kind": kind})
}

fn file(path: &Path, content: &str, secret: bool) -> Value {
    let kind = json!({
        "type": "file", "path": path, "content": content, "secret": secret,
        "access": access(0o640), "check": null,
    });
    resource("file", kind)
}

fn observe(resources: &[Value]) -> Value {
    json!({"request": "observe", "resources": resources})
}

fn converge(id: &str) -> Value {
    json!({
        "request": "execute", "action": 7, "op": {"op": "converge", "resource": id}, "supply": null,
    })
}

fn lock() -> Value {
    json!({"request": "lock", "holder": "ada@desk"})
}

#[test]
fn the_second_to_lock_learns_who_was_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sty/apply.lock");
    let first = take_lock(&path, "ada@desk, pid 1").unwrap();
    assert!(matches!(first, Taken::Mine(_)));
    match take_lock(&path, "bob@desk, pid 2").unwrap() {
        Taken::Held(holder) => assert_eq!(holder, "ada@desk, pid 1"),
        Taken::Mine(_) => panic!("two holders"),
    }
    drop(first);
    let third = take_lock(&path, "bob@desk, pid 2").unwrap();
    assert!(matches!(third, Taken::Mine(_)));
    assert_eq!(fs::read_to_string(&path).unwrap(), "bob@desk, pid 2");
}

#[test]
fn what_still_differs_is_named() {
    let changes = [
        Change::new("mode", "0644", "0640"),
        Change::named("content"),
    ];
    assert_eq!(
        unreached(&describe(&changes)).message,
        "post-condition not reached: mode is `0644`, not `0640`; content still differs"
    );
}

#[test]
fn a_file_is_written_once_and_then_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.conf");
    let wanted = [file(&path, "a = 1\n", false)];
    let replies = replies(
        &directory,
        &[lock(), observe(&wanted), converge("file"), observe(&wanted)],
    );
    assert_eq!(replies[0]["reply"], "locked");
    assert_eq!(replies[1]["observations"]["file"]["state"], "drift");
    let change = json!({"what": "file", "from": null, "to": "1 lines"});
    assert_eq!(
        replies[2],
        json!({"reply": "done", "action": 7, "changes": [change]})
    );
    assert_eq!(replies[3]["observations"]["file"]["state"], "in_sync");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a = 1\n");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o640
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        2,
        "file and lock"
    );
}

#[test]
fn drift_is_shown_unless_it_is_secret() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.conf");
    fs::write(&path, "password old\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let replies = replies(
        &directory,
        &[
            observe(&[file(&path, "password new\n", false)]),
            observe(&[file(&path, "password new\n", true)]),
        ],
    );
    let shown = &replies[0]["observations"]["file"]["changes"];
    let diff = json!([{"what": "line 1", "from": "password old", "to": "password new"}]);
    assert_eq!(shown, &diff);
    let hidden = &replies[1]["observations"]["file"]["changes"];
    assert_eq!(
        hidden,
        &json!([{"what": "content", "from": null, "to": null}])
    );
}

#[test]
fn directories_links_and_absent_paths_converge() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir_all(path("old/deep")).unwrap();
    fs::create_dir(path("link")).unwrap();
    let directory_kind = json!({"type": "directory", "path": path("new"), "access": access(0o750)});
    let link_kind = json!({"type": "link", "path": path("link"), "target": path("new")});
    let absent_kind = json!({"type": "path_absent", "path": path("old"), "recursive": true});
    let resources = [
        resource("directory", directory_kind),
        resource("link", link_kind),
        resource("absent", absent_kind),
    ];
    let replies = replies(
        &directory,
        &[
            lock(),
            observe(&resources),
            converge("directory"),
            converge("link"),
            converge("absent"),
            observe(&resources),
        ],
    );
    let before = &replies[1]["observations"];
    assert_eq!(before["absent"]["risk"], "destroy");
    assert_eq!(before["link"]["changes"][0]["from"], "an empty directory");
    for reply in &replies[2..5] {
        assert_eq!(reply["reply"], "done", "{reply}");
    }
    for id in ["directory", "link", "absent"] {
        assert_eq!(replies[5]["observations"][id]["state"], "in_sync", "{id}");
    }
    assert_eq!(fs::read_link(path("link")).unwrap(), path("new"));
}

#[test]
fn what_waits_for_something_else_is_pending() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("not-there/app.conf");
    let replies = replies(&directory, &[observe(&[file(&path, "", false)])]);
    let observation = &replies[0]["observations"]["file"];
    assert_eq!(observation["state"], "pending");
    let reason = observation["reason"].as_str().unwrap();
    assert!(reason.ends_with("not-there does not exist"), "{reason}");
}

#[test]
fn nothing_is_changed_without_the_lock_or_an_observation() {
    let directory = tempfile::tempdir().unwrap();
    let replies = replies(&directory, &[converge("file"), lock(), converge("file")]);
    let message = |reply: &Value| reply["failure"]["message"].as_str().unwrap().to_owned();
    assert!(message(&replies[0]).contains("has not locked"));
    assert!(message(&replies[2]).contains("was not in the last observation"));
}

#[test]
fn a_request_that_is_not_understood_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let replies = replies(
        &directory,
        &[json!({"request": "lock", "holder": {"x": "geheim"}})],
    );
    assert_eq!(replies[0]["reply"], "refused");
    assert!(!replies[0].to_string().contains("geheim"), "{}", replies[0]);
}
