//! NODE parameters.

use super::Level::{Cluster, Fleet, Host, Instance};
use super::entries::HAPROXY_SERVICE;
use super::kind::{COUNT, Kind, PORT};
use super::{Module, off, on};

pub(crate) const PROFILES: &[&str] = &["oltp", "olap", "crit", "tiny", "none"];

/// Who a node is.
#[rustfmt::skip]
pub(crate) static IDENTITY: Module = Module {
    name: "node-id",
    about: "the identity of a node",
    parameters: &[
        on("admin_ip", Fleet, Kind::Address, None, "address of the admin node; `${admin_ip}` in other values"),
        on("node_cluster", Cluster, Kind::ClusterName, Some("\"nodes\""), "node cluster that the host belongs to"),
        on("nodename", Instance, Kind::ClusterName, None, "name of the node; derived from the instance or the host if unset"),
        on("nodename_overwrite", Host, Kind::Bool, Some("true"), "set the hostname of the system to the node's name"),
        off("nodename_exchange", Host, Kind::Bool, Some("false"), "write the names of all nodes of a run into each other's hosts file"),
        on("node_id_from_pg", Cluster, Kind::Bool, Some("true"), "take node name and node cluster from the PostgreSQL instance"),
        off("region", Fleet, Kind::OneOf(&["default", "china", "europe"]), Some("\"default\""), "which mirrors upstream packages come from"),
        off("proxy_env", Fleet, Kind::AnyMap, Some("{\"no_proxy\": \"localhost,127.0.0.1,10.0.0.0/8,192.168.0.0/16\"}"), "proxy environment for downloads"),
    ],
};

/// Settings of the operating system.
#[rustfmt::skip]
pub(crate) static NODE: Module = Module {
    name: "node",
    about: "the operating system of a node: names, packages, kernel, accounts, time",
    parameters: &[
        on("node_write_etc_hosts", Host, Kind::Bool, Some("true"), "manage a block of /etc/hosts"),
        on("node_default_etc_hosts", Fleet, Kind::Texts, Some("[\"${admin_ip} i.pigsty\"]"), "lines of /etc/hosts for the whole fleet"),
        on("node_etc_hosts", Host, Kind::Texts, Some("[]"), "more lines of /etc/hosts"),
        off("node_dns_method", Host, Kind::OneOf(&["add", "overwrite", "none"]), Some("\"add\""), "how the DNS servers below enter resolv.conf"),
        off("node_dns_servers", Host, Kind::Texts, Some("[\"${admin_ip}\"]"), "DNS servers of the node"),
        off("node_dns_options", Host, Kind::Texts, Some("[\"options single-request-reopen timeout:1\"]"), "resolver options"),
        off("node_repo_modules", Cluster, Kind::Words, Some("\"local\""), "upstream repositories to add to a node"),
        on("node_repo_remove", Cluster, Kind::Bool, Some("true"), "the local repository is a node's only package source; others are set aside"),
        off("node_default_packages", Fleet, Kind::Any, None, "packages for every node; `sty`'s catalogue decides"),
        on("node_packages", Host, Kind::Words, Some("[\"openssh-server\"]"), "more packages for the node"),
        off("node_uv_env", Host, Kind::Text, Some("\"/data/venv\""), "path of a Python environment"),
        off("node_pip_packages", Host, Kind::Words, Some("\"\""), "Python packages for that environment"),
        off("node_selinux_mode", Cluster, Kind::OneOf(&["disabled", "permissive", "enforcing"]), Some("\"permissive\""), "SELinux mode where there is SELinux"),
        off("node_firewall_mode", Cluster, Kind::OneOf(&["none", "off", "zone"]), Some("\"zone\""), "what to do with the firewall"),
        off("node_firewall_intranet", Cluster, Kind::Texts, Some("[\"10.0.0.0/8\", \"192.168.0.0/16\", \"172.16.0.0/12\"]"), "networks the firewall trusts"),
        off("node_firewall_public_port", Cluster, Kind::AnyList, Some("[22, 80, 443]"), "ports open to everyone"),
        off("node_disable_numa", Cluster, Kind::Bool, Some("false"), "switch NUMA off at boot"),
        on("node_disable_swap", Cluster, Kind::Bool, Some("false"), "switch swap off"),
        off("node_static_network", Cluster, Kind::Bool, Some("true"), "keep resolv.conf across reboots"),
        off("node_disk_prefetch", Cluster, Kind::Bool, Some("false"), "read-ahead for spinning disks"),
        on("node_kernel_modules", Cluster, Kind::Words, Some("[\"softdog\", \"ip_vs\", \"ip_vs_rr\", \"ip_vs_wrr\", \"ip_vs_sh\"]"), "kernel modules to load"),
        on("node_hugepage_count", Host, COUNT, Some("0"), "number of 2 MB huge pages; 0 leaves it alone"),
        on("node_hugepage_ratio", Host, Kind::Number { min: 0.0, max: 0.9 }, Some("0"), "share of memory for huge pages; 0 leaves it alone"),
        on("node_overcommit_ratio", Host, Kind::Int { min: 0, max: 100 }, Some("0"), "percentage for strict memory overcommit; 0 leaves it alone"),
        on("node_tune", Cluster, Kind::OneOf(PROFILES), Some("\"oltp\""), "kernel tuning profile"),
        off("node_tuned_profile_dir", Cluster, Kind::Path, Some("\"/etc/tuned\""), "directory of tuned profiles; `sty` writes sysctl files itself"),
        on("node_sysctl_params", Cluster, Kind::Pairs, Some("{\"fs.nr_open\": 8388608}"), "more kernel settings"),
        on("node_data", Cluster, Kind::Path, Some("\"/data\""), "main data directory"),
        on("node_admin_enabled", Cluster, Kind::Bool, Some("true"), "create the administrator's account; one that was made stays, without its sudo privilege"),
        on("node_admin_uid", Cluster, Kind::Int { min: 1, max: 60000 }, Some("88"), "its user and group number; another one where somebody has it"),
        on("node_admin_username", Cluster, Kind::Identifier, Some("\"dba\""), "its name"),
        on("node_admin_sudo", Cluster, Kind::OneOf(&["none", "limit", "all", "nopass"]), Some("\"nopass\""), "its sudo privilege"),
        off("node_admin_ssh_exchange", Cluster, Kind::Bool, Some("true"), "let the account log in between the nodes of a cluster"),
        off("node_admin_pk_current", Cluster, Kind::Bool, Some("true"), "add the public key of whoever runs `sty`"),
        on("node_admin_pk_list", Cluster, Kind::Texts, Some("[]"), "public keys that may log in as the administrator; a key that is taken out of the list stays on the nodes"),
        on("node_aliases", Cluster, Kind::ShellPairs, Some("{}"), "shell aliases"),
        on("node_timezone", Cluster, Kind::Text, Some("\"\""), "time zone such as `Europe/Berlin`; empty leaves it alone"),
        on("node_ntp_enabled", Cluster, Kind::Bool, Some("true"), "synchronise time with chrony"),
        on("node_ntp_servers", Cluster, Kind::Texts, Some("[\"pool pool.ntp.org iburst\"]"), "time sources, as lines of chrony"),
        off("node_crontab_overwrite", Cluster, Kind::Bool, Some("true"), "replace /etc/crontab; `sty` keeps a file of its own instead"),
        on("node_crontab", Host, Kind::Shell, Some("[]"), "cron lines with a user field"),
    ],
};

/// Virtual IP of a node cluster.
#[rustfmt::skip]
pub(crate) static VIP: Module = Module {
    name: "node-vip",
    about: "a virtual IP of a node cluster, kept by VRRP",
    parameters: &[
        on("vip_enabled", Cluster, Kind::Bool, Some("false"), "give the node cluster a virtual IP"),
        on("vip_address", Cluster, Kind::Text, None, "the address, with or without prefix length"),
        on("vip_vrid", Cluster, Kind::Int { min: 1, max: 254 }, None, "VRRP router number, unique in the network"),
        on("vip_role", Instance, Kind::OneOf(&["master", "backup"]), Some("\"backup\""), "role at start"),
        on("vip_preempt", Cluster, Kind::Bool, Some("false"), "take the address back on return"),
        on("vip_interface", Host, Kind::Text, Some("\"auto\""), "interface; `auto` finds the one with the node's address"),
        off("vip_dns_suffix", Cluster, Kind::Text, Some("\"\""), "suffix for a DNS name of the address"),
        on("vip_auth_pass", Cluster, Kind::Secret, Some("\"\""), "VRRP password, at most 8 characters count"),
        off("vip_exporter_port", Cluster, PORT, Some("9650"), "port of keepalived's metrics"),
    ],
};

/// HAProxy.
#[rustfmt::skip]
pub(crate) static HAPROXY: Module = Module {
    name: "haproxy",
    about: "HAProxy, which every node runs to expose services",
    parameters: &[
        on("haproxy_enabled", Cluster, Kind::Bool, Some("true"), "run HAProxy; where it ran, `apply --restart` stops it"),
        off("haproxy_clean", Cluster, Kind::Bool, Some("false"), "remove existing configuration first; `sty` compares instead"),
        off("haproxy_reload", Cluster, Kind::Bool, Some("true"), "reload after changes; `sty` always does"),
        on("haproxy_auth_enabled", Cluster, Kind::Bool, Some("true"), "ask for a password on the status page"),
        on("haproxy_admin_username", Fleet, Kind::Identifier, Some("\"admin\""), "name for the status page"),
        on("haproxy_admin_password", Fleet, Kind::Secret, None, "password for the status page"),
        on("haproxy_exporter_port", Cluster, PORT, Some("9101"), "port of status page and metrics"),
        on("haproxy_client_timeout", Cluster, Kind::Time, Some("\"24h\""), "how long a client may be silent"),
        on("haproxy_server_timeout", Cluster, Kind::Time, Some("\"24h\""), "how long a server may be silent"),
        on("haproxy_services", Cluster, Kind::Entries(&HAPROXY_SERVICE), Some("[]"), "services that are not PostgreSQL's"),
    ],
};
