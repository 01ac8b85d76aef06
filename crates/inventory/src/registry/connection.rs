//! Variables that say how a host is reached, under Ansible's names.

use super::Level::Host;
use super::kind::{Kind, PORT};
use super::{Module, off, on};

/// `ansible_*`.
#[rustfmt::skip]
pub(crate) static ANSIBLE: Module = Module {
    name: "connection",
    about: "how the controller reaches a host; what is not set is left to its ssh configuration",
    parameters: &[
        on("ansible_host", Host, Kind::Text, None, "address or name to connect to; the inventory hostname if unset"),
        on("ansible_port", Host, PORT, None, "ssh port"),
        on("ansible_user", Host, Kind::Text, None, "account to log in as; it needs sudo without a password"),
        on("ansible_ssh_private_key_file", Host, Kind::Text, None, "private key for ssh"),
        on("ansible_connection", Host, Kind::OneOf(&["ssh", "local", "smart"]), None, "`local` for the controller itself, else ssh"),
        off("ansible_ssh_host", Host, Kind::Text, None, "older name of `ansible_host`"),
        off("ansible_ssh_port", Host, Kind::Any, None, "older name of `ansible_port`"),
        off("ansible_ssh_user", Host, Kind::Text, None, "older name of `ansible_user`"),
        off("ansible_password", Host, Kind::Secret, None, "ssh password; `sty` uses keys only"),
        off("ansible_ssh_pass", Host, Kind::Secret, None, "ssh password; `sty` uses keys only"),
        off("ansible_become", Host, Kind::Any, None, "privilege escalation; `sty` always uses `sudo -n`"),
        off("ansible_become_user", Host, Kind::Text, None, "account to become"),
        off("ansible_become_method", Host, Kind::Text, None, "means of privilege escalation"),
        off("ansible_become_password", Host, Kind::Secret, None, "sudo password; `sty` needs sudo without one"),
        off("ansible_become_pass", Host, Kind::Secret, None, "older name of `ansible_become_password`"),
        off("ansible_python_interpreter", Host, Kind::Text, None, "Python on the node; `sty` needs none"),
        off("ansible_ssh_common_args", Host, Kind::Text, None, "extra ssh arguments; use the ssh configuration"),
        off("ansible_ssh_extra_args", Host, Kind::Text, None, "extra ssh arguments; use the ssh configuration"),
        off("ansible_ssh_args", Host, Kind::Text, None, "ssh arguments; use the ssh configuration"),
        off("ansible_shell_type", Host, Kind::Text, None, "shell on the node"),
    ],
};
