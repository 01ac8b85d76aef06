//! Recovery plans: what `pg_rto` means.

use super::Scope;
use crate::codes;
use crate::model::RtoPlan;
use crate::source::{Place, Value};

/// The plan of a cluster.
pub(super) fn build(cluster: &str, scope: &Scope<'_>) -> RtoPlan {
    let name = scope.text("pg_rto");
    let plans = scope.value("pg_rto_plan");
    // Also those that no cluster has today.
    for entry in plans.map(Value::entries).unwrap_or_default() {
        let values = &entry.value;
        check(
            &plan(&entry.key, values.list()),
            values.list(),
            values.place,
            scope,
        );
    }
    let Some(values) = plans.and_then(|plans| plans.get(&name)) else {
        let known: Vec<String> = plans
            .map(Value::entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| format!("`{}`", entry.key))
            .collect();
        scope.report.error(
            codes::RECOVERY_PLAN,
            scope.place("pg_rto"),
            format!("cluster `{cluster}` has recovery plan `{name}`, which does not exist"),
            "not in `pg_rto_plan`",
            format!("use one of {}", known.join(", ")),
        );
        return plan(&name, &[]);
    };
    plan(&name, values.list())
}

fn plan(name: &str, values: &[Value]) -> RtoPlan {
    let number = |at: usize| -> u32 {
        let number = values.get(at).and_then(Value::as_i64);
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or_default()
    };
    let time = |at: usize| -> String {
        let text = values.get(at).and_then(Value::text).unwrap_or_default();
        whole_time(text).unwrap_or_default()
    };
    RtoPlan {
        name: name.to_owned(),
        ttl: number(0),
        loop_wait: number(1),
        retry_timeout: number(2),
        primary_start_timeout: number(3),
        primary_stop_timeout: number(4),
        inter: time(5),
        fastinter: time(6),
        downinter: time(7),
        rise: number(8),
        fall: number(9),
    }
}

/// HAProxy time without a fraction: `0.5s` is `500ms`. A plain number is milliseconds.
pub(crate) fn whole_time(text: &str) -> Option<String> {
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if !matches!(unit, "" | "us" | "ms" | "s" | "m" | "h" | "d") {
        return None;
    }
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    let factor = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    thousandths(number).map(|value| format!("{}ms", value * factor / 1000))
}

/// `1.5` as 1500.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 || whole.len() > 9 {
        return None;
    }
    format!("{whole}{fraction:0<3}").parse().ok()
}

fn check(plan: &RtoPlan, values: &[Value], place: Place, scope: &Scope<'_>) {
    let times = [&plan.inter, &plan.fastinter, &plan.downinter];
    let problem = if values.len() != 10 {
        format!("ten values are needed, and it has {}", values.len())
    } else if plan.loop_wait == 0 || plan.retry_timeout < 3 {
        "`loop_wait` has to be at least 1 and `retry_timeout` at least 3".to_owned()
    } else if plan.ttl < 20 {
        format!("Patroni wants `ttl` to be at least 20, not {}", plan.ttl)
    } else if plan.loop_wait + 2 * plan.retry_timeout > plan.ttl {
        format!(
            "Patroni wants loop_wait + 2 * retry_timeout to be at most ttl, but {} + 2 * {} > {}",
            plan.loop_wait, plan.retry_timeout, plan.ttl
        )
    } else if times.iter().any(|time| time.is_empty()) || plan.rise == 0 || plan.fall == 0 {
        "its last five values have to be HAProxy's inter, fastinter and downinter, such as `500ms`, \
         then rise and fall"
            .to_owned()
    } else {
        return;
    };
    let found = sty_core::Diagnostic::error(
        codes::RECOVERY_PLAN,
        format!("recovery plan `{}` cannot be used: {problem}", plan.name),
    )
    .help(
        "the ten values: ttl, loop_wait, retry_timeout, primary_start_timeout, margin, inter, \
         fastinter, downinter, rise, fall",
    );
    let found = scope.report.label(found, place, "this plan");
    scope.report.once(place, &plan.name, found);
}

#[cfg(test)]
mod tests {
    use super::whole_time;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(whole_time(text).as_deref(), expected, "{text}");
        };
        check("0.5s", Some("500ms"));
        check("1.5s", Some("1500ms"));
        check("2s", Some("2s"));
        check("500ms", Some("500ms"));
        check("24h", Some("24h"));
        check("1.25h", Some("4500000ms"));
        check("500", Some("500"));
        check("0.5ms", None);
        check("fast", None);
        check("1y", None);
        check("", None);
    }
}
