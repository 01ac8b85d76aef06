//! Numbers as PostgreSQL reads them in its settings.

use super::unit;

/// Why a text is not a number of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not begin with a number.
    NotANumber,
    /// What follows the number is not a unit, or the setting has none.
    Unit(String),
}

/// A whole number in units of `base`: decimal, hexadecimal or octal as in C, or with a fraction,
/// which is rounded.
pub(super) fn integer(text: &str, base: &str) -> Result<f64, Unreadable> {
    let (number, rest) = leading_integer(text).ok_or(Unreadable::NotANumber)?;
    let fraction = rest.starts_with(['.', 'e', 'E']);
    let (number, rest) = match fraction {
        true => leading_real(text).ok_or(Unreadable::NotANumber)?,
        false => (number, rest),
    };
    in_units(number, rest, base).map(f64::round_ties_even)
}

/// A number in units of `base`.
pub(super) fn real(text: &str, base: &str) -> Result<f64, Unreadable> {
    let hexadecimal = leading_integer(text).filter(|_| text.contains(['x', 'X']));
    let number = hexadecimal.or_else(|| leading_real(text));
    let (number, rest) = number.ok_or(Unreadable::NotANumber)?;
    in_units(number, rest, base)
}

fn in_units(number: f64, rest: &str, base: &str) -> Result<f64, Unreadable> {
    let unit = rest.trim_matches(is_space);
    if unit.is_empty() {
        return Ok(number);
    }
    unit::convert(number, unit, base).ok_or_else(|| Unreadable::Unit(unit.to_owned()))
}

/// What C counts as white space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// The sign of a number, and what follows it.
fn sign(text: &str) -> (f64, &str) {
    let text = text.trim_start_matches(is_space);
    match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// As C's `strtol` with base 0: the number, and what follows it.
fn leading_integer(text: &str) -> Option<(f64, &str)> {
    let (sign, digits) = sign(text);
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let (radix, digits) = match hexadecimal {
        Some(rest) => (16, rest),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let end = digits.find(|c: char| !c.is_digit(radix));
    let (number, rest) = digits.split_at(end.unwrap_or(digits.len()));
    let values = number.chars().filter_map(|c| c.to_digit(radix));
    let value = values.fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit));
    (!number.is_empty()).then_some((sign * value, rest))
}

/// As C's `strtod` for decimal numbers: the number, and what follows it.
fn leading_real(text: &str) -> Option<(f64, &str)> {
    let (sign, rest) = sign(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    let mut end = whole;
    if let Some(fraction) = rest[whole..].strip_prefix('.') {
        let fraction = digits(fraction);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    if end == 0 {
        return None;
    }
    end += exponent(&rest[end..]);
    let number: f64 = rest[..end].parse().ok()?;
    Some((sign * number, &rest[end..]))
}

/// Length of `e5` or `E-5` at the beginning of `text`; 0 without.
fn exponent(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let signs = usize::from(rest.starts_with(['+', '-']));
    match rest
        .bytes()
        .skip(signs)
        .take_while(u8::is_ascii_digit)
        .count()
    {
        0 => 0,
        digits => 1 + signs + digits,
    }
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, integer, real};

    #[test]
    fn whole_numbers() {
        assert_eq!(integer("64MB", "kB"), Ok(65_536.0));
        assert_eq!(integer(" 0x10 ", ""), Ok(16.0));
        assert_eq!(integer("010", ""), Ok(8.0));
        assert_eq!(integer("1.5GB", "8kB"), Ok(196_608.0));
        assert_eq!(integer("1e3kB", "kB"), Ok(1000.0));
        assert_eq!(integer("-1", "ms"), Ok(-1.0));
        assert_eq!(integer("2.5", ""), Ok(2.0));
        assert_eq!(integer("90s", "min"), Ok(2.0));
        assert_eq!(integer("1 d", "s"), Ok(86_400.0));
        assert_eq!(integer("", ""), Err(Unreadable::NotANumber));
        assert_eq!(integer("many", ""), Err(Unreadable::NotANumber));
        assert_eq!(integer("08", ""), Err(Unreadable::Unit("8".to_owned())));
        assert_eq!(
            integer("64mb", "kB"),
            Err(Unreadable::Unit("mb".to_owned()))
        );
        assert_eq!(integer("10s", ""), Err(Unreadable::Unit("s".to_owned())));
        assert_eq!(integer("10s", "kB"), Err(Unreadable::Unit("s".to_owned())));
    }

    #[test]
    fn numbers() {
        assert_eq!(real("1.1", ""), Ok(1.1));
        assert_eq!(real(".5", ""), Ok(0.5));
        assert_eq!(real("5.", ""), Ok(5.0));
        assert_eq!(real("-2e-1", ""), Ok(-0.2));
        assert_eq!(real("0x10", ""), Ok(16.0));
        assert_eq!(real("500us", "ms"), Ok(0.5));
        assert_eq!(real(".", ""), Err(Unreadable::NotANumber));
        assert_eq!(real("1e", ""), Err(Unreadable::Unit("e".to_owned())));
    }
}
