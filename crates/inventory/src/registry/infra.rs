//! CA, INFRA, REPO and ETCD parameters.

use super::Level::{Cluster, Fleet, Host, Instance};
use super::kind::{COUNT, Kind, PORT};
use super::{Module, off, on};

/// Certificate authority.
#[rustfmt::skip]
pub(crate) static CA: Module = Module {
    name: "ca",
    about: "the certificate authority of the fleet, kept on the controller",
    parameters: &[
        off("ca_create", Fleet, Kind::Bool, Some("true"), "create the authority when it is missing; `sty` always does"),
        on("ca_cn", Fleet, Kind::Text, Some("\"pigsty-ca\""), "common name of the authority"),
        on("cert_validity", Fleet, Kind::Days, Some("\"7300d\""), "validity of a new authority; leaf certificates last a year and are renewed"),
    ],
};

/// Infrastructure services.
#[rustfmt::skip]
pub(crate) static INFRA: Module = Module {
    name: "infra",
    about: "web entry, DNS, metrics, logs and dashboards",
    parameters: &[
        on("infra_seq", Instance, COUNT, None, "number of an infra node, unique in the group"),
        off("version", Fleet, Kind::Text, Some("\"v4.5.0\""), "release of the inventory format"),
        off("language", Fleet, Kind::OneOf(&["en", "zh"]), Some("\"en\""), "language of pages"),
        off("infra_portal", Fleet, Kind::AnyMap, Some("{\"home\": {\"domain\": \"i.pigsty\"}}"), "sites that the web entry serves"),
        off("infra_data", Fleet, Kind::Path, Some("\"/data/infra\""), "data directory of infra services"),
        off("infra_packages", Fleet, Kind::Any, None, "packages of infra nodes; `sty`'s catalogue decides"),
        off("infra_services", Fleet, Kind::AnyList, Some("[]"), "links on the home page"),
        off("infra_extra_services", Fleet, Kind::AnyList, Some("[]"), "more links on the home page"),
        off("nginx_enabled", Host, Kind::Bool, Some("true"), "run the web entry"),
        off("nginx_clean", Host, Kind::Bool, Some("false"), "remove existing web configuration first"),
        off("nginx_exporter_enabled", Host, Kind::Bool, Some("true"), "export metrics of the web entry"),
        off("nginx_exporter_port", Host, PORT, Some("9113"), "port of those metrics"),
        off("nginx_home", Fleet, Kind::Path, Some("\"/www\""), "document root"),
        off("nginx_data", Fleet, Kind::Path, Some("\"/data/nginx\""), "data directory of the web entry"),
        off("nginx_sslmode", Fleet, Kind::OneOf(&["disable", "enable", "enforce"]), Some("\"enable\""), "TLS of the web entry"),
        off("nginx_cert_validity", Fleet, Kind::Days, Some("\"397d\""), "validity of its certificates"),
        off("nginx_cert_exists", Fleet, Kind::Bool, Some("false"), "whether certificates are already there"),
        off("nginx_users", Fleet, Kind::AnyMap, Some("{}"), "names and passwords for protected sites"),
        off("nginx_port", Fleet, PORT, Some("80"), "HTTP port"),
        off("nginx_ssl_port", Fleet, PORT, Some("443"), "HTTPS port"),
        off("certbot_sign", Fleet, Kind::Bool, Some("false"), "ask Let's Encrypt for certificates"),
        off("certbot_email", Fleet, Kind::Text, Some("\"your@email.com\""), "address for their reminders"),
        off("certbot_options", Fleet, Kind::Text, Some("\"\""), "more options for certbot"),
        off("dns_enabled", Fleet, Kind::Bool, Some("true"), "run a name server on infra nodes"),
        off("dns_port", Fleet, PORT, Some("53"), "its port"),
        off("dns_records", Fleet, Kind::AnyList, Some("[]"), "static records"),
        off("vmetrics_enabled", Host, Kind::Bool, Some("true"), "run VictoriaMetrics"),
        off("vmetrics_clean", Host, Kind::Bool, Some("false"), "delete metrics first"),
        off("vmetrics_port", Host, PORT, Some("8428"), "its port"),
        off("vmetrics_scrape_interval", Fleet, Kind::Text, Some("\"10s\""), "time between two scrapes"),
        off("vmetrics_scrape_timeout", Fleet, Kind::Text, Some("\"8s\""), "longest time for a scrape"),
        off("vmetrics_options", Fleet, Kind::Text, Some("\"-retentionPeriod=15d -promscrape.fileSDCheckInterval=5s\""), "command line options"),
        off("vlogs_enabled", Host, Kind::Bool, Some("true"), "run VictoriaLogs"),
        off("vlogs_clean", Host, Kind::Bool, Some("false"), "delete logs first"),
        off("vlogs_port", Host, PORT, Some("9428"), "its port"),
        off("vlogs_options", Fleet, Kind::Text, Some("\"-retentionPeriod=15d -retention.maxDiskSpaceUsageBytes=50GiB -insert.maxLineSizeBytes=1MB -search.maxQueryDuration=120s\""), "command line options"),
        off("vtraces_enabled", Host, Kind::Bool, Some("true"), "run VictoriaTraces"),
        off("vtraces_clean", Host, Kind::Bool, Some("false"), "delete traces first"),
        off("vtraces_port", Host, PORT, Some("10428"), "its port"),
        off("vtraces_options", Fleet, Kind::Text, Some("\"-retentionPeriod=15d -retention.maxDiskSpaceUsageBytes=50GiB\""), "command line options"),
        off("vmalert_enabled", Host, Kind::Bool, Some("true"), "evaluate alert rules"),
        off("vmalert_port", Host, PORT, Some("8880"), "port of the rule evaluator"),
        off("vmalert_options", Fleet, Kind::Text, Some("\"\""), "command line options"),
        off("blackbox_enabled", Host, Kind::Bool, Some("true"), "probe addresses from outside"),
        off("blackbox_port", Host, PORT, Some("9115"), "port of the prober"),
        off("blackbox_options", Fleet, Kind::Text, Some("\"\""), "command line options"),
        off("alertmanager_enabled", Host, Kind::Bool, Some("true"), "route alerts"),
        off("alertmanager_port", Host, PORT, Some("9059"), "port of the alert router"),
        off("alertmanager_options", Fleet, Kind::Text, Some("\"\""), "command line options"),
        off("grafana_enabled", Host, Kind::Bool, Some("true"), "run Grafana"),
        off("grafana_port", Host, PORT, Some("3000"), "its port"),
        off("grafana_clean", Host, Kind::Bool, Some("false"), "delete dashboards first"),
        off("grafana_admin_username", Fleet, Kind::Text, Some("\"admin\""), "its administrator"),
        off("grafana_admin_password", Fleet, Kind::Secret, None, "its administrator's password"),
        off("grafana_auth_proxy", Fleet, Kind::Bool, Some("false"), "trust a proxy's authentication"),
        off("grafana_pgurl", Fleet, Kind::Secret, Some("\"\""), "connection string of an external database for Grafana"),
        off("grafana_view_password", Fleet, Kind::Secret, None, "password of its read-only data source"),
    ],
};

/// Package repository.
#[rustfmt::skip]
pub(crate) static REPO: Module = Module {
    name: "repo",
    about: "the package repository that nodes install from",
    parameters: &[
        on("repo_endpoint", Fleet, Kind::Text, Some("\"http://${admin_ip}:80\""), "URL under which nodes find the repository"),
        off("repo_enabled", Host, Kind::Bool, Some("true"), "whether an infra node serves the repository"),
        off("repo_home", Fleet, Kind::Path, Some("\"/www\""), "directory of the repository on its node"),
        off("repo_name", Fleet, Kind::Text, Some("\"pigsty\""), "name of the repository"),
        off("repo_remove", Fleet, Kind::Bool, Some("true"), "set upstream sources aside on the repository's node"),
        off("repo_modules", Fleet, Kind::Words, Some("\"infra,node,pgsql\""), "upstream repositories it is filled from"),
        off("repo_upstream", Fleet, Kind::Any, None, "definitions of upstream repositories"),
        off("repo_packages", Fleet, Kind::Any, None, "packages it holds; the inventory's modules decide"),
        off("repo_extra_packages", Fleet, Kind::Any, None, "more packages it holds"),
        off("repo_url_packages", Fleet, Kind::AnyList, Some("[]"), "files it fetches by URL"),
        off("repo_exists", Fleet, Kind::Bool, Some("false"), "whether it is already complete"),
        off("cache_pkg_name", Fleet, Kind::Text, Some("\"pigsty-pkg-${version}.${os}.${arch}.tgz\""), "name of the offline bundle"),
        off("cache_pkg_dir", Fleet, Kind::Text, Some("\"dist/${version}\""), "directory of the offline bundle"),
        off("cache_repo", Fleet, Kind::Words, Some("\"pigsty\""), "repositories that go into the bundle"),
    ],
};

/// etcd.
#[rustfmt::skip]
pub(crate) static ETCD: Module = Module {
    name: "etcd",
    about: "the etcd cluster that Patroni keeps its state in",
    parameters: &[
        on("etcd_seq", Instance, COUNT, None, "number of a member, unique in the cluster"),
        on("etcd_cluster", Cluster, Kind::ClusterName, Some("\"etcd\""), "name of the cluster"),
        on("etcd_data", Cluster, Kind::Path, Some("\"/data/etcd\""), "data directory"),
        off("etcd_learner", Instance, Kind::Bool, Some("false"), "join as learner; `sty` does so whenever it adds a member"),
        on("etcd_port", Fleet, PORT, Some("2379"), "client port; an etcd that has data keeps the one it has"),
        on("etcd_peer_port", Cluster, PORT, Some("2380"), "peer port"),
        off("etcd_init", Cluster, Kind::OneOf(&["new", "existing"]), Some("\"new\""), "bootstrap or join; `sty` finds out"),
        on("etcd_election_timeout", Cluster, Kind::Int { min: 50, max: 50000 }, Some("1000"), "milliseconds without a leader before an election"),
        on("etcd_heartbeat_interval", Cluster, Kind::Int { min: 10, max: 5000 }, Some("100"), "milliseconds between two heartbeats"),
        on("etcd_root_password", Fleet, Kind::Secret, None, "password of etcd's root"),
        on("etcd_safeguard", Cluster, Kind::Bool, Some("false"), "refuse removal"),
        off("etcd_rm_data", Cluster, Kind::Bool, Some("true"), "delete data on removal"),
        off("etcd_rm_pkg", Cluster, Kind::Bool, Some("false"), "remove packages on removal"),
        off("etcd_clean", Cluster, Kind::Bool, Some("false"), "older switch: purge data when deploying; `sty` never does"),
    ],
};
