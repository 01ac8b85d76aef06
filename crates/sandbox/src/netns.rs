//! Network namespaces: entering them, and the commands that make a sandbox's network.

use std::fs::File;
use std::path::PathBuf;

use nix::sched::CloneFlags;

use crate::host::run;
use crate::{Address, Error, NodeName, Result, SandboxName};

/// Name of the bridge inside the sandbox's namespace.
pub(crate) const BRIDGE: &str = "br0";

/// Where `ip` keeps a namespace.
pub(crate) fn path(namespace: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(namespace)
}

/// Runs `work` in a thread that has entered the namespace; threads it starts are in it too.
pub(crate) fn within<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> Result<T> {
    let path = path(namespace);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let file = File::open(&path).map_err(Error::io("open", &path))?;
            nix::sched::setns(file, CloneFlags::CLONE_NEWNET)
                .map_err(Error::errno("enter", &path))?;
            Ok(work())
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Makes the namespace with the bridge, unless it is there; returns whether it was made.
pub(crate) fn ensure_bridge(name: &SandboxName, controller: Address) -> Result<bool> {
    let namespace = name.namespace();
    if has_bridge(&namespace)? {
        return Ok(false);
    }
    remove(&namespace)?;
    let what = format!("make the network of sandbox `{name}`");
    run(&what, "ip", &["netns", "add", &namespace])?;
    let (hardware, address) = (controller.hardware(), controller.to_string());
    let steps: &[&[&str]] = &[
        &["link", "set", "lo", "up"],
        &[
            "link",
            "add",
            BRIDGE,
            "address",
            &hardware,
            "type",
            "bridge",
            "mcast_snooping",
            "0",
        ],
        &["address", "add", &address, "dev", BRIDGE],
        &["link", "set", BRIDGE, "up"],
    ];
    for step in steps {
        run(&what, "ip", &[&["-n", namespace.as_str()], *step].concat())?;
    }
    Ok(true)
}

/// Whether the namespace exists and its bridge is up and has its address.
fn has_bridge(namespace: &str) -> Result<bool> {
    if !list()?.iter().any(|found| found == namespace) {
        return Ok(false);
    }
    let shown = run(
        "list addresses",
        "ip",
        &["-n", namespace, "-brief", "address", "show", "up"],
    )?;
    Ok(shown
        .lines()
        .any(|line| line.starts_with(BRIDGE) && line.contains('/')))
}

/// Removes a namespace with its links, also the file of one that a crash left without its mount.
pub(crate) fn remove(namespace: &str) -> Result<()> {
    if !path(namespace).exists() {
        return Ok(());
    }
    run(
        &format!("remove network namespace `{namespace}`"),
        "ip",
        &["netns", "delete", namespace],
    )
    .map(drop)
}

/// Names of all network namespaces of the host that have one.
pub(crate) fn list() -> Result<Vec<String>> {
    let dir = PathBuf::from("/run/netns");
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", &dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(
            entry
                .map_err(Error::io("list", &dir))?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    Ok(names)
}

/// Cuts a node's cable at the bridge's side, or plugs it in.
pub(crate) fn set_link(sandbox: &SandboxName, port: &str, state: &str) -> Result<()> {
    let arguments = ["-n", &sandbox.namespace(), "link", "set", port, state];
    run(&format!("set link `{port}` {state}"), "ip", &arguments).map(drop)
}

/// The script that makes a node's network anew: what an earlier life of the node left in its
/// namespace (virtual addresses, filters, half-open connections) goes with the old one.
pub(crate) fn node_script(
    sandbox: &SandboxName,
    node: &NodeName,
    address: Address,
    port: &str,
) -> String {
    let (bridge, own) = (sandbox.namespace(), sandbox.node(node));
    let hardware = address.hardware();
    format!(
        "#!/bin/sh\n\
         # Makes the network of node `{node}` in sandbox `{sandbox}` anew.\n\
         set -eu\n\
         if ip -n {bridge} link show {port} >/dev/null 2>&1; then ip -n {bridge} link delete {port}; fi\n\
         if [ -e /run/netns/{own} ]; then ip netns delete {own}; fi\n\
         ip netns add {own}\n\
         ip -n {bridge} link add {port} type veth peer name eth0 address {hardware} netns {own}\n\
         ip -n {bridge} link set {port} master {BRIDGE} up\n\
         ip -n {own} link set lo up\n\
         ip -n {own} address add {address} dev eth0\n\
         ip -n {own} link set eth0 up\n"
    )
}
