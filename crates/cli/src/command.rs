//! The commands, one file each.

pub(crate) mod completions;

use crate::args::Command;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// Runs one command.
pub(crate) fn run(command: Command, invocation: &Invocation) -> Outcome {
    match command {
        Command::Completions(arguments) => completions::run(&arguments, invocation),
    }
}
