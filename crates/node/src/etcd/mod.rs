//! etcd on this node, over its JSON gateway.

mod auth;
mod client;
mod data;
mod election;
mod member;
mod membership;
mod present;
mod range;
mod revision;
mod scope;
mod version;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sty_wire::observation::{Failure, Note};
use sty_wire::resource::{EtcdAccess, Resource, ResourceKind};

use crate::context::Context;

pub(crate) use self::auth::{converge as converge_auth, observe as observe_auth};
pub(crate) use self::client::Etcd;
pub(crate) use self::member::{
    converge as converge_member, has_lost_its_data, meanwhile as member_meanwhile,
    observe as observe_member, view,
};
pub(crate) use self::membership::{member_add, member_remove};
pub(crate) use self::present::present;
pub(crate) use self::scope::{converge as converge_scope_absent, observe as observe_scope_absent};

/// What is to be known of `resource` beside.
pub(crate) fn note(resource: &Resource, context: &Context) -> Option<Note> {
    match &resource.kind {
        ResourceKind::EtcdAuth(auth) => auth::note(auth, context),
        _ => None,
    }
}

/// Clients of this look, by endpoints: connections and the token of `root` are shared.
#[derive(Default)]
pub(crate) struct Cache {
    clients: Mutex<BTreeMap<Vec<String>, Arc<Etcd>>>,
}

impl Cache {
    /// The client for `access`.
    pub(crate) fn client(&self, access: &EtcdAccess) -> Result<Arc<Etcd>, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&access.endpoints) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Etcd::new(access).map_err(|error| error.failure())?);
        clients.insert(access.endpoints.clone(), Arc::clone(&client));
        Ok(client)
    }
}
