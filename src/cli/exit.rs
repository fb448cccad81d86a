//! Exit codes, documented and fixed.

use std::process::ExitCode;

use crate::model::outcome::Verdict;

/// How lbdiag ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything was as it should be: `pass`, or what was asked for was shown.
    Good,
    /// lbdiag could not do its work.
    CouldNotWork,
    /// Bad usage, or a broken playbook.
    Usage,
    Fail,
    /// With the code that `--warn-exit` gives.
    Warn(u8),
    Inconclusive,
    Interrupted,
}

impl Exit {
    /// The exit of a run that came to a verdict.
    pub(super) fn of(verdict: Verdict, warn_exit: u8) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Warn => Self::Warn(warn_exit),
            Verdict::Fail => Self::Fail,
            Verdict::Inconclusive => Self::Inconclusive,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::CouldNotWork => 1,
            Self::Usage => 2,
            Self::Fail => 3,
            Self::Warn(code) => code,
            Self::Inconclusive => 5,
            Self::Interrupted => 130,
        }
    }
}

impl Exit {
    /// The same for an end of the process from within.
    pub(super) fn number(self) -> i32 {
        i32::from(self.code())
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
    fn the_codes_never_change() {
        let codes = [Verdict::Pass, Verdict::Fail, Verdict::Warn, Verdict::Inconclusive].map(|verdict| Exit::of(verdict, 4).code());
        assert_eq!(codes, [0, 3, 4, 5]);
        assert_eq!(Exit::of(Verdict::Warn, 0).code(), 0);
        assert_eq!([Exit::CouldNotWork, Exit::Usage, Exit::Interrupted].map(Exit::code), [1, 2, 130]);
    }
}
