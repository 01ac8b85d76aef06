//! A private PostgreSQL server in a temporary directory, as an unprivileged user.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::{Client, Config, NoTls};
use sty_wire::resource::PostgresAccess;
use tempfile::TempDir;

const PORT: u16 = 5432;
const USER: &str = "postgres";

/// Every PostgreSQL installed here, by its program directory, newest first.
pub(crate) fn installed() -> Vec<PathBuf> {
    let mut majors: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((major, programs))
        })
        .collect();
    majors.sort_by(|left, right| right.cmp(left));
    assert!(
        !majors.is_empty(),
        "no PostgreSQL server in /usr/lib/postgresql: install one with \
         `apt-get install --no-install-recommends postgresql`"
    );
    majors.into_iter().map(|(_, programs)| programs).collect()
}

/// A running server; ends with the value.
pub(crate) struct Server {
    directory: TempDir,
    programs: PathBuf,
    account: (u32, u32),
}

impl Server {
    /// Makes and starts a server with the newest programs.
    pub(crate) fn start() -> Self {
        Self::start_with(&installed()[0])
    }

    /// Makes and starts a server with these programs.
    pub(crate) fn start_with(programs: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Self {
            account: account(),
            programs: programs.to_owned(),
            directory,
        };
        chown(
            server.path(),
            Some(server.account.0),
            Some(server.account.1),
        )
        .unwrap();
        server.run(
            "initdb",
            &[
                "--no-sync",
                "--auth=trust",
                "--username",
                USER,
                "--encoding=UTF8",
                "--locale=C",
            ],
        );
        let log = "log_destination = stderr\nlogging_collector = off\nlog_statement = all\n";
        let quick = "fsync = off\nfull_page_writes = off\nlisten_addresses = ''\n";
        let socket = format!("unix_socket_directories = '{}'\n", server.path().display());
        let config = server.data().join("postgresql.auto.conf");
        fs::write(&config, format!("{log}{quick}{socket}")).unwrap();
        chown(&config, Some(server.account.0), Some(server.account.1)).unwrap();
        server.up();
        server
    }

    /// Starts it and waits until it answers.
    pub(crate) fn up(&self) {
        let log = self.log_path();
        self.run(
            "pg_ctl",
            &[
                "--wait",
                "--silent",
                "--log",
                log.to_str().unwrap(),
                "start",
            ],
        );
    }

    /// Stops it.
    pub(crate) fn down(&self) {
        self.run("pg_ctl", &["--wait", "--silent", "--mode=fast", "stop"]);
    }

    /// Makes it a replica of nobody and starts it again.
    pub(crate) fn follow_nobody(&self) {
        self.down();
        let signal = self.data().join("standby.signal");
        fs::write(&signal, "").unwrap();
        chown(&signal, Some(self.account.0), Some(self.account.1)).unwrap();
        self.up();
    }

    /// How the node program reaches it.
    pub(crate) fn access(&self) -> PostgresAccess {
        PostgresAccess {
            socket_dir: self.path().to_str().unwrap().to_owned(),
            port: PORT,
            user: USER.to_owned(),
        }
    }

    /// A session of the test's own.
    pub(crate) fn connect(&self, database: &str) -> Client {
        self.connect_as(USER, database).unwrap()
    }

    /// A session of somebody.
    pub(crate) fn connect_as(&self, user: &str, database: &str) -> Result<Client, postgres::Error> {
        let mut config = Config::new();
        config
            .host_path(self.path())
            .port(PORT)
            .user(user)
            .dbname(database);
        config.connect(NoTls)
    }

    /// Everything the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    /// Adds lines to its configuration file as it was made, in place of those added before.
    pub(crate) fn configure(&self, lines: &str) {
        let original = self.path().join("postgresql.conf.original");
        if !original.exists() {
            fs::copy(self.config_path(), &original).unwrap();
        }
        let text = fs::read_to_string(&original).unwrap();
        fs::write(self.config_path(), format!("{text}\n{lines}\n")).unwrap();
    }

    /// Has it read its files again.
    pub(crate) fn reload(&self) {
        self.run("pg_ctl", &["--silent", "reload"]);
    }

    /// Its configuration file.
    pub(crate) fn config_path(&self) -> String {
        let path = self.data().join("postgresql.conf");
        path.to_str().unwrap().to_owned()
    }

    /// What ALTER SYSTEM has written.
    pub(crate) fn auto_conf(&self) -> String {
        fs::read_to_string(self.data().join("postgresql.auto.conf")).unwrap()
    }

    /// Major version.
    pub(crate) fn major(&self) -> u32 {
        let name = self.programs.parent().unwrap().file_name().unwrap();
        name.to_str().unwrap().parse().unwrap()
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.path().join("server.log")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .arg("--pgdata")
            .arg(self.data())
            .args(arguments)
            .env("LC_ALL", "C")
            .uid(self.account.0)
            .gid(self.account.1)
            .current_dir(self.path());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let out = self.path().join(format!("{program}.out"));
        let file = fs::File::create(&out).unwrap();
        let mut command = self.command(program, arguments);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let status = command.status().unwrap();
        let said = fs::read_to_string(&out).unwrap();
        assert!(status.success(), "{program} {arguments:?}: {said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = ["--wait", "--silent", "--mode=immediate", "stop"];
        // Already down in tests that stop it.
        let _ = self.command("pg_ctl", &stop).output();
    }
}

/// PostgreSQL refuses to run as root: the account `postgres`, made by the package.
fn account() -> (u32, u32) {
    let number = |flag: &str| {
        let output = Command::new("id").args([flag, USER]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap_or_else(|_| {
            panic!("no account `{USER}`: install the package `postgresql-common`")
        })
    };
    (number("-u"), number("-g"))
}
