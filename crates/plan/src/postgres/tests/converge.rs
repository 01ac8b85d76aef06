//! Doing what a comparison says leaves nothing to do.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sty_wire::postgres::{DatabaseSpec, Expiry, MembershipOptions, Password, RoleSpec};

use super::apply::apply;
use super::{plain_database, plain_role, server};
use crate::postgres::model::{Dependents, ObservedServer};
use crate::postgres::{Comparison, database, role};

fn roles() -> impl Strategy<Value = RoleSpec> {
    let flags = prop::array::uniform8(any::<bool>());
    let expiry = prop_oneof![
        Just(Expiry::Never),
        Just(Expiry::At("2030-01-01 00:00:00+00".to_owned())),
        (1u32..400).prop_map(Expiry::AfterDays),
    ];
    let password = prop_oneof![
        Just(Password::Any),
        Just(Password::None),
        "SCRAM-[a-z]{4}".prop_map(|text| Password::Stored(text.into())),
    ];
    let comment = prop::option::of("[a-z' ]{0,6}");
    (
        flags,
        -1i32..3,
        expiry,
        password,
        members(),
        settings(),
        comment,
    )
        .prop_map(
            |(
                flags,
                limit,
                valid_until,
                password,
                (member_of, not_member_of),
                parameters,
                comment,
            )| {
                let [
                    absent,
                    login,
                    superuser,
                    createdb,
                    createrole,
                    inherit,
                    replication,
                    bypassrls,
                ] = flags;
                RoleSpec {
                    absent: absent && login,
                    login,
                    superuser,
                    createdb,
                    createrole,
                    inherit,
                    replication,
                    bypassrls,
                    connection_limit: limit,
                    valid_until,
                    password,
                    member_of,
                    not_member_of,
                    parameters,
                    comment,
                    execute: vec!["pg_stat_file(text)".to_owned()],
                    ..plain_role("app")
                }
            },
        )
}

/// Roles to be a member of, and others not to be.
fn members() -> impl Strategy<Value = (BTreeMap<String, MembershipOptions>, Vec<String>)> {
    let options = any::<[bool; 3]>().prop_map(|[admin, inherit, set]| MembershipOptions {
        admin,
        inherit,
        set,
    });
    let choice = prop::collection::btree_map("[a-d]", prop::option::of(options), 0..4);
    choice.prop_map(|choice| {
        let mut of = BTreeMap::new();
        let mut not = Vec::new();
        for (role, options) in choice {
            match options {
                None => not.push(role),
                Some(options) => {
                    of.insert(role, options);
                }
            }
        }
        (of, not)
    })
}

fn settings() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop_oneof![Just("work_mem"), Just("search_path"), Just("a.b")];
    prop::collection::btree_map(name.prop_map(str::to_owned), "[a-z, \"]{0,6}", 0..3)
}

fn databases() -> impl Strategy<Value = DatabaseSpec> {
    let owner = prop::option::of("[ab]");
    let connect_only = prop::option::of(prop::collection::vec("[a-d]", 0..3));
    let all_to = prop::collection::vec("[a-d]", 0..3);
    let flags = prop::array::uniform4(any::<bool>());
    (flags, owner, connect_only, all_to, settings(), -1i32..3).prop_map(
        |(
            [absent, closed, is_template, baseline],
            owner,
            connect_only,
            all_to,
            settings,
            limit,
        )| {
            DatabaseSpec {
                absent,
                owner,
                is_template,
                allow_connections: !closed,
                connection_limit: limit,
                connect_only,
                grant_all_to: all_to,
                baseline: baseline.then(|| ("app.sql".to_owned(), String::new())),
                parameters: settings,
                comment: Some("c".to_owned()),
                ..plain_database("app")
            }
        },
    )
}

/// Does what `compare` says until it says nothing; tells how often that was.
fn settle(server: &mut ObservedServer, compare: impl Fn(&ObservedServer) -> Comparison) -> usize {
    for round in 0..4 {
        let comparison = compare(server);
        assert_eq!(comparison.conflicts, []);
        if comparison.is_empty() {
            return round;
        }
        for step in &comparison.steps {
            apply(&step.statement, server);
        }
    }
    panic!("still different: {:?}", compare(server).changes());
}

proptest! {
    #[test]
    fn a_role_takes_one_round(first in roles(), second in roles(), major in 13u32..19) {
        let mut server = server(major);
        for spec in [first, second] {
            prop_assert!(settle(&mut server, |server| role::compare(&spec, server, &Dependents::default())) <= 1);
        }
    }

    #[test]
    fn a_database_takes_two_rounds(first in databases(), second in databases()) {
        let mut server = server(17);
        for spec in [first, second] {
            let rounds = settle(&mut server, |server| database::compare(&spec, server, None));
            prop_assert!(rounds <= 2);
        }
    }

    #[test]
    fn an_interrupted_creation_converges(spec in databases(), stop in 0usize..4) {
        let mut server = server(17);
        for step in database::compare(&spec, &server, None).steps.iter().take(stop) {
            apply(&step.statement, &mut server);
        }
        settle(&mut server, |server| database::compare(&spec, server, None));
        prop_assert_eq!(server.databases.contains_key("app"), !spec.absent);
        let mark = server.databases.get("app").map(|app| app.parameters.contains_key("sty.baseline"));
        prop_assert_eq!(mark.unwrap_or_default(), spec.baseline.is_some() && !spec.absent);
    }
}
