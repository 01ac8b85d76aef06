//! The fleet's authority: the one thing that the controller keeps and cannot make again.

use std::fs;

use crate::stage::{Stage, at};

/// What is gone is not quietly replaced by another one, with every certificate and password.
pub(crate) fn is_not_replaced_when_it_is_lost(stage: &Stage) {
    let files = stage.world.home().join("files");
    let (kept, aside) = (files.join("pki"), files.join("pki.aside"));
    fs::rename(&kept, &aside).expect("the authority moves");
    let addresses = ["10", "11", "12", "13"].map(|end| format!("10.10.10.{end}"));
    let held = addresses.map(|node| at(&node, "trust authority pigsty-ca (held)"));
    stage.planned(&held);
    let ran = stage.apply("another authority, unconfirmed", &[]);
    ran.exits(1);
    assert!(ran.all().contains("files/pki"), "{}", ran.all());
    stage.planned(&held);
    fs::remove_dir_all(&kept).expect("the new authority goes");
    fs::rename(&aside, &kept).expect("the authority comes back");
}
