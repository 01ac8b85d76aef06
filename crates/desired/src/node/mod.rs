//! The node itself: identity, packages, accounts, kernel, time.

pub(crate) mod admin;
mod directories;
mod hosts;
mod identity;
mod kernel;
pub(crate) mod packages;
mod shell;
pub(crate) mod source;
mod time;

use crate::build::Desired;
use crate::view::View;

pub(crate) use kernel::open_files;

pub(crate) fn resources(view: &View<'_>, desired: &mut Desired) {
    identity::resources(view, desired);
    hosts::resources(view, desired);
    source::resources(view, desired);
    packages::resources(view, desired);
    admin::resources(view, desired);
    kernel::resources(view, desired);
    time::resources(view, desired);
    directories::resources(view, desired);
    shell::resources(view, desired);
}
