//! A cluster in Patroni's maintenance mode, in words.

/// What it means.
pub(crate) fn meaning(cluster: &str) -> String {
    format!("cluster {cluster} is paused: Patroni starts and promotes nothing by itself")
}

/// What to do about it.
pub(crate) fn hint(cluster: &str) -> String {
    format!("`sty cluster resume {cluster}` switches automatic failover on again")
}
