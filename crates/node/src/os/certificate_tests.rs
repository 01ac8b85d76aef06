//! Certificates made by a real authority in a temporary directory.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sty_core::Secret;
use sty_wire::resource::Access;
use tempfile::TempDir;

use super::*;

struct Fixture {
    directory: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
    wanted: Certificate,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "test authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = authority();
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs::write(path("ca.crt"), authority.pem()).unwrap();
        let wanted = Certificate {
            cert_path: path("server.crt"),
            key_path: Some(path("server.key")),
            access: Access::root(0o600),
            common_name: "pg-test-1".to_owned(),
            names: BTreeSet::from(["10.10.10.11".to_owned(), "pg-test-1".to_owned()]),
            validity_days: 365,
            authority_sha256: hex(&Sha256::digest(authority.der())),
        };
        Self {
            directory,
            authority,
            wanted,
        }
    }

    /// Certificate and key, valid from `age_days` ago.
    fn sign(&self, age_days: u64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = self.wanted.names.iter().cloned().collect();
        let mut params = CertificateParams::new(names).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, self.wanted.common_name.clone());
        let start = SystemTime::now() - Duration::from_secs(age_days * DAY);
        params.not_before = start.into();
        params.not_after = (start + Duration::from_secs(365 * DAY)).into();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn put(&self, (certificate, key): &(String, String)) {
        fs::write(&self.wanted.cert_path, certificate).unwrap();
        fs::write(self.wanted.key_path.as_ref().unwrap(), key).unwrap();
    }

    fn verdict(&self) -> Vec<String> {
        let authority = self.directory.path().join("ca.crt");
        let changes = judge(&self.wanted, &authority, SystemTime::now()).unwrap();
        let text = |change: Change| format!("{}: {}", change.what, change.from.unwrap());
        changes.into_iter().map(text).collect()
    }
}

#[test]
fn a_certificate_that_fits_is_left_alone() {
    let fixture = Fixture::new();
    assert_eq!(fixture.verdict(), ["certificate: none"]);
    fixture.put(&fixture.sign(1));
    assert_eq!(fixture.verdict(), Vec::<String>::new());
}

#[test]
fn a_file_that_somebody_added_to_is_replaced() {
    let mut fixture = Fixture::new();
    let (certificate, key) = fixture.sign(1);
    let changed = ["certificate: in a file that somebody changed"];
    fixture.put(&(format!("{certificate}junk\n"), key.clone()));
    assert_eq!(fixture.verdict(), changed);
    fixture.put(&(certificate.clone(), format!("{key}{key}")));
    assert_eq!(fixture.verdict(), changed);
    fixture.wanted.key_path = None;
    let write = |text: String| fs::write(&fixture.wanted.cert_path, text).unwrap();
    write(format!("{}\n{key}", certificate.trim_end()));
    assert_eq!(fixture.verdict(), Vec::<String>::new());
    write(format!("{certificate}{certificate}{key}"));
    assert_eq!(fixture.verdict(), changed);
}

#[test]
fn certificate_and_key_may_share_a_file() {
    let mut fixture = Fixture::new();
    let (certificate, key) = fixture.sign(1);
    fixture.wanted.key_path = None;
    fs::write(&fixture.wanted.cert_path, &certificate).unwrap();
    assert_eq!(
        fixture.verdict(),
        ["certificate: with a key that cannot be read"]
    );
    fs::write(&fixture.wanted.cert_path, certificate + &key).unwrap();
    assert_eq!(fixture.verdict(), Vec::<String>::new());
}

#[test]
fn a_third_of_life_is_left_for_renewal() {
    let fixture = Fixture::new();
    fixture.put(&fixture.sign(240));
    assert_eq!(fixture.verdict(), Vec::<String>::new());
    fixture.put(&fixture.sign(250));
    assert_eq!(
        fixture.verdict(),
        ["certificate: in the last third of its life, 114 days left"]
    );
    fixture.put(&fixture.sign(400));
    assert_eq!(fixture.verdict(), ["certificate: expired"]);
}

#[test]
fn a_shorter_life_is_asked_for_later() {
    let mut fixture = Fixture::new();
    fixture.put(&fixture.sign(1));
    fixture.wanted.validity_days = 90;
    assert_eq!(fixture.verdict(), ["certificate: valid for 365 days"]);
}

#[test]
fn another_key_authority_or_name_is_noticed() {
    let mut fixture = Fixture::new();
    let (first, _) = fixture.sign(1);
    let (_, other_key) = fixture.sign(1);
    fixture.put(&(first, other_key));
    assert_eq!(fixture.verdict(), ["certificate: not of its key"]);

    fixture.put(&fixture.sign(1));
    fixture.wanted.names.insert("10.10.10.2".to_owned());
    assert_eq!(fixture.verdict(), ["names: 10.10.10.11, pg-test-1"]);
    fixture.put(&fixture.sign(1));

    let imposter = authority();
    fs::write(fixture.directory.path().join("ca.crt"), imposter.pem()).unwrap();
    assert_eq!(fixture.verdict(), ["certificate: of another authority"]);
    // Even when the node's file is the one wanted, the signature decides.
    fixture.wanted.authority_sha256 = hex(&Sha256::digest(imposter.der()));
    assert_eq!(fixture.verdict(), ["certificate: of another authority"]);
}

#[test]
fn what_the_controller_signs_is_written_with_owner_and_mode() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let context = Context::new(std::sync::Arc::new(|_| ()), BTreeSet::new());
    assert!(converge(&fixture.wanted, &context, None).is_err());
    let (certificate, key) = fixture.sign(0);
    let supply = Supply::Certificate {
        certificate,
        key: Secret::new(key),
    };
    converge(&fixture.wanted, &context, Some(&supply)).unwrap();
    assert_eq!(fixture.verdict(), Vec::<String>::new());
    let found = fs::metadata(fixture.wanted.key_path.as_ref().unwrap()).unwrap();
    assert_eq!(found.permissions().mode() & 0o7777, 0o600);
}
