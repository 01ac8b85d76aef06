//! Options behind the method of a raw access rule, as PostgreSQL 13 to 18 take them
//! (`parse_hba_auth_opt` in its `hba.c`, and its documentation of `pg_hba.conf`).

use super::hba_pooler::Problem;
use crate::suggest;

const LDAP: &[&str] = &["ldap"];
const RADIUS: &[&str] = &["radius"];
const OAUTH: &[&str] = &["oauth"];

/// Options and the methods that they belong to.
const OPTIONS: &[(&str, &[&str])] = &[
    ("map", &["ident", "peer", "gss", "cert", "oauth"]),
    ("include_realm", &["gss"]),
    ("krb_realm", &["gss"]),
    ("pamservice", &["pam"]),
    ("pam_use_hostname", &["pam"]),
    ("ldapurl", LDAP),
    ("ldaptls", LDAP),
    ("ldapscheme", LDAP),
    ("ldapserver", LDAP),
    ("ldapport", LDAP),
    ("ldapbinddn", LDAP),
    ("ldapbindpasswd", LDAP),
    ("ldapsearchattribute", LDAP),
    ("ldapsearchfilter", LDAP),
    ("ldapbasedn", LDAP),
    ("ldapprefix", LDAP),
    ("ldapsuffix", LDAP),
    ("radiusservers", RADIUS),
    ("radiussecrets", RADIUS),
    ("radiusports", RADIUS),
    ("radiusidentifiers", RADIUS),
    ("issuer", OAUTH),
    ("scope", OAUTH),
    ("validator", OAUTH),
    ("delegate_ident_mapping", OAUTH),
];

/// Options of certificates, which TLS alone shows, whatever the method.
const OF_TLS: &[(&str, &[&str])] = &[
    ("clientcert", &["verify-ca", "verify-full"]),
    ("clientname", &["CN", "DN"]),
];

/// What PostgreSQL has against the options of one line.
pub(super) fn problem(kind: &str, method: &str, options: &[&str]) -> Option<Problem> {
    let mut given = Vec::new();
    for option in options {
        let Some((name, value)) = option.trim_matches('"').split_once('=') else {
            let why = format!("`{option}` behind the method is no option");
            return Some((why, "write options as `name=value`".to_owned()));
        };
        let found = of_tls(kind, name, value).unwrap_or_else(|| of_method(method, name));
        if found.is_some() {
            return found;
        }
        given.push(name);
    }
    lacking(method, &given)
}

/// `None` when it is no option of certificates.
fn of_tls(kind: &str, name: &str, value: &str) -> Option<Option<Problem>> {
    let (_, values) = OF_TLS.iter().find(|(known, _)| *known == name)?;
    Some(if kind != "hostssl" {
        let why = format!("certificates, which `{name}` is about, are shown over TLS alone");
        Some((why, "use `hostssl`".to_owned()))
    } else if values.contains(&value) {
        None
    } else {
        let why = format!("`{name}` cannot be `{value}`");
        Some((why, format!("use one of {}", values.join(", "))))
    })
}

fn of_method(method: &str, name: &str) -> Option<Problem> {
    match OPTIONS.iter().find(|(known, _)| *known == name) {
        Some((_, methods)) if methods.contains(&method) => None,
        Some((_, methods)) => {
            let why = format!("`{name}` is no option of the method `{method}`");
            Some((why, format!("it belongs to {}", methods.join(", "))))
        }
        None => {
            let known = OPTIONS.iter().chain(OF_TLS).map(|(known, _)| *known);
            let help = match suggest::nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "leave it out".to_owned(),
            };
            Some((format!("PostgreSQL has no option `{name}`"), help))
        }
    }
}

/// Methods that do not work without some of their options.
fn lacking(method: &str, given: &[&str]) -> Option<Problem> {
    let has = |name: &str| given.contains(&name);
    let lacks = |names: &str| {
        let why = format!("the method `{method}` needs {names}");
        Some((why, "write it behind the method".to_owned()))
    };
    match method {
        "radius" if !has("radiusservers") => lacks("`radiusservers`"),
        "radius" if !has("radiussecrets") => lacks("`radiussecrets`"),
        "ldap"
            if !["ldapurl", "ldapbasedn", "ldapprefix", "ldapsuffix"]
                .into_iter()
                .any(has) =>
        {
            lacks("`ldapurl`, or `ldapserver` with `ldapbasedn`, `ldapprefix` or `ldapsuffix`")
        }
        "oauth" if !has("issuer") => lacks("`issuer`"),
        "oauth" if !has("scope") => lacks("`scope`"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn options_belong_to_their_methods() {
        let good: [(&str, &str, &[&str]); 6] = [
            ("host", "scram-sha-256", &[]),
            ("hostssl", "scram-sha-256", &["clientcert=verify-ca"]),
            ("hostssl", "cert", &["map=people", "clientname=DN"]),
            (
                "host",
                "ldap",
                &["ldapserver=ldap.example", "\"ldapprefix=uid=\""],
            ),
            ("local", "peer", &["map=people"]),
            ("host", "radius", &["radiusservers=a", "radiussecrets=b"]),
        ];
        for (kind, method, options) in good {
            assert_eq!(problem(kind, method, options), None, "{method} {options:?}");
        }
        let bad: [(&str, &str, &[&str]); 7] = [
            ("host", "scram-sha-256", &["foo=bar"]),
            ("host", "scram-sha-256", &["map=people"]),
            ("host", "md5", &["clientcert=verify-ca"]),
            ("hostssl", "md5", &["clientcert=1"]),
            ("host", "ldap", &[]),
            ("host", "radius", &["radiusservers=a"]),
            ("host", "pam", &["pamservic=x"]),
        ];
        let said = bad.map(|(kind, method, options)| {
            let (why, help) = problem(kind, method, options).unwrap();
            format!("{why}: {help}")
        });
        insta::assert_snapshot!(said.join("\n"), @"
    PostgreSQL has no option `foo`: leave it out
    `map` is no option of the method `scram-sha-256`: it belongs to ident, peer, gss, cert, oauth
    certificates, which `clientcert` is about, are shown over TLS alone: use `hostssl`
    `clientcert` cannot be `1`: use one of verify-ca, verify-full
    the method `ldap` needs `ldapurl`, or `ldapserver` with `ldapbasedn`, `ldapprefix` or `ldapsuffix`: write it behind the method
    the method `radius` needs `radiussecrets`: write it behind the method
    PostgreSQL has no option `pamservic`: did you mean `pamservice`?
    ");
    }
}
