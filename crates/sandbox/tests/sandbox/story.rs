//! A sandbox from its first boot to its end.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use sty_sandbox::{
    Address, Cut, Dirs, Error, Forward, NodeOutcome, NodeState, Peer, Request, Sandbox, Status,
    down, find_for_inventory, list, up,
};

use crate::bench::{
    Bench, LIMIT, connects, cut_off, exec, good, ip, node, nothing_is_left_behind, pings, poll,
    say, ssh, text,
};

#[test]
fn nodes_live_die_and_are_cut_off() {
    let bench = Bench::new(&["sbtest", "sbtest-b"]);
    let inventory = bench.dir.path().join("pigsty.yml");
    fs::write(&inventory, "all: {}\n").unwrap();
    let host_links = good(Command::new("ip").args(["-brief", "link"]));
    let mut request = bench.request(0, &[11, 12]);
    request.inventory = Some(inventory.clone());

    let outcome = bench.up(&request);
    assert!(
        outcome
            .nodes
            .values()
            .all(|node| *node == NodeOutcome::Created),
        "{outcome:?}"
    );
    let sandbox = outcome.sandbox;
    assert_eq!(
        good(Command::new("ip").args(["-brief", "link"])),
        host_links,
        "the host's network is not touched"
    );
    nodes_outlive_the_command(&bench);
    reached_like_real_machines(&sandbox);
    nothing_leads_out(&sandbox);
    a_second_up_changes_nothing(&bench, &request);
    found_by_its_inventory(&bench, &inventory);
    a_power_cut_keeps_the_disk(&sandbox);
    a_frozen_node_stands_still(&sandbox);
    a_node_reboots_by_itself(&sandbox);
    packets_are_dropped_both_ways(&sandbox);
    ports_of_the_host_lead_in(&bench, &mut request);
    sandboxes_live_side_by_side(&bench, &sandbox);
    the_name_belongs_to_one_state_directory(&bench);
    nothing_is_left_behind(&bench, 0);
    assert_eq!(
        good(Command::new("ip").args(["-brief", "link"])),
        host_links
    );
}

fn nodes_outlive_the_command(bench: &Bench) {
    let keeper = format!(
        "{}/nodes/",
        bench.dirs().state.join("sandbox/sbtest").display()
    );
    let own = std::process::id().to_string();
    let all = good(Command::new("ps").args(["-eo", "sid,ppid,pgid,args"]));
    let keepers: Vec<&str> = all
        .lines()
        .filter(|line| line.contains(&keeper) && line.ends_with("/keeper"))
        .collect();
    assert_eq!(keepers.len(), 2, "{all}");
    let session = good(Command::new("ps").args(["-o", "sid=", "-p", &own]));
    for line in keepers {
        let ids: Vec<&str> = line.split_whitespace().take(3).collect();
        assert!(
            ids[0] != session.trim() && !ids.contains(&own.as_str()),
            "{line}"
        );
    }
}

fn reached_like_real_machines(sandbox: &Sandbox) {
    for octet in [11, 12] {
        assert_eq!(
            good(&mut ssh(sandbox, octet, "sudo -n id -un; hostname")),
            format!("root\nn{octet}")
        );
        assert!(
            ["running", "starting"]
                .contains(&exec(sandbox, octet, "systemctl is-system-running || true").as_str())
        );
        assert_eq!(
            exec(
                sandbox,
                octet,
                "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true"
            ),
            ""
        );
    }
    let id = |octet| {
        exec(
            sandbox,
            octet,
            "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub",
        )
    };
    assert_ne!(id(11), id(12), "identity is per node");
    assert!(pings(sandbox, 11, ip(12)) && pings(sandbox, 12, ip(1)));
    let mut shell = sandbox.shell_command(&node(11)).unwrap();
    let mut shell = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(b"tty; pwd\nexit\n")
        .unwrap();
    let shown = text(&shell.wait_with_output().unwrap());
    assert!(
        shown.contains("/dev/pts/") && shown.contains("/root"),
        "{shown}"
    );
    // A host key that is not the known one is refused.
    let config = sandbox.ssh_target(&node(11)).unwrap().config;
    let mut wrong = sandbox.enter_command("ssh");
    wrong
        .arg("-F")
        .arg(config)
        .args(["-o", "HostKeyAlias=n12", "n11", "true"]);
    assert!(text(&wrong.output().unwrap()).contains("HOST IDENTIFICATION HAS CHANGED"));
    // Virtual addresses and network settings are the node's own business.
    exec(
        sandbox,
        11,
        "ip address add 10.10.10.99/24 dev eth0 && sysctl -qw net.ipv4.ip_nonlocal_bind=1",
    );
    assert!(pings(sandbox, 12, ip(99)));
}

fn nothing_leads_out(sandbox: &Sandbox) {
    assert_eq!(
        exec(sandbox, 11, "ip route | cut -d' ' -f1"),
        "10.10.10.0/24"
    );
    assert!(cut_off(sandbox, 11, Ipv4Addr::new(192, 0, 2, 1)));
    let routes = good(
        sandbox
            .enter_command("ip")
            .args(["route", "show", "default"]),
    );
    assert_eq!(routes, "");
}

fn a_second_up_changes_nothing(bench: &Bench, request: &Request) {
    let init = || {
        bench_status(bench)
            .nodes
            .iter()
            .map(|node| node.init_process)
            .collect::<Vec<_>>()
    };
    let before = init();
    let outcome = bench.up(request);
    assert!(outcome.unchanged(), "{outcome:?}");
    assert_eq!(init(), before);

    let mut moved = request.clone();
    moved.nodes.insert(
        node(11),
        Address {
            ip: ip(13),
            prefix: 24,
        },
    );
    assert!(matches!(
        up(&bench.dirs(), &moved, &say),
        Err(Error::AddressChanged { .. })
    ));
}

fn bench_status(bench: &Bench) -> Status {
    Sandbox::open(&bench.dirs(), &bench.names[0])
        .unwrap()
        .status()
        .unwrap()
}

fn found_by_its_inventory(bench: &Bench, inventory: &Path) {
    let found = find_for_inventory(&bench.dirs(), inventory)
        .unwrap()
        .unwrap();
    assert_eq!(found.name(), &bench.names[0]);
    let other = bench.dir.path().join("other.yml");
    fs::write(&other, "").unwrap();
    assert!(find_for_inventory(&bench.dirs(), &other).unwrap().is_none());
}

fn a_power_cut_keeps_the_disk(sandbox: &Sandbox) {
    let n11 = node(11);
    exec(sandbox, 11, "echo kept >/var/tmp/file; sync");
    let machine_id = exec(sandbox, 11, "cat /etc/machine-id");
    let begin = Instant::now();
    sandbox.kill(&n11).unwrap();
    eprintln!("power cut after {:?}", begin.elapsed());
    assert_eq!(sandbox.node_state(&n11).unwrap(), NodeState::Off);
    assert_eq!(sandbox.node_state(&node(12)).unwrap(), NodeState::Running);
    assert!(cut_off(sandbox, 12, ip(11)) && cut_off(sandbox, 12, ip(99)));
    let refused = sandbox
        .exec_command(&n11, &["true"])
        .unwrap_err()
        .to_string();
    assert!(refused.contains("`n11` is off"), "{refused}");
    assert!(sandbox.kill(&n11).is_err());

    sandbox.start(&n11, LIMIT).unwrap();
    assert_eq!(
        good(&mut ssh(sandbox, 11, "cat /var/tmp/file /etc/machine-id")),
        format!("kept\n{machine_id}")
    );
    // Addresses that were not in a file are gone, as after any power cut.
    assert!(cut_off(sandbox, 12, ip(99)));
    assert!(sandbox.start(&n11, LIMIT).is_err());
}

fn a_frozen_node_stands_still(sandbox: &Sandbox) {
    let n11 = node(11);
    exec(
        sandbox,
        11,
        "systemd-run --quiet --unit=beat sh -c 'while :; do cat /proc/uptime >/run/beat; sleep 0.02; done'",
    );
    // Processes entered from the host belong to the node as well.
    let mut entered = sandbox.exec_command(
        &n11,
        &[
            "sh",
            "-c",
            "while :; do cat /proc/uptime >/run/beat2; sleep 0.02; done",
        ],
    );
    let mut entered = entered.as_mut().unwrap().spawn().unwrap();
    let root = sandbox_root(sandbox, 11);
    let beats =
        || ["beat", "beat2"].map(|file| fs::read_to_string(root.join(file)).unwrap_or_default());
    poll("both beats", || beats().iter().all(|beat| !beat.is_empty()));

    sandbox.freeze(&n11).unwrap();
    assert_eq!(sandbox.node_state(&n11).unwrap(), NodeState::Frozen);
    let frozen = beats();
    assert!(
        !good_within(&mut ssh(sandbox, 11, "true")),
        "nobody answers"
    );
    assert_eq!(beats(), frozen);
    assert!(sandbox.exec_command(&n11, &["true"]).is_err());
    sandbox.thaw(&n11).unwrap();
    poll("the beats to go on", || {
        beats().iter().zip(&frozen).all(|(now, then)| now != then)
    });
    good(&mut ssh(sandbox, 11, "true"));
    entered.kill().unwrap();
    entered.wait().unwrap();
    exec(sandbox, 11, "systemctl stop beat; pkill -f '[b]eat2'");
}

/// `/run` of a node, seen from the host.
fn sandbox_root(sandbox: &Sandbox, octet: u8) -> PathBuf {
    let status = sandbox.status().unwrap();
    let init = status
        .nodes
        .iter()
        .find(|found| found.name == node(octet))
        .unwrap()
        .init_process
        .unwrap();
    Path::new("/proc").join(init.to_string()).join("root/run")
}

fn good_within(command: &mut Command) -> bool {
    command.output().unwrap().status.success()
}

fn a_node_reboots_by_itself(sandbox: &Sandbox) {
    // Who entered the node is stopped and ended with it, and must not keep it from ending.
    let mut entered = sandbox.exec_command(&node(12), &["sleep", "1d"]);
    let mut entered = entered.as_mut().unwrap().spawn().unwrap();
    poll("sleep to run", || {
        exec(sandbox, 12, "pgrep -c sleep || true") == "1"
    });
    let boot = || exec(sandbox, 12, "cat /proc/1/stat | cut -d' ' -f22");
    let before = boot();
    let _cut_off = ssh(sandbox, 12, "sudo systemctl reboot").output().unwrap();
    let again = || {
        let started = sandbox.exec_command(&node(12), &["sh", "-c", "cut -d' ' -f22 /proc/1/stat"]);
        started.is_ok_and(|mut command| {
            command
                .output()
                .is_ok_and(|output| output.status.success() && text(&output) != before)
        })
    };
    poll("node n12 to come back", || {
        again() && good_within(&mut ssh(sandbox, 12, "true"))
    });
    assert!(!entered.wait().unwrap().success());
}

fn packets_are_dropped_both_ways(sandbox: &Sandbox) {
    let cut = |peer, port| Cut {
        node: node(11),
        peer,
        port,
    };
    sandbox.partition(cut(Peer::Node(node(12)), None)).unwrap();
    assert!(cut_off(sandbox, 11, ip(12)) && cut_off(sandbox, 12, ip(11)));
    assert!(pings(sandbox, 11, ip(1)), "the controller is still there");
    assert_eq!(sandbox.heal(Some(&node(12))).unwrap().len(), 1);
    assert!(pings(sandbox, 11, ip(12)));

    sandbox.partition(cut(Peer::Everyone, Some(22))).unwrap();
    assert!(!connects(sandbox, 11, 22) && connects(sandbox, 12, 22));
    assert!(pings(sandbox, 11, ip(12)), "only one port is cut");
    sandbox.partition(cut(Peer::Everyone, None)).unwrap();
    assert!(cut_off(sandbox, 11, ip(12)) && cut_off(sandbox, 11, ip(1)));
    sandbox.heal(None).unwrap();
    assert!(connects(sandbox, 11, 22));

    sandbox.partition(cut(Peer::OtherNodes, None)).unwrap();
    assert!(cut_off(sandbox, 11, ip(12)) && connects(sandbox, 11, 22));
    // A cut outlives the node's power.
    sandbox.kill(&node(11)).unwrap();
    sandbox.start(&node(11), LIMIT).unwrap();
    assert!(cut_off(sandbox, 11, ip(12)));
    sandbox.heal(None).unwrap();
    assert!(pings(sandbox, 11, ip(12)));
    let none = sandbox
        .partition(Cut {
            node: node(11),
            peer: Peer::Node(node(13)),
            port: None,
        })
        .unwrap_err();
    assert!(
        none.to_string()
            .contains("no node `n13`; it has `n11`, `n12`")
    );
}

fn ports_of_the_host_lead_in(bench: &Bench, request: &mut Request) {
    let free = || {
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let (first, second) = (free(), free());
    request.forwards = vec![
        Forward {
            listen: first,
            ip: ip(11),
            port: 22,
        },
        Forward {
            listen: second,
            ip: ip(12),
            port: 22,
        },
    ];
    let outcome = bench.up(request);
    assert!(outcome.forwards_started && !outcome.unchanged());
    for port in [first, second] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut banner = [0; 8];
        stream.write_all(b"SSH-2.0-test\r\n").unwrap();
        stream.read_exact(&mut banner).unwrap();
        assert_eq!(&banner, b"SSH-2.0-");
    }
    assert!(bench.up(request).unchanged());
    assert!(
        bench_status(bench)
            .forwards
            .iter()
            .all(|forward| forward.active)
    );

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let wanted = vec![Forward {
        listen: port,
        ip: ip(11),
        port: 22,
    }];
    let error = outcome
        .sandbox
        .set_forwards(wanted, request.forward_helper.clone())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("127.0.0.1:{port} -> 10.10.10.11:22")),
        "{error}"
    );
    assert!(
        bench.up(request).forwards_started,
        "the earlier forwards come back"
    );
}

fn sandboxes_live_side_by_side(bench: &Bench, first: &Sandbox) {
    let begin = Instant::now();
    let second = bench.up(&bench.request(1, &[11])).sandbox;
    eprintln!("one more node: {:?}", begin.elapsed());
    exec(&second, 11, "hostname other");
    assert_eq!(
        good(&mut ssh(first, 11, "hostname")),
        "n11",
        "same address, another network"
    );
    assert_eq!(good(&mut ssh(&second, 11, "hostname")), "other");
    let listed: Vec<String> = list(&bench.dirs())
        .unwrap()
        .into_iter()
        .map(|status| status.unwrap().name.to_string())
        .collect();
    assert_eq!(listed, ["sbtest", "sbtest-b"]);
    // The name of one begins with the other's: each takes only its own.
    nothing_is_left_behind(bench, 1);
    good(&mut ssh(first, 12, "true"));
}

fn the_name_belongs_to_one_state_directory(bench: &Bench) {
    let elsewhere = Dirs {
        state: bench.dir.path().join("elsewhere"),
        ..bench.dirs()
    };
    assert!(matches!(
        down(&elsewhere, &bench.names[0]),
        Err(Error::NameTaken { .. })
    ));
    assert!(matches!(
        up(&elsewhere, &bench.request(0, &[11]), &say),
        Err(Error::NameTaken { .. })
    ));
}
