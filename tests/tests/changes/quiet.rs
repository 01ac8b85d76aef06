//! Nothing to do.

use crate::stage::{NODES, Stage};
use sty_stories::Writer;

pub(crate) fn a_converged_apply_is_not_noticed(stage: &Stage) {
    let before = stage.processes();
    let mut writer = Writer::start(&stage.world, NODES[1]);
    writer.settles();
    for _ in 0..3 {
        let ran = stage.apply("nothing", &["--output", "json"]);
        ran.ok();
        assert!(
            !ran.stdout.contains("\"type\":\"action\""),
            "{}",
            ran.stdout
        );
    }
    let report = writer.stop(&stage.world, stage.primary().0);
    assert_eq!(report.errors, 0, "{report:?}");
    assert_eq!(before, stage.processes());
}
