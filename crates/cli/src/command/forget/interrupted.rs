//! Interrupted removals of patients.
//!
//! Any command that reads what they have not removed yet could publish it again, so each command
//! that writes finishes them first, or refuses. That there are some can be seen without the vault's
//! key; whom they are about, and so finishing them, needs the key.

use anyhow::anyhow;
use claimlake_loader::LoadError;
use serde_json::json;

use super::remove::{AbsentLake, Remover};
use crate::access;
use crate::advice::FINISH_REMOVAL;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::open_removals::open_in;
use crate::plural::counted;
use crate::zone::Zone;

/// Finishes interrupted removals before a command writes, and prints a message if there were any.
///
/// # Errors
/// They cannot be finished: the command must not write.
pub(crate) fn end_first(invocation: &Invocation) -> Outcome<()> {
    if open_in(invocation)?.is_empty() {
        return Ok(());
    }
    end_all(invocation).map_err(|failure| not_ended(&failure, invocation))?;
    refuse_interrupted(invocation)
}

fn not_ended(failure: &Failure, invocation: &Invocation) -> Failure {
    let is_absent_lake = |cause: &(dyn std::error::Error + 'static)| cause.is::<AbsentLake>();
    let way_on = if failure.cause.chain().any(is_absent_lake) {
        // It says itself what ends it.
        String::new()
    } else if is_damage_of_the_lake(failure) {
        "; these two end it, too".to_owned()
    } else {
        format!(
            "; {} ends it, with the vault's key",
            invocation.next(FINISH_REMOVAL)
        )
    };
    Failure {
        exit: failure.exit,
        cause: anyhow!(
            "the removal of a patient was interrupted and has to end before anything else is \
             written here, and it could not: {failure}{way_on}"
        ),
    }
}

/// The same for commands that repair a damaged lake: if the damage keeps a removal from being
/// finished, the command continues, and finishes the removal once it has published an intact lake.
///
/// # Errors
/// They cannot be finished for another reason.
pub(crate) fn end_first_unless_lake_is_damaged(invocation: &Invocation) -> Outcome<()> {
    if open_in(invocation)?.is_empty() {
        return Ok(());
    }
    match end_all(invocation) {
        Err(failure) if is_damage_of_the_lake(&failure) => {
            invocation.output().warn(
                "the removal of a patient is still open: a file of the lake is damaged, and `load \
                 --rebuild`, after `transform --full`, ends it",
            );
            Ok(())
        }
        Err(failure) => Err(not_ended(&failure, invocation)),
        Ok(_) => refuse_interrupted(invocation),
    }
}

fn is_damage_of_the_lake(failure: &Failure) -> bool {
    let mut causes = failure.cause.chain();
    causes.any(|cause| {
        let error = cause.downcast_ref::<LoadError>();
        error.is_some_and(LoadError::is_damage)
    })
}

/// If the command was asked to stop during a removal, it ends with the removal.
pub(super) fn refuse_interrupted(invocation: &Invocation) -> Outcome<()> {
    match invocation.is_interrupted() {
        true => Err(anyhow!(
            "interrupted: the removal that had been interrupted before has ended, and nothing else \
             was done"
        )
        .into()),
        false => Ok(()),
    }
}

/// Ends them; how many there were.
///
/// # Errors
/// There is no key, another process writes, or the removal fails.
pub(crate) fn end_all(invocation: &Invocation) -> Outcome<u64> {
    end_all_with(false, invocation)
}

/// The same where a lake that is not there may be left out.
pub(super) fn end_all_with(without_lake: bool, invocation: &Invocation) -> Outcome<u64> {
    let data = invocation.data()?;
    let vault = access::open_vault(invocation)?;
    let _landing = invocation.lock_zone_as_it_is(Zone::Landing)?;
    let _staged = invocation.lock_zone_as_it_is(Zone::Staged)?;
    let remover = Remover::new(invocation, &data, &vault)?.without_lake(without_lake);
    // What a killed extract had landed: all of landing must be searched.
    remover.seal_interrupted_runs()?;
    let ended = remover.finish_interrupted().map_err(|failure| Failure {
        exit: failure.exit,
        cause: failure.cause.context("ending the removal of a patient"),
    })?;
    if ended > 0 {
        let output = invocation.output();
        output.say(&format!(
            "forget     {} that had been interrupted: ended, and what was staged goes with it",
            counted(ended, "removal")
        ));
        output.add_to_summary("removals_ended", json!(ended));
    }
    Ok(ended)
}

/// Others went on beginning removals.
pub(crate) fn still_open(invocation: &Invocation) -> Failure {
    anyhow!(
        "removals of patients kept being begun here and interrupted; nothing was written: {}, then \
         the same again",
        invocation.next(FINISH_REMOVAL)
    )
    .into()
}
