//! The JSON gateway: bytes as base64, 64-bit numbers as text, errors with gRPC codes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sty_core::Secret;
use sty_wire::observation::{EtcdPeer, Failure};
use sty_wire::resource::EtcdAccess;
use thiserror::Error;
use ureq::http::Method;

use super::election;
use crate::http::{Ask, Client, HttpError};

/// For requests that change nothing or little. A member without quorum takes longer to say no.
const LIMIT: Duration = Duration::from_secs(4);
/// For changes of membership and of users, which wait for the quorum.
pub(super) const CHANGE_LIMIT: Duration = Duration::from_secs(15);

/// What a new cluster begins with.
pub(super) const OLDEST: &str = "3.0.0";

/// gRPC codes that decisions rest on.
pub(super) mod code {
    pub(crate) const UNKNOWN: i64 = 2;
    pub(crate) const INVALID_ARGUMENT: i64 = 3;
    /// Also where this etcd has no such request.
    pub(crate) const NOT_FOUND: i64 = 5;
    pub(crate) const PERMISSION_DENIED: i64 = 7;
    pub(crate) const FAILED_PRECONDITION: i64 = 9;
    /// Also when a member has not been connected to the others for five seconds.
    pub(crate) const UNAVAILABLE: i64 = 14;
    pub(crate) const UNAUTHENTICATED: i64 = 16;
}

/// Why etcd did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum EtcdError {
    /// Nobody answered.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It said no.
    #[error("etcd at {endpoint} refused {path}: {message} (code {code})")]
    Refused {
        endpoint: String,
        path: String,
        code: i64,
        message: String,
    },
    /// A user may not log in.
    #[error("etcd at {endpoint} does not accept the password of `{user}`")]
    Password { endpoint: String, user: String },
    /// There is no endpoint to ask.
    #[error("no etcd endpoint is known")]
    NoEndpoint,
}

impl EtcdError {
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Http(error) => error.failure(),
            Self::Password { .. } => Failure {
                hint: Some(
                    "put the old `etcd_root_password` back; to change it, do so in etcd first \
                     (`etcdctl user passwd root`), then in the inventory, and apply"
                        .to_owned(),
                ),
                ..Failure::message(self.to_string())
            },
            _ => Failure::message(self.to_string()),
        }
    }

    /// The gRPC code, when etcd answered.
    pub(super) fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether a leader without a successor yet took no proposal (raft's `ErrProposalDropped`):
    /// what was asked has not been done, and will not be.
    pub(super) fn was_dropped(&self) -> bool {
        matches!(self, Self::Refused { code: code::UNKNOWN, message, .. }
            if message.contains("raft proposal dropped"))
    }

    /// Whether nobody answered at all.
    pub(super) fn silent(&self) -> bool {
        matches!(self, Self::Http(HttpError::NoAnswer { .. }))
    }
}

/// Whether etcd wants to know who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// `root` was let in.
    Accepted,
    /// Anybody may do anything.
    NotNeeded,
}

/// What a member says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    /// Member identifier.
    pub(crate) id: String,
    /// Server version.
    pub(crate) version: String,
    /// Database size, bytes.
    pub(crate) db_size_bytes: u64,
    /// Leads.
    pub(crate) leader: bool,
    /// Sees a leader.
    pub(crate) has_leader: bool,
    /// Does not vote yet.
    pub(crate) learner: bool,
}

/// A member as the cluster lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: String,
    /// Empty before its first start.
    pub(super) name: String,
    pub(super) peer_urls: Vec<String>,
    pub(super) client_urls: Vec<String>,
    pub(super) learner: bool,
}

impl From<Member> for EtcdPeer {
    fn from(member: Member) -> Self {
        Self {
            id: member.id,
            name: member.name,
            peer_url: member.peer_urls.into_iter().next().unwrap_or_default(),
        }
    }
}

/// A client of one cluster.
pub(crate) struct Etcd {
    http: Client,
    access: EtcdAccess,
    limit: Duration,
    token: Mutex<Option<Secret<String>>>,
}

impl Etcd {
    pub(crate) fn new(access: &EtcdAccess) -> Result<Self, HttpError> {
        Ok(Self {
            http: Client::new(&access.ca_path)?,
            access: access.clone(),
            limit: LIMIT,
            token: Mutex::default(),
        })
    }

    /// Sets the time that looking may take.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// URLs of the members that are known.
    pub(super) fn endpoints(&self) -> &[String] {
        &self.access.endpoints
    }

    /// The endpoint of this node's own member, or the first.
    pub(super) fn nearest(&self) -> Result<&str, EtcdError> {
        let first = self.endpoints().first().map(String::as_str);
        first.ok_or(EtcdError::NoEndpoint)
    }

    /// Asks `endpoint`, as `root` when etcd wants to know.
    pub(super) fn call(
        &self,
        endpoint: &str,
        path: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, EtcdError> {
        let token = self.token();
        let outcome = self.post(endpoint, path, body, token.as_ref(), limit);
        let refused = outcome.as_ref().err().and_then(EtcdError::code);
        // A token that is missing, has ended, or is older than the users and roles.
        let unknown = matches!(
            refused,
            Some(code::UNAUTHENTICATED | code::INVALID_ARGUMENT | code::PERMISSION_DENIED)
        );
        if !unknown || self.login(endpoint)? == Login::NotNeeded {
            return outcome;
        }
        self.post(endpoint, path, body, self.token().as_ref(), limit)
    }

    /// Asks the endpoints one after the other until one answers.
    pub(super) fn any(&self, path: &str, body: &Value) -> Result<Value, EtcdError> {
        let mut last = EtcdError::NoEndpoint;
        for endpoint in self.endpoints() {
            match self.call(endpoint, path, body, CHANGE_LIMIT) {
                Err(error) if error.silent() => last = error,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    /// Lets `root` in and keeps its token. Tells whether that is needed at all.
    pub(super) fn login(&self, endpoint: &str) -> Result<Login, EtcdError> {
        let token = self.authenticate(endpoint, "root", &self.access.root_password)?;
        if token.is_none() {
            return Ok(Login::NotNeeded);
        }
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(Login::Accepted)
    }

    /// The token of a user that is let in; `None` where everybody is. `root` stays who asks.
    pub(super) fn authenticate(
        &self,
        endpoint: &str,
        user: &str,
        password: &Secret<String>,
    ) -> Result<Option<Secret<String>>, EtcdError> {
        let body = json!({ "name": user, "password": password.expose() });
        match self.post(endpoint, "/v3/auth/authenticate", &body, None, CHANGE_LIMIT) {
            Ok(answer) => Ok(Some(Secret::new(text(&answer, "token").to_owned()))),
            Err(error) => match error.code() {
                Some(code::FAILED_PRECONDITION) => Ok(None),
                Some(code::INVALID_ARGUMENT | code::UNAUTHENTICATED) => Err(EtcdError::Password {
                    endpoint: endpoint.to_owned(),
                    user: user.to_owned(),
                }),
                _ => Err(error),
            },
        }
    }

    /// What the member at `endpoint` says of itself.
    pub(crate) fn status(&self, endpoint: &str) -> Result<Health, EtcdError> {
        let answer = self.call(endpoint, "/v3/maintenance/status", &json!({}), self.limit)?;
        let id = text(&answer["header"], "member_id").to_owned();
        let leader = text(&answer, "leader");
        Ok(Health {
            version: text(&answer, "version").to_owned(),
            db_size_bytes: text(&answer, "dbSize").parse().unwrap_or_default(),
            leader: leader == id,
            has_leader: !matches!(leader, "" | "0"),
            learner: answer["isLearner"].as_bool().unwrap_or_default(),
            id,
        })
    }

    /// Whether the member at `endpoint` serves reads that the quorum agrees on.
    pub(crate) fn healthy(&self, endpoint: &str) -> Result<bool, EtcdError> {
        let answer = self.http.ask(&Ask {
            method: Method::GET,
            url: format!("{endpoint}/health"),
            body: None,
            authorization: None,
            limit: self.limit,
        })?;
        Ok(answer.ok())
    }

    /// Whether the member at `endpoint` answers whoever asks: authentication is off.
    pub(crate) fn answers_everybody(&self, endpoint: &str) -> Result<bool, EtcdError> {
        let anything = json!({ "key": encode("sty"), "serializable": true });
        match self.post(endpoint, "/v3/kv/range", &anything, None, self.limit) {
            Ok(_) => Ok(true),
            Err(error) => match error.code() {
                Some(code::INVALID_ARGUMENT | code::UNAUTHENTICATED | code::PERMISSION_DENIED) => {
                    Ok(false)
                }
                _ => Err(error),
            },
        }
    }

    /// The protocol version of the cluster; `None` before its first leader was elected. It begins
    /// with [`OLDEST`] until every member has been seen.
    pub(super) fn cluster_version(&self, endpoint: &str) -> Result<Option<String>, EtcdError> {
        let answer = self.http.ask(&Ask {
            method: Method::GET,
            url: format!("{endpoint}/version"),
            body: None,
            authorization: None,
            limit: self.limit,
        })?;
        let document = answer.json()?;
        let version = text(&document, "etcdcluster");
        let known = !matches!(version, "" | "not_decided");
        Ok(known.then(|| version.to_owned()))
    }

    /// Members as `endpoint` lists them.
    pub(super) fn members(&self, endpoint: &str) -> Result<Vec<Member>, EtcdError> {
        let answer = self.call(endpoint, "/v3/cluster/member/list", &json!({}), self.limit)?;
        let members = answer["members"].as_array().map(Vec::as_slice);
        Ok(members.unwrap_or_default().iter().map(member).collect())
    }

    /// The same, as others know them.
    pub(crate) fn peers(&self, endpoint: &str) -> Result<Vec<EtcdPeer>, EtcdError> {
        let members = self.members(endpoint)?;
        Ok(members.into_iter().map(Into::into).collect())
    }

    fn token(&self) -> Option<Secret<String>> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.clone()
    }

    fn post(
        &self,
        endpoint: &str,
        path: &str,
        body: &Value,
        token: Option<&Secret<String>>,
        limit: Duration,
    ) -> Result<Value, EtcdError> {
        election::taken(|| self.post_once(endpoint, path, body, token, limit))
    }

    fn post_once(
        &self,
        endpoint: &str,
        path: &str,
        body: &Value,
        token: Option<&Secret<String>>,
        limit: Duration,
    ) -> Result<Value, EtcdError> {
        let answer = self.http.ask(&Ask {
            method: Method::POST,
            url: format!("{endpoint}{path}"),
            body: Some(body),
            authorization: token,
            limit,
        })?;
        let document = answer.json()?;
        if answer.ok() {
            return Ok(document);
        }
        Err(EtcdError::Refused {
            endpoint: endpoint.to_owned(),
            path: path.to_owned(),
            code: document["code"].as_i64().unwrap_or_default(),
            message: text(&document, "message").to_owned(),
        })
    }
}

fn member(value: &Value) -> Member {
    Member {
        id: text(value, "ID").to_owned(),
        name: text(value, "name").to_owned(),
        peer_urls: texts(&value["peerURLs"]),
        client_urls: texts(&value["clientURLs"]),
        learner: value["isLearner"].as_bool().unwrap_or_default(),
    }
}

/// A text field; empty when it is not there, as zero values are not.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A list of texts.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = items.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// Text that the gateway wrote; `None` for what is none.
pub(super) fn decode(written: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(written).ok()?).ok()
}

/// Bytes as the gateway wants them.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}
