//! The data directory, that of the node program, and how long the journal is kept.

use sty_wire::resource::{Access, Module, Stage};

use crate::build::Desired;
use crate::view::View;

const JOURNAL_PATH: &str = "/etc/systemd/journald.conf.d/sty.conf";

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let managed = view.managed();
    let mut group = desired.group(Module::Node, Stage::Config, None);
    group.directory(&view.node.settings.data, Access::root(0o755));
    // What runs as root is from there.
    for path in ["/opt/sty", "/opt/sty/bin"] {
        group.directory(path, Access::root(0o755));
    }
    group.directory("/etc/systemd/journald.conf.d", Access::root(0o755));
    group.file(
        JOURNAL_PATH,
        format!(
            "# {managed}\n[Journal]\n\
             # Logs outlive a reboot: what a node said before it died is what one wants to read.\n\
             Storage=persistent\n\
             SystemMaxUse=1G\n\
             # Logs of a failing service are not dropped when it matters.\n\
             RateLimitBurst=50000\n"
        ),
        Access::root(0o644),
    );
    group.running("systemd-journald.service", &[], &[JOURNAL_PATH]);
}
