//! Whose authority a node trusts.

use sty_core::Risk;
use sty_wire::observation::Observation;
use sty_wire::resource::{Resource, ResourceKind};

use crate::NodeInput;
use crate::candidate::{Candidate, Hold};

/// Where most nodes trust the authority that is here, one that trusts another has a file that
/// somebody changed: nothing was made by that one.
pub(crate) fn as_most_do(nodes: &[NodeInput<'_>], candidates: &mut [Candidate]) {
    let trusting = nodes.iter().filter(|node| {
        let is_authority = |r: &&Resource| matches!(r.kind, ResourceKind::Authority { .. });
        let authority = node.resources.iter().find(is_authority);
        let observation = authority.and_then(|found| node.observations.get(&found.id));
        observation == Some(&Observation::InSync)
    });
    let trusting = trusting.count();
    let others: Vec<&mut Candidate> = candidates
        .iter_mut()
        .filter(|candidate| matches!(candidate.held, Some(Hold::Trust(_))))
        .collect();
    if trusting > others.len() {
        for candidate in others {
            candidate.held = None;
            candidate.risk = Risk::Reload;
        }
    }
}
