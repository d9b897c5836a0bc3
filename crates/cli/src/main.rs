//! The `claimlake` command: from consent to tables.
//!
//! Reads flags, environment and pipeline, runs a command, tells how it went, exits with one of the
//! documented codes ([`claimlake_contract::ExitCode`]: 0 done, 1 failed, 2 usage or configuration,
//! 3 rejects beyond the allowed share, 4 grants need a person, 5 parked).

mod access;
mod args;
mod command;
mod crash;
mod data_dir;
mod env;
mod failure;
mod history;
mod interrupt;
mod invocation;
mod logging;
mod output;
mod page;
mod pipeline;
mod plural;
mod progress;
mod recordings;
mod removal;
mod standing;
mod summary;
mod text_file;
#[cfg(all(test, feature = "sandbox"))]
mod weeks;
mod who;

use claimlake_contract::ExitCode;
use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::invocation::Invocation;

fn main() -> std::process::ExitCode {
    if let Some(exit) = claimlake_extractor::oauth::supervise() {
        return exit;
    }
    claimlake_extractor::oauth::keep_out_of_core_files();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage_exit(&error),
    };
    if matches!(arguments.command, Command::Broker) {
        return claimlake_extractor::oauth::broker_main();
    }
    std::process::ExitCode::from(run(arguments).code())
}

fn run(arguments: Arguments) -> ExitCode {
    let name = arguments.command.name();
    let invocation = Invocation::new(arguments.global);
    logging::start(&invocation);
    let outcome = command::run(arguments.command, &invocation);
    let output = invocation.output();
    match outcome {
        Ok(exit) => {
            output.summary(name, exit);
            exit
        }
        Err(failure) if failure.is_broken_pipe() => ExitCode::Done,
        Err(failure) => {
            output.failure(name, &failure);
            failure.exit
        }
    }
}

/// `--help` and `--version` are answers; everything else that clap stops at is a usage error.
fn usage_exit(error: &clap::Error) -> std::process::ExitCode {
    let printed = error.print();
    let exit = if error.use_stderr() && printed.is_ok() {
        ExitCode::Usage
    } else {
        ExitCode::Done
    };
    std::process::ExitCode::from(exit.code())
}
