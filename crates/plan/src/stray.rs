//! Members of PostgreSQL on nodes that, as far as the inventory goes, have none.

use sty_wire::observation::{Failure, PatroniStray};

use crate::{NodeInput, Plan, Problem};

/// The member that is on a node and not asked for there, unless it is being removed.
pub(crate) fn of<'a>(node: &NodeInput<'a>) -> Option<&'a PatroniStray> {
    let stray = node.surroundings.stray_patroni.as_ref();
    stray.filter(|_| node.removal.is_none())
}

/// Adds a problem for every member that nobody else tells of: those of clusters that the inventory
/// still has are unwanted, as their leader says.
pub(crate) fn tell(nodes: &[NodeInput<'_>], plan: &mut Plan) {
    for node in nodes {
        let Some(stray) = of(node) else {
            continue;
        };
        let PatroniStray { cluster, name } = stray;
        let known = |one: &crate::Unwanted| one.cluster == *cluster && one.member == *name;
        if plan.unwanted.iter().any(known) {
            continue;
        }
        plan.problems.push(Problem {
            node: node.host.to_owned(),
            subject: format!("PostgreSQL {name}"),
            failure: Failure {
                hint: Some(format!(
                    "put it back into group `{cluster}` of the inventory and apply; to be rid of \
                     it, then run `sty cluster remove {cluster}`, or `sty node remove {}` where \
                     the cluster goes on",
                    node.host
                )),
                ..Failure::message(format!(
                    "this member of cluster `{cluster}` has its data here, and the inventory has \
                     no PostgreSQL on this node: the ways to it are left as they are"
                ))
            },
        });
    }
}
