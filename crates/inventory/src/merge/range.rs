//! Host names with ranges: `10.10.10.[11:13]`, `node-[01:10:2]`, `db-[a:c]`.

/// Hosts that one name may stand for.
const MAX_HOSTS: usize = 100_000;

/// The names that `pattern` stands for, and the port of `name:port`.
///
/// # Errors
/// Says what is wrong with the range.
pub(crate) fn expand(pattern: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (name, port) = split_port(pattern)?;
    Ok((expand_all(name)?, port))
}

/// `host:22` and `[::1]:22` have a port; `fe80::1` and `[1:3]` do not.
fn split_port(pattern: &str) -> Result<(&str, Option<u16>), String> {
    if let Some(rest) = pattern.strip_prefix('[')
        && let Some((address, after)) = rest.split_once(']')
        && address.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return match after.strip_prefix(':') {
            Some(port) => Ok((address, Some(parse_port(port)?))),
            None => Ok((address, None)),
        };
    }
    let mut depth = 0_usize;
    let mut colons = pattern.char_indices().filter(|(_, c)| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *c == ':' && depth == 0
    });
    match (colons.next(), colons.next()) {
        (Some((at, _)), None) if at > 0 => {
            let port = parse_port(&pattern[at + 1..])?;
            Ok((&pattern[..at], Some(port)))
        }
        _ => Ok((pattern, None)),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("`{text}` is not a port"))
}

fn expand_all(name: &str) -> Result<Vec<String>, String> {
    let Some((head, rest)) = name.split_once('[') else {
        return Ok(vec![name.to_owned()]);
    };
    let Some((range, tail)) = rest.split_once(']') else {
        return Err("the range has no `]`".to_owned());
    };
    let tails = expand_all(tail)?;
    let mut names = Vec::new();
    for middle in expand_one(range)? {
        for tail in &tails {
            names.push(format!("{head}{middle}{tail}"));
        }
        if names.len() > MAX_HOSTS {
            return Err(format!("the range stands for more than {MAX_HOSTS} hosts"));
        }
    }
    Ok(names)
}

fn expand_one(range: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match parts.as_slice() {
        [begin, end] => (*begin, *end, 1),
        [begin, end, step] => {
            let step = step.parse::<usize>().ok().filter(|step| *step > 0);
            let step = step.ok_or_else(|| format!("`{range}` has a bad step"))?;
            (*begin, *end, step)
        }
        _ => return Err(format!("`{range}` is not a range such as `1:3`")),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    match (single_letter(begin), single_letter(end)) {
        (Some(begin), Some(end)) => letters(begin, end, step, range),
        _ => numbers(begin, end, step, range),
    }
}

fn single_letter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    }
}

fn letters(begin: u8, end: u8, step: usize, range: &str) -> Result<Vec<String>, String> {
    if begin > end || begin.is_ascii_lowercase() != end.is_ascii_lowercase() {
        return Err(format!("`{range}` ends before it begins"));
    }
    Ok((begin..=end)
        .step_by(step)
        .map(|letter| char::from(letter).to_string())
        .collect())
}

fn numbers(begin: &str, end: &str, step: usize, range: &str) -> Result<Vec<String>, String> {
    let number = |text: &str| text.parse::<u32>().ok();
    let (Some(first), Some(last)) = (number(begin), number(end)) else {
        return Err(format!("`{range}` is not a range such as `1:3`"));
    };
    let padded = begin.len() > 1 && begin.starts_with('0');
    if padded && begin.len() != end.len() {
        return Err(format!("`{range}` pads its two ends differently"));
    }
    if first > last {
        return Err(format!("`{range}` ends before it begins"));
    }
    let count = (usize::try_from(last - first).unwrap_or(usize::MAX)) / step;
    if count > MAX_HOSTS {
        return Err(format!("`{range}` stands for more than {MAX_HOSTS} hosts"));
    }
    let width = if padded { begin.len() } else { 0 };
    Ok((first..=last)
        .step_by(step)
        .map(|value| format!("{value:0width$}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn check(pattern: &str, expected: &str) {
        let got = match expand(pattern) {
            Ok((names, port)) => format!(
                "{}{}",
                names.join(" "),
                port.map(|port| format!(" @{port}")).unwrap_or_default()
            ),
            Err(error) => error,
        };
        assert_eq!(got, expected, "{pattern}");
    }

    #[test]
    fn ranges() {
        check("10.10.10.[11:13]", "10.10.10.11 10.10.10.12 10.10.10.13");
        check("node-[a:c]", "node-a node-b node-c");
        check("n[08:10].x", "n08.x n09.x n10.x");
        check("n[1:5:2]", "n1 n3 n5");
        check("r[1:2]-n[a:b]", "r1-na r1-nb r2-na r2-nb");
        check("n[:1]", "n0 n1");
        check("plain", "plain");
    }

    #[test]
    fn ports() {
        check("db:2222", "db @2222");
        check("n[1:2]:22", "n1 n2 @22");
        check("[::1]:22", "::1 @22");
        check("fe80::1", "fe80::1");
        check("db:99999", "`99999` is not a port");
    }

    #[test]
    fn mistakes() {
        check("n[3:1]", "`3:1` ends before it begins");
        check("n[1", "the range has no `]`");
        check("n[x]", "`x` is not a range such as `1:3`");
        check("n[01:3]", "`01:3` pads its two ends differently");
        check("n[1:9:0]", "`1:9:0` has a bad step");
        check(
            "n[0:4000000000]",
            "`0:4000000000` stands for more than 100000 hosts",
        );
    }
}
