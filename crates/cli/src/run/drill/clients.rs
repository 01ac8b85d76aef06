//! The clients of a drill, and the table that they write to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sty_client::{Connection, Door, Load, Login, Rows, Script};
use sty_drill::IdleClient;
use sty_inventory::model::{PgCluster, Service};

use super::account::Account;
use super::stage::Stage;
use crate::context::InventoryFile;

/// How long a client tries at one door.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long it waits for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long the drill itself waits for one.
const OWN_LIMIT: Duration = Duration::from_secs(30);
/// From one read to the next.
const READ_PERIOD: Duration = Duration::from_millis(50);
/// Numbers of the client that speaks to the old primary alone begin here.
pub(super) const OLD_PRIMARY_FIRST: u64 = 1_000_000_000;
/// Service that rows are read through.
const READ_SERVICE: &str = "replica";

/// Who the clients are and where they come in.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    login: Login,
    port: u16,
    read_port: Option<u16>,
    direct_port: u16,
    rate: u32,
    pooled: bool,
}

impl Clients {
    /// A user as applications are one, in a database of its own; the administrator where there is
    /// none.
    pub(crate) fn new(
        file: &InventoryFile,
        cluster: &PgCluster,
        service: &Service,
        rate: u32,
    ) -> anyhow::Result<Self> {
        let path = file.authority().join("ca.crt");
        let authority = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let account = Account::of(cluster);
        let pooled = sty_desired::is_primary_pool(cluster, service) && account.remark.is_none();
        let login = Login::new(
            &cluster.name,
            &account.user,
            account.password,
            &account.database,
            &authority,
        )?;
        let mut services = cluster.services.iter();
        let reads = services.find(|one| one.name == READ_SERVICE && one.is_served());
        Ok(Self {
            login,
            port: service.port,
            read_port: reads.map(|service| service.port),
            direct_port: cluster.settings.port,
            rate,
            pooled,
        })
    }

    /// Whether they come in through the poolers that stay when the primary moves, in transaction mode:
    /// such clients are promised more.
    pub(crate) fn are_pooled(&self) -> bool {
        self.pooled
    }

    /// Name of the service for reads, where there is one.
    pub(crate) fn read_service(&self) -> Option<String> {
        self.read_port.map(|_| READ_SERVICE.to_owned())
    }

    /// Makes the table anew.
    pub(crate) fn prepare(&self, stage: &Stage<'_>) -> anyhow::Result<()> {
        let sql = "DROP SCHEMA IF EXISTS sty_drill CASCADE; \
                   CREATE SCHEMA sty_drill; \
                   CREATE TABLE sty_drill.row (run int, number bigint, at timestamptz DEFAULT now()); \
                   CREATE INDEX ON sty_drill.row (run, number)";
        self.ask(stage, sql, "make the table of the drill")
            .map(drop)
    }

    /// Removes it.
    pub(crate) fn remove(&self, stage: &Stage<'_>) -> anyhow::Result<()> {
        let sql = "DROP SCHEMA IF EXISTS sty_drill CASCADE";
        self.ask(stage, sql, "remove the table of the drill")
            .map(drop)
    }

    /// How often each number of a run is there.
    pub(crate) fn found(&self, stage: &Stage<'_>, run: u32) -> anyhow::Result<BTreeMap<u64, u64>> {
        let sql =
            format!("SELECT number, count(*) FROM sty_drill.row WHERE run = {run} GROUP BY number");
        let rows = self.ask(stage, &sql, "read the rows of the drill")?;
        let pair = |row: Vec<Option<String>>| {
            let mut values = row.into_iter().flatten().map(|text| text.parse::<u64>());
            Some((values.next()?.ok()?, values.next()?.ok()?))
        };
        let pairs: Option<BTreeMap<u64, u64>> = rows.into_iter().map(pair).collect();
        pairs.context("the rows of the drill are not numbers")
    }

    /// Asks through the service at any member.
    fn ask(&self, stage: &Stage<'_>, sql: &str, what: &str) -> anyhow::Result<Rows> {
        let doors = doors(&addresses(stage, &[]), self.port);
        let answer = stage.among_clients(|| {
            let connection = Connection::open(&self.login, &doors, CONNECT_LIMIT)?;
            connection.query(sql, OWN_LIMIT)
        })?;
        answer.with_context(|| {
            format!(
                "cannot {what} as {} through port {}",
                self.login.user, self.port
            )
        })
    }
}

/// The addresses of the members: those of `first` before the others.
fn addresses(stage: &Stage<'_>, first: &[String]) -> Vec<std::net::IpAddr> {
    let mut instances: Vec<_> = stage.cluster.instances.iter().collect();
    instances.sort_by_key(|instance| !first.contains(&instance.host));
    instances.iter().map(|instance| instance.address).collect()
}

fn doors(addresses: &[std::net::IpAddr], port: u16) -> Vec<Door> {
    let door = |address: &std::net::IpAddr| Door {
        address: *address,
        port,
    };
    addresses.iter().map(door).collect()
}

/// Clients at work.
pub(crate) struct Working {
    pub(crate) writer: Load,
    pub(crate) reader: Option<Load>,
    pub(crate) old_primary: Option<Load>,
    idle: Connection,
}

/// Where the clients of a run come in.
pub(crate) struct Entries {
    /// Hosts, in the order in which a client tries them.
    pub(crate) hosts: Vec<String>,
    /// A host that the fault does not strike.
    pub(crate) bystander: String,
    /// The old primary, where a client should stay with it whatever happens.
    pub(crate) old_primary: Option<String>,
}

impl Clients {
    /// Sets them to work.
    pub(crate) fn start(
        &self,
        stage: &Stage<'_>,
        run: u32,
        entries: &Entries,
        clock: Instant,
    ) -> anyhow::Result<Working> {
        let at = |hosts: &[String]| -> Vec<std::net::IpAddr> {
            let known = hosts
                .iter()
                .filter_map(|host| stage.inventory.nodes.get(host));
            known.map(|node| node.address).collect()
        };
        let inside = at(&entries.hosts);
        let old = entries.old_primary.iter().cloned().collect::<Vec<_>>();
        let old = doors(&at(&old), self.direct_port);
        let idle = doors(&at(std::slice::from_ref(&entries.bystander)), self.port);
        let working = stage.among_clients(|| {
            let idle = Connection::open(&self.login, &idle, CONNECT_LIMIT)?;
            idle.query("SELECT 1", ANSWER_LIMIT)?;
            let writer = self.writer(run, doors(&inside, self.port), 1);
            let reader = self
                .read_port
                .map(|port| Self::reader(doors(&inside, port)));
            let old_primary = (!old.is_empty()).then(|| Script {
                answer_limit: None,
                ..self.writer(run, old, OLD_PRIMARY_FIRST)
            });
            let start = |script| Load::start(self.login.clone(), script, clock);
            Ok::<_, sty_client::ClientError>(Working {
                writer: start(writer),
                reader: reader.map(start),
                old_primary: old_primary.map(start),
                idle,
            })
        })?;
        working.context("the clients of the drill cannot connect")
    }

    fn writer(&self, run: u32, doors: Vec<Door>, first: u64) -> Script {
        Script {
            doors,
            sql: Box::new(move |number| {
                format!(
                    "INSERT INTO sty_drill.row (run, number) VALUES ({run}, {number}) \
                     RETURNING pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
                )
            }),
            first,
            period: Duration::from_secs(1) / self.rate,
            connect_limit: CONNECT_LIMIT,
            answer_limit: Some(ANSWER_LIMIT),
        }
    }

    fn reader(doors: Vec<Door>) -> Script {
        Script {
            doors,
            sql: Box::new(|_| {
                "SELECT number FROM sty_drill.row ORDER BY run DESC, number DESC LIMIT 1".to_owned()
            }),
            first: 1,
            period: READ_PERIOD,
            connect_limit: CONNECT_LIMIT,
            answer_limit: Some(ANSWER_LIMIT),
        }
    }
}

impl Working {
    /// Whether a row sent after this moment was acknowledged.
    pub(crate) fn written_after(&self, moment_us: u64) -> Result<(), String> {
        match self.writer.ledger().serves_after(moment_us) {
            true => Ok(()),
            false => Err("no row has been acknowledged since".to_owned()),
        }
    }

    /// Whether a row sent after this moment was not.
    pub(crate) fn failed_after(&self, moment_us: u64) -> Result<(), String> {
        match self.writer.ledger().fails_after(moment_us) {
            true => Ok(()),
            false => Err("rows are acknowledged still".to_owned()),
        }
    }

    /// Whether everyone was served after this moment.
    pub(crate) fn served_after(&self, moment_us: u64) -> Result<(), String> {
        self.written_after(moment_us)?;
        let read = self.reader.as_ref();
        match read.is_none_or(|reader| reader.ledger().serves_after(moment_us)) {
            true => Ok(()),
            false => Err("no read has been answered since".to_owned()),
        }
    }

    /// Uses the session that was idle.
    pub(crate) fn wake_idle(&self) -> IdleClient {
        let error = self.idle.query("SELECT 1", ANSWER_LIMIT).err();
        IdleClient {
            survived: error.is_none(),
            error: error.map(|error| error.class()),
        }
    }
}
