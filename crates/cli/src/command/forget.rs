//! `claimlake forget`: one patient out of vault, landing, staged and lake.

mod found;
pub(crate) mod interrupted;
mod records;
pub(crate) mod remains;
pub(crate) mod remove;
mod revoke;
mod who;

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::anyhow;
use claimlake_contract::{ApiVersion, ExitCode, Person};
use claimlake_vault::Vault;
use clap::Args;
use serde_json::json;

use crate::access;
use crate::copies;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::lake_group;
use crate::lake_options;
use crate::open_removals;
use crate::plural::counted;
use crate::publishing;
use crate::zone::Zone;

use found::Found;
use remove::{Remover, refuse_damaged};
use revoke::Revocation;
use who::Who;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button forget -20140000008325
  claimlake --pipeline blue_button forget 1S00E00AA32 --yes
  claimlake --pipeline blue_button forget --yes --offline my-own-id
  claimlake --pipeline blue_button forget --finish";

/// Printed at the end: what no program can do.
const OUT_OF_REACH: &str = "\
  not here  backups and copies of the data directory or the lake, exported grants, query results
            and reports written elsewhere, recordings that were moved or made by another machine,
            and what other programs have borrowed a token for";

/// Arguments of `forget`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ForgetArguments {
    /// Any id of the person: patient id (v2:ID and v3:ID name the API version), MBI, your external
    /// id, or the grant's handle
    #[arg(
        allow_hyphen_values = true,
        value_name = "PATIENT",
        required_unless_present = "finish"
    )]
    patient: Option<String>,

    /// Only end removals that were interrupted (every command that writes does so first), and remove
    /// what has come back of patients who were forgotten, as from a backup
    #[arg(long, conflicts_with_all = ["patient", "include_shared"])]
    finish: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Forget everybody who shares an identifier with the person, too: see the preview first
    #[arg(long)]
    include_shared: bool,

    /// Do not revoke the consent at the server
    #[arg(long)]
    offline: bool,

    /// Leave out a lake that is gone for good: of one that is away, people would stay in it
    #[arg(long)]
    without_lake: bool,
}

/// Forgets a person.
pub(crate) fn run(arguments: &ForgetArguments, invocation: &Invocation) -> Outcome {
    let data = invocation.existing_data()?;
    lake_group::check_can_give(invocation)?;
    // What cannot be loaded with is said before anything is removed.
    lake_options::options_of(invocation)?;
    let Some(patient) = &arguments.patient else {
        return finish(arguments.without_lake, invocation);
    };
    let vault = access::open_vault(invocation)?;
    let _landing = invocation.lock_zone_as_it_is(Zone::Landing)?;
    let _staged = invocation.lock_zone_as_it_is(Zone::Staged)?;
    // Asked about and begun before; whoever this is about, it is ended first.
    let finished = interrupted::end_all_with(arguments.without_lake, invocation)?;
    interrupted::refuse_interrupted(invocation)?;
    let remover = Remover::new(invocation, &data, &vault)?.without_lake(arguments.without_lake);
    let mut who = Who::named(patient, arguments.include_shared, &vault, &data)?;
    who.refuse_several(invocation)?;
    if who.person.is_empty() {
        // A patient who is still in the lake may be missing in landing and vault.
        who.add_ids(remains::in_lake_by_name(patient, &invocation.lake()?)?);
    }
    let person = &who.person;
    if person.is_empty() {
        return unknown(patient, finished, &vault, invocation);
    }
    remover.check_lake()?;
    let found = Found::look(person, &vault, &data, &invocation.lake()?)?;
    who.preview(invocation)?;
    found.tell(invocation);
    refuse_damaged(found.damaged(), &remover.repair())?;
    if !arguments.yes {
        ask(invocation)?;
    }
    let revocation = match arguments.offline {
        true => Revocation::NotAsked,
        false => Revocation::of(person, &vault, invocation)?,
    };
    revocation.allow(arguments.yes)?;
    remover.forget(person)?;
    tell_end(&found, &who, &revocation, invocation);
    exit(invocation)
}

/// Ends what was interrupted, and removes what has come back of patients who were forgotten.
fn finish(without_lake: bool, invocation: &Invocation) -> Outcome {
    let ended = match open_removals::open_in(invocation)?.is_empty() {
        true => 0,
        false => interrupted::end_all_with(without_lake, invocation)?,
    };
    let again = remains::remove(without_lake, invocation)?;
    let output = invocation.output();
    if ended == 0 && again == 0 {
        output.say(
            "forget     no removal was interrupted here, and nobody who was forgotten is here",
        );
    }
    let fields = json!({"changed": ended + again > 0, "forgotten_again": again});
    output.add_to_summary("forget", fields);
    exit(invocation)
}

/// Goes on at the published targets. Not done for as long as one of them holds rows of somebody who
/// was forgotten.
fn exit(invocation: &Invocation) -> Outcome {
    let open = publishing::clear(invocation)?;
    let output = invocation.output();
    output.add_to_summary("published_targets_to_clear", json!(open));
    let copies = copies::clear(invocation)?;
    output.add_to_summary("copies_to_clear", json!(copies));
    let counts = [
        (open.len(), "published target"),
        (copies.len(), "de-identified copy"),
    ];
    let words = counts.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = words
        .map(|(count, what)| counted(count as u64, what))
        .collect();
    if words.is_empty() {
        return Ok(ExitCode::Done);
    }
    output.warn(&format!(
        "forget     not complete: {} to clear, as above ({} lists them)",
        words.join(" and "),
        invocation.next("status")
    ));
    Ok(ExitCode::Failed)
}

fn unknown(wanted: &str, finished: u64, vault: &Vault, invocation: &Invocation) -> Outcome {
    let tombstones = vault.tombstones()?;
    let was_forgotten = tombstones.has_typed_identifier(wanted, &claimlake_fhir::PERSONAL_SYSTEMS)
        || ApiVersion::ALL
            .into_iter()
            .any(|api| tombstones.has_id(api, wanted));
    if was_forgotten {
        invocation
            .output()
            .say("forget     nothing of that patient is here, they were forgotten before");
        invocation.output().say(OUT_OF_REACH);
        invocation
            .output()
            .add_to_summary("forget", json!({"changed": finished > 0}));
        return exit(invocation);
    }
    let mut grants = vault.grants()?.into_iter();
    if grants.any(|grant| grant.handle.as_str() == wanted.trim()) {
        // Any other name would have found the patient.
        return Err(Failure::usage(anyhow!(
            "the server has not said yet whose grant {} is: `{}` asks it, and `{}` ends it",
            wanted.trim(),
            invocation.next("extract"),
            invocation.next(&format!("grants revoke {}", wanted.trim()))
        )));
    }
    Err(crate::who::unknown(invocation))
}

/// Asks on a terminal; without one, `--yes` is needed.
fn ask(invocation: &Invocation) -> Outcome<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || invocation.output().is_json() {
        return Err(Failure::usage(anyhow!(
            "forget asks before it removes anything, and there is no terminal to ask on: add --yes"
        )));
    }
    invocation
        .output()
        .ask("This cannot be undone. Type forget to go on:")?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    match answer.trim() {
        "forget" => Ok(()),
        _ => Err(Failure::usage(anyhow!(
            "not confirmed, nothing was removed"
        ))),
    }
}

fn tell_end(found: &Found, who: &Who, revocation: &Revocation, invocation: &Invocation) {
    let output = invocation.output();
    output.say(&format!(
        "forget     done\n  consent   {}",
        revocation.words()
    ));
    output.say(OUT_OF_REACH);
    let mut fields = found.fields();
    fields["person"] = who.fields();
    fields["changed"] = json!(true);
    fields["revoked"] = json!(revocation.is_done());
    output.add_to_summary("forget", fields);
}

/// Forgets, at the end of a run, whom the pipeline says to: people who revoked long enough ago.
pub(crate) fn forget_revoked(days: u32, invocation: &Invocation) -> Outcome<u64> {
    let data = invocation.data()?;
    if !access::has_vault(data.root()) {
        return Ok(0);
    }
    let vault: Arc<Vault> = access::open_vault(invocation)?;
    let limit = invocation.clock().now() - chrono::TimeDelta::days(i64::from(days));
    let is_over = |grant: &claimlake_vault::Grant| {
        grant.state == claimlake_vault::GrantState::Revoked && grant.state_since <= limit
    };
    let mut people = Vec::new();
    for grant in vault.grants()?.into_iter().filter(is_over) {
        let mut person = Person::default();
        person
            .ids
            .extend(grant.patient.map(|patient| (grant.api, patient)));
        if person.is_empty() {
            continue;
        }
        let person = Who::complete(person, None, false, &vault, &data)?.person;
        // Somebody who has revoked one grant and keeps another is still here.
        if vault.grants_of(&person)?.iter().all(is_over) && !people.contains(&person) {
            people.push(person);
        }
    }
    if people.is_empty() {
        return Ok(0);
    }
    let (Ok(_landing), Ok(_staged)) = (
        invocation.lock_zone_as_it_is(Zone::Landing),
        invocation.lock_zone_as_it_is(Zone::Staged),
    ) else {
        invocation.output().warn(&format!(
            "warning: {} to be forgotten, as extract.on_revoked says, once no other claimlake \
             writes here",
            counted(people.len() as u64, "patient")
        ));
        return Ok(0);
    };
    interrupted::end_all(invocation)?;
    let remover = Remover::new(invocation, &data, &vault)?;
    for person in &people {
        remover.forget(person)?;
    }
    Ok(people.len() as u64)
}
