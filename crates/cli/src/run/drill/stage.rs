//! The nodes of a drill: looked at, asked, let go, and found again.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use sty_engine::{
    Authority, ConnectOptions, Fleet, Interrupt, NodeLink, SessionError, Target, Work, execute,
};
use sty_inventory::model::{Inventory, PgCluster};
use sty_plan::{NodeInput, Operation};
use sty_sandbox::{NodeName, Sandbox};
use sty_wire::drill::Disturbance;
use sty_wire::observation::is_synchronous;
use sty_wire::protocol::{Reply, Request};
use sty_wire::resource::{EtcdMember, PatroniMember};
use sty_wire::status::StatusQuery;

use crate::args::Selection;
use crate::context::InventoryFile;
use crate::printer::Printer;
use crate::run::choice::Choice;
use crate::run::health::{Health, assess};
use crate::run::holder::Holder;
use crate::run::{authority, look, operation, problems};
use crate::verbs::status::{PATIENCE, queries};

/// What was seen of everything in one look.
pub(crate) struct Sight {
    /// As `sty status` would say.
    pub(crate) health: Health,
    /// Replicas of the cluster that writes wait for.
    pub(crate) waited_for: BTreeSet<String>,
}

/// Where a drill takes place.
pub(crate) struct Stage<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) cluster: &'a PgCluster,
    pub(crate) sandbox: Option<&'a Sandbox>,
    targets: BTreeMap<String, Target>,
    fleet: Fleet,
    queries: BTreeMap<String, StatusQuery>,
    /// Hosts that are not to be asked: they cannot answer.
    gone: BTreeSet<String>,
    holder: String,
    authority: Authority,
    quiet: Printer,
}

impl<'a> Stage<'a> {
    /// Connects to the members of the cluster and of etcd, all of which must answer.
    pub(crate) fn open(
        file: &InventoryFile,
        inventory: &'a Inventory,
        cluster: &'a PgCluster,
        sandbox: Option<&'a Sandbox>,
        printer: &Printer,
    ) -> anyhow::Result<Self> {
        let members = cluster.instances.iter().map(|one| one.host.clone());
        let etcd = inventory.etcd.iter().flat_map(|etcd| &etcd.members);
        let hosts: BTreeSet<String> = members.chain(etcd.map(|one| one.host.clone())).collect();
        let hosts: Vec<String> = hosts.into_iter().collect();
        let targets = look::targets(inventory, hosts.iter().cloned(), sandbox)?;
        let fleet = look::connect_within(&targets, Some(PATIENCE), printer)?;
        if let Some((host, error)) = fleet.failures.iter().next() {
            let failure = problems::unreachable(error);
            bail!(
                "node {host}: {}\nhint: a drill begins with a healthy cluster: see `sty status`",
                failure.message
            );
        }
        let authority = authority::borrow(file, inventory)?;
        let context = look::desired_context(&authority, inventory)?;
        let everything = Selection::default();
        let all: BTreeSet<String> = hosts.iter().cloned().collect();
        let choice = Choice::new(inventory, &hosts, &everything);
        let wanted = look::desired(inventory, &all, &fleet.facts(), &context, &choice)
            .map_err(|found| anyhow::anyhow!(found[0].message.clone()))?;
        Ok(Self {
            inventory,
            cluster,
            sandbox,
            targets: targets.into_iter().collect(),
            fleet,
            queries: queries(inventory, &wanted.resources),
            authority,
            gone: BTreeSet::new(),
            holder: Holder::own().to_string(),
            quiet: printer.calm(),
        })
    }

    /// How everything is now. Nodes that were lost are connected to again.
    pub(crate) fn look(&mut self) -> anyhow::Result<Sight> {
        let mut unreachable = BTreeMap::new();
        self.reconnect(&mut |host, failure| drop(unreachable.insert(host, failure)))?;
        let mut answers = BTreeMap::new();
        for (host, answer) in self.fleet.status(&self.queries) {
            match answer {
                Ok(status) => drop(answers.insert(host, status)),
                Err(error) => {
                    // A session that missed one answer is not asked again.
                    self.fleet.sessions.remove(&host);
                    unreachable.insert(host, error.into_failure());
                }
            }
        }
        let asked = self.queries.keys().cloned().collect();
        let views = answers.values().flat_map(|answer| &answer.patroni);
        let own = views.filter(|view| view.scope == self.cluster.name);
        let listed = own.flat_map(|view| &view.members);
        let waited_for = listed.filter(|one| is_synchronous(&one.role));
        Ok(Sight {
            waited_for: waited_for.map(|one| one.name.clone()).collect(),
            health: assess(self.inventory, &asked, &answers, &unreachable),
        })
    }

    fn reconnect(
        &mut self,
        lost: &mut dyn FnMut(String, sty_wire::observation::Failure),
    ) -> anyhow::Result<()> {
        let missing = self.targets.iter().filter(|(host, _)| {
            !self.gone.contains(*host) && !self.fleet.sessions.contains_key(*host)
        });
        let missing: Vec<(String, Target)> = missing
            .map(|(host, target)| (host.clone(), target.clone()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut found = look::connect_within(&missing, Some(PATIENCE), &self.quiet)?;
        for (host, error) in &found.failures {
            lost(host.clone(), problems::unreachable(error));
        }
        self.fleet.sessions.append(&mut found.sessions);
        Ok(())
    }

    /// Ends the connection to a node that is about to be struck: a session that hangs would hold
    /// up the others, and its lock would outlive it.
    pub(crate) fn let_go(&mut self, host: &str) -> anyhow::Result<()> {
        self.fleet.sessions.remove(host);
        self.gone.insert(host.to_owned());
        if let Some(target) = self.targets.get(host) {
            target.disconnect(&ConnectOptions::new(sty_engine::runtime_directory()?));
        }
        Ok(())
    }

    /// The node may be asked again.
    pub(crate) fn take_back(&mut self, host: &str) {
        self.gone.remove(host);
    }

    /// Disturbs a node, or ends that.
    pub(crate) fn disturb(&mut self, host: &str, disturbance: Disturbance) -> anyhow::Result<()> {
        match self.ask(host, &Request::Disturb { disturbance })? {
            Reply::Disturbed => Ok(()),
            _ => bail!("node {host} answered out of turn, a fault of `sty`"),
        }
    }

    /// Carries out an operation on the cluster, as the operator's command does.
    pub(crate) fn operate(&mut self, operation: &Operation) -> anyhow::Result<()> {
        let members = self.cluster.instances.iter().map(|one| one.host.clone());
        let members: Vec<String> = members.collect();
        for host in &members {
            self.take(host)?;
        }
        let resources = operation::members(self.inventory, &members);
        let mut observed = BTreeMap::new();
        for (host, answer) in self.fleet.observe(&resources) {
            observed.insert(host, answer?);
        }
        let nobody = BTreeSet::new();
        let inputs: Vec<NodeInput<'_>> = observed
            .iter()
            .filter_map(|(host, observed)| {
                Some(NodeInput {
                    host,
                    resources: resources.get(host)?,
                    observations: &observed.observations,
                    surroundings: &observed.surroundings,
                    witnesses: &nobody,
                    removal: None,
                })
            })
            .collect();
        let plan = sty_plan::operate(&inputs, &self.cluster.name, operation, false)?;
        let work = Work {
            resources: &resources,
            unseen: &nobody,
            signer: &self.authority,
            interrupt: &Interrupt::new(),
        };
        let outcome = execute(&mut self.fleet.sessions, &plan.actions, &work, &mut |_| {})?;
        match plan
            .actions
            .iter()
            .find_map(|action| Some((action, outcome.failed.get(&action.id)?)))
        {
            None => Ok(()),
            Some((action, failure)) => {
                bail!("{}", problems::render(&action.node, &action.title, failure))
            }
        }
    }

    /// Takes a node for this drill; connects to it when the connection was lost.
    fn take(&mut self, host: &str) -> anyhow::Result<()> {
        let mut unreached = None;
        self.reconnect(&mut |lost, failure| {
            if lost == host {
                unreached = Some(failure.message);
            }
        })?;
        let Some(session) = self.fleet.sessions.get_mut(host) else {
            bail!("node {host}: {}", unreached.unwrap_or_default());
        };
        let lock = Request::Lock {
            holder: self.holder.clone(),
        };
        match session.request(&lock, None, &mut |_| {})? {
            Reply::Busy { holder } => bail!("node {host} is taken by {holder}"),
            _ => Ok(()),
        }
    }

    /// Takes a node and asks it; what it says itself bounds its answer.
    fn ask(&mut self, host: &str, request: &Request) -> anyhow::Result<Reply> {
        self.take(host)?;
        let session = self.fleet.sessions.get_mut(host);
        let session = session.with_context(|| format!("node {host} is not connected"))?;
        match session.request(request, None, &mut |_| {}) {
            Err(SessionError::Refused { failure, .. }) => {
                bail!("{}", problems::render(host, "the fault", &failure))
            }
            answer => Ok(answer?),
        }
    }

    /// The Patroni member on a host.
    pub(crate) fn patroni(&self, host: &str) -> anyhow::Result<&PatroniMember> {
        let query = self.queries.get(host);
        let mut members = query.into_iter().flat_map(|query| &query.patroni);
        let found = members.find(|member| member.scope == self.cluster.name);
        found.with_context(|| format!("{host} has no member of {}", self.cluster.name))
    }

    /// The etcd member on a host.
    pub(crate) fn etcd(&self, host: &str) -> anyhow::Result<&EtcdMember> {
        let member = self.queries.get(host).and_then(|query| query.etcd.as_ref());
        member.with_context(|| format!("{host} has no member of etcd"))
    }

    /// The host of a member of the cluster.
    pub(crate) fn host_of(&self, member: &str) -> anyhow::Result<String> {
        let mut instances = self.cluster.instances.iter();
        let found = instances.find(|instance| instance.name == member);
        let host = found.map(|instance| instance.host.clone());
        host.with_context(|| format!("{member} is no member of {}", self.cluster.name))
    }

    /// The sandbox and its node that a host is.
    pub(crate) fn sandbox_node(&self, host: &str) -> anyhow::Result<(&'a Sandbox, NodeName)> {
        let sandbox = self.sandbox.context("this fault needs a sandbox")?;
        let node = self.inventory.nodes.get(host).context("a host")?;
        let name = sandbox.node_at(node.address);
        let name = name.with_context(|| format!("no node of the sandbox is {host}"))?;
        Ok((sandbox, name.clone()))
    }

    /// Runs `work` where clients are: in the sandbox's network, or here. Threads that it starts
    /// are there too.
    pub(crate) fn among_clients<T: Send>(
        &self,
        work: impl FnOnce() -> T + Send,
    ) -> anyhow::Result<T> {
        match self.sandbox {
            Some(sandbox) => Ok(sandbox.within(work)?),
            None => Ok(work()),
        }
    }
}
