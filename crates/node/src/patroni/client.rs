//! Patroni's REST API. Patroni 3 and 4 are understood.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sty_core::Secret;
use sty_wire::observation::{Change, Failure};
use sty_wire::resource::{PatroniAccess, PatroniMember};
use sty_wire::status::PatroniRecords;
use ureq::http::Method;

use super::elsewhere;
use super::history::promotions;
use crate::http::{Answer, Ask, Client, HttpError, basic};

const LIMIT: Duration = Duration::from_secs(5);

/// What a member tells of itself (`GET /patroni`).
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Status {
    /// `primary`, `replica`, `standby_leader`, ...
    #[serde(default)]
    pub(crate) role: String,
    /// `running`, `starting`, `stopped`, ...
    #[serde(default)]
    pub(crate) state: String,
    /// Of a replica: `streaming`, `in archive recovery`.
    #[serde(default)]
    pub(crate) replication_state: Option<String>,
    #[serde(default)]
    pub(crate) timeline: Option<u64>,
    #[serde(default)]
    pub(crate) server_version: Option<u64>,
    #[serde(default)]
    pub(crate) postmaster_start_time: Option<String>,
    #[serde(default)]
    pub(crate) pending_restart: bool,
    #[serde(default)]
    pending_restart_reason: Value,
    /// Maintenance mode.
    #[serde(default)]
    pub(crate) pause: bool,
    /// On a replica: less than a lease ago the primary said that it goes on without etcd, and until
    /// then no other leader is believed.
    #[serde(default)]
    pub(crate) failsafe_mode_is_active: bool,
    #[serde(default)]
    xlog: Value,
    #[serde(default)]
    patroni: Identity,
}

/// Whose Patroni answers.
#[derive(Debug, Clone, Default, Deserialize)]
struct Identity {
    #[serde(default)]
    scope: String,
    /// Empty before Patroni 4.
    #[serde(default)]
    name: String,
}

impl Status {
    /// Who answers instead of `member`, in words: its node was given to another cluster, and the
    /// Patroni of the old one still runs.
    pub(crate) fn other_than(&self, member: &PatroniMember) -> Option<String> {
        let Identity { scope, name } = &self.patroni;
        let is_other = |found: &str, wanted: &str| !found.is_empty() && found != wanted;
        if !is_other(scope, &member.scope) && !is_other(name, &member.name) {
            return None;
        }
        Some(match name.is_empty() {
            true => format!("a member of cluster {scope}"),
            false => format!("{name} of cluster {scope}"),
        })
    }

    /// Whether it tells its name.
    pub(super) fn is_named(&self) -> bool {
        !self.patroni.name.is_empty()
    }

    /// Leads its cluster.
    pub(crate) fn leads(&self) -> bool {
        matches!(self.role.as_str(), "primary" | "master" | "standby_leader")
    }

    /// The server takes connections.
    pub(crate) fn runs(&self) -> bool {
        matches!(self.state.as_str(), "running" | "streaming")
    }

    /// State in one word; of a replica, that of its replication.
    pub(crate) fn state(&self) -> &str {
        match &self.replication_state {
            Some(replication) if self.runs() => replication,
            _ => &self.state,
        }
    }

    /// WAL written by a primary, replayed by a replica.
    pub(crate) fn wal_position(&self) -> Option<u64> {
        let position = |name: &str| self.xlog[name].as_u64();
        position("location").or_else(|| position("replayed_location"))
    }

    /// Where the log here ends: what a primary has written, what a replica has received or replayed.
    pub(crate) fn wal_end(&self) -> Option<u64> {
        let received = self.xlog["received_location"].as_u64();
        received.max(self.wal_position())
    }

    /// Settings that wait for a restart; empty where Patroni (before 4) does not name them.
    pub(crate) fn restart_reasons(&self) -> Vec<Change> {
        let value = |reason: &Value, name: &str| reason[name].as_str().map(str::to_owned);
        let reasons = self
            .pending_restart_reason
            .as_object()
            .into_iter()
            .flatten();
        reasons
            .map(|(name, reason)| Change {
                what: name.clone(),
                from: value(reason, "old_value"),
                to: value(reason, "new_value"),
                ..Change::default()
            })
            .collect()
    }
}

/// A member as the cluster lists it (`GET /cluster`).
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) timeline: Option<u64>,
    #[serde(default)]
    api_url: String,
    /// A number of bytes, or `unknown`.
    #[serde(default)]
    lag: Value,
    #[serde(default)]
    tags: Value,
}

impl Listed {
    /// Leads the cluster.
    pub(crate) fn leads(&self) -> bool {
        matches!(self.role.as_str(), "leader" | "standby_leader")
    }

    /// Never to become the primary.
    pub(crate) fn nofailover(&self) -> bool {
        self.tags["nofailover"].as_bool().unwrap_or_default()
    }

    /// Member that it is told to follow instead of the leader.
    pub(crate) fn follows(&self) -> Option<&str> {
        self.tags["replicatefrom"].as_str()
    }

    /// Replays changes late on purpose.
    pub(crate) fn is_late(&self) -> bool {
        !self.tags["delay"].is_null()
    }

    /// Follows another replica.
    pub(crate) fn cascades(&self) -> bool {
        self.follows().is_some()
    }

    /// Bytes behind the leader.
    pub(crate) fn lag_bytes(&self) -> Option<u64> {
        self.lag.as_u64()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Cluster {
    #[serde(default)]
    members: Vec<Listed>,
}

/// A client of the Patroni on this node.
pub(crate) struct Patroni {
    http: Client,
    /// Where it answered last, or should answer.
    url: RwLock<String>,
    authorization: Secret<String>,
    limit: Duration,
    status: OnceLock<Result<Status, Arc<HttpError>>>,
    members: OnceLock<Result<Vec<Listed>, Arc<HttpError>>>,
    config: OnceLock<Result<Option<Value>, Arc<HttpError>>>,
}

impl Patroni {
    pub(crate) fn new(access: &PatroniAccess) -> Result<Self, HttpError> {
        Ok(Self {
            http: Client::new(&access.ca_path)?,
            url: RwLock::new(access.url.trim_end_matches('/').to_owned()),
            authorization: basic(&access.username, &access.password),
            limit: LIMIT,
            status: OnceLock::new(),
            members: OnceLock::new(),
            config: OnceLock::new(),
        })
    }

    /// Whether the member `listed` leads and its server takes writes. Its health check is not
    /// asked: that says yes as soon as the member has the lock, before it is promoted.
    pub(crate) fn is_primary(&self, listed: &Listed) -> Result<bool, HttpError> {
        let status = self.status_of(listed)?;
        Ok(status.leads() && status.role != "standby_leader" && status.runs())
    }

    /// What the member `listed` says of itself now.
    pub(crate) fn status_of(&self, listed: &Listed) -> Result<Status, HttpError> {
        let answer = self.http.ask(&Ask {
            url: listed.api_url.clone(),
            authorization: None,
            method: Method::GET,
            body: None,
            limit: self.limit,
        })?;
        parse(&answer)
    }

    /// Sets the time that looking may take.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// What the member said when it was first asked in this look.
    pub(crate) fn status(&self) -> Result<&Status, &HttpError> {
        let status = self.status.get_or_init(|| {
            // The rest is wanted as well, as a rule, and each request takes 50 ms, most of it
            // waiting.
            thread::scope(|scope| {
                scope.spawn(|| self.members().is_ok());
                scope.spawn(|| self.config().is_ok());
                self.status_now().map_err(Arc::new)
            })
        });
        status.as_ref().map_err(Arc::as_ref)
    }

    /// What the member says now.
    pub(crate) fn status_now(&self) -> Result<Status, HttpError> {
        let answer = self.get("/patroni")?;
        parse(&answer)
    }

    /// Members as they were listed when first asked in this look.
    pub(crate) fn members(&self) -> Result<&[Listed], &HttpError> {
        let members = self
            .members
            .get_or_init(|| self.members_now().map_err(Arc::new));
        members.as_deref().map_err(Arc::as_ref)
    }

    /// Members as they are listed now.
    pub(crate) fn members_now(&self) -> Result<Vec<Listed>, HttpError> {
        let answer = self.get("/cluster")?;
        Ok(parse::<Cluster>(&answer)?.members)
    }

    /// The dynamic configuration when first asked in this look; `None` when there is none.
    pub(crate) fn config(&self) -> Result<Option<&Value>, &HttpError> {
        let config = self
            .config
            .get_or_init(|| self.config_now().map_err(Arc::new));
        config.as_ref().map(Option::as_ref).map_err(Arc::as_ref)
    }

    /// The dynamic configuration now.
    pub(crate) fn config_now(&self) -> Result<Option<Value>, HttpError> {
        const NONE: [u16; 2] = [404, 502];
        let answer = self.get("/config")?;
        if NONE.contains(&answer.status) {
            return Ok(None);
        }
        answer.json().map(Some)
    }

    /// The dynamic configuration, and every promotion.
    pub(crate) fn records(&self) -> Result<PatroniRecords, HttpError> {
        let config = self.config_now()?.unwrap_or_default();
        let answer = self.get("/history")?;
        let history: Value = answer.json()?;
        let lines = Value::as_array(&history).map(Vec::as_slice);
        let history = promotions(lines.unwrap_or_default());
        Ok(PatroniRecords {
            config,
            history: history.ok_or_else(|| answer.unexpected())?,
        })
    }

    /// Asks for `path`.
    fn get(&self, path: &str) -> Result<Answer, HttpError> {
        self.send(Method::GET, path, None, self.limit)
    }

    /// Has Patroni do something; refusals are failures with its words.
    pub(super) fn command(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let answer = self.send(method.clone(), path, Some(body), limit);
        let answer = answer.map_err(|error| error.failure())?;
        if answer.ok() {
            return Ok(answer);
        }
        let words = answer.body.lines().map(str::to_owned).collect();
        Err(Failure {
            tail: words,
            ..Failure::message(format!(
                "Patroni at {} answered {method} {path} with {}",
                self.url(),
                answer.status
            ))
        })
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Answer, HttpError> {
        let writes = method != Method::GET;
        let ask = |url: &str| {
            self.http.ask(&Ask {
                url: format!("{url}{path}"),
                authorization: writes.then_some(&self.authorization),
                method: method.clone(),
                body,
                limit,
            })
        };
        let url = self.url();
        let answer = ask(&url);
        if !answer.as_ref().is_err_and(HttpError::misdirected) {
            return answer;
        }
        let mut others = elsewhere::urls(&url).into_iter();
        let Some(other) = others.find(|other| self.answers_at(other)) else {
            return answer;
        };
        let answer = ask(&other);
        *self.url.write().unwrap_or_else(PoisonError::into_inner) = other;
        answer
    }

    fn url(&self) -> String {
        let url = self.url.read().unwrap_or_else(PoisonError::into_inner);
        url.clone()
    }

    fn answers_at(&self, url: &str) -> bool {
        let answer = self.http.ask(&Ask {
            url: format!("{url}/patroni"),
            authorization: None,
            method: Method::GET,
            body: None,
            limit: self.limit,
        });
        answer.is_ok_and(|answer| parse::<Status>(&answer).is_ok())
    }
}

fn parse<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, HttpError> {
    let document = answer.json()?;
    T::deserialize(&document).map_err(|_| answer.unexpected())
}
