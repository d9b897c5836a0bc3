//! The commands, one file each.

pub(crate) mod completions;
pub(crate) mod import;
pub(crate) mod load;
pub(crate) mod snapshots;
pub(crate) mod status;

use crate::args::Command;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// Runs one command.
pub(crate) fn run(command: Command, invocation: &Invocation) -> Outcome {
    match command {
        Command::Import(arguments) => import::run(&arguments, invocation),
        Command::Load(arguments) => load::run(&arguments, invocation),
        Command::Status => status::run(invocation),
        Command::Snapshots(arguments) => snapshots::run(&arguments, invocation),
        Command::Completions(arguments) => completions::run(&arguments, invocation),
    }
}
