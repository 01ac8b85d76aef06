//! A member for tests.

use std::collections::{BTreeMap, BTreeSet};

use sty_core::Secret;
use sty_wire::resource::{BootRole, PatroniAccess, PatroniMember, PostgresAccess};

/// `pg-test-1`, without any file.
pub(super) fn member() -> PatroniMember {
    PatroniMember {
        scope: "pg-test".to_owned(),
        namespace: "/pg/".to_owned(),
        name: "pg-test-1".to_owned(),
        boot: BootRole::Leader,
        unit: "patroni.service".to_owned(),
        patroni: PatroniAccess {
            url: String::new(),
            ca_path: String::new(),
            username: String::new(),
            password: Secret::default(),
        },
        postgres: PostgresAccess {
            socket_dir: String::new(),
            port: 5432,
            user: "postgres".to_owned(),
        },
        data: String::new(),
        reload_on: Vec::new(),
        postgres_reload_on: Vec::new(),
        restart_on: Vec::new(),
        parameters: BTreeMap::new(),
        creation: None,
        members: BTreeSet::new(),
        dcs: BTreeSet::new(),
        home: (String::new(), String::new()),
        pooler: None,
    }
}
