//! Which command runs.

use claimlake_contract::ExitCode;
use clap::CommandFactory as _;

use crate::args::{Arguments, Command};
#[cfg(feature = "sandbox")]
use crate::command::sandbox;
use crate::command::{
    access_log, authorize, changes, compare, completions, deidentify, doctor, extract, forget,
    grants, import, load, plan, publish, report, run, snapshots, status, token, trace, transform,
    vault, verify, view, views,
};
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
        Command::Publish(arguments) => publish::run(&arguments, invocation),
        Command::Status => status::run(invocation),
        Command::Plan => plan::run(invocation),
        Command::Report(arguments) => report::run(&arguments, invocation),
        Command::Compare(arguments) => compare::run(&arguments, invocation),
        Command::Deidentify(arguments) => deidentify::run(&arguments, invocation),
        Command::Changes(arguments) => changes::run(&arguments, invocation),
        Command::Snapshots(arguments) => snapshots::run(&arguments, invocation),
        Command::Trace(arguments) => trace::run(&arguments, invocation),
        Command::Verify(arguments) => match &arguments.published {
            Some(url) => verify::published::run(url, invocation),
            None => recorded("verify", invocation, || verify::run(invocation)),
        },
        Command::View(arguments) => view::run(&arguments, invocation),
        Command::Views(arguments) => views::run(&arguments, invocation),
        // Handled before anything else is started.
        Command::Broker => Ok(ExitCode::Done),
        Command::Completions(arguments) => {
            completions::run(&arguments, Arguments::command(), invocation)
        }
    }
}

/// Whether a command does what the pipeline and the environment say.
fn needs_settings(command: &Command) -> bool {
    match command {
        #[cfg(feature = "sandbox")]
        Command::Sandbox(_) => false,
        Command::View(_) | Command::Compare(_) | Command::Broker | Command::Completions(_) => false,
        _ => true,
    }
}
