//! The commands, one file each.

pub(crate) mod access_log;
pub(crate) mod authorize;
pub(crate) mod changes;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod extract;
pub(crate) mod forget;
pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod lifetimes;
pub(crate) mod load;
pub(crate) mod report;
pub(crate) mod run;
#[cfg(feature = "sandbox")]
pub(crate) mod sandbox;
pub(crate) mod snapshots;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod transform;
pub(crate) mod vault;
pub(crate) mod verify;
pub(crate) mod view;

use claimlake_contract::ExitCode;

use crate::args::Command;
use crate::failure::Outcome;
use crate::history::recorded;
use crate::invocation::Invocation;

/// Runs one command.
pub(crate) fn run(command: Command, invocation: &Invocation) -> Outcome {
    if needs_settings(&command) {
        invocation.check_environment()?;
    }
    match command {
        #[cfg(feature = "sandbox")]
        Command::Sandbox(arguments) => sandbox::run(arguments, invocation),
        Command::Token(arguments) => token::run(&arguments, invocation),
        Command::Vault(arguments) => vault::run(&arguments, invocation),
        Command::AccessLog(arguments) => access_log::run(&arguments, invocation),
        Command::Extract(arguments) => extract::run(&arguments, invocation),
        Command::Authorize(arguments) => authorize::run(&arguments, invocation),
        Command::Doctor(arguments) => doctor::run(&arguments, invocation),
        Command::Forget(arguments) => forget::run(&arguments, invocation),
        Command::Grants(arguments) => grants::run(&arguments, invocation),
        Command::Import(arguments) => {
            recorded("import", invocation, || import::run(&arguments, invocation))
        }
        Command::Transform(arguments) => recorded("transform", invocation, || {
            transform::run(&arguments, invocation)
        }),
        Command::Run(arguments) => run::run(&arguments, invocation),
        Command::Load(arguments) => {
            recorded("load", invocation, || load::run(&arguments, invocation))
        }
        Command::Status => status::run(invocation),
        Command::Report(arguments) => report::run(&arguments, invocation),
        Command::Changes(arguments) => changes::run(&arguments, invocation),
        Command::Snapshots(arguments) => snapshots::run(&arguments, invocation),
        Command::Trace(arguments) => trace::run(&arguments, invocation),
        Command::Verify => recorded("verify", invocation, || verify::run(invocation)),
        Command::View(arguments) => view::run(&arguments, invocation),
        // Taken care of before anything else is started.
        Command::Broker => Ok(ExitCode::Done),
        Command::Completions(arguments) => completions::run(&arguments, invocation),
    }
}

/// Whether a command does what the pipeline and the environment say.
fn needs_settings(command: &Command) -> bool {
    match command {
        #[cfg(feature = "sandbox")]
        Command::Sandbox(_) => false,
        Command::View(_) | Command::Broker | Command::Completions(_) => false,
        _ => true,
    }
}
