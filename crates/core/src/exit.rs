//! Exit codes of the `sty` command.

/// How a run of `sty` ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: done, or nothing to do.
    Done,
    /// 1: failed.
    Failed,
    /// 2: usage or inventory wrong; nothing was touched.
    Usage,
    /// 3: changes are pending (`sty plan --exit-code`).
    Pending,
    /// 4: partly applied; what is left was listed.
    Partial,
    /// 130: interrupted; running again converges.
    Interrupted,
}

impl ExitCode {
    /// The number given to the shell.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::Partial => 4,
            Self::Interrupted => 130,
        }
    }
}
