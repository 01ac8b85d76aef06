//! What `sty status` says of a cluster.

use std::time::Duration;

use serde_json::Value;
use sty_stories::{World, until};

pub(crate) fn cluster(world: &World, name: &str) -> Value {
    let (_, status) = world.status();
    let mut clusters = status["clusters"].as_array().into_iter().flatten();
    let found = clusters.find(|cluster| cluster["name"] == name);
    found.cloned().unwrap_or_default()
}

pub(crate) fn leader(world: &World) -> String {
    let leader = cluster(world, "pg-test")["leader"].clone();
    leader.as_str().expect("somebody leads").to_owned()
}

/// What is told of a member, such as its `follows`.
pub(crate) fn member(cluster: &Value, name: &str, key: &str) -> Value {
    let mut members = cluster["members"].as_array().into_iter().flatten();
    let found = members.find(|member| member["name"] == name);
    found.map(|member| member[key].clone()).unwrap_or_default()
}

/// Who answers a service of `pg-test`, wherever one comes in.
pub(crate) fn answering(cluster: &Value, service: &str) -> Vec<String> {
    let services = cluster["services"].as_array().into_iter().flatten();
    let mut names: Vec<String> = services
        .filter(|one| one["name"] == service)
        .flat_map(|one| one["answering"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Waits until the status of `pg-test` is as wanted.
pub(crate) fn shows(world: &World, what: &str, wanted: impl Fn(&Value) -> bool) {
    until(what, Duration::from_secs(60), || {
        let cluster = cluster(world, "pg-test");
        match wanted(&cluster) {
            true => Ok(()),
            false => Err(format!("{cluster:#}")),
        }
    });
}

/// Waits until SQL as the superuser on a node gives `wanted`.
pub(crate) fn gives(world: &World, node: &str, database: &str, sql: &str, wanted: &str) {
    until(sql, Duration::from_secs(90), || {
        let ran = world.superuser(node, database, sql);
        match ran.code == 0 && ran.text() == wanted {
            true => Ok(()),
            false => Err(ran.all()),
        }
    });
}
