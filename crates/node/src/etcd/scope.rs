//! Nothing of a removed PostgreSQL cluster stays in etcd.

use serde_json::{Value, json};
use sty_core::Risk;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::EtcdAccess;

use super::auth;
use super::client::{Etcd, EtcdError, encode, text, texts};
use super::range::prefix_end;
use super::revision;
use crate::context::Context;

/// What is left of a cluster.
struct Left {
    keys: u64,
    user: bool,
    role: bool,
}

pub(crate) fn observe(
    access: &EtcdAccess,
    prefix: &str,
    user: &str,
    context: &Context,
) -> Observation {
    let outcome = context
        .etcd
        .client(access)
        .and_then(|etcd| find(&etcd, prefix, user));
    let left = match outcome {
        Ok(left) => left,
        Err(failure) => return Observation::Failed { failure },
    };
    let mut changes = Vec::new();
    let mut gone = |what: String, from: String| {
        let from = Some(from);
        changes.push(Change {
            what,
            from,
            to: None,
            ..Change::default()
        });
    };
    if left.keys > 0 {
        gone(format!("keys {prefix}"), left.keys.to_string());
    }
    if left.user {
        gone(format!("user {user}"), "present".to_owned());
    }
    if left.role {
        gone(format!("role {user}"), "present".to_owned());
    }
    if changes.is_empty() {
        Observation::InSync
    } else {
        let risk = Risk::Destroy;
        Observation::Drift { changes, risk }
    }
}

pub(crate) fn converge(
    access: &EtcdAccess,
    prefix: &str,
    user: &str,
    context: &Context,
) -> Result<(), Failure> {
    let etcd = context.etcd.client(access)?;
    let left = find(&etcd, prefix, user)?;
    let range = range(prefix)?;
    remove(&etcd, &left, &range, user).map_err(|error| error.failure())
}

fn remove(etcd: &Etcd, left: &Left, range: &Value, user: &str) -> Result<(), EtcdError> {
    let ours = revision::is_ours(etcd)?;
    if left.keys > 0 {
        etcd.any("/v3/kv/deleterange", range)?;
    }
    if left.user {
        etcd.any("/v3/auth/user/delete", &json!({ "name": user }))?;
        etcd.any(
            "/v3/kv/deleterange",
            &json!({ "key": encode(auth::mark_key(user)) }),
        )?;
    }
    if left.role {
        etcd.any("/v3/auth/role/delete", &json!({ "role": user }))?;
    }
    match ours {
        true => revision::note(etcd),
        false => Ok(()),
    }
}

fn find(etcd: &Etcd, prefix: &str, user: &str) -> Result<Left, Failure> {
    let mut query = range(prefix)?;
    query["count_only"] = Value::Bool(true);
    count(etcd, &query, user).map_err(|error| error.failure())
}

fn count(etcd: &Etcd, query: &Value, user: &str) -> Result<Left, EtcdError> {
    let keys = etcd.any("/v3/kv/range", query)?;
    let users = etcd.any("/v3/auth/user/list", &json!({}))?;
    let roles = etcd.any("/v3/auth/role/list", &json!({}))?;
    let has = |list: &Value| texts(list).iter().any(|name| name == user);
    Ok(Left {
        keys: text(&keys, "count").parse().unwrap_or_default(),
        user: has(&users["users"]),
        role: has(&roles["roles"]),
    })
}

/// The keys of one cluster. Without the final slash, those of `pg-test2` would go with
/// `pg-test`.
fn range(prefix: &str) -> Result<Value, Failure> {
    let inner = prefix.trim_matches('/');
    if !prefix.ends_with('/') || !inner.contains('/') {
        return Err(Failure::message(format!(
            "`{prefix}` is no prefix of one cluster: it must be like `/pg/pg-test/`"
        )));
    }
    let end = prefix_end(prefix.as_bytes()).unwrap_or_default();
    Ok(json!({ "key": encode(prefix), "range_end": encode(end) }))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn only_whole_clusters_can_go() {
        for prefix in ["/pg/pg-test", "", "/", "//", "/pg/"] {
            assert!(range(prefix).is_err(), "{prefix}");
        }
        let range = range("/pg/pg-test/").unwrap();
        assert_eq!(range["range_end"], super::encode("/pg/pg-test0"));
    }
}
