//! Who a client is, and where it comes in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use postgres::Config;
use postgres::config::SslMode;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use sty_core::Secret;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The authority's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the authority's certificate cannot be used: {0}")]
pub struct LoginError(String);

/// An address and a port that lead to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// Address.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
}

/// Who a client is.
#[derive(Clone)]
pub struct Login {
    /// Name that the cluster's certificates bear.
    pub cluster: String,
    /// Role.
    pub user: String,
    /// Its password.
    pub password: Secret<String>,
    /// Database.
    pub database: String,
    tls: MakeRustlsConnect,
}

impl Login {
    /// A login that trusts one authority, given as PEM.
    ///
    /// # Errors
    /// When the PEM holds no certificate.
    pub fn new(
        cluster: &str,
        user: &str,
        password: Secret<String>,
        database: &str,
        authority: &str,
    ) -> Result<Self, LoginError> {
        let unusable = |error: &dyn std::fmt::Display| LoginError(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            cluster: cluster.to_owned(),
            user: user.to_owned(),
            password,
            database: database.to_owned(),
            tls: MakeRustlsConnect::new(tls),
        })
    }

    /// Connects through one door. The time limit covers TCP alone.
    pub(crate) fn connect(
        &self,
        door: Door,
        limit: Duration,
    ) -> Result<postgres::Client, postgres::Error> {
        let mut config = Config::new();
        config
            .host(&self.cluster)
            .hostaddr(door.address)
            .port(door.port)
            .user(&self.user)
            .password(self.password.expose())
            .dbname(&self.database)
            .application_name("sty drill")
            .ssl_mode(SslMode::Require)
            .connect_timeout(limit);
        config.connect(self.tls.clone())
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({} of {})", self.user, self.cluster)
    }
}
