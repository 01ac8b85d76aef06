//! A plan, as people and machines read it.

use std::collections::BTreeMap;

use serde::Serialize;
use sty_core::Risk;
use sty_plan::{Noted, Plan, Problem, Restart, Skipped, Undeclared, Unwanted, Waiting};
use sty_wire::action::{Action, Op};
use sty_wire::resource::Stage;

use crate::printer::{BLUE, BOLD, DIM, GREEN, Printer, RED, YELLOW, count, paint};
use crate::run::{notes, paused, problems, restarts};

/// What a plan prints for machines, one document a line. No name of an event is one of an apply's
/// ([`sty_engine::Event`]), which follow them there.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Planned {
        action: &'a Action,
    },
    Impossible {
        skipped: &'a Skipped,
    },
    Problem {
        problem: &'a Problem,
    },
    Unseen {
        unseen: &'a Problem,
    },
    Unwanted {
        unwanted: &'a Unwanted,
    },
    Waiting {
        waiting: &'a Waiting,
    },
    Undeclared {
        undeclared: &'a Undeclared,
    },
    Note {
        note: &'a Noted,
    },
    Unled {
        cluster: &'a str,
    },
    Paused {
        cluster: &'a str,
    },
    Restart {
        restart: &'a Restart,
    },
    Plan {
        actions: usize,
        held: usize,
        worst: Option<Risk>,
    },
}

/// Prints the plan, and last who waits for a restart.
pub(crate) fn print(printer: &Printer, plan: &Plan) -> anyhow::Result<()> {
    show(printer, plan)?;
    print_restarts(printer, &plan.restarts)
}

/// Prints who waits for a restart.
pub(crate) fn print_restarts(printer: &Printer, found: &[Restart]) -> anyhow::Result<()> {
    if printer.is_json() {
        for restart in found {
            printer.json(&Line::Restart { restart })?;
        }
        return Ok(());
    }
    for line in restarts::lines(found) {
        printer.say(format!("{} {line}", paint(YELLOW, "restart")));
    }
    Ok(())
}

fn show(printer: &Printer, plan: &Plan) -> anyhow::Result<()> {
    if printer.is_json() {
        return print_json(printer, plan);
    }
    print_rest(printer, plan);
    print_actions(printer, plan);
    printer.say(summary(plan));
    Ok(())
}

/// Prints problems that belong to no plan.
pub(crate) fn print_problems(printer: &Printer, found: &[Problem]) -> anyhow::Result<()> {
    if printer.is_json() {
        for problem in found {
            printer.json(&Line::Problem { problem })?;
        }
        return Ok(());
    }
    say_problems(printer, found);
    Ok(())
}

fn say_problems(printer: &Printer, found: &[Problem]) {
    for problem in problems::grouped(found) {
        printer.say(problems::render(
            &problem.node,
            &problem.subject,
            &problem.failure,
        ));
    }
}

/// What there is to say beside the actions.
fn print_rest(printer: &Printer, plan: &Plan) {
    print_skipped(printer, plan);
    for undeclared in &plan.undeclared {
        printer.note(in_words(undeclared));
    }
    notes::print(printer, plan.notes.iter());
    print_waiting(printer, plan);
    for cluster in &plan.unled {
        printer.say(format!(
            "{} nobody leads {cluster}: its roles and databases are compared once somebody does",
            paint(YELLOW, "unled")
        ));
    }
    for cluster in &plan.paused {
        printer.say(format!(
            "{} {}\n    {}: {}",
            paint(YELLOW, "paused"),
            paused::meaning(cluster),
            paint(BLUE, "hint"),
            paused::hint(cluster)
        ));
    }
    for unseen in problems::grouped(&plan.unseen) {
        printer.say(format!(
            "{} {}: {} cannot be looked at before the actions here have run: {}",
            paint(YELLOW, "unseen"),
            unseen.node,
            unseen.subject,
            unseen.failure.message
        ));
    }
    say_problems(printer, &plan.problems);
    for unwanted in &plan.unwanted {
        if unwanted.left {
            printer.say(format!(
                "{} the removal of {} of {} from {} was begun and did not end\n    {}: go on with `sty apply --confirm {}`",
                paint(YELLOW, "unwanted"),
                unwanted.member,
                unwanted.cluster,
                unwanted.address,
                paint(BLUE, "hint"),
                unwanted.member
            ));
            continue;
        }
        if unwanted.leads {
            printer.say(format!(
                "{} {} runs at {} as the primary of {} and is not in the inventory: nothing of the cluster is changed until another one leads\n    {}: `sty cluster switchover {}`, then remove it with `sty apply --confirm {}`",
                paint(YELLOW, "unwanted"),
                unwanted.member,
                unwanted.address,
                unwanted.cluster,
                paint(BLUE, "hint"),
                unwanted.cluster,
                unwanted.member
            ));
            continue;
        }
        printer.say(format!(
            "{} {} at {} is a member of {} and not in the inventory\n    {}: remove it with `sty apply --confirm {}`",
            paint(YELLOW, "unwanted"),
            unwanted.member,
            unwanted.address,
            unwanted.cluster,
            paint(BLUE, "hint"),
            unwanted.member
        ));
    }
}

/// What the limit leaves undone: a cluster's roles, databases and settings are its leader's to
/// change.
fn print_waiting(printer: &Printer, plan: &Plan) {
    const SHOWN: usize = 3;
    for waiting in &plan.waiting {
        let titles = &waiting.titles;
        let mut shown = titles.clone();
        if titles.len() > SHOWN && !printer.is_verbose() {
            shown.truncate(SHOWN);
            shown.push(format!("and {} more", titles.len() - SHOWN));
        }
        let verb = if titles.len() == 1 { "waits" } else { "wait" };
        printer.say(format!(
            "{} {} of {} {verb} for {} ({}), which `--limit` leaves out: {}\n    {}: apply to it as well, `-l {}` for all of the cluster",
            paint(YELLOW, "waiting"),
            count(titles.len(), "change"),
            waiting.cluster,
            waiting.member,
            waiting.node,
            shown.join(", "),
            paint(BLUE, "hint"),
            waiting.cluster
        ));
    }
}

/// What is left alone.
fn in_words(undeclared: &Undeclared) -> String {
    let listed = |noun: &str, names: &[String]| match names {
        [] => None,
        [one] => Some(format!("{noun} {one}")),
        _ => Some(format!("{noun}s {}", names.join(", "))),
    };
    let parts = [
        listed("role", &undeclared.roles),
        listed("database", &undeclared.databases),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!(
        "{} {} has {} that the inventory does not declare: left alone",
        paint(DIM, "undeclared"),
        undeclared.cluster,
        parts.join(" and ")
    )
}

fn print_json(printer: &Printer, plan: &Plan) -> anyhow::Result<()> {
    for skipped in &plan.skipped {
        printer.json(&Line::Impossible { skipped })?;
    }
    for problem in &plan.problems {
        printer.json(&Line::Problem { problem })?;
    }
    for unseen in &plan.unseen {
        printer.json(&Line::Unseen { unseen })?;
    }
    for unwanted in &plan.unwanted {
        printer.json(&Line::Unwanted { unwanted })?;
    }
    for waiting in &plan.waiting {
        printer.json(&Line::Waiting { waiting })?;
    }
    for cluster in &plan.unled {
        printer.json(&Line::Unled { cluster })?;
    }
    for cluster in &plan.paused {
        printer.json(&Line::Paused { cluster })?;
    }
    for undeclared in &plan.undeclared {
        printer.json(&Line::Undeclared { undeclared })?;
    }
    for note in &plan.notes {
        printer.json(&Line::Note { note })?;
    }
    for action in &plan.actions {
        printer.json(&Line::Planned { action })?;
    }
    printer.json(&Line::Plan {
        actions: plan.active().count(),
        held: plan.actions.len() - plan.active().count(),
        worst: plan.worst(),
    })
}

/// The same thing skipped for the same reason on many nodes is one line.
fn print_skipped(printer: &Printer, plan: &Plan) {
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for skipped in &plan.skipped {
        let key = (skipped.subject.as_str(), skipped.reason.as_str());
        groups.entry(key).or_default().push(&skipped.node);
    }
    for ((subject, reason), nodes) in groups {
        let on = match nodes.as_slice() {
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {}", count(rest.len(), "more node")),
            [] => continue,
        };
        let reason = shortened(reason, printer.is_verbose());
        printer.note(format!(
            "{} {subject} on {on}: {reason}",
            paint(DIM, "skipped")
        ));
    }
}

/// Long lists are for `--verbose`.
fn shortened(reason: &str, whole: bool) -> String {
    const WIDTH: usize = 90;
    if whole || reason.chars().count() <= WIDTH {
        return reason.to_owned();
    }
    let short: String = reason.chars().take(WIDTH).collect();
    format!("{} ... (all of it with `-v`)", short.trim_end())
}

/// What an apply is about to do: like [`print`], but long lists of actions that nobody can read
/// while they run are counted by node, and who waits for a restart is told at its end.
pub(crate) fn announce(printer: &Printer, plan: &Plan) -> anyhow::Result<()> {
    const READABLE: usize = 40;
    if printer.is_json() || printer.is_verbose() || plan.actions.len() <= READABLE {
        return show(printer, plan);
    }
    print_rest(printer, plan);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for action in plan.active() {
        *counts.entry(&action.node).or_default() += 1;
    }
    for (node, number) in counts {
        printer.data(format!(
            "{}  {}",
            paint(BOLD, node),
            count(number, "action")
        ));
    }
    for action in plan.actions.iter().filter(|action| action.held.is_some()) {
        printer.data(format!("{}{}", action.node, line(action)));
    }
    printer.say(summary(plan));
    Ok(())
}

fn print_actions(printer: &Printer, plan: &Plan) {
    let mut node = "";
    let mut actions: Vec<&Action> = plan.actions.iter().collect();
    actions.sort_by_key(|action| (&action.node, action.id));
    let (unseen, actions): (Vec<&Action>, Vec<&Action>) = actions
        .into_iter()
        .partition(|action| !printer.is_verbose() && is_unseen(action));
    for action in actions {
        if node != action.node {
            node = &action.node;
            printer.data(paint(BOLD, node));
        }
        printer.data(line(action));
        if printer.is_verbose() {
            print_changes(printer, action);
        }
    }
    for text in once_led(&unseen) {
        printer.data(text);
    }
}

/// A role or a database that nobody could look at yet: what is to be done about it shows once its
/// cluster has a leader.
fn is_unseen(action: &Action) -> bool {
    action.stage == Stage::Objects && action.changes.is_empty() && action.held.is_none()
}

/// One line for each cluster.
fn once_led(unseen: &[&Action]) -> Vec<String> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for action in unseen {
        let (roles, databases) = counts
            .entry(action.cluster.as_deref().unwrap_or_default())
            .or_default();
        match &action.op {
            Op::Converge { resource } if resource.starts_with("database:") => *databases += 1,
            _ => *roles += 1,
        }
    }
    let text = |(cluster, (roles, databases)): (&str, (usize, usize))| {
        format!(
            "{} {} and {}",
            paint(BOLD, format_args!("once {cluster} has a leader:")),
            count(roles, "role"),
            count(databases, "database")
        )
    };
    counts.into_iter().map(text).collect()
}

fn line(action: &Action) -> String {
    let style = match action.risk {
        Risk::Safe => GREEN,
        Risk::Reload => BLUE,
        Risk::Restart | Risk::Failover => YELLOW,
        Risk::Destroy => RED,
    };
    let risk = paint(style, format_args!("{:<8}", action.risk));
    let reason = paint(DIM, &action.reason);
    match &action.held {
        Some(held) => format!(
            "  {risk} {}  {reason}  {}",
            action.title,
            paint(YELLOW, format_args!("held: {held}"))
        ),
        None => format!("  {risk} {}  {reason}", action.title),
    }
}

fn print_changes(printer: &Printer, action: &Action) {
    for change in &action.changes {
        printer.data(format!("           {}", change.label()));
        for (sign, style, side) in [("-", RED, &change.from), ("+", GREEN, &change.to)] {
            for text in side.iter().flat_map(|text| text.lines()) {
                printer.data(format!(
                    "             {}",
                    paint(style, format_args!("{sign} {text}"))
                ));
            }
        }
    }
}

fn summary(plan: &Plan) -> String {
    let active = plan.active().count();
    let held = plan.actions.len() - active;
    if plan.is_empty() {
        let rest = match plan.notes.is_empty() {
            true => ": everything is as the inventory says",
            false => " beside what the notes say",
        };
        return format!("{} nothing to do{rest}", paint(GREEN, "ok"));
    }
    let mut counts: BTreeMap<Risk, usize> = BTreeMap::new();
    for action in plan.active() {
        *counts.entry(action.risk).or_default() += 1;
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(risk, count)| format!("{count} {risk}"))
        .collect();
    let mut text = paint(BOLD, count(active, "action"));
    if !parts.is_empty() {
        text.push_str(&format!(" ({})", parts.join(", ")));
    }
    if held > 0 {
        text.push_str(&format!(", {held} held back"));
    }
    let waiting: usize = plan.waiting.iter().map(|one| one.titles.len()).sum();
    if waiting > 0 {
        text.push_str(&format!(", {waiting} outside `--limit`"));
    }
    if !plan.unseen.is_empty() {
        text.push_str(&format!(", {} unseen", plan.unseen.len()));
    }
    if !plan.problems.is_empty() {
        text.push_str(", ");
        text.push_str(&count(plan.problems.len(), "problem"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(resource: &str, cluster: &str) -> Action {
        Action {
            id: 1,
            node: "n1".to_owned(),
            cluster: Some(cluster.to_owned()),
            stage: Stage::Objects,
            op: Op::Converge {
                resource: resource.to_owned(),
            },
            title: String::new(),
            reason: String::new(),
            changes: Vec::new(),
            risk: Risk::Safe,
            needs: Vec::new(),
            undoes: None,
            held: None,
        }
    }

    #[test]
    fn what_nobody_could_look_at_yet_is_a_line_for_each_cluster() {
        let actions = [
            action("role:pg-a/app", "pg-a"),
            action("role:pg-a/ops", "pg-a"),
            action("database:pg-a/app", "pg-a"),
            action("role:pg-b/app", "pg-b"),
        ];
        let unseen: Vec<&Action> = actions.iter().filter(|one| is_unseen(one)).collect();
        let text = once_led(&unseen).join("\n");
        for line in [
            "once pg-a has a leader:",
            "2 roles and 1 database",
            "once pg-b has a leader:",
            "1 role and 0 databases",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
