//! Groups, hosts and variables of an inventory, and what each host ends up with.

use std::collections::HashMap;
use std::sync::Arc;

use crate::registry::{self, ParameterId};
use crate::source::{Place, Value};

/// Index of a group in [`Fleet::groups`].
pub(crate) type GroupId = usize;
/// Index of a host in [`Fleet::hosts`].
pub(crate) type HostId = usize;

/// Who set a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Setter {
    /// A group, in its `vars`.
    Group(GroupId),
    /// A host.
    Host(HostId),
}

/// One variable, set once.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// Name as written.
    pub(crate) name: Arc<str>,
    /// The parameter it sets; `None` for an unknown name.
    pub(crate) parameter: Option<ParameterId>,
    /// Where the name stands.
    pub(crate) name_place: Place,
    /// The value.
    pub(crate) value: Value,
    /// Who set it.
    pub(crate) setter: Setter,
}

/// A group, all its definitions taken together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    pub(crate) parents: Vec<GroupId>,
    pub(crate) hosts: Vec<HostId>,
    /// Bindings by name, indices into [`Fleet::bindings`].
    pub(crate) vars: HashMap<Arc<str>, usize>,
    /// `ansible_group_priority`.
    pub(crate) priority: i64,
    /// Longest way from `all`.
    pub(crate) depth: u32,
}

/// A host, all its appearances taken together.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    /// Groups that list it.
    pub(crate) groups: Vec<GroupId>,
    /// Every group it belongs to, in merge order: later ones win.
    pub(crate) order: Arc<[GroupId]>,
    /// Own bindings by name.
    pub(crate) vars: HashMap<Arc<str>, usize>,
    /// Winning binding of each parameter.
    slots: Box<[u32]>,
}

/// Everything that was written, merged.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) bindings: Vec<Binding>,
    pub(crate) groups: Vec<Group>,
    pub(crate) hosts: Vec<Host>,
    group_names: HashMap<Arc<str>, GroupId>,
    host_names: HashMap<Arc<str>, HostId>,
}

const UNSET: u32 = u32::MAX;

impl Fleet {
    /// The group of that name, made when it is new.
    pub(crate) fn group_named(&mut self, name: &Arc<str>, place: Place) -> GroupId {
        if let Some(id) = self.group_names.get(name) {
            return *id;
        }
        self.groups.push(Group {
            name: name.clone(),
            place,
            parents: Vec::new(),
            hosts: Vec::new(),
            vars: HashMap::new(),
            priority: 1,
            depth: 0,
        });
        self.group_names.insert(name.clone(), self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// The host of that name, made when it is new.
    pub(crate) fn host_named(&mut self, name: &Arc<str>, place: Place) -> HostId {
        if let Some(id) = self.host_names.get(name) {
            return *id;
        }
        self.hosts.push(Host {
            name: name.clone(),
            place,
            groups: Vec::new(),
            order: Arc::new([]),
            vars: HashMap::new(),
            slots: Box::default(),
        });
        self.host_names.insert(name.clone(), self.hosts.len() - 1);
        self.hosts.len() - 1
    }

    /// Finds a group.
    pub(crate) fn find_group(&self, name: &str) -> Option<GroupId> {
        self.group_names.get(name).copied()
    }

    /// Where the group `all` stands: what is missing altogether belongs there.
    pub(crate) fn top(&self) -> Place {
        let all = self.find_group("all");
        all.map(|id| self.groups[id].place).unwrap_or_default()
    }

    /// Finds a host.
    pub(crate) fn find_host(&self, name: &str) -> Option<HostId> {
        self.host_names.get(name).copied()
    }

    /// Sets a variable; returns the binding of the same name and setter that it replaces.
    pub(crate) fn set(&mut self, binding: Binding) -> Option<usize> {
        let id = self.bindings.len();
        let vars = match binding.setter {
            Setter::Group(group) => &mut self.groups[group].vars,
            Setter::Host(host) => &mut self.hosts[host].vars,
        };
        let replaced = vars.insert(binding.name.clone(), id);
        self.bindings.push(binding);
        replaced
    }

    /// Computes what wins on each host, once the merge orders are known.
    pub(crate) fn settle(&mut self) {
        let width = registry::count();
        for id in 0..self.hosts.len() {
            let mut slots = vec![UNSET; width].into_boxed_slice();
            for group in self.hosts[id].order.iter() {
                self.overlay(&self.groups[*group].vars, &mut slots);
            }
            self.overlay(&self.hosts[id].vars, &mut slots);
            self.hosts[id].slots = slots;
        }
    }

    fn overlay(&self, vars: &HashMap<Arc<str>, usize>, slots: &mut [u32]) {
        for binding in vars.values() {
            if let Some(parameter) = self.bindings[*binding].parameter {
                slots[parameter.index()] = u32::try_from(*binding).unwrap_or(UNSET);
            }
        }
    }

    /// What sets `parameter` on `host`; `None` when nothing does. A null counts as nothing.
    pub(crate) fn binding(&self, host: HostId, parameter: ParameterId) -> Option<&Binding> {
        let slot = *self.hosts[host].slots.get(parameter.index())?;
        let binding = self.bindings.get(usize::try_from(slot).ok()?)?;
        (!binding.value.is_null()).then_some(binding)
    }

    /// What sets `name` on `host` when the host's own variables are left out.
    pub(crate) fn group_binding(&self, host: HostId, name: &str) -> Option<&Binding> {
        let groups = self.hosts[host].order.iter().rev();
        let found = groups
            .filter_map(|group| self.groups[*group].vars.get(name))
            .next()?;
        let binding = &self.bindings[*found];
        (!binding.value.is_null()).then_some(binding)
    }

    /// What a group's hosts get from the group and the groups above it, in merge order.
    pub(crate) fn order_of_group(&self, group: GroupId) -> Vec<GroupId> {
        super::order::merge_order(self, &[group])
    }
}
