//! Whether a cluster can be used: its members have agreed upon a version of their protocol. A new
//! one has not before every member has been there once, and Patroni cannot use it until then.

use std::time::Duration;

use sty_wire::observation::{Change, Failure};

use super::client::{Etcd, EtcdError, OLDEST};
use crate::wait::{Look, Wait};

const AGREED: Wait<'static> = Wait {
    what: "the members of etcd to agree upon a version",
    limit: Duration::from_secs(30),
    pause: Duration::from_millis(100),
};

/// What differs: nothing, once they have agreed.
pub(super) fn undecided(etcd: &Etcd) -> Result<Option<Change>, EtcdError> {
    let version = etcd.cluster_version(etcd.nearest()?)?;
    let agreed = version.is_some_and(|version| version != OLDEST);
    let change = || Change::new("version of the cluster", "undecided", "decided");
    Ok((!agreed).then(change))
}

/// Waits until they have agreed; tells who has not been seen.
pub(super) fn wait(etcd: &Etcd) -> Result<(), Failure> {
    let outcome = AGREED.until(|| {
        if undecided(etcd).map_err(|error| error.failure())?.is_none() {
            return Ok(Look::Reached);
        }
        let silent = etcd.endpoints().iter();
        let silent: Vec<&str> = silent
            .filter(|endpoint| etcd.status(endpoint).is_err())
            .map(String::as_str)
            .collect();
        Ok(Look::NotYet(match silent.as_slice() {
            [] => "all answer".to_owned(),
            silent => format!("no answer from {}", silent.join(", ")),
        }))
    });
    outcome.map_err(|failure| Failure {
        hint: Some(
            "a new etcd cluster needs all its members once: bring their nodes up and apply again"
                .to_owned(),
        ),
        ..failure
    })
}
