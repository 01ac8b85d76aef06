//! Collects the resources and problems of a node.

use std::collections::BTreeSet;

use sty_core::{Diagnostic, Secret};
use sty_wire::resource::{
    Access, File, FileCheck, Module, PoolerConsole, Resource, ResourceKind, Stage, Unit, UnitState,
};

/// What was found so far.
#[derive(Default)]
pub(crate) struct Desired {
    resources: Vec<Resource>,
    problems: Vec<Diagnostic>,
}

impl Desired {
    /// A group of resources with the same module, stage and cluster.
    pub(crate) fn group<'a>(
        &'a mut self,
        module: Module,
        stage: Stage,
        cluster: Option<&str>,
    ) -> Group<'a> {
        Group {
            desired: self,
            module,
            stage,
            cluster: cluster.map(str::to_owned),
        }
    }

    /// Notes a problem; the rest goes on.
    pub(crate) fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Gives `Ok` through, notes the problem of `Err`.
    pub(crate) fn take<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|problem| self.problem(problem)).ok()
    }

    /// The resources by stage, or the problems.
    pub(crate) fn finish(mut self) -> Result<Vec<Resource>, Vec<Diagnostic>> {
        let mut ids = BTreeSet::new();
        for resource in &self.resources {
            if !ids.insert(resource.id.as_str()) {
                self.problems.push(Diagnostic::error(
                    "desired/twice",
                    format!(
                        "`{}` is asked for twice: a fault of sty itself",
                        resource.id
                    ),
                ));
            }
        }
        drop(ids);
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        self.resources.sort_by_key(|resource| resource.stage);
        Ok(self.resources)
    }
}

/// Adds resources that share module, stage and cluster.
pub(crate) struct Group<'a> {
    desired: &'a mut Desired,
    module: Module,
    stage: Stage,
    cluster: Option<String>,
}

impl Group<'_> {
    /// Adds anything.
    pub(crate) fn push(&mut self, id: impl Into<String>, kind: ResourceKind) {
        self.desired.resources.push(Resource {
            id: id.into(),
            module: self.module,
            stage: self.stage,
            cluster: self.cluster.clone(),
            kind,
        });
    }

    /// A file whose text may be shown.
    pub(crate) fn file(&mut self, path: &str, content: String, access: Access) {
        self.write(path, content, access, false, None);
    }

    /// A file whose text is secret.
    pub(crate) fn secret(&mut self, path: &str, content: String, access: Access) {
        self.write(path, content, access, true, None);
    }

    /// A file that a program must accept first.
    pub(crate) fn checked(
        &mut self,
        path: &str,
        content: String,
        access: Access,
        secret: bool,
        check: FileCheck,
    ) {
        self.write(path, content, access, secret, Some(check));
    }

    fn write(
        &mut self,
        path: &str,
        content: String,
        access: Access,
        secret: bool,
        check: Option<FileCheck>,
    ) {
        self.push(
            file_id(path),
            ResourceKind::File(File {
                path: path.to_owned(),
                content: Secret::new(content),
                secret,
                access,
                check,
            }),
        );
    }

    /// A directory.
    pub(crate) fn directory(&mut self, path: &str, access: Access) {
        self.push(
            format!("directory:{path}"),
            ResourceKind::Directory {
                path: path.to_owned(),
                access,
            },
        );
    }

    /// A file that another program writes.
    pub(crate) fn owned(&mut self, path: &str, access: Access) {
        self.push(
            format!("owned:{path}"),
            ResourceKind::Owned {
                path: path.to_owned(),
                access,
            },
        );
    }

    /// A symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.push(
            format!("link:{path}"),
            ResourceKind::Link {
                path: path.to_owned(),
                target: target.to_owned(),
            },
        );
    }

    /// Nothing at this path.
    pub(crate) fn absent(&mut self, path: &str, recursive: bool) {
        self.push(
            format!("absent:{path}"),
            ResourceKind::PathAbsent {
                path: path.to_owned(),
                recursive,
                mark: None,
            },
        );
    }

    /// A directory of data that should not be; what is in it by which it is known.
    pub(crate) fn data_absent(&mut self, path: &str, mark: &str) {
        self.push(
            format!("absent:{path}"),
            ResourceKind::PathAbsent {
                path: path.to_owned(),
                recursive: true,
                mark: Some(mark.to_owned()),
            },
        );
    }

    /// A unit that runs.
    pub(crate) fn running(&mut self, name: &str, reload_on: &[&str], restart_on: &[&str]) {
        self.unit(unit(name, UnitState::Running, reload_on, restart_on));
    }

    /// A pooler that runs, and serves what it has.
    pub(crate) fn pooler(
        &mut self,
        name: &str,
        reload_on: &[&str],
        restart_on: &[&str],
        console: PoolerConsole,
    ) {
        self.unit(Unit {
            console: Some(console),
            ..unit(name, UnitState::Running, reload_on, restart_on)
        });
    }

    /// HAProxy, which runs, and has everything in service.
    pub(crate) fn proxy(&mut self, name: &str, reload_on: &[&str], stats_socket: &str) {
        self.unit(Unit {
            stats_socket: Some(stats_socket.to_owned()),
            ..unit(name, UnitState::Running, reload_on, &[])
        });
    }

    /// A unit that does not run.
    pub(crate) fn stopped(&mut self, name: &str) {
        self.unit(unit(name, UnitState::Stopped, &[], &[]));
    }

    /// A unit that was set up before and is not wanted any more, with its configuration and
    /// further files that are its alone.
    pub(crate) fn retired(&mut self, name: &str, config: &str, files: &[&str]) {
        self.push(
            format!("retired:{name}"),
            ResourceKind::Retired {
                unit: name.to_owned(),
                config: config.to_owned(),
                files: files.iter().map(|&path| path.to_owned()).collect(),
            },
        );
    }

    fn unit(&mut self, unit: Unit) {
        self.push(format!("unit:{}", unit.name), ResourceKind::Unit(unit));
    }
}

fn unit(name: &str, state: UnitState, reload_on: &[&str], restart_on: &[&str]) -> Unit {
    let own = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
    Unit {
        name: name.to_owned(),
        state,
        reload_on: own(reload_on),
        restart_on: own(restart_on),
        console: None,
        stats_socket: None,
    }
}

/// Resource id of a file.
pub(crate) fn file_id(path: &str) -> String {
    format!("file:{path}")
}
