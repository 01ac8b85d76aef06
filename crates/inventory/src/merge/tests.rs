//! The merge against a small model of the rule, and against facts seen with ansible-core 2.19.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Fleet, merge};
use crate::registry;
use crate::report::Report;
use crate::source::parse;

const NAMES: [&str; 4] = ["version", "region", "pg_init", "node_data"];

fn fleet(text: &str) -> Fleet {
    let report = Report::new("test.yml");
    let root = parse(text, &report).expect("valid YAML");
    let fleet = merge(&root, &report);
    assert!(!report.has_errors(), "{:?}\n{text}", report.finish());
    fleet
}

fn value(fleet: &Fleet, host: &str, name: &str) -> Option<String> {
    let host = fleet.find_host(host)?;
    let binding = fleet.binding(host, registry::id(name)?)?;
    binding.value.text().map(str::to_owned)
}

fn shown(fleet: &Fleet, host: &str, names: &[&str]) -> String {
    let values = names.iter().map(|name| {
        let value = value(fleet, host, name).unwrap_or_else(|| "-".to_owned());
        format!("{name}={value}")
    });
    values.collect::<Vec<_>>().join(" ")
}

#[test]
fn as_ansible_does() {
    let fleet = fleet(
        r#"
all:
  children:
    b: { hosts: { 10.0.0.1: { version: hostb, language: "1" } }, vars: { version: b, region: b, pg_init: b, repo_name: b } }
    a: { hosts: { 10.0.0.1: { version: hosta } , 10.0.0.2: }, vars: { version: a, region: a, pg_init: a, repo_name: a, ansible_group_priority: 5 } }
    mid:
      children:
        deep: { hosts: { 10.0.0.1: }, vars: { pg_init: deep } }
        b:
      vars: { region: mid, pg_init: mid, pg_conf: mid }
    ungrouped: { vars: { node_data: un } }
  hosts: { 10.0.0.9: , "n[1:2]:2222": }
  vars: { version: all, pg_conf: all, node_data: all }
a: { vars: { repo_name: a2 } }
"#,
    );
    let names = [
        "node_data",
        "repo_name",
        "pg_conf",
        "language",
        "version",
        "region",
        "pg_init",
        "ansible_port",
    ];
    let check = |host: &str, expected: &str| assert_eq!(shown(&fleet, host, &names), expected);
    check(
        "10.0.0.1",
        "node_data=all repo_name=b pg_conf=mid language=1 version=hosta region=b pg_init=deep ansible_port=-",
    );
    check(
        "10.0.0.2",
        "node_data=all repo_name=a2 pg_conf=all language=- version=a region=a pg_init=a ansible_port=-",
    );
    check(
        "10.0.0.9",
        "node_data=un repo_name=- pg_conf=all language=- version=all region=- pg_init=- ansible_port=-",
    );
    check(
        "n2",
        "node_data=un repo_name=- pg_conf=all language=- version=all region=- pg_init=- ansible_port=2222",
    );
}

#[test]
fn aliases_and_merge_keys() {
    let fleet = fleet(
        "
all:
  vars: &base { version: base, region: base }
  children:
    g:
      hosts: { h: { <<: [ { pg_init: first }, { pg_init: second, node_data: x } ], node_data: own } }
      vars: { <<: *base, region: mine }
",
    );
    assert_eq!(
        shown(&fleet, "h", &NAMES),
        "version=base region=mine pg_init=first node_data=own"
    );
}

#[derive(Debug, Clone)]
struct ModelGroup {
    parents: BTreeSet<usize>,
    priority: Option<i64>,
    vars: BTreeMap<usize, u8>,
}

#[derive(Debug, Clone)]
struct ModelHost {
    groups: BTreeSet<usize>,
    vars: BTreeMap<usize, u8>,
}

#[derive(Debug, Clone)]
struct Model {
    groups: Vec<ModelGroup>,
    hosts: Vec<ModelHost>,
    all: BTreeMap<usize, u8>,
}

const GROUPS: usize = 6;

fn vars() -> impl Strategy<Value = BTreeMap<usize, u8>> {
    prop::collection::btree_map(0..NAMES.len(), any::<u8>(), 0..4)
}

fn model() -> impl Strategy<Value = Model> {
    let group = (
        prop::collection::btree_set(0..GROUPS, 0..3),
        prop::option::of(-1..3_i64),
        vars(),
    );
    let host = (prop::collection::btree_set(0..GROUPS, 0..4), vars());
    (
        prop::collection::vec(group, GROUPS),
        prop::collection::vec(host, 1..4),
        vars(),
    )
        .prop_map(|(groups, hosts, all)| Model {
            groups: groups
                .into_iter()
                .enumerate()
                .map(|(at, (parents, priority, vars))| ModelGroup {
                    // Only earlier groups: no circles.
                    parents: parents.into_iter().filter(|parent| *parent < at).collect(),
                    priority,
                    vars,
                })
                .collect(),
            hosts: hosts
                .into_iter()
                .map(|(groups, vars)| ModelHost { groups, vars })
                .collect(),
            all,
        })
}

/// The rule, written for clarity: every group above the host, by depth, priority, name.
fn expected(model: &Model, host: &ModelHost) -> BTreeMap<usize, u8> {
    fn depth(model: &Model, group: usize) -> usize {
        let parents = model.groups[group].parents.iter();
        1 + parents
            .map(|parent| depth(model, *parent))
            .max()
            .unwrap_or(0)
    }
    let mut above = host.groups.clone();
    loop {
        let more: BTreeSet<usize> = above
            .iter()
            .flat_map(|group| model.groups[*group].parents.iter().copied())
            .collect();
        let before = above.len();
        above.extend(more);
        if above.len() == before {
            break;
        }
    }
    let mut order: Vec<(usize, i64, String, usize)> = above
        .into_iter()
        .map(|group| {
            let priority = model.groups[group].priority.unwrap_or(1);
            (depth(model, group), priority, name(group), group)
        })
        .collect();
    order.sort();
    let mut merged = model.all.clone();
    for (_, _, _, group) in order {
        merged.extend(model.groups[group].vars.clone());
    }
    merged.extend(host.vars.clone());
    merged
}

/// Names whose order differs from the numbers'.
fn name(group: usize) -> String {
    format!("g{}", (group * 5 + 3) % 7)
}

fn render_vars(vars: &BTreeMap<usize, u8>) -> String {
    let pairs = vars
        .iter()
        .map(|(at, value)| format!("{}: v{value}", NAMES[*at]));
    pairs.collect::<Vec<_>>().join(", ")
}

/// The model as YAML, its groups in the order of `shuffle`, its sections in either order.
fn render(model: &Model, shuffle: &[usize], flip: bool) -> String {
    let mut text = String::new();
    for group in shuffle {
        let own = &model.groups[*group];
        let children: Vec<String> = (0..GROUPS)
            .filter(|child| model.groups[*child].parents.contains(group))
            .map(|child| format!("{}: ", name(child)))
            .collect();
        let hosts: Vec<String> = (0..model.hosts.len())
            .filter(|host| model.hosts[*host].groups.contains(group))
            .map(|host| format!("h{host}: "))
            .collect();
        let mut vars = render_vars(&own.vars);
        if let Some(priority) = own.priority {
            let separator = if vars.is_empty() { "" } else { ", " };
            let _ = write!(vars, "{separator}ansible_group_priority: {priority}");
        }
        let mut sections = [
            format!("  children: {{ {} }}\n", children.join(", ")),
            format!("  hosts: {{ {} }}\n", hosts.join(", ")),
            format!("  vars: {{ {vars} }}\n"),
        ];
        if flip {
            sections.reverse();
        }
        let _ = write!(text, "{}:\n{}", name(*group), sections.concat());
    }
    let hosts = model.hosts.iter().enumerate();
    let hosts: Vec<String> = hosts
        .map(|(at, host)| format!("h{at}: {{ {} }}", render_vars(&host.vars)))
        .collect();
    let all = format!(
        "all: {{ hosts: {{ {} }}, vars: {{ {} }} }}\n",
        hosts.join(", "),
        render_vars(&model.all)
    );
    if flip {
        format!("{text}{all}")
    } else {
        format!("{all}{text}")
    }
}

proptest! {
    #[test]
    fn merges_as_the_model_says_in_any_order(
        model in model(),
        shuffle in Just((0..GROUPS).collect::<Vec<_>>()).prop_shuffle(),
        flip in any::<bool>(),
    ) {
        let fleet = fleet(&render(&model, &shuffle, flip));
        for (at, host) in model.hosts.iter().enumerate() {
            let merged = expected(&model, host);
            for (number, name) in NAMES.iter().enumerate() {
                let wanted = merged.get(&number).map(|value| format!("v{value}"));
                prop_assert_eq!(value(&fleet, &format!("h{at}"), name), wanted);
            }
        }
    }
}
