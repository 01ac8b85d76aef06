//! `sty cluster history` and `sty cluster config`: what Patroni keeps of a cluster.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use sty_core::ExitCode;
use sty_wire::status::{PatroniRecords, StatusQuery};

use crate::args::Global;
use crate::context;
use crate::printer::{Printer, table};
use crate::refusal::refuse;
use crate::run::look;

/// When and where the primary has moved, timeline by timeline
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster history pg-test")]
pub(crate) struct History {
    /// Cluster
    name: String,
}

#[derive(Serialize)]
struct Line<'a> {
    timeline: u64,
    next_timeline: u64,
    ended_at_wal_position: u64,
    at: Option<&'a str>,
    new_leader: Option<&'a str>,
}

impl History {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let records = match records(&self.name, global, printer)? {
            Ok(records) => records,
            Err(code) => return Ok(code),
        };
        let lines: Vec<Line<'_>> = records
            .history
            .iter()
            .map(|one| Line {
                timeline: one.timeline,
                next_timeline: one.next,
                ended_at_wal_position: one.wal_position,
                at: one.at.as_deref(),
                new_leader: one.leader.as_deref(),
            })
            .collect();
        if printer.is_json() {
            printer.json(&lines)?;
            return Ok(ExitCode::Done);
        }
        if lines.is_empty() {
            printer.data(format!("the primary of {} has never moved", self.name));
            return Ok(ExitCode::Done);
        }
        let mut shown = table(&["TIMELINE", "ENDED AT", "TIME", "NEW PRIMARY", "NEXT"]);
        for line in &lines {
            shown.add_row([
                line.timeline.to_string(),
                lsn(line.ended_at_wal_position),
                line.at.unwrap_or("-").to_owned(),
                line.new_leader.unwrap_or("-").to_owned(),
                line.next_timeline.to_string(),
            ]);
        }
        printer.data(shown.to_string());
        Ok(ExitCode::Done)
    }
}

/// As PostgreSQL prints it.
fn lsn(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xffff_ffff)
}

/// The dynamic configuration that Patroni keeps in etcd
///
/// It is made from the inventory: change it there, and `sty apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sty cluster config pg-test --output json | jq .ttl")]
pub(crate) struct Config {
    /// Cluster
    name: String,
}

impl Config {
    pub(super) fn run(&self, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
        let records = match records(&self.name, global, printer)? {
            Ok(records) => records,
            Err(code) => return Ok(code),
        };
        if printer.is_json() {
            printer.json(&records.config)?;
        } else {
            let mut lines = BTreeMap::new();
            flatten("", &records.config, &mut lines);
            for (name, value) in lines {
                printer.data(format!("{name} = {value}"));
            }
        }
        Ok(ExitCode::Done)
    }
}

/// Dotted names and values.
fn flatten(path: &str, value: &serde_json::Value, lines: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (name, inner) in map {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                flatten(&path, inner, lines);
            }
        }
        serde_json::Value::String(text) => drop(lines.insert(path.to_owned(), text.clone())),
        other => drop(lines.insert(path.to_owned(), other.to_string())),
    }
}

/// What the first member that answers tells.
fn records(
    name: &str,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<Result<PatroniRecords, ExitCode>> {
    let (file, inventory) = match context::valid_inventory(global, &printer.calm())? {
        Ok(valid) => valid,
        Err(code) => return Ok(Err(code)),
    };
    let cluster = super::named(&inventory, name)?;
    let sandbox = context::sandbox(global, &file)?;
    let hosts = cluster.instances.iter().map(|one| one.host.clone());
    let targets = look::targets(&inventory, hosts, sandbox.as_ref())?;
    let mut fleet = look::connect(&targets, printer)?;
    let hosts: Vec<String> = fleet.sessions.keys().cloned().collect();
    let queries = hosts.into_iter().filter_map(|host| {
        let query = StatusQuery {
            patroni: vec![sty_desired::patroni_member(&inventory, &host)?],
            records: true,
            ..StatusQuery::default()
        };
        Some((host, query))
    });
    let answers = fleet.status(&queries.collect());
    let mut members = answers.into_values().filter_map(Result::ok);
    let found = members.find_map(|node| node.patroni.into_iter().find_map(|one| one.records));
    match found {
        Some(records) => Ok(Ok(records)),
        None => refuse!("no Patroni of cluster {name} answers\nhint: look at it with `sty status`"),
    }
}
