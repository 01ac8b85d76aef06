//! Clusters whose Patroni is paused.

use crate::fleet::*;

fn pause(nodes: &mut [Node]) {
    for node in nodes {
        for view in node.surroundings.patroni.values_mut() {
            view.paused = true;
        }
    }
}

fn want_pause(nodes: &mut [Node]) {
    for resource in nodes.iter_mut().flat_map(|node| &mut node.resources) {
        if let ResourceKind::PatroniConfig { config, .. } = &mut resource.kind {
            *config = serde_json::json!({ "pause": true });
        }
    }
}

#[test]
fn a_cluster_that_somebody_paused_is_told() {
    let mut nodes = running(1);
    assert!(plan(&nodes, &Options::default()).paused.is_empty());
    pause(&mut nodes);
    let told = plan(&nodes, &Options::default());
    assert_eq!(told.paused, BTreeSet::from(["pg-test".to_owned()]));
    assert!(told.is_empty(), "apply leaves it paused");
    want_pause(&mut nodes);
    let told = plan(&nodes, &Options::default());
    assert!(told.paused.is_empty(), "the inventory says so");
}

#[test]
fn clusters_outside_the_limit_are_not_told() {
    let mut nodes = running(1);
    pause(&mut nodes);
    for node in &mut nodes {
        node.witnesses = node.resources.iter().map(|r| r.id.clone()).collect();
    }
    assert!(plan(&nodes, &Options::default()).paused.is_empty());
}

#[test]
fn a_cluster_is_paused_once_its_members_are_up() {
    let mut nodes = trio();
    want_pause(&mut nodes);
    let plan = plan(&nodes, &Options::default());
    let position = |title: &str| {
        let mut actions = plan.actions.iter();
        actions.find(|one| one.title.contains(title)).unwrap().id
    };
    let config = position("dynamic configuration");
    for member in ["pg-test-1", "pg-test-2", "pg-test-3"] {
        assert!(reaches(&plan, config, position(member)), "{member}");
    }
}
