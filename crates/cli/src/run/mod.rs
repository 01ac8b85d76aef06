//! What several verbs share: looking at a fleet, planning, running, telling.

pub(crate) mod authority;
pub(crate) mod choice;
pub(crate) mod destroy;
pub(crate) mod drill;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod holder;
pub(crate) mod leftovers;
pub(crate) mod look;
pub(crate) mod notes;
pub(crate) mod operation;
pub(crate) mod packages;
pub(crate) mod paused;
pub(crate) mod perform;
pub(crate) mod problems;
pub(crate) mod removal;
pub(crate) mod restarts;
pub(crate) mod safeguard;
pub(crate) mod sandbox;
pub(crate) mod show_plan;
pub(crate) mod since;
pub(crate) mod times;
