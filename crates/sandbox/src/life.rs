//! The life of one node: power on, wait until it answers, power cut.

use std::fs::{self, Permissions};
use std::io::{Read, Seek, SeekFrom};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::cgroup::{self, Group};
use crate::dirs::{NodePlace, Place};
use crate::host::{last_lines, run, run_command};
use crate::state::{NodeRecord, write, write_with_mode};
use crate::{Address, Error, NodeName, Result, SandboxName, mounts, netns, ssh};

/// Longest wait for one answer of a node's sshd.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// User and group id of `sty` in the image.
const USER_ID: u32 = 1000;

/// Whether a node has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// Its processes run.
    Running,
    /// All its processes are stopped.
    Frozen,
    /// It has no process: never started, powered off, killed, or ended by itself.
    Off,
}

impl std::fmt::Display for NodeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NodeState::Running => "running",
            NodeState::Frozen => "frozen",
            NodeState::Off => "off",
        })
    }
}

/// One node with all that is needed to act on it.
pub(crate) struct Node<'a> {
    pub(crate) sandbox: &'a SandboxName,
    pub(crate) name: &'a NodeName,
    pub(crate) record: &'a NodeRecord,
    pub(crate) place: NodePlace,
    pub(crate) group: Group,
}

impl<'a> Node<'a> {
    pub(crate) fn new(
        sandbox: &'a SandboxName,
        place: &Place,
        name: &'a NodeName,
        record: &'a NodeRecord,
    ) -> Result<Self> {
        Ok(Self {
            sandbox,
            name,
            record,
            place: place.node(name),
            group: cgroup::node(sandbox, name)?,
        })
    }

    pub(crate) fn state(&self) -> Result<NodeState> {
        Ok(match self.group.populated()? {
            false => NodeState::Off,
            true if self.group.frozen()? => NodeState::Frozen,
            true => NodeState::Running,
        })
    }

    /// Makes the node's files: directories and its own ssh host key. Nothing runs yet.
    pub(crate) fn prepare(&self) -> Result<()> {
        fs::create_dir_all(&self.place.dir).map_err(Error::io("create", &self.place.dir))?;
        ssh::ensure_key(&self.place.host_key(), &format!("root@{}", self.name))
    }

    /// Power on: disk, network, then systemd in a group of its own. Does not wait for it.
    pub(crate) fn power_on(&self, user_key: &Path) -> Result<()> {
        let below = self.record.below.iter().chain([&self.record.image]);
        mounts::mount(
            &below.map(PathBuf::as_path).collect::<Vec<_>>(),
            &self.place,
        )?;
        self.identify(user_key)?;
        let network = netns::node_script(
            self.sandbox,
            self.name,
            self.record.address,
            &self.record.port,
        );
        write(&self.place.network(), network.as_bytes())?;
        write(&self.place.keeper(), keeper_script(self).as_bytes())?;
        let what = format!("make the network of node `{}`", self.name);
        run(&what, "sh", &[self.place.network().as_os_str()])?;
        // A group that was killed once is not used again: Linux 6.18 kills a process that is
        // started from such a group straight into a new one, as systemd starts services.
        self.group.remove()?;
        for group in ["keeper", "machine", "exec"] {
            self.group.child(group).create()?;
        }
        // Detached in a session of its own: the node outlives the command that started it.
        let start =
            r#"echo 0 >"$1"/cgroup.procs && exec setsid --fork sh "$2" </dev/null >>"$3" 2>&1"#;
        let mut command = Command::new("sh");
        command
            .args(["-c", start, "sh"])
            .arg(self.group.child("keeper").path());
        command
            .arg(self.place.keeper())
            .arg(self.place.console())
            .current_dir("/");
        run_command(&format!("start node `{}`", self.name), &mut command).map(drop)
    }

    /// What makes this node differ from the image, written once: the node may change it.
    fn identify(&self, user_key: &Path) -> Result<()> {
        let root = self.place.root();
        let (name, Address { ip, .. }) = (self.name, self.record.address);
        let machine_id = root.join("etc/machine-id");
        if fs::metadata(&machine_id).map_or(0, |file| file.len()) == 0 {
            write(&machine_id, random_id()?.as_bytes())?;
        }
        write_once(
            &root.join("etc/hostname"),
            format!("{name}\n").as_bytes(),
            0o644,
        )?;
        let hosts =
            format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{ip} {name}\n");
        write_once(&root.join("etc/hosts"), hosts.as_bytes(), 0o644)?;
        for (from, mode) in [
            (self.place.host_key(), 0o600),
            (ssh::public(&self.place.host_key()), 0o644),
        ] {
            let key = fs::read(&from).map_err(Error::io("read", &from))?;
            let name = from.file_name().unwrap_or_default();
            write_once(&root.join("etc/ssh").join(name), &key, mode)?;
        }
        self.authorize(user_key)
    }

    fn authorize(&self, user_key: &Path) -> Result<()> {
        let dir = self.place.root().join("home/sty/.ssh");
        let public = ssh::public(user_key);
        let key = fs::read(&public).map_err(Error::io("read", &public))?;
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let file = dir.join("authorized_keys");
        write_once(&file, &key, 0o600)?;
        for path in [&dir, &file] {
            chown(path, Some(USER_ID), Some(USER_ID))
                .map_err(Error::io("change the owner of", path))?;
        }
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).map_err(Error::io("protect", &dir))
    }

    /// Waits until an ordinary user can log in over ssh.
    pub(crate) fn wait_ready(&self, limit: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let last = match self.obstacle()? {
                None => return Ok(()),
                Some(last) => last,
            };
            let ended = !self.group.populated()?;
            if ended || begin.elapsed() >= limit {
                let last = if ended {
                    "the node ended".to_owned()
                } else {
                    last
                };
                return Err(self.boot_error(limit, last));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What keeps a user from logging in now.
    fn obstacle(&self) -> Result<Option<String>> {
        let Some(init) = self.init_process()? else {
            return Ok(Some("its init process does not run yet".to_owned()));
        };
        if let Err(reason) = self.ssh_banner()? {
            return Ok(Some(reason));
        }
        // systemd keeps ordinary users out until the boot is far enough.
        let barrier = Path::new("/proc")
            .join(init.to_string())
            .join("root/run/nologin");
        Ok(barrier
            .exists()
            .then(|| "logins are not permitted yet (/run/nologin)".to_owned()))
    }

    fn ssh_banner(&self) -> Result<std::result::Result<(), String>> {
        let address = SocketAddr::from((self.record.address.ip, 22));
        netns::within(&self.sandbox.namespace(), move || {
            let mut banner = [0; 4];
            TcpStream::connect_timeout(&address, ANSWER_LIMIT)
                .and_then(|mut stream| {
                    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
                    stream.read_exact(&mut banner)
                })
                .map_err(|error| format!("port 22 of {}: {error}", address.ip()))?;
            if &banner == b"SSH-" {
                Ok(())
            } else {
                Err("port 22 does not speak ssh".to_owned())
            }
        })
    }

    fn boot_error(&self, limit: Duration, last: String) -> Error {
        let log = self.place.console();
        let tail = tail_of(&log).unwrap_or_else(|error| error.to_string());
        Error::Boot {
            node: self.name.to_string(),
            limit,
            last,
            log,
            tail,
        }
    }

    /// Host-side id of the node's process 1.
    pub(crate) fn init_process(&self) -> Result<Option<u32>> {
        let processes = self.group.child("machine").processes()?;
        Ok(processes.into_iter().find(|id| is_init(*id)))
    }

    /// Power cut: the cable first, so that no process can say good-bye, then all processes.
    /// The disk stays; so does the page cache, hence this does not test `fsync`.
    pub(crate) fn power_cut(&self) -> Result<()> {
        if netns::path(&self.sandbox.namespace()).exists() {
            netns::set_link(self.sandbox, &self.record.port, "down")?;
        }
        self.group.kill()?;
        netns::remove(&self.sandbox.node(self.name))
    }
}

/// Runs the machine, and again after it rebooted itself (nspawn then exits with 133).
fn keeper_script(node: &Node<'_>) -> String {
    let (machine, group) = (node.sandbox.node(node.name), node.group.child("machine"));
    format!(
        "#!/bin/sh\n\
         # Keeps node `{name}` of sandbox `{sandbox}` running until it powers off.\n\
         set -u\n\
         while :; do\n\
         (\n\
         echo 0 >{group}/cgroup.procs || exit 1\n\
         export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network\n\
         exec systemd-nspawn --quiet --directory={root} --boot --machine={machine} --hostname={name} \
         --register=no --keep-unit --network-namespace-path=/run/netns/{machine} \
         --capability=CAP_NET_ADMIN --resolv-conf=off --timezone=off --link-journal=no\n\
         )\n\
         code=$?\n\
         echo \"[sty] the machine ended with code $code\"\n\
         [ $code -eq 133 ] || exit $code\n\
         sh {network} || exit 1\n\
         done\n",
        name = node.name,
        sandbox = node.sandbox,
        group = group.path().display(),
        root = node.place.root().display(),
        network = node.place.network().display(),
    )
}

/// Whether a process is number 1 of a process id namespace below the host's.
fn is_init(id: u32) -> bool {
    let status = Path::new("/proc").join(id.to_string()).join("status");
    // A process that ended meanwhile is not the one.
    let Ok(text) = fs::read_to_string(status) else {
        return false;
    };
    let ids = text
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))
        .unwrap_or_default();
    ids.split_whitespace().count() > 1 && ids.split_whitespace().last() == Some("1")
}

/// A new machine id: 32 hexadecimal digits.
fn random_id() -> Result<String> {
    let source = Path::new("/proc/sys/kernel/random/uuid");
    let text = fs::read_to_string(source).map_err(Error::io("read", source))?;
    Ok(text.replace('-', ""))
}

fn write_once(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    write_with_mode(path, content, mode)
}

/// Last lines of a log, of which only the end is read.
fn tail_of(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).map_err(Error::io("open", path))?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(8192)))
        .map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(Error::io("read", path))?;
    Ok(last_lines(&String::from_utf8_lossy(&bytes), 15))
}
