//! What is wrong with the question, so that nothing was touched: exit code 2.

use std::fmt;

/// A command that cannot be carried out as given.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// An error that ends `sty` with exit code 2.
pub(crate) fn refused(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Refused(message.into()))
}

/// Ends the function with a refusal.
macro_rules! refuse {
    ($($part:tt)*) => {
        return Err($crate::refusal::refused(format!($($part)*)))
    };
}
pub(crate) use refuse;
