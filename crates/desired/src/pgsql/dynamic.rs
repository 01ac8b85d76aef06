//! Patroni's dynamic configuration: the whole of it, as kept in etcd. A new cluster begins
//! with it, but for a pause.

use serde_json::{Map, Value, json};
use sty_inventory::model::{PgCluster, Synchronous};

use super::{parameters, standby};
use crate::view::View;

/// The dynamic configuration of a cluster.
pub(super) fn config(view: &View<'_>, cluster: &PgCluster) -> Value {
    let settings = &cluster.settings;
    let rto = &settings.rto;
    let mut config = json!({
        "ttl": rto.ttl,
        "loop_wait": rto.loop_wait,
        "retry_timeout": rto.retry_timeout,
        "primary_start_timeout": rto.primary_start_timeout,
        "maximum_lag_on_failover": maximum_lag(cluster),
        "synchronous_mode": synchronous(settings.synchronous),
        // Without a replica writes go on: losing the last replica must not stop the primary.
        "synchronous_mode_strict": false,
        // A primary that reaches every member stays primary while etcd is away.
        "failsafe_mode": true,
        // A replica on another history is no candidate.
        "check_timeline": true,
        // Logical slots are their subscribers'. Without this, Patroni drops those that it did not
        // make as soon as nobody reads from them, and the subscriber misses what comes then.
        "ignore_slots": [{ "type": "logical" }],
        "postgresql": {
            "use_pg_rewind": true,
            "use_slots": true,
            // A former primary that cannot be rewound is copied anew: it comes back by itself.
            "remove_data_directory_on_rewind_failure": true,
            "remove_data_directory_on_diverged_timelines": true,
            "parameters": parameters(view, cluster),
        },
    });
    if let Value::Object(map) = &mut config {
        extend(view, cluster, map);
    }
    config
}

/// What a new cluster begins with. It is paused once its members are up: Patroni copies nothing for
/// a paused cluster's replicas.
pub(super) fn at_bootstrap(config: &Value) -> Value {
    let mut config = config.clone();
    if let Value::Object(map) = &mut config {
        map.remove("pause");
    }
    config
}

fn extend(view: &View<'_>, cluster: &PgCluster, config: &mut Map<String, Value>) {
    if cluster.settings.synchronous != Synchronous::Off {
        config.insert("synchronous_node_count".into(), json!(1));
    }
    if cluster.settings.patroni_paused {
        config.insert("pause".into(), json!(true));
    }
    let followers = standby::follower_slots(view.inventory, cluster);
    if !followers.is_empty() {
        let slots = followers.into_iter();
        let slots = slots.map(|name| (name, json!({ "type": "physical" })));
        config.insert("slots".into(), Value::Object(slots.collect()));
    }
    if let Some(source) = standby::source(view.inventory, cluster) {
        config.insert("standby_cluster".into(), source);
    }
}

/// Bytes of WAL that who takes over may lack. While writes wait for replicas it has no say
/// (`patroni-within-lease.py`); before they do, and where none is left to wait for, it is what Patroni
/// has by itself.
fn maximum_lag(cluster: &PgCluster) -> u64 {
    const PATRONIS: u64 = 1 << 20;
    let settings = &cluster.settings;
    match settings.synchronous {
        Synchronous::Off => settings.rpo_bytes,
        Synchronous::On | Synchronous::Quorum => settings.rpo_bytes.max(PATRONIS),
    }
}

fn synchronous(mode: Synchronous) -> Value {
    match mode {
        Synchronous::Off => json!(false),
        Synchronous::On => json!(true),
        Synchronous::Quorum => json!("quorum"),
    }
}

fn parameters(view: &View<'_>, cluster: &PgCluster) -> Value {
    parameters::dynamic(view, cluster)
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}
