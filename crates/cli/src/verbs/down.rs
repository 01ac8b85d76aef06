//! `sty down`

use anyhow::Context as _;
use clap::Args;
use sty_core::ExitCode;
use sty_sandbox::{Dirs, SandboxName};

use crate::printer::{Printer, count};
use crate::verbs::up;

/// Remove what `up` made
///
/// Stops and removes every sandbox that `up` started, with its disks, inventory and authority.
/// Images and packages stay in the cache. Other sandboxes are not touched.
#[derive(Debug, Args)]
pub(crate) struct Down {}

impl Down {
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let homes = up::homes();
        let mut removed = 0;
        if homes.exists() {
            for entry in std::fs::read_dir(&homes)? {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                let name = SandboxName::new(name.unwrap_or_default())?;
                let gone = sty_sandbox::down(&Dirs::from_environment(), &name)?;
                std::fs::remove_dir_all(&path)
                    .with_context(|| format!("cannot remove `{}`", path.display()))?;
                printer.note(format!(
                    "removed sandbox {name} with {}",
                    count(gone.nodes.len(), "node")
                ));
                removed += 1;
            }
        }
        if removed == 0 {
            printer.note("there is nothing to remove");
        }
        Ok(ExitCode::Done)
    }
}
