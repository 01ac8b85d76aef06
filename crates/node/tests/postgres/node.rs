//! The node program, driven as the controller drives it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, PipeReader, PipeWriter, Write};
use std::thread;
use std::time::{Duration, Instant};

use sty_wire::action::Op;
use sty_wire::observation::{Change, Failure, Observation};
use sty_wire::postgres::{DatabaseSpec, RoleSpec};
use sty_wire::protocol::{Reply, Request};
use sty_wire::resource::{Module, PostgresAccess, Resource, ResourceKind, Stage};

/// A session with the node program.
pub(crate) struct Node {
    requests: PipeWriter,
    replies: Lines<BufReader<PipeReader>>,
}

impl Node {
    /// Starts a session and takes this machine, waiting for other tests to let go of it.
    pub(crate) fn new() -> Self {
        let (requested, requests) = std::io::pipe().unwrap();
        let (replies, replied) = std::io::pipe().unwrap();
        thread::spawn(move || sty_node::serve(BufReader::new(requested), replied));
        let replies = BufReader::new(replies).lines();
        let mut node = Self { requests, replies };
        assert!(matches!(node.reply(), Reply::Hello { .. }));
        let begun = Instant::now();
        loop {
            let holder = "test".to_owned();
            match node.ask(&Request::Lock { holder }) {
                Reply::Locked => return node,
                Reply::Busy { .. } if begun.elapsed() < Duration::from_secs(120) => {
                    thread::sleep(Duration::from_millis(50));
                }
                other => panic!("this machine cannot be taken (root?): {other:?}"),
            }
        }
    }

    /// Compares one resource.
    pub(crate) fn observe(&mut self, resource: &Resource) -> Observation {
        let mut all = self.observe_all(std::slice::from_ref(resource));
        all.remove(&resource.id).unwrap()
    }

    /// Compares resources.
    pub(crate) fn observe_all(&mut self, resources: &[Resource]) -> BTreeMap<String, Observation> {
        let resources = resources.to_vec();
        match self.ask(&Request::Observe { resources }) {
            Reply::Observed { observations, .. } => observations,
            other => panic!("{other:?}"),
        }
    }

    /// Brings a resource about.
    pub(crate) fn converge(&mut self, resource: &Resource) -> Result<Vec<Change>, Failure> {
        self.observe(resource);
        let op = Op::Converge {
            resource: resource.id.clone(),
        };
        let (action, supply) = (1, None);
        match self.ask(&Request::Execute { action, op, supply }) {
            Reply::Done { changes, .. } => Ok(changes),
            Reply::Failed { failure, .. } => Err(failure),
            other => panic!("{other:?}"),
        }
    }

    /// Brings a resource about, and sees that it is.
    pub(crate) fn settle(&mut self, resource: &Resource) {
        self.converge(resource).unwrap();
        assert_eq!(self.observe(resource), Observation::InSync);
    }

    /// What differs, as `what: from -> to`.
    pub(crate) fn differences(&mut self, resource: &Resource) -> Vec<String> {
        match self.observe(resource) {
            Observation::InSync => Vec::new(),
            Observation::Drift { changes, .. } => changes.iter().map(shown).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, request: &Request) -> Reply {
        let line = serde_json::to_string(request).unwrap();
        writeln!(self.requests, "{line}").unwrap();
        loop {
            match self.reply() {
                Reply::Progress { .. } => {}
                reply => return reply,
            }
        }
    }

    fn reply(&mut self) -> Reply {
        let line = self.replies.next().unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

fn shown(change: &Change) -> String {
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{}: {} -> {}",
        change.what,
        side(&change.from),
        side(&change.to)
    )
}

/// A role as a resource.
pub(crate) fn role(postgres: &PostgresAccess, role: &RoleSpec) -> Resource {
    Resource {
        id: format!("role:pg-test/{}", role.name),
        module: Module::Pgsql,
        stage: Stage::Objects,
        cluster: Some("pg-test".to_owned()),
        kind: ResourceKind::Role {
            postgres: postgres.clone(),
            role: role.clone(),
        },
    }
}

/// A database as a resource.
pub(crate) fn database(postgres: &PostgresAccess, database: &DatabaseSpec) -> Resource {
    Resource {
        id: format!("database:pg-test/{}", database.name),
        module: Module::Pgsql,
        stage: Stage::Objects,
        cluster: Some("pg-test".to_owned()),
        kind: ResourceKind::Database {
            postgres: postgres.clone(),
            database: Box::new(database.clone()),
        },
    }
}

/// A role that may log in and has nothing special.
pub(crate) fn plain_role(name: &str) -> RoleSpec {
    RoleSpec::login(name)
}

/// A database with nothing special.
pub(crate) fn plain_database(name: &str) -> DatabaseSpec {
    DatabaseSpec {
        name: name.to_owned(),
        allow_connections: true,
        connection_limit: -1,
        ..DatabaseSpec::default()
    }
}
