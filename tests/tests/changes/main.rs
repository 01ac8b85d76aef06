//! Day two: the inventory changes, hands meddle on the nodes, and every plan lists exactly what
//! follows from that; clients see the effect, and nothing else happens.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "a story"
)]

mod authority;
mod databases;
mod drift;
mod errors;
mod kept;
mod parameters;
mod quiet;
mod restart;
mod rules;
mod secrets;
mod services;
mod stage;
mod users;

use std::time::Instant;

use stage::Stage;
use sty_stories::Watch;

/// A title and what happens.
type Chapter = (&'static str, fn(&Stage));

#[test]
fn what_changes_in_the_inventory_changes_on_the_nodes_and_nothing_else() {
    let stage = Stage::new("story-changes");
    let watch = Watch::start(secrets::all(&stage));
    stage.converged();
    let before = stage.processes();
    let quiet: [Chapter; 15] = [
        ("a converged apply", quiet::a_converged_apply_is_not_noticed),
        ("users", users::come_change_and_go),
        ("databases", databases::come_change_and_go),
        ("an owner", databases::go_with_their_owner),
        ("made by hand", databases::made_by_hand),
        ("rules", rules::let_in_and_keep_out),
        ("services", services::come_and_go),
        ("parameters", parameters::take_effect_at_once),
        (
            "parameters of initdb",
            parameters::go_back_to_what_initdb_wrote,
        ),
        ("a refused parameter", parameters::refused_until_mended),
        ("where Patroni listens", parameters::where_patroni_listens),
        ("recovery plan and pools", parameters::plan_and_pools),
        ("an authority", authority::is_not_replaced_when_it_is_lost),
        ("taken back", restart::not_for_what_was_taken_back),
        ("what a cluster keeps", kept::prefix_and_account),
    ];
    play(&stage, &quiet);
    assert_eq!(before, stage.processes(), "nothing was restarted");
    let loud: [Chapter; 12] = [
        ("a held restart", restart::holds_no_reload),
        ("restarts", restart::only_when_asked_for_and_rolling),
        ("addresses to listen at", restart::addresses_to_listen_at),
        ("a smaller setting", restart::a_smaller_setting),
        (
            "one larger and one smaller",
            restart::one_larger_and_one_smaller,
        ),
        ("nobody starts", restart::with_which_nobody_starts),
        ("drift", drift::is_listed_and_mended),
        (
            "drift in PostgreSQL's own files",
            drift::is_mended_in_postgresql_s_own_files,
        ),
        (
            "drift that hides other drift",
            drift::that_hides_other_drift_is_mended_with_it,
        ),
        (
            "drift that keeps the superuser out",
            drift::that_keeps_the_superuser_out_is_mended,
        ),
        ("errors", errors::stay_with_their_item),
        ("switched off", services::switched_off),
    ];
    play(&stage, &loud);
    watch.stop();
    secrets::are_nowhere(&stage);
    stage.tell_times();
}

fn play(stage: &Stage, chapters: &[Chapter]) {
    for (title, chapter) in chapters {
        let begun = Instant::now();
        eprintln!("== {title}");
        chapter(stage);
        stage.converged();
        eprintln!("== {title}: {:.1} s", begun.elapsed().as_secs_f64());
    }
}
