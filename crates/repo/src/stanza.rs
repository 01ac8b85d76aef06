//! Control files: paragraphs of `Field: value`, as package indexes are written.

use std::fmt;

/// One paragraph; fields keep their order, values their continuation lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stanza {
    fields: Vec<(String, String)>,
}

impl Stanza {
    /// Reads every paragraph of `text`. Lines that are no field are left out.
    pub(crate) fn parse_all(text: &str) -> Vec<Self> {
        let mut stanzas = Vec::new();
        let mut current = Self::default();
        for line in text.lines() {
            if line.trim().is_empty() {
                stanzas.push(std::mem::take(&mut current));
            } else if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = current.fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                let field = (name.to_owned(), value.trim().to_owned());
                current.fields.push(field);
            }
        }
        stanzas.push(current);
        stanzas.retain(|stanza| !stanza.fields.is_empty());
        stanzas
    }

    /// Value of a field; names are told apart without regard to case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|f| f.0.eq_ignore_ascii_case(name));
        found.map(|field| field.1.as_str())
    }

    /// Sets a field, in its place or at the end.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self
            .fields
            .iter_mut()
            .find(|f| f.0.eq_ignore_ascii_case(name))
        {
            Some(field) => field.1 = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }

    /// Leaves out fields.
    pub(crate) fn remove(&mut self, names: &[&str]) {
        let gone = |field: &str| names.iter().any(|name| field.eq_ignore_ascii_case(name));
        self.fields.retain(|field| !gone(&field.0));
    }
}

impl fmt::Display for Stanza {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.fields {
            match value.starts_with('\n') {
                true => writeln!(f, "{name}:{value}")?,
                false => writeln!(f, "{name}: {value}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Stanza;

    const TEXT: &str = "Package: a\nDepends: b (>= 1), c\nDescription: short\n long\n .\n\n\
                        Package: b\nConffiles:\n /etc/b 12\n";

    #[test]
    fn what_is_read_is_written_again() {
        let stanzas = Stanza::parse_all(TEXT);
        let texts: Vec<String> = stanzas.iter().map(Stanza::to_string).collect();
        assert_eq!(texts.join("\n"), TEXT);
        assert_eq!(stanzas[0].get("depends"), Some("b (>= 1), c"));
        assert_eq!(stanzas[1].get("Conffiles"), Some("\n /etc/b 12"));
    }

    #[test]
    fn fields_are_set_and_removed() {
        let mut stanza = Stanza::parse_all(TEXT).remove(0);
        stanza.set("package", "z");
        stanza.set("Size", "3");
        stanza.remove(&["Depends", "Description"]);
        assert_eq!(stanza.to_string(), "Package: z\nSize: 3\n");
    }
}
