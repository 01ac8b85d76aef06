//! Where the Patroni of this node listens when it is not where it should: its port or its TLS is
//! about to change, or somebody changed it.

use sty_wire::resource::PATRONI_SERVICE;
use ureq::http::Uri;

use crate::ports;

/// URLs at which it may answer instead of at `url`; none when it listens nowhere.
pub(super) fn urls(url: &str) -> Vec<String> {
    let parsed = url.parse::<Uri>().ok();
    let Some(host) = parsed.as_ref().and_then(Uri::host) else {
        return Vec::new();
    };
    // Where that cannot be found out, that `url` does not answer is told.
    let ports = ports::of(PATRONI_SERVICE).unwrap_or_default().into_iter();
    let urls =
        ports.flat_map(|port| ["https", "http"].map(|scheme| format!("{scheme}://{host}:{port}")));
    urls.filter(|found| found != url).collect()
}
