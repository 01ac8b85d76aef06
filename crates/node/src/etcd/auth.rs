//! Users and roles in etcd: `root`, and one user with a role of its own per PostgreSQL cluster.
//!
//! Checking a password costs etcd about 80 ms of work (bcrypt), which for many clusters is too
//! much for every look. Only `root`'s is tried. For the others a digest of the password that was
//! set last is kept beside their data, keyed with `root`'s password and readable by `root` only:
//! a password changed in the inventory is noticed at once; one changed by hand shows where it is
//! used, in Patroni.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sty_core::{Risk, Secret};
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::resource::{EtcdAccess, EtcdAuth, EtcdScope};

use super::client::{Etcd, EtcdError, Login, encode, text, texts};
use super::range::prefix_end;
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
    users: BTreeSet<String>,
    roles: BTreeSet<String>,
}

pub(crate) fn observe(auth: &EtcdAuth, context: &Context) -> Observation {
    let outcome = context.etcd.client(&auth.access).and_then(|etcd| {
        let standing = standing(&etcd).map_err(|error| error.failure())?;
        match standing {
            Some(observation) => Ok(observation),
            None => judge(
                version::undecided(&etcd).map_err(|error| error.failure())?,
                &steps(auth, &etcd).map_err(|error| error.failure())?,
            ),
        }
    });
    outcome.unwrap_or_else(|failure| Observation::Failed { failure })
}

fn judge(undecided: Option<Change>, steps: &[Step]) -> Result<Observation, Failure> {
    let steps = steps.iter().map(|step| step.change.clone());
    let changes: Vec<Change> = undecided.into_iter().chain(steps).collect();
    if changes.is_empty() {
        return Ok(Observation::InSync);
    }
    let risk = Risk::Safe;
    Ok(Observation::Drift { changes, risk })
}

/// Why this node does not look; `None` when its member leads.
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
    Ok((!status.leader).then_some(Observation::Elsewhere))
}

/// Any member will do: requests go to the leader by themselves.
pub(crate) fn converge(auth: &EtcdAuth, context: &Context) -> Result<(), Failure> {
    let etcd = context.etcd.client(&auth.access)?;
    context.say("waiting for the members of etcd to agree upon a version");
    version::wait(&etcd)?;
    let steps = steps(auth, &etcd).map_err(|error| error.failure())?;
    for step in steps {
        context.say(format!("etcd: {}", step.change.what));
        let outcome = etcd.any(step.path, &step.body);
        outcome.map_err(|error| error.failure())?;
    }
    let enabled = etcd.login(etcd.nearest().map_err(|error| error.failure())?);
    match enabled.map_err(|error| error.failure())? {
        Login::Accepted => Ok(()),
        Login::NotNeeded => Err(Failure::message("etcd still lets anybody in")),
    }
}

/// Everything that must be asked of etcd, in order.
fn steps(auth: &EtcdAuth, etcd: &Etcd) -> Result<Vec<Step>, EtcdError> {
    let enabled = etcd.login(etcd.nearest()?)? == Login::Accepted;
    let users = etcd.any("/v3/auth/user/list", &json!({}))?;
    let roles = etcd.any("/v3/auth/role/list", &json!({}))?;
    let found = Found {
        enabled,
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
    Ok(steps)
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
            } else if !own {
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
    if !known || !same {
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
    }
}

fn extra(what: String) -> Change {
    let from = Some("present".to_owned());
    Change {
        what,
        from,
        to: None,
    }
}
