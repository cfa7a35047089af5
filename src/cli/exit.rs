//! Exit codes, which scripts read.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything was compared and nothing drifted; or the command succeeded.
    Clean,
    /// Everything was compared, and there is drift.
    Drift,
    /// An error, or an incomplete comparison, whether or not drift was found too.
    Trouble,
}

impl Exit {
    /// Returns the exit code as a number.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Drift => 1,
            Self::Trouble => 2,
        }
    }

    /// Returns the code after `--exit-zero`: drift does not fail then, but an error still does.
    #[must_use]
    pub fn without_drift(self) -> Self {
        match self {
            Self::Drift => Self::Clean,
            other => other,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_zero_only_turns_drift_into_success() {
        assert_eq!(Exit::Drift.without_drift(), Exit::Clean);
        assert_eq!(Exit::Clean.without_drift(), Exit::Clean);
        assert_eq!(Exit::Trouble.without_drift(), Exit::Trouble);
    }
}
