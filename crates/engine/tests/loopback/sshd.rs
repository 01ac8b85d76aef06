//! A private sshd on loopback, with keys of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sty_engine::{ConnectOptions, Program, SshTarget, Target};
use tempfile::TempDir;

pub(crate) struct Sshd {
    pub(crate) home: TempDir,
    pub(crate) port: u16,
    child: Child,
    masters: std::cell::RefCell<Vec<Target>>,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for key in ["host", "user", "stranger", "chatty"] {
            keygen(&path(key));
        }
        let public = |key: &str| fs::read_to_string(path(&format!("{key}.pub"))).unwrap();
        let authorized = format!(
            "{}command=\"echo welcome\" {}",
            public("user"),
            public("chatty")
        );
        fs::write(path("authorized_keys"), authorized).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 100\nSetEnv HOME={0}\n",
            home.path().display()
        );
        fs::write(path("sshd_config"), config).unwrap();
        fs::write(
            path("known_hosts"),
            format!("[127.0.0.1]:{port} {}", public("host")),
        )
        .unwrap();
        fs::write(path("no_hosts"), "").unwrap();
        let log = fs::File::create(path("sshd.log")).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("package openssh-server is installed");
        let sshd = Self {
            home,
            port,
            child,
            masters: Vec::new().into(),
        };
        sshd.wait();
        sshd
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < deadline,
                "sshd does not listen: {}",
                fs::read_to_string(self.home.path().join("sshd.log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn options(&self) -> ConnectOptions {
        let runtime = self.home.path().join("run");
        fs::create_dir_all(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        ConnectOptions {
            alive_interval: Duration::from_secs(1),
            node_directory: self.node_directory().display().to_string(),
            ..ConnectOptions::new(runtime)
        }
    }

    /// Where the node side keeps its program: not in the real place, this is no node.
    pub(crate) fn node_directory(&self) -> PathBuf {
        self.home.path().join("opt/bin")
    }

    /// A target with a shared connection of its own per `alias`.
    pub(crate) fn target(&self, alias: &str, key: &str, known_hosts: &str, port: u16) -> Target {
        let home = self.home.path();
        let config = home.join(format!("ssh_config-{alias}"));
        let text = format!(
            "Host *\n HostName 127.0.0.1\n HostKeyAlias [127.0.0.1]:{}\n IdentitiesOnly yes\n \
             StrictHostKeyChecking yes\n UserKnownHostsFile {}/{known_hosts}\n GlobalKnownHostsFile none\n \
             KexAlgorithms curve25519-sha256\n",
            self.port,
            home.display()
        );
        fs::write(&config, text).unwrap();
        let target = Target::Ssh(SshTarget {
            host: alias.to_owned(),
            user: None,
            port: Some(port),
            private_key: Some(home.join(key)),
            ssh_config: Some(config),
            prefix: Vec::new(),
        });
        self.masters.borrow_mut().push(target.clone());
        target
    }

    pub(crate) fn good(&self, alias: &str) -> Target {
        self.target(alias, "user", "known_hosts", self.port)
    }

    pub(crate) fn goods(&self, count: usize) -> Vec<(String, Target)> {
        let alias = |number| format!("n-{number}");
        (1..=count)
            .map(|n| (alias(n), self.good(&alias(n))))
            .collect()
    }

    /// Sends a signal to everything that serves a connection.
    pub(crate) fn signal_connections(&self, signal: &str) {
        let served = descendants(self.child.id());
        assert!(!served.is_empty(), "nobody is connected");
        let pids = served.iter().map(u32::to_string);
        let status = Command::new("kill")
            .arg(signal)
            .args(pids)
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Ends all shared connections.
    pub(crate) fn disconnect(&self) {
        let options = self.options();
        self.masters
            .borrow()
            .iter()
            .for_each(|target| target.disconnect(&options));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.disconnect();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

/// The example `node`, built with the tests.
pub(crate) fn program() -> Program {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent().unwrap().parent().unwrap();
    Program::at(&built.join("examples/node")).unwrap()
}

fn descendants(pid: u32) -> Vec<u32> {
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children
        .split_whitespace()
        .map(|child| child.parse().unwrap());
    children
        .flat_map(|child| [vec![child], descendants(child)].concat())
        .collect()
}
