//! How a node is reached: `ssh`, or directly.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::connect::ConnectOptions;
use crate::shell::quote;

/// Where a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This machine; `sudo -n` when not root.
    Local,
    /// Over ssh.
    Ssh(SshTarget),
}

/// A node behind ssh. What is `None` is left to the operator's own ssh configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshTarget {
    /// Address or name.
    pub host: String,
    /// Login user.
    pub user: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// Private key.
    pub private_key: Option<PathBuf>,
    /// Configuration used instead of the operator's own.
    pub ssh_config: Option<PathBuf>,
    /// Command in front of `ssh`, such as `nsenter --net=/run/netns/NAME`.
    pub prefix: Vec<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this machine"),
            Self::Ssh(ssh) => {
                if let Some(user) = &ssh.user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&ssh.host)?;
                ssh.port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}

impl Target {
    /// The command that runs `script` in a POSIX shell there.
    ///
    /// It has its own process group or session, so that Ctrl-C in the terminal reaches the
    /// controller alone and running actions can finish.
    pub(crate) fn shell(&self, script: &str, options: &ConnectOptions) -> Command {
        match self {
            Self::Local => {
                // Its own session: sudo must not find the terminal.
                let mut command = Command::new("setsid");
                command.args(["--wait", "sh", "-c", script]);
                command
            }
            Self::Ssh(ssh) => {
                let mut command = ssh.command(options);
                command.arg("--").arg(&ssh.host);
                command.arg(format!("exec sh -c {}", quote(script)));
                command.process_group(0);
                command
            }
        }
    }

    /// Socket of the shared connection.
    pub(crate) fn control_path(&self, options: &ConnectOptions) -> Option<PathBuf> {
        match self {
            Self::Local => None,
            Self::Ssh(ssh) => Some(ssh.control_path(&options.runtime_directory)),
        }
    }

    /// Ends the shared connection to this target, if there is one.
    pub fn disconnect(&self, options: &ConnectOptions) {
        self.tell_master("exit", options);
    }

    /// Leaves the shared connection to those that use it: a new one is made for whoever comes.
    pub(crate) fn forget(&self, options: &ConnectOptions) {
        self.tell_master("stop", options);
    }

    fn tell_master(&self, what: &str, options: &ConnectOptions) {
        if let Self::Ssh(ssh) = self {
            let mut command = ssh.command(options);
            command.args(["-O", what, "--"]).arg(&ssh.host);
            // A master that does not answer is left to its keep-alive; without its socket nobody
            // finds it.
            command.process_group(0);
            quietly(command);
            let _ = std::fs::remove_file(ssh.control_path(&options.runtime_directory));
        }
    }
}

impl SshTarget {
    fn command(&self, options: &ConnectOptions) -> Command {
        let mut words = self.prefix.iter().map(OsString::from);
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg("ssh");
                command
            }
            None => Command::new("ssh"),
        };
        command.args(["-T", "-x", "-a"]);
        if let Some(config) = &self.ssh_config {
            command.arg("-F").arg(config);
        }
        for (name, value) in self.settings(options) {
            command.arg("-o").arg(format!("{name}={value}"));
        }
        if let Some(key) = &self.private_key {
            command.arg("-i").arg(key);
        }
        if let Some(user) = &self.user {
            command.args(["-l", user]);
        }
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        command
    }

    fn settings(&self, options: &ConnectOptions) -> Vec<(&'static str, String)> {
        let control = self.control_path(&options.runtime_directory);
        vec![
            ("BatchMode", "yes".to_owned()),
            ("LogLevel", "ERROR".to_owned()),
            ("ControlMaster", "auto".to_owned()),
            ("ControlPath", control.display().to_string()),
            ("ControlPersist", options.persist.as_secs().to_string()),
            (
                "ConnectTimeout",
                options.connect_limit.as_secs().to_string(),
            ),
            (
                "ServerAliveInterval",
                options.alive_interval.as_secs().to_string(),
            ),
            ("ServerAliveCountMax", "3".to_owned()),
            ("Compression", "no".to_owned()),
            ("ClearAllForwardings", "yes".to_owned()),
            ("PermitLocalCommand", "no".to_owned()),
            ("RemoteCommand", "none".to_owned()),
        ]
    }

    /// Depends on all that decides where the connection leads, so that one to an older sandbox of
    /// the same name, or made with other keys, is never taken for this one.
    fn control_path(&self, runtime_directory: &Path) -> PathBuf {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(self.host.as_bytes());
        add(self.user.as_deref().unwrap_or_default().as_bytes());
        add(&self.port.unwrap_or_default().to_be_bytes());
        for file in [&self.private_key, &self.ssh_config] {
            let path = file.as_deref().unwrap_or(Path::new(""));
            add(path.as_os_str().as_bytes());
            add(&identity(path));
        }
        for word in &self.prefix {
            add(word.as_bytes());
            add(&identity(Path::new(
                word.rsplit('=').next().unwrap_or(word),
            )));
        }
        let digest = format!("{:x}", hash.finalize());
        let short: String = digest.chars().take(20).collect();
        runtime_directory.join(short)
    }
}

/// Runs a command of which only the exit code matters. Its output is not read: a shared
/// connection that it leaves behind may hold the streams open.
pub(crate) fn quietly(mut command: Command) -> Option<i32> {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().ok()?.code()
}

/// What distinguishes a file (or network namespace) from a later one of the same name.
fn identity(path: &Path) -> Vec<u8> {
    match std::fs::metadata(path) {
        Ok(found) if path.is_absolute() => [found.dev(), found.ino()]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SshTarget, Target};
    use crate::connect::ConnectOptions;

    fn words(target: &SshTarget) -> Vec<String> {
        let options = ConnectOptions::new("/run/sty".into());
        Target::Ssh(target.clone())
            .shell("exit 0", &options)
            .get_args()
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn ssh_gets_what_the_inventory_says_and_no_more() {
        let plain = SshTarget {
            host: "-oProxyCommand=x".into(),
            ..SshTarget::default()
        };
        let line = words(&plain);
        assert!(
            !line
                .iter()
                .any(|word| ["-l", "-p", "-i", "-F"].contains(&word.as_str()))
        );
        let end = line.iter().position(|word| word == "--").unwrap();
        assert_eq!(line[end + 1..], ["-oProxyCommand=x", "exec sh -c 'exit 0'"]);

        let full = SshTarget {
            host: "10.10.10.11".into(),
            user: Some("dba".into()),
            port: Some(2222),
            private_key: Some("/k".into()),
            ssh_config: Some("/c".into()),
            prefix: vec!["nsenter".into(), "--net=/run/netns/x".into()],
        };
        let line = words(&full).join(" ");
        assert!(line.starts_with("--net=/run/netns/x ssh -T -x -a -F /c -o BatchMode=yes"));
        assert!(
            line.contains(" -i /k -l dba -p 2222 -- 10.10.10.11 "),
            "{line}"
        );
        assert_eq!(Target::Ssh(full).to_string(), "dba@10.10.10.11:2222");
    }

    #[test]
    fn shared_connections_are_told_apart() {
        let one = SshTarget {
            host: "a".into(),
            ..SshTarget::default()
        };
        let two = SshTarget {
            port: Some(22),
            ..one.clone()
        };
        let path = |target: &SshTarget| target.control_path(Path::new("/run/sty"));
        assert_eq!(path(&one), path(&one.clone()));
        assert_ne!(path(&one), path(&two));
        // ssh adds 17 bytes while it makes the socket; the limit is 108.
        assert!(path(&one).as_os_str().len() < 80);
    }
}
