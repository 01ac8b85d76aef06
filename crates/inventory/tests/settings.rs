//! Settings of PostgreSQL: what passes, whatever the value.

use proptest::prelude::*;
use sty_inventory::postgres::{Finding, Server, Target};

fn check(major: u32, name: &str, text: &str) -> Option<Finding> {
    let server = Server {
        major,
        backups: true,
    };
    server.check(name, text, Target::Database)
}

fn major() -> impl Strategy<Value = u32> {
    13..=19_u32
}

/// Each letter in either case.
fn cased(text: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(any::<bool>(), text.len()).prop_map(move |upper| {
        let letters = text.chars().zip(upper);
        letters
            .map(|(letter, upper)| match upper {
                true => letter.to_ascii_uppercase(),
                false => letter,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn any_name_and_value_is_judged(major in any::<u32>(), name in any::<String>(), text in any::<String>()) {
        for target in [Target::Cluster, Target::Instance, Target::Role, Target::Database] {
            let server = Server { major, backups: false };
            if let Some(finding) = server.check(&name, &text, target) {
                prop_assert!(!finding.message.is_empty());
            }
        }
    }

    #[test]
    fn any_value_of_a_known_setting_is_judged(major in major(), text in "[ +.0-9a-zA-Z-]{0,12}") {
        for name in ["work_mem", "random_page_cost", "jit", "wal_compression", "search_path"] {
            check(major, name, &text);
        }
    }

    #[test]
    fn names_of_any_case(major in major(), name in cased("work_mem")) {
        prop_assert_eq!(check(major, &name, "4MB"), None);
    }

    #[test]
    fn sizes(major in 13..=18_u32, kilobytes in 64..=2_147_483_647_u64) {
        prop_assert_eq!(check(major, "work_mem", &kilobytes.to_string()), None);
        prop_assert_eq!(check(major, "work_mem", &format!(" {kilobytes} kB ")), None);
        prop_assert_eq!(check(major, "work_mem", &format!("{kilobytes:#x}kB")), None);
        prop_assert_eq!(check(major, "work_mem", &format!("{kilobytes}.4")), None);
        let too_many = format!("{}MB", kilobytes + 2_097_152);
        prop_assert!(check(major, "work_mem", &too_many).is_some());
    }

    #[test]
    fn times(major in 13..=18_u32, seconds in 0..=2_147_483_u64) {
        for unit in ["ms", "s"] {
            let text = format!("{seconds}{unit}");
            prop_assert_eq!(check(major, "statement_timeout", &text), None);
        }
        for wrong in [format!("{seconds}kB"), format!("-{}s", seconds + 1)] {
            prop_assert!(check(major, "statement_timeout", &wrong).is_some());
        }
    }

    #[test]
    fn switches(major in major(), on in any::<bool>(), length in 1..=5_usize) {
        for word in if on { ["true", "yes"] } else { ["false", "no"] } {
            let part = &word[..length.min(word.len())];
            prop_assert_eq!(check(major, "jit", part), None);
        }
    }
}
