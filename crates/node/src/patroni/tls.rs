//! Settings that PostgreSQL hands on to OpenSSL. At a reload it keeps what it had where OpenSSL does
//! not take them, and says so in its log alone; it does not start with them.

use std::path::Path;

use sty_wire::observation::Failure;

use crate::run::Run;

/// What is wrong with the value of a setting of TLS; `None` when nothing is known to be. Paths that
/// begin in the data directory are not judged.
///
/// # Errors
/// `openssl` cannot be run here.
pub(super) fn problem(name: &str, value: &str) -> Result<Option<String>, Failure> {
    let (arguments, problem): (&[&str], &str) = match name {
        "ssl_ciphers" => (&["ciphers", value], "OpenSSL knows none of these ciphers"),
        // A list of them is taken by PostgreSQL 18 and later, together with those that have no parameters.
        "ssl_ecdh_curve" if !value.contains(':') && !value.starts_with('X') => (
            &["ecparam", "-noout", "-name", value],
            "OpenSSL has no such curve",
        ),
        "ssl_crl_file" | "ssl_dh_params_file" => {
            let missing = value.starts_with('/') && !Path::new(value).is_file();
            return Ok(missing.then(|| "there is no such file".to_owned()));
        }
        _ => return Ok(None),
    };
    let finished = Run::new("openssl")
        .args(arguments.iter().copied())
        .any_exit()?;
    Ok((finished.code != Some(0)).then(|| problem.to_owned()))
}
