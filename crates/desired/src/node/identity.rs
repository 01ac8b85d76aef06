//! Host name and time zone.

use sty_wire::resource::{Module, ResourceKind, Stage};

use crate::build::Desired;
use crate::view::View;

pub(super) fn resources(view: &View<'_>, desired: &mut Desired) {
    let settings = &view.node.settings;
    let mut group = desired.group(Module::Node, Stage::Base, None);
    if settings.set_hostname {
        group.push(
            "hostname",
            ResourceKind::Hostname {
                name: view.node.name.clone(),
            },
        );
    }
    if !settings.timezone.is_empty() {
        group.push(
            "timezone",
            ResourceKind::Timezone {
                name: settings.timezone.clone(),
            },
        );
    }
}
