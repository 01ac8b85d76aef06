//! Sandboxes that go on from where another one ended.

use sty_sandbox::{Error, NodeOutcome, NodeState, Request, Sandbox, SandboxName, down, save, up};

use crate::bench::{Bench, LIMIT, exec, good, node, nothing_is_left_behind, say, ssh};

#[test]
fn others_go_on_from_a_saved_sandbox() {
    let bench = Bench::new(&["sbsaved", "sbnext", "sbother"]);
    let request = bench.request(0, &[11, 12]);
    let sandbox = bench.up(&request).sandbox;
    exec(
        &sandbox,
        11,
        "echo first >/var/tmp/file; rm /etc/motd; mkdir -p /var/tmp/before/below",
    );
    assert!(matches!(
        up(&bench.dirs(), &from(&bench, 1, &[11]), &say),
        Err(Error::NotSaved(_))
    ));

    save(&bench.dirs(), sandbox.name()).unwrap();
    assert_eq!(sandbox.node_state(&node(11)).unwrap(), NodeState::Off);
    for refused in [
        sandbox.start(&node(11), LIMIT).map(drop),
        up(&bench.dirs(), &request, &say).map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Saved(_))), "{refused:?}");
    }

    let next = bench.up(&from(&bench, 1, &[11, 13]));
    assert_eq!(next.nodes[&node(13)], NodeOutcome::Created, "a node more");
    let next = next.sandbox;
    assert_eq!(
        exec(&next, 11, "cat /var/tmp/file; ls /etc/motd || true"),
        "first\nls: cannot access '/etc/motd': No such file or directory"
    );
    exec(&next, 11, "echo second >/var/tmp/file");
    let rename = "rename '/var/tmp/before', '/var/tmp/after' or die $!";
    exec(
        &next,
        11,
        &format!("perl -e \"{rename}\"; ls /var/tmp/after/below"),
    );
    for octet in [11, 13] {
        good(&mut ssh(&next, octet, "sudo -n true"));
    }
    next.kill(&node(11)).unwrap();
    next.start(&node(11), LIMIT).unwrap();
    assert_eq!(exec(&next, 11, "cat /var/tmp/file"), "second");
    assert!(bench.up(&from(&bench, 1, &[11, 13])).unchanged());
    // Without being told again, a node more goes on from there as well.
    let more = bench.up(&bench.request(1, &[11, 12])).sandbox;
    good(&mut ssh(&more, 12, "sudo -n true"));

    let other = bench.up(&from(&bench, 2, &[11])).sandbox;
    assert_eq!(exec(&other, 11, "cat /var/tmp/file"), "first");
    it_stays_while_it_is_needed(&bench, &sandbox);
    // One that is there does not begin anew.
    let mut changed = from(&bench, 2, &[11]);
    changed.from = Some(bench.names[1].clone());
    assert!(matches!(
        up(&bench.dirs(), &changed, &say),
        Err(Error::OtherOrigin { .. })
    ));
    for index in [2, 1, 0] {
        nothing_is_left_behind(&bench, index);
    }
}

fn it_stays_while_it_is_needed(bench: &Bench, saved: &Sandbox) {
    let error = down(&bench.dirs(), saved.name()).unwrap_err();
    let Error::StillNeeded { others, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(others, &["sbnext", "sbother"]);
}

/// A sandbox that goes on from the first one.
fn from(bench: &Bench, index: usize, last_octets: &[u8]) -> Request {
    let saved: &SandboxName = &bench.names[0];
    Request {
        from: Some(saved.clone()),
        ..bench.request(index, last_octets)
    }
}
