//! Ways in: access rules and services.

use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn hba_rule() {
    assert_snapshot!(found(&one("pg_hba_rules:\n  - { user: all, db: all }\n  - { rules: [ '# only' ] }\n  - { rules: [ 'host all' ] }\n  - { rules: [ 'local all all peer' ] }", "")), @"
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: it has no `addr`
      9:13 here
      hint: write `user`, `db`, `addr` and `auth`, or `rules` with raw lines
    error[inventory/hba-rule]: a rule of `pg_hba_rules` says nothing: `rules` has no line
      10:22 here
      hint: write a raw line, or leave the rule out
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all`: columns are missing
      11:24 here
      hint: write type, databases, users, address (unless local) and method
    ");
}

#[test]
fn hba_names() {
    assert_snapshot!(found(&one("pg_users: [ { name: my app } ]\npg_databases: [ { name: 'a,b', pgbouncer: false } ]\npg_hba_rules:\n  - { user: my app, db: '\"a,b\"', addr: intra }\n  - { user: my app postgres, db: 'all', addr: intra }\n  - { user: '\"all\"', addr: intra }\n  - { user: '\"my app', addr: intra }\n  - { rules: [ 'host all \"my app\" 0.0.0.0/0 trust' ], order: 10 }", "")), @r#"
    error[inventory/unknown-role]: a rule of `pg_hba_rules` is for role `my app postgres`, which is not declared
      12:21 here
      hint: declare it in `pg_users`, or write `all`
    error[inventory/hba-rule]: `user` of a rule of `pg_hba_rules` cannot be read: `"all"` cannot be told from what it means unquoted
      13:21 here
      hint: separate names by commas; write one with a comma in it as `'"a,b"'`, and what quotes cannot say as a raw line: `rules`
    error[inventory/hba-rule]: `user` of a rule of `pg_hba_rules` cannot be read: the quotes of `"my app` do not match
      14:21 here
      hint: separate names by commas; write one with a comma in it as `'"a,b"'`, and what quotes cannot say as a raw line: `rules`
    warning[inventory/hba-open]: a rule of `pg_hba_rules` lets everybody at `0.0.0.0/0` in without a password
      15:22 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    "#);
}

#[test]
fn hba_patterns() {
    let rules = |version| {
        format!(
            "pg_version: {version}\npg_hba_rules:\n- rules: [ 'host /[ all 10.0.0.0/8 md5' ]\n\
             - {{ user: '/^(app', addr: intra, auth: pwd }}"
        )
    };
    assert_snapshot!(found(&one(&rules(17), "")), @r"
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host /[ all 10.0.0.0/8 md5`: `/[` is no regular expression: a bracket is not closed
      10:20 here
      hint: mend it: `\` makes a character mean itself
    error[inventory/hba-rule]: `user` of a rule of `pg_hba_rules` cannot be read: `/^(app` is no regular expression: the parentheses do not match
      11:19 here
      hint: mend it: `\` makes a character mean itself
    ");
    assert_eq!(found(&one(&rules(15), "")), "");
}

#[test]
fn hba_raw() {
    let lines = [
        "hots all all 10.0.0.0/8 md5",
        "host all all 10.0.0.0/8",
        "local all all 10.0.0.0/8 md5",
        "host all all 10.0.0.0/8 sha",
        "host all all 10.0.0.0/33 md5",
        "host all all 10.0.0.0 md5",
        "host all all 10.0.0.0 255.0.0.0",
        "host all all 10.0.0.0/8 md5 md5",
        "host all all 10.0.0.0/8 peer",
        "host all all 10.0.0.0/8 cert",
        "local all all gss",
        "host all all 10.0.0.0/8,11.0.0.0/8 md5",
        "host all all db.example.org/24 md5",
        "host all all 10.0.0.0/8 sspi",
        "include rules.conf",
    ];
    let rules: String = lines.map(|line| format!("  - '{line}'\n")).concat();
    let text = format!("pg_version: 15\npg_hba_rules:\n- rules:\n{rules}");
    assert_snapshot!(found(&one(&text, "")), @"
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `hots all all 10.0.0.0/8 md5`: `hots` is no type of connection
      11:13 here
      hint: did you mean `host`?
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8`: columns are missing
      12:13 here
      hint: write type, databases, users, address (unless local) and method
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `local all all 10.0.0.0/8 md5`: `10.0.0.0/8` is no method to authenticate
      13:13 here
      hint: use one of trust, reject, md5, password, scram-sha-256, cert, peer, ident, gss, ldap, pam, radius
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8 sha`: `sha` is no method to authenticate
      14:13 here
      hint: use one of trust, reject, md5, password, scram-sha-256, cert, peer, ident, gss, ldap, pam, radius
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/33 md5`: `10.0.0.0/33` is no address
      15:13 here
      hint: write one network such as `10.0.0.0/8`, `all`, or the name of a host
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0 md5`: `10.0.0.0` has no mask
      16:13 here
      hint: write one network such as `10.0.0.0/8`, `all`, or the name of a host
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0 255.0.0.0`: columns are missing
      17:13 here
      hint: write type, databases, users, address (unless local) and method
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8 md5 md5`: `md5` behind the method is no option
      18:13 here
      hint: write options as `name=value`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8 peer`: only the Unix socket tells who a peer is
      19:13 here
      hint: use `local`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8 cert`: certificates are shown over TLS alone
      20:13 here
      hint: use `hostssl`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `local all all gss`: `gss` does not work over the Unix socket
      21:13 here
      hint: use `host`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8,11.0.0.0/8 md5`: `10.0.0.0/8,11.0.0.0/8` is more than one address
      22:13 here
      hint: write one network such as `10.0.0.0/8`, `all`, or the name of a host
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all db.example.org/24 md5`: `db.example.org/24` is no address
      23:13 here
      hint: write one network such as `10.0.0.0/8`, `all`, or the name of a host
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8 sspi`: `sspi` is no method to authenticate
      24:13 here
      hint: use one of trust, reject, md5, password, scram-sha-256, cert, peer, ident, gss, ldap, pam, radius
    error[inventory/hba-rule]: a rule of `pg_hba_rules` has a line that cannot be read, `include rules.conf`: PostgreSQL 15 includes no files
      25:13 here
      hint: write the lines themselves
    ");
}

#[test]
fn hba_raw_that_is_good() {
    let lines = [
        "local all all peer map=sty",
        "host all,postgres +dba,\"odd name\" samenet scram-sha-256 # odd",
        "hostssl all all 10.0.0.0 255.0.0.0 cert map=x clientcert=verify-full",
        "hostnossl all all ::1/128 reject",
        "host all \"a b\", c .example.org ldap ldapserver=ldap.example.org ldapbasedn=\"dc=a, dc=b\"",
        "host all /^x all oauth issuer=x scope=y",
        "hostgssenc all all db.example.org gss",
        "include_if_exists rules.conf",
        "# nothing",
    ];
    let rules: String = lines.map(|line| format!("  - '{line}'\n")).concat();
    let text = format!("pg_version: 18\npg_hba_rules:\n- rules:\n{rules}");
    assert_eq!(found(&one(&text, "")), "");
    let block = lines.map(|line| format!("    {line}\n")).concat();
    let text = format!("pg_version: 18\npg_hba_rules:\n- rules: |\n{block}");
    assert_eq!(found(&one(&text, "")), "");
}

#[test]
fn hba_of_the_operating_system() {
    let rules = "
  - { user: postgres, addr: intra, auth: peer, order: 1 }
  - { user: postgres, addr: [ local, 10.0.0.1 ], auth: os, order: 2 }
  - { user: postgres, addr: localhost, auth: ident, order: 3 }
  - { user: postgres, addr: local, auth: cert, order: 4 }
  - { user: postgres, addr: localhost, auth: cert, order: 5 }";
    assert_snapshot!(found(&one(&format!("pg_hba_rules:{rules}\npgb_hba_rules:{rules}"), "")), @"
    error[inventory/hba-rule]: a rule of `pg_hba_rules` takes the word of `intra` for who its users are
      9:50 only the Unix socket tells
      hint: use `addr: local`; over the network `auth: pwd`, `ssl` or `cert`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` takes the word of `10.0.0.1` for who its users are
      10:64 only the Unix socket tells
      hint: use `addr: local`; over the network `auth: pwd`, `ssl` or `cert`
    error[inventory/hba-rule]: a rule of `pg_hba_rules` asks for a certificate over the Unix socket, where none can be shown
      12:50 needs TLS
      hint: use `auth: peer` or `pwd`, or name a network
    error[inventory/hba-rule]: a rule of `pgb_hba_rules` takes the word of `intra` for who its users are
      15:50 only the Unix socket tells
      hint: use `addr: local`; over the network `auth: pwd`, `ssl` or `cert`
    error[inventory/hba-rule]: a rule of `pgb_hba_rules` takes the word of `10.0.0.1` for who its users are
      16:64 only the Unix socket tells
      hint: use `addr: local`; over the network `auth: pwd`, `ssl` or `cert`
    error[inventory/hba-rule]: a rule of `pgb_hba_rules` takes the word of `localhost` for who its users are
      17:54 only the Unix socket tells
      hint: use `addr: local`; over the network `auth: pwd`, `ssl` or `cert`
    error[inventory/hba-rule]: a rule of `pgb_hba_rules` asks for a certificate over the Unix socket, where none can be shown
      18:50 needs TLS
      hint: use `auth: peer` or `pwd`, or name a network
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `postgres all local,10.0.0.1 os` with order 2 comes first
      12:13 matches nothing that is left
      hint: give it an `order` below 2, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `postgres all localhost ident` with order 3 comes first
      13:13 matches nothing that is left
      hint: give it an `order` below 3, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pgb_hba_rules` is never used: rule `postgres all local,10.0.0.1 os` with order 2 comes first
      18:13 matches nothing that is left
      hint: give it an `order` below 2, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pgb_hba_rules` is never used: rule `postgres all localhost ident` with order 3 comes first
      19:13 matches nothing that is left
      hint: give it an `order` below 3, or leave it out
    ");
}

#[test]
fn pooler_hba() {
    let users = "pg_users: [ { name: u, password: x } ]\npg_databases: [ { name: d } ]";
    let rules = "
  - { user: u, db: 'd,samerole', addr: intra, order: 1 }
  - { user: u, db: sameuser, addr: intra, order: 2 }
  - { user: '/^u', db: '/^d', addr: intra, order: 3 }
  - { user: u, db: d, addr: [ samenet, samehost ], order: 4 }
  - { user: u, db: d, addr: 192.0.2.7/24, order: 5 }
  - { user: u, db: replication, addr: 192.0.2.7, order: 6 }";
    assert_snapshot!(found(&one(&format!("{users}\npgb_hba_rules:{rules}"), "")), @"
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` does not work: PgBouncer has no `samerole`
      11:28 here
      hint: name the databases, or write `all`
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` does not work: PgBouncer takes the expression `/^u` for a name
      13:21 here
      hint: name them all, separated by commas
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` does not work: PgBouncer takes the expression `/^d` for a name
      13:32 here
      hint: name them all, separated by commas
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` does not work: PgBouncer does not know the address `samenet`
      14:37 here
      hint: write a network such as `10.0.0.0/8`
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` does not work: PgBouncer does not know the address `samehost`
      14:37 here
      hint: write a network such as `10.0.0.0/8`
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` does not work: PgBouncer compares with all of `192.0.2.7/24`, which no client's network is
      15:37 here
      hint: write `192.0.2.0/24`, or the address alone with all its bits
    ");
    let fine = rules.replace("192.0.2.7/24", "192.0.2.0/24");
    assert_eq!(
        found(&one(&format!("{users}\npg_hba_rules:{fine}"), "")),
        ""
    );
}

#[test]
fn pooler_hba_raw() {
    let lines = [
        "hostgssenc all all 10.0.0.0/8 md5",
        "include rules.conf",
        "host all +dba 10.0.0.0/8 md5",
        "host samerole all 10.0.0.0/8 md5",
        "host all /^x 10.0.0.0/8 md5",
        "host all all samenet md5",
        "host all all db.example.org md5",
        "host all all 10.0.0.1/8 md5",
        "host all all 10.0.0.0/8 gss",
        "local all all ident",
        "local all all peer map=sty",
        "host all all 10.0.0.0/8",
    ];
    let rules: String = lines.map(|line| format!("  - '{line}'\n")).concat();
    assert_snapshot!(found(&one(&format!("pgb_hba_rules:\n- rules:\n{rules}"), "")), @"
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `hostgssenc all all 10.0.0.0/8 md5`: `hostgssenc` is no type of connection
      10:13 here
      hint: use one of local, host, hostssl, hostnossl
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `include rules.conf`: PgBouncer includes no files
      11:13 here
      hint: write the lines themselves
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all +dba 10.0.0.0/8 md5`: PgBouncer knows no groups such as `dba`
      12:13 here
      hint: write a rule with `user`, `db`, `addr` and `auth`, where groups become their users
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host samerole all 10.0.0.0/8 md5`: PgBouncer has no `samerole`
      13:13 here
      hint: name the databases, or write `all`
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all /^x 10.0.0.0/8 md5`: PgBouncer takes the expression `/^x` for a name
      14:13 here
      hint: name them all, separated by commas
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all all samenet md5`: PgBouncer does not know the address `samenet`
      15:13 here
      hint: write a network such as `10.0.0.0/8`
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all all db.example.org md5`: PgBouncer does not know the address `db.example.org`
      16:13 here
      hint: write a network such as `10.0.0.0/8`
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all all 10.0.0.1/8 md5`: PgBouncer compares with all of `10.0.0.1/8`, which no client's network is
      17:13 here
      hint: write `10.0.0.0/8`, or the address alone with all its bits
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8 gss`: `gss` is no method to authenticate
      18:13 here
      hint: use one of trust, reject, md5, password, scram-sha-256, cert, peer, ldap
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `local all all ident`: `ident` is no method to authenticate
      19:13 here
      hint: use one of trust, reject, md5, password, scram-sha-256, cert, peer, ldap
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `local all all peer map=sty`: PgBouncer takes no option such as `map=sty`
      20:13 here
      hint: end the line behind the method
    error[inventory/hba-pooler]: a rule of `pgb_hba_rules` has a line that cannot be read, `host all all 10.0.0.0/8`: columns are missing
      21:13 here
      hint: write type, databases, users, address (unless local) and method
    ");
    let lines = [
        "host d,sameuser \"odd name\",u all scram-sha-256",
        "hostssl replication all 10.0.0.0 255.0.0.0 cert",
        "host all all 10.0.0.0/8 ldap ldapserver=x",
        "local all all peer",
    ];
    let rules: String = lines.map(|line| format!("  - '{line}'\n")).concat();
    assert_eq!(
        found(&one(&format!("pgb_hba_rules:\n- rules:\n{rules}"), "")),
        ""
    );
}

#[test]
fn hba_alias() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: nobody, db: all, addr: intar, auth: pdw }, { user: all, db: all, addr: 10.0.0.0/8, auth: ssl } ]", "")), @"
    error[inventory/unknown-role]: a rule of `pg_hba_rules` is for role `nobody`, which is not declared
      8:33 here
      hint: declare it in `pg_users`, or write `all`
    error[inventory/hba-alias]: a rule of `pg_hba_rules` has the unknown address `intar`
      8:56 here
      hint: did you mean `intra`?
    error[inventory/hba-alias]: a rule of `pg_hba_rules` has the unknown method `pdw`
      8:69 here
      hint: did you mean `pwd`?
    ");
}

#[test]
fn hba_unreachable() {
    assert_snapshot!(found(&one("pg_hba_rules: [ { user: +dbrole_readonly, db: all, addr: intra, auth: ssl }, { user: +dbrole_readonly, db: all, addr: intra, auth: ssl, order: 90 } ]", "")), @"
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `+dbrole_readonly all intra ssl` with order 90 comes first
      8:25 matches nothing that is left
      hint: give it an `order` below 90, or leave it out
    ");
}

#[test]
fn hba_unreachable_networks() {
    let user = "pg_users: [ { name: u, password: x } ]";
    let rules = "
  - { user: all, addr: 10.0.0.0/8, auth: pwd, order: 1, title: ten }
  - { user: u, addr: 10.1.0.0/16, auth: deny, order: 2 }
  - { user: u, addr: [ infra, cluster, 10.9.9.9 ], auth: ssl, order: 3 }
  - { user: u, db: replication, addr: 10.2.0.0/16, auth: ssl, order: 4 }
  - { user: u, addr: [ 10.3.0.0/16, 11.0.0.0/8 ], auth: ssl, order: 5 }
  - { user: u, addr: intra, auth: ssl, order: 6, title: intra }
  - { user: u, addr: 172.16.5.0/24, auth: ssl, order: 7 }
  - { user: u, addr: 127.0.0.1/8, auth: ssl, order: 8 }
  - { user: u, addr: localhost, auth: pwd, order: 9 }
  - { user: u, addr: samenet, auth: pwd, order: 10 }";
    assert_snapshot!(found(&one(&format!("{user}\npg_hba_rules:{rules}"), "")), @"
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `ten` with order 1 comes first
      11:13 matches nothing that is left
      hint: give it an `order` below 1, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `ten` with order 1 comes first
      12:13 matches nothing that is left
      hint: give it an `order` below 1, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `intra` with order 6 comes first
      16:13 matches nothing that is left
      hint: give it an `order` below 6, or leave it out
    ");
    let world = "
  - { user: u, addr: world, auth: pwd, order: 1 }
  - { user: u, addr: localhost, auth: pwd, order: 2 }";
    assert_eq!(
        found(&one(&format!("{user}\npg_hba_rules:{world}"), "")),
        ""
    );
}

#[test]
fn selector() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, selector: '[?' }, { name: t, port: 5441, selector: '[].pg_seq' } ]", "")), @"
    error[inventory/selector]: `[?` of service `s` of cluster `pg-a` is not a selector: Parse error: Unexpected nud token -- found Eof (line 0, column 2)
      8:57 this expression
      hint: write JMESPath such as `[]` or `[? pg_role == 'replica']`
    error[inventory/selector]: `[].pg_seq` of service `t` of cluster `pg-a` is not a selector: it yields values instead of members
      8:98 this expression
      hint: write JMESPath such as `[]` or `[? pg_role == 'replica']`
    ");
}

#[test]
fn no_member() {
    assert_snapshot!(found(&one("pg_services: [ { name: s, port: 5440, selector: \"[? pg_role == `replica`]\" } ]", "")), @"
    error[inventory/service-without-member]: service `s` of cluster `pg-a` has no member
      8:57 matches nobody
      hint: change the selector, or add the members that it means
    ");
}

#[test]
fn service_destination() {
    assert_snapshot!(found(&one("pgbouncer_enabled: false\npg_services: [ { name: s, port: 5440, selector: '[]', dest: pgbouncer }, { name: t, port: 5441, selector: '[]', dest: nowhere } ]\npg_default_service_dest: pgbouncer", "")), @"
    error[inventory/service-destination]: service `s` of cluster `pg-a` leads to PgBouncer, which is disabled
      9:69 this destination
      hint: write `postgres`, or enable PgBouncer
    error[inventory/service-destination]: service `t` of cluster `pg-a` leads to `nowhere`
      9:127 this destination
      hint: write `default`, `postgres`, `pgbouncer` or a port
    error[inventory/service-destination]: services of cluster `pg-a` lead to PgBouncer, which is disabled
      10:34 leads to nobody
      hint: write `postgres`, or enable PgBouncer
    ");
}

#[test]
fn hba_open() {
    assert_snapshot!(found(&one("pg_users: [ { name: u, password: x } ]
pg_hba_rules:
  - { user: u, db: all, addr: [ localhost, world ], auth: trust, order: 10 }
  - { user: u, db: all, addr: 127.0.0.1/32, auth: trust, order: 11 }
  - { user: u, db: all, addr: 192.168.0.0/16, auth: password, order: 12 }
  - { user: u, db: all, addr: local, auth: password, order: 13 }
  - rules:
      - \"local all all peer\\nhost all all 0.0.0.0/0 trust\"
      - 'host all all 0.0.0.0 0.0.0.0 password'
      - 'hostssl all all all password'
      - 'host all all ::1/128 trust'
      - 'local all all trust'
pgb_hba_rules: [ { user: u, db: all, addr: intra, auth: trust, order: 10 } ]", "")), @"
    warning[inventory/hba-open]: a rule of `pg_hba_rules` lets everybody at `world` in without a password
      10:67 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `u all localhost,world trust` with order 10 comes first
      11:13 matches nothing that is left
      hint: give it an `order` below 10, or leave it out
    warning[inventory/hba-unreachable]: a rule of `pg_hba_rules` is never used: rule `u all localhost,world trust` with order 10 comes first
      12:13 matches nothing that is left
      hint: give it an `order` below 10, or leave it out
    warning[inventory/hba-open]: a rule of `pg_hba_rules` has passwords sent in clear from `192.168.0.0/16`
      12:61 `password` without TLS
      hint: use `auth: ssl`, or `pwd`, which never sends the password itself
    warning[inventory/hba-open]: a rule of `pg_hba_rules` lets everybody at `0.0.0.0/0` in without a password
      15:15 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    warning[inventory/hba-open]: a rule of `pg_hba_rules` has passwords sent in clear from `0.0.0.0`
      15:15 `password` without TLS
      hint: use `auth: ssl`, or `pwd`, which never sends the password itself
    warning[inventory/hba-open]: a rule of `pgb_hba_rules` lets everybody at `intra` in without a password
      20:65 `trust`
      hint: ask for a password: `auth: ssl`, or `pwd` inside your own network
    ");
}
