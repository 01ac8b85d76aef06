//! Time synchronisation by chrony.

use sty_wire::resource::{Access, Module, Stage};

use crate::build::Desired;
use crate::render::{render, values};
use crate::view::View;

const PATH: &str = "/etc/chrony/chrony.conf";

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let Some(servers) = &view.node.settings.ntp_servers else {
        return;
    };
    let text = render(
        "chrony.conf",
        values! { managed => view.managed(), servers => servers },
    );
    let Some(text) = desired.take(text) else {
        return;
    };
    desired
        .group(Module::Node, Stage::Config, None)
        .file(PATH, text, Access::root(0o644));
    desired
        .group(Module::Node, Stage::Services, None)
        .running("chrony.service", &[], &[PATH]);
}
