//! What could not be looked at on a node, where actions come first that may be all it takes: a
//! broken certificate hides the service that is asked by it.

use sty_wire::observation::Observation;
use sty_wire::resource::Resource;

use crate::candidate::Candidate;
use crate::title::subject;
use crate::{NodeInput, Plan, Problem};

/// Moves such problems of the plan to what is seen later.
pub(crate) fn set_aside(nodes: &[NodeInput<'_>], candidates: &[Candidate], plan: &mut Plan) {
    let later = |problem: &Problem| {
        nodes.iter().enumerate().any(|(index, node)| {
            let mut failed = node.resources.iter().filter(|one| is_failed(node, one));
            node.host == problem.node
                && failed.any(|one| {
                    subject(one) == problem.subject && is_preceded(index, one, candidates)
                })
        })
    };
    let (unseen, problems) = plan.problems.drain(..).partition(later);
    plan.unseen = unseen;
    plan.problems = problems;
}

fn is_failed(node: &NodeInput<'_>, resource: &Resource) -> bool {
    let found = node.observations.get(&resource.id);
    matches!(found, Some(Observation::Failed { .. }))
}

/// Whether something runs on the node in an earlier stage.
fn is_preceded(node: usize, resource: &Resource, candidates: &[Candidate]) -> bool {
    let mut own = candidates.iter().filter(|one| one.key.0 == node);
    own.any(|one| one.held.is_none() && one.stage < resource.stage)
}
