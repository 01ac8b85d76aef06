//! This machine's apt, told to look at another system's sources and installed packages. Nothing
//! is installed, here or there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::process::{command, output, run};
use crate::stanza::Stanza;
use crate::{Layout, RepoError, disk};

/// One view of packages: what can be had, and what is installed.
#[derive(Debug)]
pub(crate) struct Apt {
    options: Vec<String>,
    state: PathBuf,
}

impl Apt {
    /// The minimal system's sources, with nothing installed: dependencies come out in full.
    pub(crate) fn sources(layout: &Layout, architecture: &str) -> Result<Self, RepoError> {
        let state = layout.apt_state();
        disk::make_dir(&state)?;
        let status = state.join("status");
        disk::write(&status, b"")?;
        Self::new(layout, architecture, state, &status)
    }

    /// The finished repository as the only source of the minimal system. `state` is a directory
    /// of the caller's own.
    pub(crate) fn repository(
        layout: &Layout,
        architecture: &str,
        state: PathBuf,
    ) -> Result<Self, RepoError> {
        disk::make_dir(&state)?;
        let list = state.join("only.sources");
        let (www, key) = (layout.www(), layout.public_key());
        let text = format!(
            "Types: deb\nURIs: file:{}/\nSuites: ./\nSigned-By: {}\n",
            www.display(),
            key.display()
        );
        disk::write(&list, text.as_bytes())?;
        let status = layout.root().join("var/lib/dpkg/status");
        let mut apt = Self::new(layout, architecture, state, &status)?;
        apt.option("Dir::Etc::SourceParts", "/dev/null");
        apt.option("Dir::Etc::SourceList", &list.display().to_string());
        Ok(apt)
    }

    fn new(
        layout: &Layout,
        architecture: &str,
        state: PathBuf,
        status: &Path,
    ) -> Result<Self, RepoError> {
        for name in ["lists/partial", "cache/archives/partial"] {
            disk::make_dir(&state.join(name))?;
        }
        let mut apt = Self {
            options: Vec::new(),
            state: state.clone(),
        };
        let path = |path: &Path| path.display().to_string();
        apt.option("Dir", &path(&layout.root()));
        apt.option("Dir::State", &path(&state));
        apt.option("Dir::State::Lists", &path(&state.join("lists")));
        apt.option("Dir::State::Status", &path(status));
        apt.option("Dir::Cache", &path(&state.join("cache")));
        apt.option("APT::Architecture", architecture);
        apt.option("APT::Sandbox::User", "root");
        apt.option("APT::Install-Recommends", "false");
        apt.option("Acquire::Languages", "none");
        apt.option("Acquire::Retries", "2");
        Ok(apt)
    }

    fn option(&mut self, name: &str, value: &str) {
        self.options.push("-o".to_owned());
        self.options.push(format!("{name}={value}"));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(program);
        command.args(&self.options);
        command
    }

    /// Fetches the package lists.
    pub(crate) fn update(&self) -> Result<(), RepoError> {
        run(self
            .command("apt-get")
            .args(["update", "--quiet", "--error-on=any"]))?;
        disk::write(&self.state.join("updated"), b"")
    }

    /// True when the lists were fetched before.
    pub(crate) fn has_lists(&self) -> bool {
        self.state.join("updated").exists()
    }

    /// Installs on paper; the output tells what would be installed.
    pub(crate) fn simulate(&self, names: &[String]) -> Result<Output, RepoError> {
        output(
            self.command("apt-get")
                .args(["install", "--simulate", "--"])
                .args(names),
        )
    }

    /// Index entries of packages, given as `name` or `name=version`. Those that the lists do not
    /// have are missing in the result.
    pub(crate) fn show(&self, names: &[String]) -> Result<Vec<Stanza>, RepoError> {
        // The exit code tells that some were missing; the caller sees which.
        let output = output(
            self.command("apt-cache")
                .args(["show", "--no-all-versions", "--"])
                .args(names),
        )?;
        Ok(Stanza::parse_all(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Versions of a package that the lists have, newest first.
    pub(crate) fn versions(&self, name: &str) -> Result<Vec<String>, RepoError> {
        let text = run(self.command("apt-cache").args(["madison", name]))?;
        let versions = text.lines().filter_map(|line| line.split('|').nth(1));
        let mut versions: Vec<String> = versions.map(|v| v.trim().to_owned()).collect();
        versions.dedup();
        Ok(versions)
    }

    /// Downloads packages, given as `name=version`, into `dir`; apt checks them.
    pub(crate) fn download(&self, names: &[String], dir: &Path) -> Result<(), RepoError> {
        disk::make_dir(dir)?;
        run(self
            .command("apt-get")
            .current_dir(dir)
            .args(["download", "--quiet", "--"])
            .args(names))?;
        Ok(())
    }
}

/// A directory that goes away with the value.
#[derive(Debug)]
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it is removed before its next use.
        let _ = fs::remove_dir_all(&self.0);
    }
}
