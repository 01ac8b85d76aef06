//! Until when passwords are good.

use sty_core::Diagnostic;

use super::Scope;
use crate::codes;
use crate::model::{Presence, Role};
use crate::source::Value;

/// Checks `expire_at` and `expire_in` of a role, which `what` names.
pub(super) fn check(scope: &Scope<'_>, entry: &Value, role: &Role, what: &str) {
    let (at, days) = (entry.get("expire_at"), entry.get("expire_in"));
    if let Some(value) = at {
        let holds = days.is_none() && role.state == Presence::Present;
        check_date(scope, value, holds, what);
    }
    let Some(written) = at.or(days) else {
        return;
    };
    let odd = if at.is_some() && days.is_some() {
        (
            "has both `expire_at` and `expire_in`; `expire_in` holds",
            "keep one of them",
        )
    } else if !role.login {
        (
            "has a password that expires, and cannot log in",
            "leave the expiry out, or `login: false`",
        )
    } else if role.password.is_none() {
        (
            "has no password that could expire",
            "set `password`, or leave the expiry out",
        )
    } else {
        return;
    };
    let found = Diagnostic::warning(codes::EXPIRY, format!("{what} {}", odd.0)).help(odd.1);
    let found = scope.report.label(found, written.place, "has no effect");
    scope.report.once(written.place, what, found);
}

/// `YYYY-MM-DD`, perhaps with a time behind it, or `infinity`.
fn check_date(scope: &Scope<'_>, value: &Value, holds: bool, what: &str) {
    let text = scope.expanded(value);
    if text == "infinity" {
        return;
    }
    match day(&text) {
        Some(_) if !holds => {}
        Some(day) => {
            let message = format!("the password of {what} expired on {text}");
            let found = Diagnostic::warning(codes::EXPIRED, message)
                .help("move `expire_at`, or remove the user with `state: absent`");
            let found = scope.report.label(found, value.place, "in the past");
            scope.report.on_day(day, value.place, found);
        }
        None => {
            let message = format!("{what} expires at `{text}`, which is not a date");
            let found = Diagnostic::error(codes::VALUE, message).help("write it as `2030-12-31`");
            let found = scope
                .report
                .label(found, value.place, "expected `YYYY-MM-DD`");
            scope.report.once(value.place, what, found);
        }
    }
}

/// Days from 1970-01-01 to the date at the beginning of `text`.
fn day(text: &str) -> Option<u32> {
    let date = text.split([' ', 'T']).next()?;
    let parts: Option<Vec<u32>> = date.split('-').map(|part| part.parse().ok()).collect();
    let [year, month, day] = parts?[..] else {
        return None;
    };
    let leap =
        |year: u32| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *months.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if !(1970..10_000).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let years: u32 = (1970..year)
        .map(|one| if leap(one) { 366 } else { 365 })
        .sum();
    let before: u32 = months.iter().take(usize::try_from(month).ok()? - 1).sum();
    Some(years + before + day - 1)
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days_since_1970() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2000-03-01"), Some(11_017));
        assert_eq!(day("2024-02-29 12:00:00+00"), Some(19_782));
        assert_eq!(day("2030-12-31T00:00"), Some(22_279));
        for wrong in [
            "2030-02-29",
            "2030-13-01",
            "2030-00-10",
            "1969-12-31",
            "soon",
            "2030-1",
            "",
        ] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }
}
