//! Why a command failed, and the code that it then exits with.

use std::fmt;

use claimlake_contract::{ExitCode, io_advice};

/// How a command or a step of it ends.
pub(crate) type Outcome<T = ExitCode> = Result<T, Failure>;

/// A failure with its exit code: [`ExitCode::Failed`] unless the cause says otherwise.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: ExitCode,
    pub(crate) cause: anyhow::Error,
}

impl Failure {
    /// The command line or the configuration is wrong (exit 2).
    pub(crate) fn usage(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            exit: ExitCode::Usage,
            cause: cause.into(),
        }
    }

    /// Whether the reader of our output went away, which is no failure at all.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.cause
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for cause in self.cause.chain() {
            let text = cause.to_string();
            // Many errors repeat their source in their own text: say each thing once.
            if said.contains(&text) {
                continue;
            }
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&text);
        }
        f.write_str(&said)?;
        let refusals = self.cause.chain().filter_map(|cause| cause.downcast_ref());
        let advice = refusals.last().and_then(io_advice);
        // Many errors contain this already in their own text.
        let is_said = [
            "owner and mode",
            "must be allowed",
            "free space",
            "free some space",
        ]
        .into_iter()
        .any(|known| said.contains(known));
        match advice.filter(|advice| !is_said && !said.contains(advice)) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(cause: E) -> Self {
        Self {
            exit: ExitCode::Failed,
            cause: cause.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::Failure;

    #[test]
    fn a_cause_that_is_already_told_is_not_told_again() {
        let inner = anyhow::anyhow!("no such file");
        let outer = inner
            .context("cannot read x: no such file")
            .context("import");
        assert_eq!(
            Failure::from(outer).to_string(),
            "import: cannot read x: no such file"
        );
    }

    #[test]
    fn what_to_do_about_a_refusal_is_said_once() {
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let failure = |said: &'static str| {
            let denied = Err::<(), _>(denied()).context(said).unwrap_err();
            Failure::from(denied).to_string()
        };
        let hint = "; check its owner and mode, and those of its folder";
        assert!(failure("opening x").ends_with(hint));
        let text = failure("opening x (check its owner and mode)");
        assert!(!text.ends_with(hint), "{text}");
        assert!(
            !Failure::from(anyhow::anyhow!("no grant"))
                .to_string()
                .contains(';')
        );
    }

    #[test]
    fn a_closed_pipe_is_recognised_below_its_context() {
        let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let failure = Failure::from(Err::<(), _>(closed).context("writing").unwrap_err());
        assert!(failure.is_broken_pipe());
    }
}
