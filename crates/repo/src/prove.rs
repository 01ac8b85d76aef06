//! Proof that a repository suffices: each role installed on paper in the minimal system, with
//! this repository as the only source, its signature checked.

use sty_catalog::Os;

use crate::apt::{Apt, Scratch};
use crate::process::last_lines;
use crate::{Event, Layout, RepoError, disk};

/// Installs each set of packages on paper.
pub(crate) fn prove(
    layout: &Layout,
    os: &Os,
    architecture: &str,
    sets: &[Vec<String>],
    on: &mut dyn FnMut(Event),
) -> Result<(), RepoError> {
    on(Event::Proving(sets.len()));
    let scratch = Scratch(layout.dir().join("proof"));
    disk::remove_dir(&scratch.0)?;
    let apt = Apt::repository(layout, architecture, scratch.0.clone())?;
    apt.update()?;
    for set in sets.iter().filter(|set| !set.is_empty()) {
        let output = apt.simulate(set)?;
        if !output.status.success() {
            let mut said = output.stdout;
            said.extend(&output.stderr);
            return Err(RepoError::Incomplete {
                os: os.name.clone(),
                packages: set.join(" "),
                reason: last_lines(&said),
            });
        }
    }
    Ok(())
}
