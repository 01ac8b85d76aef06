//! What could not be looked at on a node, where actions come first that may be all it takes: a
//! broken certificate hides the service that is asked by it.

use crate::Plan;
use crate::candidate::{Candidate, Failed};

/// Such is seen later; the rest are problems.
pub(crate) fn sort_out(failed: Vec<Failed>, candidates: &[Candidate], plan: &mut Plan) {
    for one in failed {
        match is_preceded(&one, candidates) {
            true => plan.unseen.push(one.problem),
            false => plan.problems.push(one.problem),
        }
    }
}

/// Whether something runs on its node in an earlier stage.
fn is_preceded(failed: &Failed, candidates: &[Candidate]) -> bool {
    let mut own = candidates.iter().filter(|one| one.key.0 == failed.node);
    own.any(|one| one.held.is_none() && one.stage < failed.stage)
}
