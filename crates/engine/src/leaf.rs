//! Certificates for nodes, signed by the fleet's authority.

use std::net::IpAddr;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use sty_core::Secret;
use sty_wire::observation::Failure;
use sty_wire::protocol::Supply;
use sty_wire::resource::Certificate;
use time::{Duration, OffsetDateTime};

use crate::authority::Authority;
use crate::execute::Signer;

/// No leaf is valid for longer.
const LONGEST_DAYS: u32 = 365;

/// A certificate cannot be signed.
#[derive(Debug, thiserror::Error)]
enum LeafError {
    #[error("`{0}` is neither a DNS name nor an IP address")]
    Name(String),
    #[error(
        "the desired state names authority {wanted}, the controller has {found}; a fault of `sty`"
    )]
    OtherAuthority { wanted: String, found: String },
    #[error("signing: {0}")]
    Signing(#[from] rcgen::Error),
}

impl Signer for Authority {
    fn sign(&self, certificate: &Certificate) -> Result<Supply, Failure> {
        issue(self, certificate).map_err(|error| {
            Failure::message(format!(
                "cannot make certificate `{}`: {error}",
                certificate.cert_path
            ))
        })
    }
}

fn issue(authority: &Authority, wanted: &Certificate) -> Result<Supply, LeafError> {
    if wanted.authority_sha256 != authority.sha256() {
        return Err(LeafError::OtherAuthority {
            wanted: wanted.authority_sha256.clone(),
            found: authority.sha256().to_owned(),
        });
    }
    let key = KeyPair::generate()?;
    let certificate = params(authority, wanted)?.signed_by(&key, &authority.issuer)?;
    Ok(Supply::Certificate {
        certificate: certificate.pem(),
        key: Secret::new(key.serialize_pem()),
    })
}

fn params(authority: &Authority, wanted: &Certificate) -> Result<CertificateParams, LeafError> {
    // Nodes whose clock is a little behind accept it too.
    let not_before = OffsetDateTime::now_utc() - Duration::HOUR;
    let days = wanted.validity_days.clamp(1, LONGEST_DAYS);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, wanted.common_name.as_str());
    params.subject_alt_names = wanted
        .names
        .iter()
        .map(|name| san(name))
        .collect::<Result<_, _>>()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Members of etcd and PostgreSQL replicas are servers and clients at once.
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    params.not_before = not_before;
    params.not_after = (not_before + Duration::days(i64::from(days))).min(authority.not_after);
    Ok(params)
}

fn san(name: &str) -> Result<SanType, LeafError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    match name.try_into() {
        Ok(dns) if !name.is_empty() => Ok(SanType::DnsName(dns)),
        _ => Err(LeafError::Name(name.to_owned())),
    }
}
