//! Every code of this crate, with the text that explains it.

macro_rules! codes {
    ($($name:ident = $code:literal: $text:literal;)*) => {
        $(
            #[doc = $text]
            pub const $name: &str = $code;
        )*

        /// Every code with its explanation, in the order of the documentation.
        pub const ALL: &[(&str, &str)] = &[$(($name, $text)),*];
    };
}

codes! {
    SYNTAX = "inventory/syntax":
        "The file is not valid YAML, so nothing in it was read. The place is where the reader gave up; the cause is often a line earlier: a missing colon, a tab, an unclosed quote or bracket, or wrong indentation.";
    ENCODING = "inventory/encoding":
        "The file is not UTF-8 text, so nothing in it was read. The place is where the first byte stands that does not belong there, often an umlaut or accent saved in an older encoding. `iconv -f LATIN1 -t UTF-8` turns it into UTF-8, with the encoding that it has.";
    EMPTY = "inventory/empty":
        "The file has no content, or only comments. `sty init` writes an inventory to begin with.";
    STRUCTURE = "inventory/structure":
        "An inventory is a mapping of groups. A group has `hosts`, `children` and `vars`, each a mapping from names; a host has a mapping of variables. Something else was found here.";
    DUPLICATE_KEY = "inventory/duplicate-key":
        "One mapping has the same key twice. YAML readers differ in which one they take, so it is refused.";
    GROUP_CYCLE = "inventory/group-cycle":
        "A group contains itself, directly or through its children, so there is no order to merge variables in.";
    HOST_NAME = "inventory/host-name":
        "A host name or a range of host names cannot be read. Ranges are `10.10.10.[11:13]`, `node-[01:10]`, `node-[a:c]` and, with a step, `node-[1:9:2]`.";
    SET_TWICE = "inventory/set-twice":
        "The same group or host sets a variable at two places of the file, to different values. The last one in the file wins, as in Ansible; one of them is probably forgotten.";
    UNKNOWN_NAME = "inventory/unknown-name":
        "No parameter has this name, so it would do nothing. It is most likely misspelt. The parameter reference lists every name.";
    UNKNOWN_FIELD = "inventory/unknown-field":
        "An entry of a list such as `pg_users` or `pg_databases` has a field that does not exist there, so it would do nothing.";
    MISSING_FIELD = "inventory/missing-field":
        "An entry of a list lacks a field that it needs.";
    TYPE = "inventory/type":
        "A value is of another type than its parameter, or out of its range.";
    WRONG_LEVEL = "inventory/wrong-level":
        "A parameter that identifies one host or instance is set on a group. It would be the same for every host of the group.";
    UNKNOWN_PLACEHOLDER = "inventory/unknown-placeholder":
        "A value has a placeholder `${...}` that stands for nothing. Known are `${admin_ip}`, `${ip}`, `${dbsu}`, `${repl}`, `${monitor}`, `${admin}` and the name of any parameter that is a single value and not a password.";
    UNFILLED = "inventory/unfilled-placeholder":
        "The inventory still has `${random}` in it, which a template has where a password belongs. `sty init` writes an inventory in which every one is a different secret.";
    JINJA = "inventory/jinja":
        "A value has a Jinja expression `{{ ... }}`. `sty` reads inventories without Ansible and does not evaluate them; write the value itself, a YAML anchor, or a `${...}` placeholder.";
    MISSING_PASSWORD = "inventory/missing-password":
        "A password that a service needs is not set. There are no default passwords: whatever is written in a public document is known to everyone.";
    KNOWN_PASSWORD = "inventory/known-password":
        "A password is one that is printed in public documentation, so everyone knows it. Change it before anybody else can reach the service.";
    NOT_EFFECTIVE = "inventory/not-effective":
        "The inventory sets parameters that `sty` knows but does not act upon yet. They are harmless, and do nothing.";
    MISSING = "inventory/missing-parameter":
        "A parameter without a default is needed and not set.";
    DUPLICATE_ADDRESS = "inventory/duplicate-address":
        "Two hosts stand for the same machine. A node is known by its address, so each address may occur once; a host may be in several groups under one name.";
    NO_ADDRESS = "inventory/no-address":
        "The address of a host is not known: neither its name nor `ansible_host` is an IP address. Nodes are known by their addresses.";
    TWO_CLUSTERS = "inventory/two-clusters":
        "A host belongs to two PostgreSQL clusters. A node runs at most one instance.";
    NO_CLUSTER = "inventory/no-cluster":
        "A host has the number or the role of a PostgreSQL instance and no `pg_cluster`, so it would get none, and one that runs there would lose its services. The name of the cluster is probably missing from the `vars` of its group.";
    EMPTY_GROUP = "inventory/empty-group":
        "A group has the name of a PostgreSQL cluster and no host belongs to it, so there is no such cluster. One that runs is left alone: `sty cluster remove` takes it away while the inventory still has its hosts.";
    NO_PRIMARY = "inventory/no-primary":
        "A cluster has no instance with `pg_role: primary`, so nobody would create the database. After creation Patroni decides who leads; the word then has no effect.";
    TWO_PRIMARIES = "inventory/two-primaries":
        "A cluster has several instances with `pg_role: primary`. Exactly one creates the cluster; the others are `replica` or `offline`.";
    NO_CANDIDATE = "inventory/no-candidate":
        "All members of a cluster but its primary are offline or late on purpose, and neither ever leads. When the primary is lost, nobody takes over, and a planned move is refused.";
    SEQUENCE = "inventory/sequence":
        "A member has no sequence number, or one that another member of the same cluster has. Instances, etcd members and infra nodes are named by it.";
    ETCD_MISSING = "inventory/etcd-missing":
        "There are PostgreSQL clusters and no etcd. Patroni decides there who is the primary: add a group `etcd` whose hosts have `etcd_seq`.";
    ETCD_SIZE = "inventory/etcd-size":
        "An etcd cluster has 1, 3 or 5 members. An even number survives no more failures than the odd one below it, and more than five slow every write down.";
    ETCD_TIMING = "inventory/etcd-timing":
        "etcd refuses an election timeout of less than five heartbeat intervals.";
    DIFFERS = "inventory/differs-in-cluster":
        "A parameter of a whole cluster has different values on its members. Set it once, in the `vars` of the cluster's group.";
    UNSUPPORTED = "inventory/unsupported":
        "The inventory asks for something that `sty` knows and cannot do yet. Doing something else instead would be wrong, so it is refused.";
    DUPLICATE_NAME = "inventory/duplicate-name":
        "Two nodes, users, databases, services or other named things that have to differ have the same name.";
    PORT_CONFLICT = "inventory/port-conflict":
        "Two services on one node would listen on the same port.";
    IDENTIFIER = "inventory/identifier":
        "A name is not usable: PostgreSQL's names have 1 to 63 bytes, and names beginning with `pg_` are reserved for roles and schemas of the system.";
    UNKNOWN_ROLE = "inventory/unknown-role":
        "A role is referred to that is neither declared in `pg_users` or `pg_default_roles` nor part of PostgreSQL.";
    UNKNOWN_DATABASE = "inventory/unknown-database":
        "A database is referred to that is not declared in `pg_databases` and is not one of PostgreSQL's own; or a template is not declared before the databases that copy it.";
    ROLE_CYCLE = "inventory/role-cycle":
        "Roles are members of each other in a circle, which PostgreSQL refuses.";
    SYSTEM_ROLE = "inventory/system-role":
        "A system user is missing from `pg_default_roles`, declared absent, or declared again in `pg_users`. Patroni, PgBouncer and `sty` itself need it.";
    RECREATE = "inventory/recreate":
        "`state: recreate` would destroy a database on every run. Destruction is a verb of its own, never a side effect of `apply`.";
    BASELINE = "inventory/baseline":
        "The baseline SQL file of a database cannot be read.";
    HBA_RULE = "inventory/hba-rule":
        "A rule of `pg_hba_rules` or its like says nothing: it needs either `user`, `db`, `addr` and `auth`, or `rules` with raw lines. Or it can never work: a raw line that PostgreSQL cannot read, with which it would neither start nor reload, or a way to authenticate that the address does not have.";
    HBA_POOLER = "inventory/hba-pooler":
        "A rule of `pgb_hba_rules` or `pgb_default_hba_rules` says something that PostgreSQL knows and PgBouncer does not. PgBouncer leaves such a line out and goes on with the next. It has no groups in raw lines, no `samerole`, `samehost` or `samenet`, no names of hosts, no regular expressions, and of the methods only `trust`, `reject`, `md5`, `password`, `scram-sha-256`, `cert`, `peer` and `ldap`.";
    HBA_ALIAS = "inventory/hba-alias":
        "A rule uses an address or a method that is neither an alias nor valid in pg_hba.conf. Addresses: `local`, `localhost`, `admin`, `infra`, `cluster`, `intra`, `world`, an IP address or a network. Methods: `pwd`, `ssl`, `ssl-sha`, `ssl-md5`, `cert`, `ident`, `peer`, `trust`, `deny`, `md5`, `sha`, `scram-sha-256`, `reject`.";
    HBA_ORDER = "inventory/hba-unreachable":
        "An earlier rule matches every connection that this rule matches, so it is never used. Rules are tried by rising `order`; the first that matches decides.";
    HBA_OPEN = "inventory/hba-open":
        "A rule lets somebody in from the network who has shown nothing (`trust`), or has passwords sent as they are over connections that need not be encrypted (`password`).";
    MD5_SECRET = "inventory/md5-secret":
        "A user's password is an `md5` secret in a cluster that keeps passwords as SCRAM. Such a secret proves nothing to a rule that asks for SCRAM, and PgBouncer cannot use it to log in where PostgreSQL asks for SCRAM.";
    SCRAM_SECRET = "inventory/scram-secret":
        "A user's password begins like a SCRAM secret and is not one: `SCRAM-SHA-256$`, iterations, `:`, salt, `$`, stored key, `:`, server key; salt and keys in base64, the keys of 32 bytes. PostgreSQL takes it for a password in plain text, and so does `sty`: whoever knows the password that was meant cannot log in. A shell or a double-quoted text often eats what follows a `$`.";
    POOLED_OFFLINE = "inventory/pooled-offline":
        "A user may log in through PgBouncer, and belongs to no group or to `dbrole_offline` alone. No rule lets it in from the pooler: every connection would be refused behind it.";
    POOLED_NAME = "inventory/pooled-name":
        "PgBouncer cannot have an entry of this name in its configuration: ASCII letters, digits, `_`, `-` and `.` work there, and `pgbouncer` is its own console. It would refuse the whole file and serve with the old one until it restarts, and then not at all.";
    EXPIRY = "inventory/expiry":
        "An expiry date that has no effect: the role has no password or cannot log in, or both `expire_at` and `expire_in` are written, of which `expire_in` holds.";
    EXPIRED = "inventory/expired":
        "`expire_at` of a user is in the past: PostgreSQL no longer takes its password.";
    EXTENSION_PACKAGE = "inventory/extension-package":
        "A database has an extension that does not come with PostgreSQL, and no package in `pg_extensions` or `pg_packages` looks as if it had it. Creating it would fail on the node. Packages are found by name, so this may be wrong; then the warning is all there is to it.";
    LIBRARY = "inventory/library":
        "A library in `pg_libs`, or in the settings `session_preload_libraries` and `local_preload_libraries`, does not come with PostgreSQL, and no package in `pg_extensions` or `pg_packages` looks as if it had it. Without a library that it is told to preload PostgreSQL does not start, or lets nobody in. Packages are found by name, so this may be wrong; then the warning is all there is to it.";
    LOCALE = "inventory/locale":
        "A cluster, a database or a setting such as `lc_messages` asks for a locale of the operating system that a fresh node does not have: those are `C`, `C.UTF-8` and `POSIX`. Others are there once they have been generated, on every node; without, PostgreSQL refuses to create the cluster or the database, or to start. Locales of ICU and those built into PostgreSQL need nothing of the node.";
    POOLER_DROPS = "inventory/pooler-drops":
        "`pgbouncer_ignore_param` makes PgBouncer accept and throw away what a client asks for when it connects. For a parameter such as `search_path` the client then works with another value than it believes.";
    SELECTOR = "inventory/selector":
        "The `selector` or `backup` of a service is not a JMESPath expression that yields members. It is evaluated on a list with one object per member, made of its variables: `[]` takes all, `[? pg_role == 'replica']` only replicas.";
    NO_MEMBER = "inventory/service-without-member":
        "No member of the cluster matches the selector of a service, so nobody would ever answer there.";
    SERVICE_DEST = "inventory/service-destination":
        "The destination of a service is not `default`, `postgres`, `pgbouncer` or a port; or it is PgBouncer, and that is disabled.";
    RECOVERY_PLAN = "inventory/recovery-plan":
        "A recovery plan breaks a rule of Patroni or HAProxy: ten values; ttl at least 20; loop_wait + 2 * retry_timeout at most ttl; whole times. Or `pg_rto` names a plan that does not exist.";
    SYNCHRONOUS = "inventory/synchronous":
        "Synchronous replication is asked for in a cluster of one member. Nobody could confirm a write, so nothing is gained until there is a replica.";
    EXTENSION = "inventory/extension-name":
        "The name of an extension is not one: letters, digits, `_` and `-`, beginning with a letter.";
    VIP = "inventory/vip":
        "A virtual IP is enabled and cannot work: its address is missing, a loopback address, or the address of a node, or its router number is missing or used twice.";
    UPSTREAM = "inventory/upstream":
        "`pg_upstream` is not the address of a member of the same cluster (for a replica) or of another cluster's member (for the primary of a standby cluster), or it leads in a circle.";
    SETTING_UNKNOWN = "inventory/setting-unknown":
        "The PostgreSQL major of the cluster has no setting of this name. It is misspelt, or of another major: the hint says which. Settings of extensions and applications have a dot in their name, and any such name passes unless the extension comes with PostgreSQL and has no such setting.";
    SETTING_VALUE = "inventory/setting-value":
        "PostgreSQL would refuse this value of a setting, or Patroni, which hands it on, would drop or replace it. Values are read as the server reads them: units `B`, `kB`, `MB`, `GB`, `TB` and `us`, `ms`, `s`, `min`, `h`, `d` with these capitals, hexadecimal and octal numbers, and fractions, which are rounded where whole numbers are wanted.";
    SETTING_LEVEL = "inventory/setting-level":
        "A setting cannot be set where it is written. Roles and databases can have what a session may change; what needs a restart or a reload belongs into `pg_parameters`; some must be equal on all members of a cluster; and some cannot be set at all.";
    SETTING_TAKEN = "inventory/setting-taken":
        "A setting follows from a parameter of the inventory, or is set by Patroni or `sty`. Whatever else were written would be dropped, or break the cluster.";
    SETTING_RISK = "inventory/setting-risk":
        "PostgreSQL takes this value, and it costs data: at once, at the next crash, or when transaction numbers run out.";
    ACCOUNT = "inventory/account":
        "A name cannot be that of the Linux account it is meant for: `useradd` or sudo would refuse it, or the account is somebody else's. Names have up to 32 letters, digits, `_`, `-` and `.`, begin with a letter or `_`, and are not all capitals, which is an alias to sudo.";
    DIRECTORY = "inventory/directory":
        "A directory cannot be given to PostgreSQL, etcd or the node. `sty` gives `pg_data`, `pg_fs_backup` and `etcd_data` an owner who is not root, and removes `pg_data`, `etcd_data` and the home of the instance below `pg_fs_main` when their cluster is removed, with all they hold. So directories of the system are refused, those that a reboot empties, and those that hold another directory of the inventory.";
    VALUE = "inventory/value":
        "A value is of the right type and still cannot be used; the message says why.";
}

/// The explanation of a code of this crate.
pub fn explain(code: &str) -> Option<&'static str> {
    ALL.iter()
        .find(|(known, _)| *known == code)
        .map(|(_, text)| *text)
}
