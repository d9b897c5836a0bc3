//! `claimlake run`: the stages, one after the other.

use claimlake_contract::ExitCode;
use claimlake_transformer::Form;
use clap::{Args, ValueEnum};

use crate::command::{extract, load, transform};
use crate::failure::Outcome;
use crate::history::recorded;
use crate::invocation::Invocation;
use crate::lake_group;

const EXAMPLES: &str = "\
Examples:
  claimlake run                                        the demo, from synthetic people to tables
  claimlake --pipeline blue_button run                 every night
  claimlake --data my run --from transform             after an import";

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    /// The stage to begin with
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "extract|transform|load",
        hide_possible_values = true
    )]
    from: Stage,
}

/// The stages, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Stage {
    #[default]
    Extract,
    Transform,
    Load,
}

/// Goes on after rejects, lost consents and parked people; the code comes at the end.
pub(crate) fn run(arguments: &RunArguments, invocation: &Invocation) -> Outcome {
    let mut exits = Vec::new();
    invocation.chain_stages();
    lake_group::check(invocation)?;
    load::held::warn(invocation)?;
    if arguments.from <= Stage::Extract {
        exits.push(extract::run(
            &extract::ExtractArguments::default(),
            invocation,
        )?);
    }
    if arguments.from <= Stage::Transform && goes_on(&exits) {
        exits.push(recorded("transform", invocation, || {
            let arguments = transform::TransformArguments::default();
            // Loaded at once, and by nobody else.
            transform::stage(&arguments, Form::Streams, invocation)
        })?);
    }
    if goes_on(&exits) {
        exits.push(recorded("load", invocation, || {
            load::run(&load::LoadArguments::default(), invocation)
        })?);
    }
    Ok(ExitCode::worst(exits))
}

fn goes_on(exits: &[ExitCode]) -> bool {
    exits.iter().all(|exit| exit.lets_the_next_stage_run())
}
