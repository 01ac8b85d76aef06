//! What holds for every fleet.

use crate::fleet::*;

fn any_observation() -> impl Strategy<Value = Option<Observation>> {
    prop_oneof![
        Just(None),
        Just(Some(Observation::InSync)),
        Just(Some(Observation::Elsewhere)),
        Just(Some(Observation::Pending {
            reason: "later".to_owned()
        })),
        (0..3u8).prop_map(|risk| Some(Observation::Drift {
            changes: vec![Change::named("x")],
            risk: [Risk::Safe, Risk::Reload, Risk::Restart][usize::from(risk)],
        })),
    ]
}

fn any_fleet() -> impl Strategy<Value = Vec<Node>> {
    let states = prop::collection::vec(any_observation(), 15);
    let views = prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 3);
    (states, views, 0..4u32).prop_map(|(states, views, leader)| {
        let mut nodes = trio();
        let mut states = states.into_iter();
        for ((node, view), number) in nodes.iter_mut().zip(views).zip(1..) {
            for resource in &node.resources {
                if let Some(Some(state)) = states.next() {
                    node.observations.insert(resource.id.clone(), state);
                }
            }
            node.surroundings.etcd = Some(etcd_view(view.0, false));
            let mut patroni = patroni_view(number == leader, &[1, 2, 3]);
            patroni.initialized = view.1;
            if view.2 {
                patroni.pending_restart = vec![Change::named("max_connections")];
            }
            node.surroundings
                .patroni
                .insert("pg-test".to_owned(), patroni);
        }
        nodes
    })
}

proptest! {
    #[test]
    fn needs_point_back_and_never_to_held_actions(nodes in any_fleet(), restart in any::<bool>()) {
        let options = Options { restart, ..Options::default() };
        let plan = plan(&nodes, &options);
        for (index, action) in plan.actions.iter().enumerate() {
            prop_assert_eq!(action.id as usize, index + 1);
            for need in &action.needs {
                prop_assert!(*need < action.id, "{}", show(&plan));
                prop_assert!(plan.actions[*need as usize - 1].held.is_none());
            }
        }
    }

    #[test]
    fn members_of_one_cluster_never_restart_together(nodes in any_fleet()) {
        let plan = plan(&nodes, &restart_wanted());
        let restarts: Vec<_> = plan
            .active()
            .filter(|a| a.stage == Stage::Postgres || a.cluster.as_deref() == Some("pg-test"))
            .filter(|a| a.risk >= Risk::Restart && a.title.contains("PostgreSQL"))
            .collect();
        for pair in restarts.windows(2) {
            if pair[0].node != pair[1].node {
                prop_assert!(reaches(&plan, pair[1].id, pair[0].id), "{}", show(&plan));
            }
        }
    }
}
