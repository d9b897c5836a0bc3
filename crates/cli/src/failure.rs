//! Why a command could not do what it was asked, and the code it then exits with.

use std::fmt;

use claimlake_contract::ExitCode;

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
        f.write_str(&said)
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
    fn a_closed_pipe_is_recognised_below_its_context() {
        let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let failure = Failure::from(Err::<(), _>(closed).context("writing").unwrap_err());
        assert!(failure.is_broken_pipe());
    }
}
