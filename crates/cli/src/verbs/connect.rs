//! `sty connect CLUSTER [SERVICE]`

use std::io::Write;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use sty_core::{ExitCode, Secret};
use sty_inventory::model::{Inventory, PgCluster, Service};

use crate::args::Global;
use crate::context;
use crate::printer::Printer;
use crate::refusal::refuse;

/// Open psql on a service of a cluster
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sty connect pg-test                          primary, as the administrator
  sty connect pg-test replica -U test -d test
  sty connect pg-test -- -c 'select now()'     options after -- go to psql")]
pub(crate) struct Connect {
    /// Cluster
    cluster: String,
    /// Service
    #[arg(default_value = "primary")]
    service: String,
    /// User; the administrator when not given
    #[arg(short = 'U', long)]
    user: Option<String>,
    /// Database; the first of the cluster when not given
    #[arg(short, long)]
    database: Option<String>,
    /// Further options of psql
    #[arg(last = true)]
    psql: Vec<String>,
}

impl Connect {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
            Ok(valid) => valid,
            Err(code) => return Ok(code),
        };
        let cluster = find_cluster(&inventory, &self.cluster)?;
        let service = find_service(cluster, &self.service)?;
        let user = self
            .user
            .clone()
            .unwrap_or_else(|| cluster.accounts.admin.name.clone());
        let database = self
            .database
            .clone()
            .unwrap_or_else(|| first_database(cluster));
        let hosts: Vec<String> = cluster
            .instances
            .iter()
            .map(|instance| instance.address.to_string())
            .collect();
        let ports = vec![service.port.to_string(); hosts.len()];
        let authority = file.authority().join("ca.crt");
        let target = format!(
            "host={} port={} user={} dbname={} sslmode=verify-ca sslrootcert={} connect_timeout=5",
            hosts.join(","),
            ports.join(","),
            quoted(&user),
            quoted(&database),
            quoted(&authority.display().to_string())
        );
        let sandbox = context::sandbox(global, &file)?;
        let mut command = match &sandbox {
            Some(sandbox) => sandbox.enter_command("psql"),
            None => Command::new("psql"),
        };
        command.arg(&target).args(&self.psql);
        let passwords = password_file(cluster, &user)?;
        command.env("PGPASSFILE", passwords.path());
        // psql must be over before its password file goes: no exec.
        let status = command
            .status()
            .context("cannot start psql: install the package `postgresql-client`")?;
        drop(passwords);
        Ok(if status.success() {
            ExitCode::Done
        } else {
            ExitCode::Failed
        })
    }
}

/// A value of a connection string.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

pub(crate) fn find_cluster<'a>(
    inventory: &'a Inventory,
    name: &str,
) -> anyhow::Result<&'a PgCluster> {
    match inventory.clusters.get(name) {
        Some(cluster) => Ok(cluster),
        None => {
            let known: Vec<&str> = inventory.clusters.keys().map(String::as_str).collect();
            refuse!(
                "there is no cluster `{name}`: the inventory has {}",
                known.join(", ")
            )
        }
    }
}

pub(crate) fn find_service<'a>(cluster: &'a PgCluster, name: &str) -> anyhow::Result<&'a Service> {
    match cluster.services.iter().find(|service| service.name == name) {
        Some(service) => Ok(service),
        None => {
            let known: Vec<&str> = cluster.services.iter().map(|s| s.name.as_str()).collect();
            refuse!(
                "cluster {} has no service `{name}`: it has {}",
                cluster.name,
                known.join(", ")
            )
        }
    }
}

/// The first database that was declared, or `postgres`.
pub(crate) fn first_database(cluster: &PgCluster) -> String {
    let first = cluster
        .databases
        .iter()
        .find(|database| database.name != "postgres");
    first.map_or("postgres".to_owned(), |database| database.name.clone())
}

/// A libpq password file, for this user alone, removed when dropped.
fn password_file(cluster: &PgCluster, user: &str) -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    if let Some(password) = password_of(cluster, user) {
        let (user, password) = (escape(user), escape(password.expose()));
        writeln!(file, "*:*:*:{user}:{password}")?;
        file.flush()?;
    }
    Ok(file)
}

/// The password that the inventory gives a user.
pub(crate) fn password_of(cluster: &PgCluster, user: &str) -> Option<Secret<String>> {
    let role = cluster.roles.iter().find(|role| role.name == user);
    role.and_then(|role| role.password.clone()).or_else(|| {
        let admin = &cluster.accounts.admin;
        (admin.name == user).then(|| admin.password.clone())
    })
}

/// As libpq wants it in a password file.
pub(crate) fn escape(password: &str) -> String {
    password.replace('\\', "\\\\").replace(':', "\\:")
}
