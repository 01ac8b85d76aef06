//! Whether somebody else has changed etcd's users and roles.
//!
//! A password can be compared in one way only, by logging in with it, which costs etcd a twentieth
//! of a second of its processor for each user. etcd counts the changes of users and roles; as long
//! as it has counted none but ours, passwords are what they were set to. Before etcd 3.5 it does not
//! tell its count: passwords are not compared there.

use serde_json::json;
use sty_core::Secret;

use super::client::{Etcd, EtcdError, code, encode, text};

/// Where the count after our last change is kept.
const KEY: &str = "/sty/auth-revision";

/// Whether nobody has changed anything since it was noted.
pub(super) fn is_ours(etcd: &Etcd) -> Result<bool, EtcdError> {
    let Some(now) = now(etcd)? else {
        return Ok(true);
    };
    let noted = etcd.any("/v3/kv/range", &json!({ "key": encode(KEY) }))?;
    Ok(text(&noted["kvs"][0], "value") == encode(now))
}

/// Notes the count as it is now.
pub(super) fn note(etcd: &Etcd) -> Result<(), EtcdError> {
    let Some(now) = now(etcd)? else {
        return Ok(());
    };
    let body = json!({ "key": encode(KEY), "value": encode(now) });
    etcd.any("/v3/kv/put", &body).map(drop)
}

/// Whether etcd lets `user` in with `password`.
pub(super) fn lets_in(
    etcd: &Etcd,
    user: &str,
    password: &Secret<String>,
) -> Result<bool, EtcdError> {
    match etcd.authenticate(etcd.nearest()?, user, password) {
        Ok(token) => Ok(token.is_some()),
        Err(EtcdError::Password { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The count; `None` where etcd does not tell it.
fn now(etcd: &Etcd) -> Result<Option<String>, EtcdError> {
    match etcd.any("/v3/auth/status", &json!({})) {
        Ok(status) => Ok(Some(text(&status, "authRevision").to_owned())),
        Err(error) if error.code() == Some(code::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}
