//! `sty repo ...`

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use sty_catalog::Catalog;
use sty_core::ExitCode;

use crate::args::Global;
use crate::context;
use crate::printer::{BOLD, GREEN, Printer, bytes, count, paint, table};
use crate::run::packages;

/// Build and serve the package repository that nodes install from
#[derive(Debug, Subcommand)]
pub(crate) enum Repo {
    /// Make the repository, or fetch what is missing
    Build(Build),
    /// Serve it over HTTP until interrupted
    Serve(Serve),
    /// List repositories and the versions they hold
    List,
}

/// Make the repository, or fetch what is missing
///
/// It holds every package that the modules need and those that the inventory names, dependencies
/// complete, resolved against the nodes' operating system, signed with a key of its own. A lock
/// file fixes the versions.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// Operating system of the nodes
    #[arg(long, default_value = packages::NODE_OS)]
    os: String,
    /// Take newer versions than the lock file has
    #[arg(long)]
    update: bool,
}

/// Serve it over HTTP until interrupted
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
}

impl Repo {
    pub(crate) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        match self {
            Self::Build(build) => build.run(global, printer),
            Self::Serve(serve) => {
                printer.note(format!("serving packages at {}", serve.listen));
                packages::serve(serve.listen)?;
                Ok(ExitCode::Done)
            }
            Self::List => list(printer),
        }
    }
}

impl Build {
    fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let os = Catalog::builtin().os(&self.os)?;
        let inventory = match context::inventory_path(global) {
            Ok(_) => match context::valid_inventory(global, &printer.calm())? {
                Ok((_, inventory)) => Some(inventory),
                Err(code) => return Ok(code),
            },
            Err(_) => None, // every role, then
        };
        let report = packages::build(os, inventory.as_ref(), self.update, printer)?;
        let done = if report.unchanged {
            "unchanged, nothing was downloaded".to_owned()
        } else {
            format!(
                "{} downloaded ({}), {} removed",
                report.downloaded,
                bytes(report.downloaded_bytes),
                report.removed
            )
        };
        let name = paint(BOLD, &os.id);
        printer.say(format!(
            "{} {name}: {}, {done}",
            paint(GREEN, "ok"),
            count(report.packages, "package")
        ));
        Ok(ExitCode::Done)
    }
}

fn list(printer: &Printer) -> anyhow::Result<ExitCode> {
    for summary in sty_repo::list(&packages::cache()).map_err(packages::told)? {
        printer.data(format!(
            "{}  {}, {}, {}",
            paint(BOLD, &summary.os),
            summary.architecture,
            count(summary.packages, "package"),
            bytes(summary.size_bytes)
        ));
        let mut rows = table(&["  PACKAGE", "VERSION"]);
        for (package, version) in &summary.requested {
            rows.add_row([format!("  {package}"), version.clone()]);
        }
        printer.data(rows.to_string());
    }
    Ok(ExitCode::Done)
}
