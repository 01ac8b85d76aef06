//! Users and roles in etcd: `root`, and one user with a role of its own per PostgreSQL cluster.
//!
//! Checking a password costs etcd about 80 ms of work (bcrypt), which for many clusters is too
//! much for every look. Only `root`'s is tried. For the others a digest of the password that was
//! set last is kept beside their data, keyed with `root`'s password and readable by `root` only:
//! a password changed in the inventory is noticed at once; one changed by hand shows where it is
//! used, in Patroni.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sty_core::{Risk, Secret};
use sty_wire::observation::{Change, Failure, Note, Observation};
use sty_wire::resource::{EtcdAccess, EtcdAuth, EtcdScope};

use super::client::{Etcd, EtcdError, Login, decode, encode, text, texts};
use super::election;
use super::range::prefix_end;
use super::revision;
use super::version;
use crate::context::Context;

const ROOT: &str = "root";
const READ_WRITE: &str = "READWRITE";

/// One request and what it mends. Bodies may hold passwords.
struct Step {
    change: Change,
    path: &'static str,
    body: Value,
}

/// What etcd has.
struct Found {
    enabled: bool,
    /// Nobody else has changed users or roles.
    ours: bool,
    users: BTreeSet<String>,
    roles: BTreeSet<String>,
}

pub(crate) fn observe(auth: &EtcdAuth, context: &Context) -> Observation {
    let etcd = match context.etcd.client(&auth.access) {
        Ok(etcd) => etcd,
        Err(failure) => return Observation::Failed { failure },
    };
    let decided = |found: &Observation| !matches!(found, Observation::Pending { .. });
    match election::after(|| look(auth, &etcd), decided) {
        Ok(observation) => observation,
        // The clusters' passwords follow from this one: files with others would keep Patroni from
        // its leader.
        Err(error @ EtcdError::Password { .. }) => Observation::Conflict {
            failure: error.failure(),
        },
        Err(error) => Observation::Failed {
            failure: error.failure(),
        },
    }
}

fn look(auth: &EtcdAuth, etcd: &Etcd) -> Result<Observation, EtcdError> {
    if let Some(observation) = standing(etcd)? {
        return Ok(observation);
    }
    let undecided = version::undecided(etcd)?;
    let (found, steps) = steps(auth, etcd)?;
    let foreign = Change::new("users and roles", "changed by others", "looked through");
    let foreign = (!found.ours).then_some(foreign);
    Ok(judge(undecided.into_iter().chain(foreign), &steps))
}

/// Users that `sty` did not make: they may be meant, so they stay. Told where the leader is.
pub(crate) fn note(auth: &EtcdAuth, context: &Context) -> Option<Note> {
    // What cannot be asked shows in the observation.
    let etcd = context.etcd.client(&auth.access).ok()?;
    if !matches!(standing(&etcd), Ok(None)) {
        return None;
    }
    let answer = etcd.any("/v3/auth/user/list", &json!({})).ok()?;
    let strangers = strangers(auth, texts(&answer["users"]));
    let named: Vec<String> = strangers.iter().map(|name| format!("`{name}`")).collect();
    (!named.is_empty()).then(|| Note {
        subject: "etcd".to_owned(),
        message: format!(
            "it has users that are of no cluster of the inventory: {}; left alone",
            named.join(", ")
        ),
        hint: "`etcdctl user get NAME --detail` on an etcd node shows what one may do, and \
               `etcdctl user delete NAME` removes it"
            .to_owned(),
    })
}

fn strangers(auth: &EtcdAuth, mut users: Vec<String>) -> Vec<String> {
    users.retain(|user| user != ROOT && auth.scopes.iter().all(|scope| scope.user != *user));
    users.sort();
    users
}

fn judge(others: impl Iterator<Item = Change>, steps: &[Step]) -> Observation {
    let steps = steps.iter().map(|step| step.change.clone());
    let changes: Vec<Change> = others.chain(steps).collect();
    if changes.is_empty() {
        return Observation::InSync;
    }
    let risk = Risk::Safe;
    Observation::Drift { changes, risk }
}

/// Why this node does not look; `None` when its member leads, or looks for one that is to go.
fn standing(etcd: &Etcd) -> Result<Option<Observation>, EtcdError> {
    let pending = |reason: &str| {
        let reason = reason.to_owned();
        Ok(Some(Observation::Pending { reason }))
    };
    let status = match etcd.status(etcd.nearest()?) {
        Ok(status) => status,
        Err(error) if error.silent() => return pending("etcd does not answer yet"),
        Err(error) => return Err(error),
    };
    if !status.has_leader {
        return pending("etcd has no leader yet");
    }
    let looks = status.leader || stands_in(etcd)?;
    Ok((!looks).then_some(Observation::Elsewhere))
}

/// Whether the member here looks though another one leads: none that etcd should have does, and the
/// first of them that answers does it for all.
fn stands_in(etcd: &Etcd) -> Result<bool, EtcdError> {
    let ask = |url: &String| Some((url.clone(), etcd.status(url).ok()?.leader));
    let answering: BTreeMap<String, bool> = etcd.endpoints().iter().filter_map(ask).collect();
    let first = answering.keys().next().map(String::as_str);
    Ok(first == Some(etcd.nearest()?) && !answering.values().any(|leads| *leads))
}

/// Any member will do: requests go to the leader by themselves.
pub(crate) fn converge(auth: &EtcdAuth, context: &Context) -> Result<(), Failure> {
    let etcd = context.etcd.client(&auth.access)?;
    context.say("waiting for the members of etcd to agree upon a version");
    version::wait(&etcd)?;
    let (_, steps) = steps(auth, &etcd).map_err(|error| error.failure())?;
    for step in steps {
        context.say(format!("etcd: {}", step.change.what));
        let outcome = etcd.any(step.path, &step.body);
        outcome.map_err(|error| error.failure())?;
    }
    let enabled = etcd.login(etcd.nearest().map_err(|error| error.failure())?);
    match enabled.map_err(|error| error.failure())? {
        Login::Accepted => revision::note(&etcd).map_err(|error| error.failure()),
        Login::NotNeeded => Err(Failure::message("etcd still lets anybody in")),
    }
}

/// What there is, and everything that must be asked of etcd, in order.
fn steps(auth: &EtcdAuth, etcd: &Etcd) -> Result<(Found, Vec<Step>), EtcdError> {
    let enabled = etcd.login(etcd.nearest()?)? == Login::Accepted;
    let users = etcd.any("/v3/auth/user/list", &json!({}))?;
    let roles = etcd.any("/v3/auth/role/list", &json!({}))?;
    let found = Found {
        enabled,
        ours: revision::is_ours(etcd)?,
        users: texts(&users["users"]).into_iter().collect(),
        roles: texts(&roles["roles"]).into_iter().collect(),
    };
    let mut steps = Vec::new();
    if !found.enabled {
        root(&auth.access, &found, &mut steps);
    }
    for wanted in &auth.scopes {
        scope(auth, wanted, &found, etcd, &mut steps)?;
    }
    if !found.enabled {
        let change = Change::new("authentication", "off", "on");
        push(&mut steps, change, "/v3/auth/enable", json!({}));
    }
    Ok((found, steps))
}

/// `root`, before authentication is on.
fn root(access: &EtcdAccess, found: &Found, steps: &mut Vec<Step>) {
    password(ROOT, &access.root_password, found, steps);
    if !found.roles.contains(ROOT) {
        let body = json!({ "name": ROOT });
        push(steps, missing("role root"), "/v3/auth/role/add", body);
    }
    let body = json!({ "user": ROOT, "role": ROOT });
    push(
        steps,
        missing("role root of user root"),
        "/v3/auth/user/grant",
        body,
    );
}

fn scope(
    auth: &EtcdAuth,
    wanted: &EtcdScope,
    found: &Found,
    etcd: &Etcd,
    steps: &mut Vec<Step>,
) -> Result<(), EtcdError> {
    role(wanted, found, etcd, steps)?;
    user(auth, wanted, found, etcd, steps)
}

/// The role of one cluster: exactly its prefix.
fn role(
    wanted: &EtcdScope,
    found: &Found,
    etcd: &Etcd,
    steps: &mut Vec<Step>,
) -> Result<(), EtcdError> {
    let name = wanted.user.as_str();
    let end = prefix_end(wanted.prefix.as_bytes()).unwrap_or_default();
    let (key, range_end) = (encode(&wanted.prefix), encode(end));
    let mut granted = false;
    if found.roles.contains(name) {
        let answer = etcd.any("/v3/auth/role/get", &json!({ "role": name }))?;
        let permissions = answer["perm"].as_array().cloned().unwrap_or_default();
        for permission in &permissions {
            let own = text(permission, "key") == key && text(permission, "range_end") == range_end;
            if own && text(permission, "permType") == READ_WRITE {
                granted = true;
            } else if !own && !is_lived_in(etcd, wanted, permission)? {
                let change = extra(format!("permission of role {name} on another range"));
                let body = json!({
                    "role": name,
                    "key": text(permission, "key"),
                    "range_end": text(permission, "range_end"),
                });
                push(steps, change, "/v3/auth/role/revoke", body);
            }
        }
    } else {
        let change = missing(format!("role {name}"));
        push(steps, change, "/v3/auth/role/add", json!({ "name": name }));
    }
    if !granted {
        let change = missing(format!("permission of role {name} on {}", wanted.prefix));
        let perm = json!({ "permType": READ_WRITE, "key": key, "range_end": range_end });
        let body = json!({ "name": name, "perm": perm });
        push(steps, change, "/v3/auth/role/grant", body);
    }
    Ok(())
}

/// Whether a permission is for the place where a cluster has its keys, under another `pg_namespace`
/// than the wanted one. Its Patroni could keep no leader without it; what is to be done is said
/// where its members are seen.
fn is_lived_in(etcd: &Etcd, wanted: &EtcdScope, permission: &Value) -> Result<bool, EtcdError> {
    let Some(prefix) = elsewhere(wanted, permission) else {
        return Ok(false);
    };
    let key = encode(format!("{prefix}initialize"));
    let found = etcd.any("/v3/kv/range", &json!({ "key": key }))?;
    Ok(found["kvs"].as_array().is_some_and(|keys| !keys.is_empty()))
}

/// The prefix of the cluster in another place, where a permission is for exactly that.
fn elsewhere(wanted: &EtcdScope, permission: &Value) -> Option<String> {
    let prefix = decode(text(permission, "key"))?;
    let end = encode(prefix_end(prefix.as_bytes())?);
    let is_other = prefix != wanted.prefix && prefix.ends_with(&format!("/{}/", wanted.user));
    (is_other && text(permission, "range_end") == end).then_some(prefix)
}

/// The user of one cluster: its password, and exactly its role.
fn user(
    auth: &EtcdAuth,
    wanted: &EtcdScope,
    found: &Found,
    etcd: &Etcd,
    steps: &mut Vec<Step>,
) -> Result<(), EtcdError> {
    let name = wanted.user.as_str();
    let known = found.users.contains(name);
    let mark = mark(&auth.access.root_password, name, &wanted.password);
    let key = encode(mark_key(name));
    let stored = etcd.any("/v3/kv/range", &json!({ "key": key }))?;
    let same = text(&stored["kvs"][0], "value") == mark;
    let set = known && same;
    if !set || !(found.ours || revision::lets_in(etcd, name, &wanted.password)?) {
        password(name, &wanted.password, found, steps);
        let body = json!({ "key": key, "value": mark });
        let change = Change::named(format!("digest for user {name}"));
        push(steps, change, "/v3/kv/put", body);
    }
    let roles = if known {
        let answer = etcd.any("/v3/auth/user/get", &json!({ "name": name }))?;
        texts(&answer["roles"])
    } else {
        Vec::new()
    };
    for other in roles.iter().filter(|role| *role != name) {
        let change = extra(format!("role {other} of user {name}"));
        let body = json!({ "name": name, "role": other });
        push(steps, change, "/v3/auth/user/revoke", body);
    }
    if !roles.iter().any(|role| role == name) {
        let change = missing(format!("role {name} of user {name}"));
        let body = json!({ "user": name, "role": name });
        push(steps, change, "/v3/auth/user/grant", body);
    }
    Ok(())
}

/// Makes a user, or gives it its password again.
fn password(name: &str, password: &Secret<String>, found: &Found, steps: &mut Vec<Step>) {
    let body = json!({ "name": name, "password": password.expose() });
    if found.users.contains(name) {
        let change = Change::named(format!("password of user {name}"));
        push(steps, change, "/v3/auth/user/changepw", body);
    } else {
        push(
            steps,
            missing(format!("user {name}")),
            "/v3/auth/user/add",
            body,
        );
    }
}

/// Where the digest of a user's password is kept.
pub(super) fn mark_key(user: &str) -> String {
    format!("/sty/auth/{user}")
}

/// Digest of what was set, as the gateway writes it.
fn mark(root_password: &Secret<String>, user: &str, password: &Secret<String>) -> String {
    let mut digest = Sha256::new();
    for part in [root_password.expose().as_str(), user, password.expose()] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    encode(digest.finalize())
}

fn push(steps: &mut Vec<Step>, change: Change, path: &'static str, body: Value) {
    steps.push(Step { change, path, body });
}

fn missing(what: impl Into<String>) -> Change {
    let (what, to) = (what.into(), Some("present".to_owned()));
    Change {
        what,
        from: None,
        to,
        ..Change::default()
    }
}

fn extra(what: String) -> Change {
    let from = Some("present".to_owned());
    Change {
        what,
        from,
        to: None,
        ..Change::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sty_core::Secret;
    use sty_wire::resource::EtcdScope;

    use super::{elsewhere, encode, prefix_end};

    /// Whatever is wider than the keys of the cluster is revoked, wherever it begins.
    #[test]
    fn only_a_cluster_s_own_keys_in_another_place_may_be_lived_in() {
        let wanted = EtcdScope {
            user: "pg-test".to_owned(),
            password: Secret::default(),
            prefix: "/pg/pg-test/".to_owned(),
        };
        let found = |from: &str, end: Vec<u8>| {
            let permission = json!({ "key": encode(from), "range_end": encode(end) });
            elsewhere(&wanted, &permission)
        };
        let exact = |prefix: &str| found(prefix, prefix_end(prefix.as_bytes()).unwrap_or_default());
        assert_eq!(
            exact("/old/place/pg-test/").as_deref(),
            Some("/old/place/pg-test/")
        );
        for other in [
            "/pg/pg-test/",
            "/old/pg-test2/",
            "/old/",
            "/old/pg-test",
            "/old/my-pg-test/",
        ] {
            assert_eq!(exact(other), None, "{other}");
        }
        for from in ["/old/pg-test/", "/pg/pg-test/"] {
            assert_eq!(found(from, vec![0]), None, "{from} and all that follows");
            assert_eq!(found(from, Vec::new()), None, "one key, {from}");
        }
    }
}
