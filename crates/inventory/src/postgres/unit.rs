//! Units of size and time, as PostgreSQL's settings have them.

/// Sizes in bytes, from the largest.
const SIZES: &[(&str, f64)] = &[
    ("TB", 1_099_511_627_776.0),
    ("GB", 1_073_741_824.0),
    ("MB", 1_048_576.0),
    ("kB", 1024.0),
    ("B", 1.0),
];

/// Times in microseconds, from the longest.
const TIMES: &[(&str, f64)] = &[
    ("d", 86_400_000_000.0),
    ("h", 3_600_000_000.0),
    ("min", 60_000_000.0),
    ("s", 1_000_000.0),
    ("ms", 1000.0),
    ("us", 1.0),
];

/// The units that may follow a number of a setting whose base unit is `base`.
fn family(base: &str) -> &'static [(&'static str, f64)] {
    let name = base.trim_start_matches(|c: char| c.is_ascii_digit());
    let has = |family: &[(&str, f64)]| family.iter().any(|(unit, _)| *unit == name);
    match base {
        _ if has(SIZES) => SIZES,
        _ if has(TIMES) => TIMES,
        _ => &[],
    }
}

/// How much `base` is, `8kB` or `ms`, in the smallest unit of its family.
fn scale(base: &str) -> Option<f64> {
    let digits = base.bytes().take_while(u8::is_ascii_digit).count();
    let (count, name) = base.split_at(digits);
    let count: f64 = if count.is_empty() {
        1.0
    } else {
        count.parse().ok()?
    };
    let unit = family(base).iter().find(|(unit, _)| *unit == name)?;
    Some(count * unit.1)
}

/// `number` of `unit` in units of `base`, rounded to what the next smaller unit can express;
/// `None` when the unit does not fit the base.
pub(super) fn convert(number: f64, unit: &str, base: &str) -> Option<f64> {
    let family = family(base);
    let at = family.iter().position(|(known, _)| *known == unit)?;
    let base = scale(base)?;
    let value = number * (family[at].1 / base);
    Some(match family.get(at + 1) {
        Some((_, smaller)) => (value / (smaller / base)).round_ties_even() * (smaller / base),
        None => value,
    })
}

/// The units that fit `base`, from the smallest, for messages; empty when there are none.
pub(super) fn names(base: &str) -> Vec<&'static str> {
    family(base).iter().rev().map(|(unit, _)| *unit).collect()
}

/// The unit that `written` is but for upper and lower case.
pub(super) fn respelt(written: &str, base: &str) -> Option<&'static str> {
    let mut units = family(base).iter().map(|(unit, _)| *unit);
    units.find(|unit| unit.eq_ignore_ascii_case(written))
}
