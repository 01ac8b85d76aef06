//! Whether a member of etcd that is being started can find a majority in this run.

use std::time::{Duration, Instant};

use sty_wire::action::{Action, Op};
use sty_wire::resource::{EtcdMember, ResourceKind};

use crate::execute::Work;
use crate::progress_board::Board;

/// A node that cannot be reached from here may serve its peers all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches over one action.
pub(crate) struct Quorum<'a> {
    member: Option<&'a EtcdMember>,
    work: &'a Work<'a>,
    board: &'a Board,
    hopeless_since: Option<Instant>,
}

impl<'a> Quorum<'a> {
    /// For any action; those that start no member of etcd are never given up.
    pub(crate) fn new(action: &Action, work: &'a Work<'a>, board: &'a Board) -> Self {
        let resources = work.resources.get(&action.node);
        let member = match &action.op {
            Op::Converge { resource: id } => resources
                .and_then(|all| all.iter().find(|resource| resource.id == *id))
                .and_then(|resource| member(&resource.kind)),
            _ => None,
        };
        Self {
            member,
            work,
            board,
            hopeless_since: None,
        }
    }

    /// Members that will not come up in this run, once they have been too many for long enough.
    pub(crate) fn out_of_reach(&mut self) -> Option<Vec<String>> {
        let Some(away) = self.member.and_then(|member| self.too_many_away(member)) else {
            self.hopeless_since = None;
            return None;
        };
        let since = *self.hopeless_since.get_or_insert_with(Instant::now);
        (since.elapsed() >= PATIENCE).then_some(away)
    }

    /// Members that will not come up in this run, when no majority is left without them.
    fn too_many_away(&self, member: &EtcdMember) -> Option<Vec<String>> {
        let others = member
            .cluster
            .iter()
            .filter(|(name, _)| **name != member.name && !self.may_come(name));
        let away: Vec<String> = others
            .map(|(name, url)| format!("{name} at {url}"))
            .collect();
        let size = member.cluster.len();
        (size - away.len() <= size / 2).then_some(away)
    }

    /// Whether a member's node was looked at, answers, and has not failed to start it.
    fn may_come(&self, name: &str) -> bool {
        let mut nodes = self.work.resources.iter();
        nodes.any(|(host, resources)| {
            let its = |kind| member(kind).is_some_and(|member| member.name == name);
            let mut ids = resources.iter().filter(|one| its(&one.kind));
            ids.any(|one| {
                !self.work.unseen.contains(host) && !self.board.came_to_nothing(host, &one.id)
            })
        })
    }
}

fn member(kind: &ResourceKind) -> Option<&EtcdMember> {
    match kind {
        ResourceKind::EtcdMember(member) => Some(member),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use sty_core::{Risk, Secret};
    use sty_wire::observation::Failure;
    use sty_wire::protocol::Supply;
    use sty_wire::resource::{Certificate, EtcdAccess, Module, Resource, Stage};

    use super::*;
    use crate::execute::Signer;
    use crate::interrupt::Interrupt;
    use crate::progress_board::End;

    struct Nobody;

    impl Signer for Nobody {
        fn sign(&self, _: &Certificate) -> Result<Supply, Failure> {
            Err(Failure::message("nobody signs"))
        }
    }

    fn start(number: u32) -> Action {
        Action {
            id: number,
            node: format!("n{number}"),
            cluster: Some("etcd".to_owned()),
            stage: Stage::Etcd,
            op: Op::Converge {
                resource: "etcd".to_owned(),
            },
            title: String::new(),
            reason: String::new(),
            changes: Vec::new(),
            risk: Risk::Safe,
            needs: Vec::new(),
            undoes: None,
            held: None,
        }
    }

    fn resource(number: u32) -> Resource {
        let member = EtcdMember {
            name: format!("etcd-{number}"),
            peer_url: String::new(),
            client_url: String::new(),
            cluster: (1..=3)
                .map(|n| (format!("etcd-{n}"), format!("u{n}")))
                .collect(),
            token: String::new(),
            data: String::new(),
            join_path: String::new(),
            access: EtcdAccess {
                endpoints: Vec::new(),
                ca_path: String::new(),
                root_password: Secret::default(),
            },
            unit: String::new(),
            restart_on: Vec::new(),
        };
        Resource {
            id: "etcd".to_owned(),
            module: Module::Etcd,
            stage: Stage::Etcd,
            cluster: Some("etcd".to_owned()),
            kind: ResourceKind::EtcdMember(member),
        }
    }

    /// Who is away for `etcd-1` when these nodes were seen, and `board` tells the rest.
    fn away(seen: &[u32], unseen: &[&str], board: &Board) -> Option<Vec<String>> {
        let nodes = seen.iter().map(|n| (format!("n{n}"), vec![resource(*n)]));
        let resources: BTreeMap<String, Vec<Resource>> = nodes.collect();
        let work = Work {
            resources: &resources,
            unseen: &unseen
                .iter()
                .map(|host| (*host).to_owned())
                .collect::<BTreeSet<_>>(),
            signer: &Nobody,
            interrupt: &Interrupt::new(),
        };
        let quorum = Quorum::new(&start(1), &work, board);
        quorum
            .member
            .and_then(|member| quorum.too_many_away(member))
    }

    fn names(numbers: &[u32]) -> Option<Vec<String>> {
        Some(
            numbers
                .iter()
                .map(|n| format!("etcd-{n} at u{n}"))
                .collect(),
        )
    }

    #[test]
    fn a_majority_that_may_come_is_waited_for() {
        let board = Board::default();
        assert_eq!(away(&[1, 2, 3], &[], &board), None);
        assert_eq!(away(&[1, 2], &[], &board), None);
        assert_eq!(away(&[1, 2, 3], &["n3"], &board), None);
        board.lose("n3");
        assert_eq!(away(&[1, 2, 3], &[], &board), None);
    }

    #[test]
    fn unseen_lost_and_failed_members_are_not() {
        let board = Board::default();
        assert_eq!(away(&[1], &[], &board), names(&[2, 3]));
        assert_eq!(away(&[1, 2, 3], &["n2", "n3"], &board), names(&[2, 3]));
        board.lose("n3");
        assert_eq!(away(&[1, 2, 3], &["n2"], &board), names(&[2, 3]));
        board.end(&start(2), End::Failed);
        assert_eq!(away(&[1, 2, 3], &[], &board), names(&[2, 3]));
    }
}
