//! What a cluster that has data keeps, whatever the inventory says.

use crate::stage::Stage;

pub(crate) fn prefix_and_account(stage: &Stage) {
    const OTHER: &str = "\n  vars:\n    pg_namespace: /other\n";
    stage
        .world
        .edit(|text| text.replacen("\n  vars:\n", OTHER, 1));
    refused(stage, "set `pg_namespace` back to `/pg`");
    stage
        .world
        .edit(|text| text.replacen(OTHER, "\n  vars:\n", 1));
    stage.converged();
    stage.set("pg_dbsu: pgadmin");
    refused(stage, "set `pg_dbsu` back to `postgres`");
    stage.take_out("pg_dbsu:");
}

/// An apply says what to do, and leaves the cluster and what it has in etcd as they are.
fn refused(stage: &Stage, hint: &str) {
    let ran = stage.apply("what a cluster keeps", &[]);
    assert_ne!(ran.code, 0, "{}", ran.all());
    assert!(ran.all().contains(hint), "{}", ran.all());
    for title in ["set etcd users and roles", "set up directory"] {
        assert!(!ran.all().contains(title), "{}", ran.all());
    }
    stage.owner(5433, "select 1").ok();
}
