//! Exit codes: numbered once, never reused.

/// How a command ended. Several at once are reported by [`ExitCode::worst`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// Everything requested was done.
    Done = 0,
    /// The command failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Done, but more records were rejected than the pipeline allows.
    Rejected = 3,
    /// Done, but some grants need a person: consent expired or was revoked.
    NeedsConsent = 4,
    /// Parked: the server said to come back later.
    Parked = 5,
}

impl ExitCode {
    /// The number the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The one of several codes to exit with: 2 and 1 before 5 before 4 before 3.
    #[must_use]
    pub fn worst(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
        codes
            .into_iter()
            .max_by_key(|code| code.rank())
            .unwrap_or(ExitCode::Done)
    }

    /// Whether the stages that follow may still run (`run` and `make` continue after 3, 4 and 5).
    #[must_use]
    pub fn lets_the_next_stage_run(self) -> bool {
        !matches!(self, ExitCode::Failed | ExitCode::Usage)
    }

    fn rank(self) -> u8 {
        match self {
            ExitCode::Done => 0,
            ExitCode::Rejected => 1,
            ExitCode::NeedsConsent => 2,
            ExitCode::Parked => 3,
            ExitCode::Failed => 4,
            ExitCode::Usage => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn several_codes_at_once_follow_the_documented_order() {
        use ExitCode::{Done, Failed, NeedsConsent, Parked, Rejected};
        assert_eq!(ExitCode::worst([]), Done);
        assert_eq!(ExitCode::worst([Rejected, NeedsConsent]), NeedsConsent);
        assert_eq!(ExitCode::worst([NeedsConsent, Parked, Rejected]), Parked);
        assert_eq!(ExitCode::worst([Parked, Failed, Rejected]), Failed);
    }
}
