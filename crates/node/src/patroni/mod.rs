//! Patroni on this node, over its REST API.

mod access;
mod client;
mod clients;
mod compare;
mod config;
mod conflict;
mod data;
mod effect;
mod elsewhere;
mod file;
#[cfg(test)]
mod fixture;
mod gate;
mod handwritten;
mod history;
mod logs;
mod member;
mod operate;
mod overrides;
mod refused;
mod reload;
mod standing;
mod start;
mod stray;
mod tls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sty_wire::observation::Failure;
use sty_wire::resource::PatroniAccess;

pub(crate) use self::access::refused as access_refused;
pub(crate) use self::client::{Listed, Patroni, Status};
pub(crate) use self::clients::let_go as let_clients_go;
pub(crate) use self::compare::same_text;
pub(crate) use self::config::{converge as converge_config, observe as observe_config, take_up};
pub use self::effect::settings_arrived;
pub(crate) use self::gate::is_closed as gate_is_closed;
pub use self::member::settings_waiting;
pub(crate) use self::member::{observe as observe_member, pending_restart, view};
pub(crate) use self::operate::operate;
pub(crate) use self::refused::first as first_refused;
pub(crate) use self::reload::meanwhile as member_meanwhile;
pub(crate) use self::standing::of as standing;
pub(crate) use self::start::converge as converge_member;
pub(crate) use self::stray::stray;

/// Clients of this look, by URL, with what they were told.
#[derive(Default)]
pub(crate) struct Cache {
    clients: Mutex<BTreeMap<String, Arc<Patroni>>>,
}

impl Cache {
    /// The client for `access`.
    pub(crate) fn client(&self, access: &PatroniAccess) -> Result<Arc<Patroni>, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&access.url) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Patroni::new(access).map_err(|error| error.failure())?);
        clients.insert(access.url.clone(), Arc::clone(&client));
        Ok(client)
    }
}
