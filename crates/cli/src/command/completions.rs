//! `claimlake completions`: what a shell needs to complete commands and flags.

use claimlake_contract::ExitCode;
use clap::{Args, Command};

use crate::failure::Outcome;
use crate::invocation::Invocation;

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  claimlake completions bash > ~/.local/share/bash-completion/completions/claimlake"
)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints the completions of `command`.
pub(crate) fn run(
    arguments: &CompletionsArguments,
    mut command: Command,
    invocation: &Invocation,
) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "claimlake", &mut text);
    invocation.output().data(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::Done)
}
