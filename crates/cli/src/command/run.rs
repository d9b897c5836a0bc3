//! `claimlake run`: the stages, one after the other.

use anyhow::anyhow;
use claimlake_contract::ExitCode;
use claimlake_transformer::Form;
use clap::{Args, ValueEnum};

use crate::command::{extract, load, transform};
use crate::failure::Outcome;
use crate::history::recorded;
use crate::invocation::Invocation;
use crate::lake_group;
use crate::publishing::Place;
use crate::zone::{Zone, ZoneLock};

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
///
/// The zones of all its stages are locked before the first one begins: a second `run`, or a stage run
/// by hand, is refused at once rather than after a whole extract.
pub(crate) fn run(arguments: &RunArguments, invocation: &Invocation) -> Outcome {
    invocation.chain_stages();
    lake_group::check(invocation)?;
    Place::configured(invocation)?;
    load::pinned::warn(invocation)?;
    match lock_zones(arguments, invocation) {
        Ok(locks) => recorded("run", invocation, || stages(arguments, locks, invocation)),
        Err(refused) => recorded("run", invocation, || Err(refused)),
    }
}

/// What the stages write.
struct Locks {
    /// `None` while landing is only read.
    landing: Option<ZoneLock>,
    _staged: ZoneLock,
}

fn lock_zones(arguments: &RunArguments, invocation: &Invocation) -> Outcome<Locks> {
    let landing = match arguments.from {
        Stage::Extract => {
            extract::check_source(invocation)?;
            Some(invocation.lock_zone(Zone::Landing)?)
        }
        _ => None,
    };
    let _staged = invocation.lock_zone(Zone::Staged)?;
    Ok(Locks { landing, _staged })
}

fn stages(arguments: &RunArguments, mut locks: Locks, invocation: &Invocation) -> Outcome {
    let mut exits = Vec::new();
    if arguments.from <= Stage::Extract {
        let extract = extract::ExtractArguments::default();
        exits.push(extract::run(&extract, invocation)?);
        refuse_interrupted(invocation)?;
    }
    // From here on landing is only read: an import may run at the same time.
    locks.landing = None;
    if arguments.from <= Stage::Transform && goes_on(&exits) {
        exits.push(recorded("transform", invocation, || {
            let arguments = transform::TransformArguments::default();
            // This process loads them at once, and no other reads them.
            transform::stage(&arguments, Form::Streams, invocation)
        })?);
        refuse_interrupted(invocation)?;
    }
    if goes_on(&exits) {
        exits.push(recorded("load", invocation, || {
            load::run(&load::LoadArguments::default(), invocation)
        })?);
    }
    Ok(ExitCode::worst(exits))
}

/// A command that was asked to stop during a stage does not begin the next one.
fn refuse_interrupted(invocation: &Invocation) -> Outcome<()> {
    match invocation.is_interrupted() {
        true => Err(anyhow!(
            "interrupted: what was read has landed and is kept, and the tables are as they were; {} \
             goes on",
            invocation.next("run")
        )
        .into()),
        false => Ok(()),
    }
}

fn goes_on(exits: &[ExitCode]) -> bool {
    exits.iter().all(|exit| exit.lets_the_next_stage_run())
}
