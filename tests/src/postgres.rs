//! Being a client of the clusters.

use std::io::Write;

use crate::{Ran, World, run};

impl World {
    /// Runs SQL over TCP with TLS as `user`, whose password is taken from the inventory.
    pub fn sql(&self, address: &str, port: u16, user: &str, database: &str, sql: &str) -> Ran {
        let authority = self.home().join("files/pki/ca/ca.crt");
        let target = format!(
            "host={address} port={port} user={user} dbname={database} sslmode=verify-ca \
             sslrootcert={} connect_timeout=5",
            authority.display()
        );
        let mut command = self.inside("psql");
        command
            .args([
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                sql,
                &target,
            ])
            .env("PGPASSFILE", self.passwords());
        run(command)
    }

    /// Runs SQL as the superuser on a node, over its Unix socket.
    pub fn superuser(&self, node: &str, database: &str, sql: &str) -> Ran {
        let quoted = sql.replace('\'', "'\\''");
        let script = format!("runuser -u postgres -- psql -X -A -t -q -d {database} -c '{quoted}'");
        self.on(node, &script)
    }

    /// A password file for libpq with every user and password of the inventory.
    pub fn passwords(&self) -> std::path::PathBuf {
        let path = self.home().join("pgpass");
        // A client may read the one that is there just now.
        let mut file = tempfile::NamedTempFile::new_in(self.home()).expect("a temporary file");
        for (user, password) in self.credentials() {
            writeln!(file, "*:*:*:{user}:{password}").expect("the password file can be written");
        }
        file.persist(&path)
            .expect("the password file can be put in its place");
        path
    }

    fn credentials(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.inventory()).expect("the inventory can be read");
        let mut found = Vec::new();
        let mut last = String::new();
        for line in text.lines() {
            if let Some(name) = field(line, "name:") {
                last = name;
            }
            if let Some(password) = field(line, " password:") {
                found.push((last.clone(), password));
            }
            for (key, user) in [
                ("pg_admin_password:", "dbuser_dba"),
                ("pg_monitor_password:", "dbuser_monitor"),
            ] {
                if let Some(password) = field(line, key) {
                    found.push((user.to_owned(), password));
                }
            }
        }
        found
    }
}

/// The word after `key` in a line of YAML.
fn field(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(key)?;
    let end = rest.find([',', '}', '#']).unwrap_or(rest.len());
    Some(rest[..end].trim().trim_matches(['\'', '"']).to_owned())
}
