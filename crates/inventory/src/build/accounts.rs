//! Names of Linux accounts.

use super::Scope;
use crate::codes;

/// The longest that there can be.
const LONGEST: usize = 32;

/// Checks the administrator's account.
pub(super) fn check_admin(scope: &Scope<'_>) {
    const NAME: &str = "node_admin_username";
    if !scope.bool("node_admin_enabled") {
        return;
    }
    check(
        scope,
        NAME,
        "every node has it, and its home and keys are not the administrator's",
        "choose a name of its own such as `dba`, or set `node_admin_enabled: false`",
    );
    let name = scope.text(NAME);
    let fits = name != "root" && is_account(&name);
    if fits && scope.is_set("pg_cluster") && name == scope.text("pg_dbsu") {
        scope.report.error_once(
            codes::ACCOUNT,
            scope.place(NAME),
            format!("`{NAME}` is `{name}`, the account that PostgreSQL runs as"),
            "two accounts in one",
            "choose another name, such as `dba`",
        );
    }
}

/// Checks the account that PostgreSQL runs as.
pub(super) fn check_superuser(scope: &Scope<'_>) {
    check(
        scope,
        "pg_dbsu",
        "PostgreSQL refuses to run as root",
        "leave it out, which means `postgres`",
    );
}

fn check(scope: &Scope<'_>, parameter: &str, why_not_root: &str, instead_of_root: &str) {
    for (place, name) in scope.written(parameter) {
        // Of a wrong type, which is reported already.
        if name.is_empty() {
            continue;
        }
        if name == "root" {
            scope.report.error_once(
                codes::ACCOUNT,
                place,
                format!("`{parameter}` is `root`: {why_not_root}"),
                "not this account",
                instead_of_root,
            );
        } else if !is_account(&name) {
            scope.report.error_once(
                codes::ACCOUNT,
                place,
                format!("`{parameter}` is `{name}`, which is no name of a Linux account"),
                "nodes would refuse it",
                "use letters, digits, `_` and `-`, at most 32, beginning with a letter, not all capitals",
            );
        }
    }
}

/// Whether `useradd` and sudo take it; what has only capitals is an alias to sudo.
fn is_account(name: &str) -> bool {
    let plain = |one: char| one.is_ascii_alphanumeric() || "_-.".contains(one);
    name.len() <= LONGEST
        && name.starts_with(|one: char| one.is_ascii_alphabetic() || one == '_')
        && name.chars().any(|one| one.is_ascii_lowercase())
        && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_account;

    #[test]
    fn accounts() {
        for good in ["dba", "postgres", "_pg", "ada.l", "Ada", "pg-1_x"] {
            assert!(is_account(good), "{good}");
        }
        let long = "a".repeat(33);
        for bad in ["", "a b", "1a", "-a", "DBA", "a:b", "a/b", "ä", &long] {
            assert!(!is_account(bad), "{bad}");
        }
    }
}
