//! The command table. Doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::verbs;

/// PostgreSQL in great STYle: one inventory, a highly available service.
#[derive(Debug, Parser)]
#[command(name = "sty", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sty init full                    write pigsty.yml from a template, with random secrets
  sty check                        find every mistake in it
  sty plan                         show what would change, and what it risks
  sty apply                        change it
  sty status                       see how things are
  sty connect pg-test              open psql on the primary of a cluster";

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Inventory file; `pigsty.yml` in this directory when not given
    #[arg(short, long, global = true, env = "STY_INVENTORY", value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// Reach the nodes through this sandbox; found by the inventory when not given
    #[arg(long, global = true, env = "STY_SANDBOX", value_name = "NAME")]
    pub(crate) sandbox: Option<String>,
    /// What to print on standard output
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Say less: no progress, no notes, no warnings
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: every difference of every action
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For machines: one JSON document, or one per line for plan and apply.
    Json,
}

/// Verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start here: a sandbox with running clusters from a template, on this machine
    Up(verbs::up::Up),
    /// Remove what `up` made
    Down(verbs::down::Down),
    /// Write an inventory from a template, with a random secret for every password
    Init(verbs::init::Init),
    /// Find every mistake in the inventory; touches nothing
    Check(verbs::check::Check),
    /// Print the effective values of a host, group or cluster, and where each came from
    Show(verbs::show::Show),
    /// Show what `apply` would change and what it risks; changes nothing
    Plan(verbs::plan::PlanVerb),
    /// Bring every node to what the inventory says
    Apply(verbs::apply::Apply),
    /// Show clusters, members, services and their health
    Status(verbs::status::Status),
    /// Open psql on a service of a cluster
    Connect(verbs::connect::Connect),
    /// List what earlier applies did
    History(verbs::history::History),
    /// Work on one cluster
    #[command(subcommand)]
    Cluster(verbs::cluster::Cluster),
    /// Break things on purpose and measure what clients notice
    #[command(subcommand)]
    Drill(verbs::drill::Drill),
    /// Work on one node
    #[command(subcommand)]
    Node(verbs::node::Node),
    /// Build and serve the package repository that nodes install from
    #[command(subcommand)]
    Repo(verbs::repo::Repo),
    /// Throw-away nodes on this machine
    #[command(subcommand)]
    Sandbox(verbs::sandbox::Sandbox),
    /// Print the JSON Schema of the inventory, for editors
    Schema(verbs::schema::Schema),
    /// Explain an error code such as `inventory/duplicate-address`
    Explain(verbs::explain::Explain),
    /// Print shell completions
    Completions(verbs::completions::Completions),
    /// Write the generated references
    #[command(hide = true)]
    Docs(verbs::docs::Docs),
    /// Write a large inventory and facts of its nodes, to measure `check` and `plan`
    #[command(hide = true)]
    Generate(verbs::generate::Generate),
    /// The node's side of a session; started by `apply` and others over ssh
    #[command(hide = true)]
    NodeSession,
}

/// Which part of the fleet a command concerns.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Selection {
    /// Only these hosts, groups or clusters; several separated by commas
    ///
    /// Roles, databases and settings of a cluster are its leader's to change. When the limit
    /// leaves the leader out, they wait: plan and apply say so, and apply ends with 4.
    #[arg(short, long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) limit: Vec<String>,
    /// Only these modules; several separated by commas
    #[arg(short, long, value_delimiter = ',', value_enum, value_name = "MODULE")]
    pub(crate) module: Vec<ModuleName>,
}

/// Modules of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModuleName {
    /// The nodes themselves.
    Node,
    /// etcd.
    Etcd,
    /// PostgreSQL with Patroni, PgBouncer and services.
    Pgsql,
}
