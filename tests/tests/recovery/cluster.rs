//! The cluster of the story, as `sty status` shows it.

use std::time::Duration;

use serde_json::Value;
use sty_stories::{World, until};

/// Nodes of `pg-test`, in the order of its members.
pub(crate) const NODES: [&str; 3] = ["10.10.10.11", "10.10.10.12", "10.10.10.13"];

/// The status of `pg-test`.
pub(crate) fn status(world: &World) -> Value {
    let (_, status) = world.status();
    let mut clusters = status["clusters"].as_array().into_iter().flatten();
    let found = clusters.find(|cluster| cluster["name"] == "pg-test");
    found.cloned().unwrap_or_default()
}

/// One member's part of the status.
pub(crate) fn member(world: &World, name: &str) -> Value {
    let status = status(world);
    let mut members = status["members"].as_array().into_iter().flatten();
    let found = members.find(|member| member["name"] == name);
    found.cloned().unwrap_or_default()
}

/// Name and node of the primary.
pub(crate) fn primary(world: &World) -> (String, &'static str) {
    until("somebody leads", Duration::from_secs(60), || {
        let status = status(world);
        let name = status["leader"].as_str().map(str::to_owned);
        let name = name.ok_or_else(|| format!("{status:#}"))?;
        let node = node_of(&name);
        Ok((name, node))
    })
}

/// Name and node of a replica that is not offered for offline queries alone.
pub(crate) fn replica(world: &World) -> (String, &'static str) {
    replicas(world).swap_remove(0)
}

/// Names and nodes of both replicas.
pub(crate) fn replicas(world: &World) -> Vec<(String, &'static str)> {
    let (primary, _) = primary(world);
    let names = (1..=NODES.len()).map(|number| format!("pg-test-{number}"));
    let names = names.filter(|name| *name != primary);
    names.map(|name| (name.clone(), node_of(&name))).collect()
}

fn node_of(member: &str) -> &'static str {
    let number = member.trim_start_matches("pg-test-").parse::<usize>();
    NODES[number.expect("pg-test-1 to 3") - 1]
}

/// Waits until the status names this condition of a member, and since when.
pub(crate) fn shows(world: &World, name: &str, condition: &str) {
    let what = format!("{name} is said to be {condition}");
    until(&what, Duration::from_secs(60), || {
        let member = member(world, name);
        match member["condition"] == condition && member["since"].is_string() {
            true => Ok(()),
            false => Err(format!("{member:#}")),
        }
    });
}

/// Waits, at most so many seconds, until everything is healthy.
pub(crate) fn heals_within(world: &World, seconds: u64) {
    world.sty(&["status", "--wait", &seconds.to_string()]).ok();
}
