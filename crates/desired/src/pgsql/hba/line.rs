//! One line of a rule file.

/// Whose rule file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `pg_hba.conf` of PostgreSQL.
    Postgres,
    /// `auth_hba_file` of PgBouncer.
    PgBouncer,
}

/// A line, in columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// `local`, `host`, `hostssl`.
    kind: &'static str,
    database: String,
    user: String,
    /// Empty for `local`.
    address: String,
    method: String,
}

impl Line {
    /// Over the Unix socket.
    pub(super) fn local(database: &str, user: &str, method: &str) -> Self {
        Self::host("local", database, user, "", method)
    }

    /// From a network.
    pub(super) fn host(
        kind: &'static str,
        database: &str,
        user: &str,
        address: &str,
        method: &str,
    ) -> Self {
        Self {
            kind,
            database: database.to_owned(),
            user: user.to_owned(),
            address: address.to_owned(),
            method: method.to_owned(),
        }
    }

    /// The line with columns aligned where they are of the usual width.
    pub(super) fn text(&self) -> String {
        format!(
            "{:<8} {:<16} {:<20} {:<18} {}\n",
            self.kind, self.database, self.user, self.address, self.method
        )
    }
}

/// A list of names in one column. Names that a reader of the file would take apart are quoted;
/// keywords, `+group` and `/expression` mean what they mean.
pub(super) fn column(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    quoted.join(",")
}

fn quote(name: &str) -> String {
    let (plus, rest) = match name.strip_prefix('+') {
        Some(rest) => ("+", rest),
        None => ("", name),
    };
    let special = |one: char| one.is_whitespace() || ",\"#".contains(one);
    if rest.contains(special) || rest.starts_with('@') {
        format!("{plus}\"{}\"", rest.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn odd_names_are_quoted() {
        let names = [
            "all",
            "+dbrole_readonly",
            "+odd group",
            "odd name",
            "a,b",
            "say \"hi\"",
            "a#b",
            "@file",
            "/^a b$",
            "Émile",
        ];
        let names = names.map(str::to_owned);
        assert_eq!(
            column(&names),
            r#"all,+dbrole_readonly,+"odd group","odd name","a,b","say ""hi""","a#b","@file","/^a b$",Émile"#
        );
    }
}
