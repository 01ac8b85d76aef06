//! The file system that all nodes share: a small but whole Debian, built once.
//!
//! What differs from an installation by Debian's installer, and why:
//! - no package source: nodes get one from the product, so nothing is fetched from elsewhere;
//! - no manuals and documentation (dpkg path excludes, which stay in force on the nodes);
//! - no login prompts on consoles and no apt timers, which would take the package lock at a
//!   time of their own;
//! - no machine id, host keys or host name: each node has its own.
//!
//! dpkg syncs to disk as it does in production.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::host::{self, last_lines, require, spawn_failed};
use crate::{Dirs, Error, Progress, Result, mounts};

const SUITE: &str = "trixie";

/// What a server installation of Debian has too: systemd, sshd, and the interpreters and time
/// zones of its standard system.
const PACKAGES: &[&str] = &[
    "ca-certificates",
    "dbus",
    "iproute2",
    "iputils-ping",
    "libpam-systemd",
    "netbase",
    "openssh-server",
    "perl",
    "procps",
    "python3",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
];

const UNWANTED_FILES: &[&str] = &[
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
];

/// Run by mmdebstrap with the new root directory as `$1`.
const CUSTOMIZE: &str = r#"set -eu
root=$1
: > "$root/etc/apt/sources.list"
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/etc/ssh/ssh_host_*
rm -f "$root/etc/hostname" "$root/etc/hosts" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
: > "$root/etc/machine-id"
chroot "$root" useradd --uid 1000 --create-home --shell /bin/bash sty
printf 'sty ALL=(ALL:ALL) NOPASSWD: ALL\n' > "$root/etc/sudoers.d/sty"
chmod 440 "$root/etc/sudoers.d/sty"
printf 'LANG=C.UTF-8\n' > "$root/etc/default/locale"
for unit in console-getty.service getty.target apt-daily.timer apt-daily-upgrade.timer fstrim.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# /usr is not newer than /etc and /var: the first boot has no caches to build.
chroot "$root" ldconfig
touch "$root/etc/.updated" "$root/var/.updated"
"#;

/// A built image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its file tree. Nothing may write to it.
    pub path: PathBuf,
    /// First 16 hexadecimal digits of the SHA-256 of its recipe.
    pub digest: String,
    /// Whether this call built it.
    pub built: bool,
}

/// Finds the image, or builds it (about 25 s, from the package mirror that mmdebstrap uses).
///
/// Two builders at once: the second waits and uses what the first built. An interrupted build
/// leaves no image. Touches this machine only.
///
/// # Errors
/// When this is not root, mmdebstrap is missing or fails, or files cannot be written.
pub fn ensure(dirs: &Dirs, progress: &dyn Progress) -> Result<Image> {
    host::require_root()?;
    let digest = digest();
    let path = dirs.images().join(format!("{SUITE}-{digest}"));
    let image = |built| Image {
        path: path.clone(),
        digest: digest.clone(),
        built,
    };
    if path.is_dir() {
        return Ok(image(false));
    }
    require(host::IMAGE)?;
    fs::create_dir_all(dirs.images()).map_err(Error::io("create", &dirs.images()))?;
    let lock = dirs.images().join(".lock");
    let file = File::create(&lock).map_err(Error::io("create", &lock))?;
    file.lock().map_err(Error::io("lock", &lock))?;
    if path.is_dir() {
        return Ok(image(false));
    }
    build(&path, progress)?;
    Ok(image(true))
}

fn build(path: &Path, progress: &dyn Progress) -> Result<()> {
    remove_drafts(path)?;
    // A name of its own: what an interrupted builder may still write cannot get in here.
    let draft = path.with_extension(format!("building-{}", std::process::id()));
    progress.say("image", "building the node image (Debian 13)");
    debootstrap(&draft, progress)?;
    // A crash of the host after the rename must not leave an image with empty files.
    let dir = File::open(&draft).map_err(Error::io("open", &draft))?;
    nix::unistd::syncfs(&dir).map_err(Error::errno("sync", &draft))?;
    fs::rename(&draft, path).map_err(Error::io("rename", &draft))?;
    progress.say("image", "the node image is built");
    Ok(())
}

/// Removes what interrupted builds left; the lock is held, so nobody needs it.
fn remove_drafts(path: &Path) -> Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    let prefix = format!("{}.building-", name.to_string_lossy());
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let draft = entry.map_err(Error::io("list", dir))?.path();
        if draft
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        {
            mounts::unmount_below(&draft)?;
            fs::remove_dir_all(&draft).map_err(Error::io("remove", &draft))?;
        }
    }
    Ok(())
}

fn debootstrap(target: &Path, progress: &dyn Progress) -> Result<()> {
    let what = "build the node image";
    let mut command = Command::new("mmdebstrap");
    command
        .args(recipe())
        .args([SUITE.as_ref(), target.as_os_str()])
        .env("LC_ALL", "C.UTF-8");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| spawn_failed(what, &command, &source))?;
    let mut output = String::new();
    if let Some(pipe) = child.stderr.take() {
        follow(pipe, &mut output, progress);
    }
    let status = child
        .wait()
        .map_err(Error::io("wait for mmdebstrap building", target))?;
    if status.success() {
        return Ok(());
    }
    let (command, status) = (
        format!("mmdebstrap … {SUITE} {}", target.display()),
        status.to_string(),
    );
    Err(Error::Command {
        what: what.to_owned(),
        command,
        status,
        output: last_lines(&output, 15),
    })
}

/// Reads what mmdebstrap reports until it closes the pipe; its steps are progress.
fn follow(pipe: impl Read, output: &mut String, progress: &dyn Progress) {
    for line in BufReader::new(pipe).split(b'\n') {
        // A broken pipe ends the report; the exit status tells the result.
        let Ok(line) = line else { return };
        let line = String::from_utf8_lossy(&line);
        if let Some(step) = line
            .strip_prefix("I: ")
            .filter(|step| !step.contains("hook"))
        {
            progress.say("image", step.trim_end());
        }
        output.push_str(&line);
        output.push('\n');
    }
}

/// Everything that decides what is in the image, besides the versions the mirror has.
fn recipe() -> Vec<String> {
    let mut arguments = vec![
        "--mode=root".to_owned(),
        "--format=directory".to_owned(),
        "--variant=minbase".to_owned(),
    ];
    arguments.push(format!("--include={}", PACKAGES.join(",")));
    arguments.extend(
        UNWANTED_FILES
            .iter()
            .map(|files| format!("--dpkgopt=path-exclude={files}")),
    );
    arguments.push(format!("--customize-hook={CUSTOMIZE}"));
    arguments
}

fn digest() -> String {
    let mut hash = Sha256::new();
    for argument in recipe().iter().map(String::as_str).chain([SUITE]) {
        hash.update(argument);
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_stable_and_of_fixed_length() {
        assert_eq!(digest(), digest());
        assert_eq!(digest().len(), 16);
    }

    #[test]
    fn what_mmdebstrap_reports_becomes_progress() {
        let seen = std::sync::Mutex::new(Vec::new());
        let progress =
            |subject: &str, text: &str| seen.lock().unwrap().push(format!("{subject}: {text}"));
        let mut output = String::new();
        follow(
            "I: downloading\nW: odd\n".as_bytes(),
            &mut output,
            &progress,
        );
        assert_eq!(*seen.lock().unwrap(), ["image: downloading"]);
        assert!(output.ends_with("W: odd\n"));
    }
}
