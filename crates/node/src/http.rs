//! HTTP to daemons of the fleet: JSON in, JSON out; over TLS, trusting one authority only.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sty_core::Secret;
use sty_wire::observation::Failure;
use thiserror::Error;
use ureq::Agent;
use ureq::http::{Method, Request};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Answers larger than this are no answers of ours.
const BODY_LIMIT: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    /// The authority's certificate cannot be read.
    #[error("cannot read the authority's certificate `{path}`")]
    Authority {
        path: String,
        #[source]
        source: io::Error,
    },
    /// It holds no certificate.
    #[error("`{path}` holds no certificate")]
    NoCertificate { path: String },
    /// Nothing answered, or not as it should.
    #[error("no answer from {url}")]
    NoAnswer {
        url: String,
        #[source]
        source: Box<ureq::Error>,
    },
    /// Answered with something else than what belongs there.
    #[error("{url} answered {status} with something that cannot be understood")]
    Unexpected { url: String, status: u16 },
}

impl HttpError {
    /// Whether nobody answered.
    pub(crate) fn silent(&self) -> bool {
        matches!(self, Self::NoAnswer { .. })
    }

    /// Whether nobody listens there.
    pub(crate) fn refused(&self) -> bool {
        let Self::NoAnswer { source, .. } = self else {
            return false;
        };
        matches!(&**source, ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Whether nobody listens there, or somebody who speaks otherwise.
    pub(crate) fn misdirected(&self) -> bool {
        let Self::NoAnswer { source, .. } = self else {
            return false;
        };
        !matches!(**source, ureq::Error::Timeout(_))
    }

    /// For the operator: the error with what caused it.
    pub(crate) fn failure(&self) -> Failure {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Failure::message(message)
    }
}

/// A client that trusts one authority. Keeps its connections open between requests.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
}

/// What a daemon answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Body as text.
    pub(crate) body: String,
    url: String,
}

impl Answer {
    /// Whether the status says it went well.
    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, HttpError> {
        serde_json::from_str(&self.body).map_err(|_| self.unexpected())
    }

    /// The error for an answer that is not of the form it should be.
    pub(crate) fn unexpected(&self) -> HttpError {
        HttpError::Unexpected {
            url: self.url.clone(),
            status: self.status,
        }
    }
}

/// What is asked.
pub(crate) struct Ask<'a> {
    /// Method.
    pub(crate) method: Method,
    /// Whole URL.
    pub(crate) url: String,
    /// JSON body.
    pub(crate) body: Option<&'a Value>,
    /// `Authorization` header.
    pub(crate) authorization: Option<&'a Secret<String>>,
    /// Time for all of it.
    pub(crate) limit: Duration,
}

impl Client {
    /// A client that trusts the authority whose certificate is at `ca_path`.
    pub(crate) fn new(ca_path: &str) -> Result<Self, HttpError> {
        let pem = fs::read(ca_path).map_err(|source| HttpError::Authority {
            path: ca_path.to_owned(),
            source,
        })?;
        let roots: Vec<Certificate<'static>> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if roots.is_empty() {
            let path = ca_path.to_owned();
            return Err(HttpError::NoCertificate { path });
        }
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_LIMIT))
            .build();
        let agent = config.new_agent();
        Ok(Self { agent })
    }

    /// Asks, and reads the whole answer.
    pub(crate) fn ask(&self, ask: &Ask<'_>) -> Result<Answer, HttpError> {
        let no_answer = |source: ureq::Error| HttpError::NoAnswer {
            url: ask.url.clone(),
            source: Box::new(source),
        };
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.url);
        if let Some(authorization) = ask.authorization {
            request = request.header("Authorization", authorization.expose());
        }
        let body = ask.body.map(Value::to_string).unwrap_or_default();
        if ask.body.is_some() {
            request = request.header("Content-Type", "application/json");
        }
        let request = request
            .body(body)
            .map_err(|error| no_answer(ureq::Error::from(error)))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(ask.limit))
            .build();
        let mut response = self.agent.run(request).map_err(no_answer)?;
        let body = response.body_mut().with_config().limit(BODY_LIMIT);
        let body = body.lossy_utf8(true).read_to_string().map_err(no_answer)?;
        Ok(Answer {
            status: response.status().as_u16(),
            body,
            url: ask.url.clone(),
        })
    }
}

/// `Authorization` header of a user with a password.
pub(crate) fn basic(user: &str, password: &Secret<String>) -> Secret<String> {
    let pair = format!("{user}:{}", password.expose());
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}
