//! The `claimlake` command: from consent to tables.
//!
//! Reads flags, environment and pipeline, runs a command, reports how it went, exits with one of the
//! documented codes ([`claimlake_contract::ExitCode`]: 0 done, 1 failed, 2 usage or configuration,
//! 3 rejects beyond the allowed share, 4 grants need a new consent, 5 parked).

mod access;
mod advice;
mod alarms;
mod args;
mod broker;
mod closing;
mod command;
mod copies;
mod crash;
mod data_dir;
mod dispatch;
mod env;
mod failure;
mod global_arguments;
mod history;
mod interrupt;
mod invocation;
mod lake_group;
mod lake_options;
mod landing_folders;
mod loaded_runs;
mod logging;
mod open_removals;
mod output;
mod pipeline;
mod plain_text;
mod plural;
mod process_limits;
mod progress;
mod publish_record;
mod publishing;
mod record;
mod recordings;
mod removal;
mod run_state;
mod running;
mod runtime;
mod status;
mod summary;
mod supervise;
mod terminal_layout;
mod text_file;
mod usage;
#[cfg(all(test, feature = "sandbox"))]
mod weeks;
mod who;
mod write_access;
mod write_lock;
mod zone;
mod zone_locks;

use claimlake_contract::ExitCode;
use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::invocation::Invocation;

fn main() -> std::process::ExitCode {
    if let Some(exit) = supervise::supervise() {
        return exit;
    }
    process_limits::keep_out_of_core_files();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return std::process::ExitCode::from(usage::exit(&error).code()),
    };
    if matches!(arguments.command, Command::Broker) {
        return claimlake_consent::broker_main(process_limits::broker_lifetime());
    }
    std::process::ExitCode::from(run(arguments).code())
}

fn run(arguments: Arguments) -> ExitCode {
    let name = arguments.command.name();
    let invocation = Invocation::new(arguments.global, name);
    logging::start(&invocation);
    let outcome = dispatch::run(arguments.command, &invocation);
    match outcome {
        Ok(exit) => {
            closing::ended(name, exit, &invocation);
            exit
        }
        Err(failure) if failure.is_broken_pipe() => ExitCode::Done,
        Err(failure) => {
            alarms::failed(name, &failure, invocation.output());
            failure.exit
        }
    }
}
