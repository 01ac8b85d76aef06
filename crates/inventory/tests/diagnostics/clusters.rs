//! PostgreSQL clusters: members, timing, replication.

use insta::assert_snapshot;

use crate::{found, one};

#[test]
fn no_primary() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary", "pg_role: replica")), @"
    error[inventory/no-primary]: cluster `pg-a` has no primary
      3:22 first member
      hint: set `pg_role: primary` on one member
    ");
}

#[test]
fn two_primaries() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: primary }")), @"
    error[inventory/two-primaries]: cluster `pg-a` has 2 primaries
      5:97 another one
      5:51 first here
      hint: keep one `primary`; write `replica` on the others
    ");
}

#[test]
fn sequence() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 1, pg_role: replica }, 10.10.10.12: { pg_role: replica }")), @"
    error[inventory/sequence]: two members of cluster `pg-a` have `pg_seq: 1`
      5:85 again here
      5:39 first here
      hint: give each member its own number
    error[inventory/sequence]: host `10.10.10.12` of cluster `pg-a` has no `pg_seq`
      5:108 no number
      hint: number the members from 1, such as `{ pg_seq: 1 }`, and never renumber them
    ");
}

#[test]
fn differs() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary, pg_port: 5555 }, 10.10.10.11: { pg_seq: 2, pg_role: replica }")), @"
    error[inventory/differs-in-cluster]: `pg_port` differs between `10.10.10.10` and `10.10.10.11`, members of cluster `pg-a`
      5:77 one value
      5:69 another
      hint: set it once, in the `vars` of the cluster's group
    ");
}

#[test]
fn unsupported() {
    assert_snapshot!(found(&one("pg_mode: citus\npatroni_enabled: false", "")), @"
    error[inventory/unsupported]: cluster `pg-a` has `pg_mode: citus`, which is not supported yet
      8:18 this kernel
      hint: use `pgsql`
    error[inventory/unsupported]: cluster `pg-a` would run without Patroni, which is not supported
      9:26 switched off here
      hint: leave it out, or `patroni_mode: pause` to pause failover
    ");
}

#[test]
fn recovery_plan() {
    assert_snapshot!(found(&one("pg_rto: quick", "")), @"
    error[inventory/recovery-plan]: cluster `pg-a` has recovery plan `quick`, which does not exist
      8:17 not in `pg_rto_plan`
      hint: use one of `fast`, `norm`, `safe`, `wide`
    ");
}

#[test]
fn recovery_plan_bounds() {
    assert_snapshot!(found(&one("pg_rto: x", "pg_rto_plan: { x: [ 20, 5, 10, 1, 1, 1s, 0.5s, 1s, 1, 1 ] }")), @"
    error[inventory/recovery-plan]: recovery plan `x` cannot be used: Patroni wants loop_wait + 2 * retry_timeout to be at most ttl, but 5 + 2 * 10 > 20
      17:23 this plan
      hint: the ten values: ttl, loop_wait, retry_timeout, primary_start_timeout, margin, inter, fastinter, downinter, rise, fall
    ");
}

#[test]
fn synchronous() {
    assert_snapshot!(found(&one("pg_rpo: 0", "")), @"
    warning[inventory/synchronous]: cluster `pg-a` asks for synchronous replication and has one member
      8:17 no replica confirms writes
      hint: add a replica, or accept that the loss of this node loses data
    ");
}

#[test]
fn upstream() {
    assert_snapshot!(found(&one("", "").replace("pg_role: primary }", "pg_role: primary }, 10.10.10.11: { pg_seq: 2, pg_role: replica, pg_upstream: 10.9.9.9 }")), @"
    error[inventory/upstream]: `pg-a-2` cannot follow `10.9.9.9`: it is not a member of this cluster
      5:119 not a usable upstream
      hint: name the address of another member, or leave `pg_upstream` out
    ");
}
