//! What a sandbox does when something went wrong before, and how fast it boots.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use sty_sandbox::{Dirs, Error, NodeOutcome, NodeState, image, list, up};

use crate::bench::{Bench, exec, good, node, nothing_is_left_behind, poll, say, ssh};

#[test]
fn what_a_crash_left_is_taken_up_or_down() {
    let bench = Bench::new(&["sbcrash"]);
    let request = bench.request(0, &[11]);
    let sandbox = bench.up(&request).sandbox;
    // The node dies by itself; a second `up` starts it with its disk.
    exec(&sandbox, 11, "echo kept >/var/tmp/file");
    let _cut_off = ssh(&sandbox, 11, "sudo systemctl poweroff")
        .output()
        .unwrap();
    poll("node n11 to power off", || {
        sandbox.node_state(&node(11)).unwrap() == NodeState::Off
    });
    assert_eq!(bench.up(&request).nodes[&node(11)], NodeOutcome::Started);
    assert_eq!(exec(&sandbox, 11, "cat /var/tmp/file"), "kept");
    // The bridge vanishes, as when the host was rebooted half-way.
    good(Command::new("ip").args(["netns", "delete", "sty-sbcrash"]));
    assert_eq!(bench.up(&request).nodes[&node(11)], NodeOutcome::Started);
    // A node is added later.
    let outcome = bench.up(&bench.request(0, &[12]));
    assert_eq!(
        (outcome.nodes[&node(12)], outcome.unlisted),
        (NodeOutcome::Created, vec![node(11)])
    );
    // A frozen node ends, too.
    sandbox.freeze(&node(11)).unwrap();
    assert_eq!(bench.up(&request).nodes[&node(11)], NodeOutcome::Frozen);
    // The state is lost.
    fs::write(bench.dirs().state.join("sandbox/sbcrash/sandbox.json"), "{").unwrap();
    assert!(list(&bench.dirs()).unwrap()[0].is_err());
    assert!(matches!(
        up(&bench.dirs(), &request, &say),
        Err(Error::State { .. })
    ));
    nothing_is_left_behind(&bench, 0);
}

#[test]
fn a_node_that_does_not_boot_tells_why() {
    let bench = Bench::new(&["sbbroken"]);
    let mut request = bench.request(0, &[11]);
    let broken = bench.dir.path().join("image");
    for dir in [
        "etc/ssh", "home", "usr/bin", "proc", "sys", "dev", "run", "tmp",
    ] {
        fs::create_dir_all(broken.join(dir)).unwrap();
    }
    request.image.path = broken;
    let error = up(&bench.dirs(), &request, &say).unwrap_err().to_string();
    assert!(
        error.contains("node `n11` did not answer") && error.contains("console.log"),
        "{error}"
    );
    assert!(
        error.contains("the node ended") && error.contains("os-release"),
        "{error}"
    );
    nothing_is_left_behind(&bench, 0);
}

#[test]
fn four_nodes_boot_in_seconds() {
    let bench = Bench::new(&["sbfour"]);
    let request = bench.request(0, &[10, 11, 12, 13]);
    let begin = Instant::now();
    let sandbox = bench.up(&request).sandbox;
    let took = begin.elapsed();
    eprintln!("4 nodes answer after {:.2} s", took.as_secs_f32());
    for octet in [10, 11, 12, 13] {
        good(&mut ssh(&sandbox, octet, "sudo -n true"));
    }
}

#[test]
fn an_image_is_built_once_and_whole() {
    let cache = tempfile::tempdir().unwrap();
    let dirs = Dirs {
        cache: cache.path().to_path_buf(),
        ..Dirs::from_environment()
    };
    let known = image::ensure(&Dirs::from_environment(), &say).unwrap();
    let images = cache.path().join("images");
    // An earlier builder was killed half-way.
    let left = images.join(format!("trixie-{}.building-1", known.digest));
    fs::create_dir_all(left.join("usr")).unwrap();

    let [first, second] = thread::scope(|scope| {
        let build = || scope.spawn(|| image::ensure(&dirs, &say).unwrap());
        [build(), build()].map(|thread| thread.join().unwrap())
    });
    assert_eq!((&first.path, &first.digest), (&second.path, &known.digest));
    assert_eq!(
        [first.built, second.built]
            .iter()
            .filter(|built| **built)
            .count(),
        1
    );
    let names: Vec<_> = fs::read_dir(&images)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "the image and the lock: {names:?}");
    for empty in ["etc/apt/sources.list", "etc/machine-id"] {
        assert_eq!(
            fs::metadata(first.path.join(empty)).unwrap().len(),
            0,
            "{empty}"
        );
    }
    assert!(!first.path.join("etc/ssh/ssh_host_ed25519_key").exists());
    assert!(!image::ensure(&dirs, &say).unwrap().built);
}
