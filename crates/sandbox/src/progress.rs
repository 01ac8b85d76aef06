//! Telling the caller what runs.

/// Receives what is being done, from several threads. Closures `Fn(&str, &str)` are receivers.
pub trait Progress: Sync {
    /// `subject` is a node's name, `image`, `network` or `forwards`; `text` one line.
    fn say(&self, subject: &str, text: &str);
}

impl<F: Fn(&str, &str) + Sync> Progress for F {
    fn say(&self, subject: &str, text: &str) {
        self(subject, text);
    }
}
