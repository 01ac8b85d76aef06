//! Steps on the members of one cluster, one after the other.

use sty_core::Risk;
use sty_wire::action::Op;
use sty_wire::resource::Stage;

use super::seat::Seat;
use crate::candidate::{Candidate, Key};

/// A sequence of operations.
pub(crate) struct Script<'a, 'b> {
    seats: &'b [Seat<'a>],
    /// What the next step waits for.
    last: Vec<Key>,
    /// Cuts off transactions that do not end in time.
    force: bool,
    reason: String,
    candidates: Vec<Candidate>,
}

impl<'a, 'b> Script<'a, 'b> {
    /// A script that begins after `last`.
    pub(crate) fn new(seats: &'b [Seat<'a>], last: Option<Key>, force: bool) -> Self {
        Self {
            seats,
            last: last.into_iter().collect(),
            force,
            reason: String::new(),
            candidates: Vec::new(),
        }
    }

    /// Why the steps from here on are taken.
    pub(crate) fn because(&mut self, reason: impl Into<String>) {
        self.reason = reason.into();
    }

    /// What has to be waited for after the steps so far.
    pub(crate) fn last(&self) -> Vec<Key> {
        self.last.clone()
    }

    /// What it comes to.
    pub(crate) fn finish(self) -> Vec<Candidate> {
        self.candidates
    }

    /// Restarts PostgreSQL of a replica, and waits for it.
    pub(crate) fn restart_replica(&mut self, seat: &Seat<'_>) {
        self.restart(seat);
        self.settle(seat);
    }

    /// Restarts PostgreSQL of the leader where it is, its clients waiting.
    pub(crate) fn restart_leader(&mut self, seat: &Seat<'_>) {
        self.checkpoint(seat);
        self.quietly(&seat.member.name, |script| script.restart(seat));
        self.settle(seat);
    }

    /// Restarts Patroni and PostgreSQL of a replica, and waits for them.
    pub(crate) fn restart_member(&mut self, seat: &Seat<'_>) {
        self.member(seat);
        self.settle(seat);
    }

    /// The same of a leader that nobody can take over from, its clients waiting.
    pub(crate) fn restart_leading_member(&mut self, seat: &Seat<'_>) {
        self.checkpoint(seat);
        self.quietly(&seat.member.name, |script| script.member(seat));
        self.settle(seat);
    }

    /// Has the clients of every pooler wait while the action `work` goes on, which is in the plan
    /// already and restarts the leader where it is. Gives what it has to wait for.
    pub(crate) fn around(&mut self, seat: &Seat<'_>, work: Key) -> Vec<Key> {
        self.checkpoint(seat);
        let mut before = Vec::new();
        self.quietly(&seat.member.name, |script| {
            before = std::mem::replace(&mut script.last, vec![work]);
        });
        before
    }

    fn member(&mut self, seat: &Seat<'_>) {
        let member = seat.id.to_owned();
        let title = format!("restart Patroni and PostgreSQL {}", seat.member.name);
        self.step(seat, Op::MemberRestart { member }, title, Risk::Restart);
    }

    /// Moves the primary from `seat` to the member `to`, its clients waiting. `named`: no other will
    /// do.
    pub(crate) fn switch_over(&mut self, seat: &Seat<'_>, to: &str, named: bool) {
        self.settle(seat);
        self.checkpoint(seat);
        self.move_lead(None, seat, to, named);
    }

    /// The same from a member `from` that the inventory does not have, as asked by way of `seat`.
    pub(crate) fn take_over(&mut self, from: &str, seat: &Seat<'_>, to: &str, named: bool) {
        self.move_lead(Some(from), seat, to, named);
    }

    fn move_lead(&mut self, outside: Option<&str>, seat: &Seat<'_>, to: &str, named: bool) {
        let from = outside.unwrap_or(&seat.member.name);
        let op = Op::Switchover {
            member: seat.id.to_owned(),
            from: outside.map(str::to_owned),
            to: to.to_owned(),
            named,
        };
        let title = format!("switch over from {from} to {to}");
        self.quietly(from, |script| script.step(seat, op, title, Risk::Failover));
        self.settle_with(seat, outside);
    }

    pub(super) fn restart(&mut self, seat: &Seat<'_>) {
        let member = seat.id.to_owned();
        let title = format!("restart PostgreSQL {}", seat.member.name);
        self.step(seat, Op::PostgresRestart { member }, title, Risk::Restart);
    }

    fn checkpoint(&mut self, seat: &Seat<'_>) {
        let member = seat.id.to_owned();
        let title = format!("write a checkpoint on {}", seat.member.name);
        self.step(seat, Op::Checkpoint { member }, title, Risk::Safe);
    }

    fn settle(&mut self, seat: &Seat<'_>) {
        self.settle_with(seat, None);
    }

    fn settle_with(&mut self, seat: &Seat<'_>, former: Option<&str>) {
        let op = Op::Settle {
            member: seat.id.to_owned(),
            former: former.map(str::to_owned),
        };
        let title = format!("wait for {} and those that follow it", seat.member.name);
        self.step(seat, op, title, Risk::Safe);
    }

    /// Does something that stops writes for a moment while the clients of every pooler wait, and
    /// lets them go on, come what may. What comes after it comes only if it was done. In a standby
    /// cluster there is no primary to wait for.
    fn quietly(&mut self, name: &str, work: impl FnOnce(&mut Self)) {
        let poolers: Vec<&Seat<'_>> = self
            .seats
            .iter()
            .filter(|one| one.member.pooler.is_some() && !self.follows_another())
            .collect();
        let before = self.last.clone();
        let mut held = Vec::new();
        for seat in &poolers {
            let op = Op::HoldClients {
                member: seat.id.to_owned(),
                force: self.force,
            };
            let title = format!(
                "have pooled clients wait for {name}, on {}",
                seat.member.name
            );
            held.push(self.push(seat, op, title, Risk::Reload, before.clone(), None));
        }
        if !held.is_empty() {
            self.last = held.clone();
        }
        work(self);
        let done = self.last.clone();
        let mut released = Vec::new();
        for (seat, hold) in poolers.into_iter().zip(held) {
            let member = seat.id.to_owned();
            let title = format!(
                "let pooled clients go on after {name}, on {}",
                seat.member.name
            );
            let op = Op::ReleaseClients { member };
            released.push(self.push(seat, op, title, Risk::Safe, done.clone(), Some(hold)));
        }
        // Clients go on come what may: what follows waits for what was to be done as well.
        self.last.extend(released);
    }

    /// Whether it is a standby cluster.
    fn follows_another(&self) -> bool {
        let mut views = self.seats.iter().filter_map(|seat| seat.view);
        views.any(|view| view.role == "standby_leader")
    }

    pub(crate) fn step(&mut self, seat: &Seat<'_>, op: Op, title: String, risk: Risk) {
        let needs = std::mem::take(&mut self.last);
        self.last = vec![self.push(seat, op, title, risk, needs, None)];
    }

    fn push(
        &mut self,
        seat: &Seat<'_>,
        op: Op,
        title: String,
        risk: Risk,
        mut needs: Vec<Key>,
        undoes: Option<Key>,
    ) -> Key {
        needs.extend(undoes.clone());
        let scope = &seat.member.scope;
        let operation = Candidate::operation(seat.node, scope, Stage::Services, op, title);
        let candidate = Candidate {
            // A step may come twice: whoever hands over and then restarts is waited for both times.
            key: (
                seat.node,
                format!("{} {}", self.candidates.len(), operation.title),
            ),
            last: true,
            reason: self.reason.clone(),
            risk,
            needs,
            undoes,
            ..operation
        };
        let key = candidate.key.clone();
        self.candidates.push(candidate);
        key
    }
}
