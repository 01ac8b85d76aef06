//! What a build says while it runs.

use std::fmt;

/// A step of a build, printed as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Another build of the same repository is at work.
    Waiting,
    /// A minimal system is being made to resolve against; about 15 s, once.
    MakingRoot(String),
    /// Package lists are being fetched.
    ReadingSources,
    /// Dependencies are being resolved for this many named packages.
    Resolving(usize),
    /// This many packages of this many bytes are being fetched.
    Downloading(usize, u64),
    /// So many of so many packages were packed for quick installation.
    Packing(usize, usize),
    /// The index is being written and signed.
    Signing,
    /// Every role is being installed on paper, from this repository alone.
    Proving(usize),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => write!(f, "waiting for another build to end"),
            Self::MakingRoot(os) => write!(f, "making a minimal {os} to resolve against"),
            Self::ReadingSources => write!(f, "reading the package sources"),
            Self::Resolving(count) => write!(f, "resolving {count} packages"),
            Self::Downloading(count, bytes) => {
                write!(f, "downloading {count} packages, {} MB", bytes / 1_000_000)
            }
            Self::Packing(done, total) => write!(f, "packing {done} of {total}"),
            Self::Signing => write!(f, "writing and signing the index"),
            Self::Proving(count) => write!(f, "proving {count} roles complete"),
        }
    }
}
