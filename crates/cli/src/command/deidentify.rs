//! `claimlake deidentify`: a copy of the tables for questions without identifiers.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use claimlake_contract::ExitCode;
use claimlake_deidentify::{
    Codebook, Counts, DeidentifyError, DeidentifyRequest, DrawnCode, Prepared, Profile, Statistics,
    deidentify,
};
use claimlake_vault::{AccessAction, Code, Vault};
use clap::Args;
use serde_json::json;

use super::compare::lakes::NamedLake;
use crate::access;
use crate::copies::{self, PATIENT_COLUMN};
use crate::crash;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::lake_options::published_at;
use crate::pipeline::{Deidentification, deidentification};
use crate::plural::counted;
use crate::publish_record::overlaps;
use crate::summary::StageSummary;
use crate::zone::Zone;

const EXAMPLES: &str = "\
Examples:
  claimlake deidentify --profile safe-harbor --recipient university --to /srv/shared/university
  claimlake deidentify --profile safe-harbor --recipient university --to copy --statistics
  claimlake deidentify --removed /srv/shared/old    the copy was removed: it is not listed any more

The same patient keeps a code from run to run for one recipient; two recipients cannot join their copies.
docs/deidentify.md says what becomes of each column. It is no legal opinion, and no expert determination.";

/// Arguments of `deidentify`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeidentifyArguments {
    /// The rule: safe-harbor (45 CFR 164.514(b)(2)) or limited-data-set (164.514(e), still PHI)
    #[arg(long, value_name = "PROFILE", value_parser = profile, required_unless_present = "removed")]
    profile: Option<Profile>,

    /// Who gets the copy: each recipient has random codes of their own
    #[arg(long, value_name = "NAME", value_parser = recipient, required_unless_present = "removed")]
    recipient: Option<String>,

    /// The folder of the copy; a copy that was made there for the same recipient is replaced
    #[arg(long, value_name = "DIR", required_unless_present = "removed")]
    to: Option<PathBuf>,

    /// Keep the NPIs and CCNs of providers, which may tell where a patient lives; written into the copy
    #[arg(long)]
    keep_providers: bool,

    /// Tell how alone people are in the copy: what an expert asks for
    #[arg(long)]
    statistics: bool,

    /// Another policy than the built-in one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Copy nothing: the copy in that folder was removed, so take it off the list of places that
    /// `forget` has to know
    #[arg(long, value_name = "DIR", conflicts_with_all = ["profile", "recipient", "to", "policy"])]
    removed: Option<PathBuf>,
}

fn profile(text: &str) -> Result<Profile, String> {
    let known = [Profile::SafeHarbor, Profile::LimitedDataSet];
    let found = known.into_iter().find(|profile| profile.as_str() == text);
    found.ok_or_else(|| "safe-harbor or limited-data-set".to_owned())
}

fn recipient(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match !text.is_empty() && text.len() <= 64 && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("1 to 64 letters, digits, `-`, `_` and `.`".to_owned()),
    }
}

/// Makes a copy.
pub(crate) fn run(arguments: &DeidentifyArguments, invocation: &Invocation) -> Outcome {
    invocation.existing_data()?;
    if let Some(removed) = &arguments.removed {
        return take_off(removed, invocation);
    }
    let (Some(profile), Some(recipient), Some(to)) =
        (arguments.profile, &arguments.recipient, &arguments.to)
    else {
        return Err(Failure::usage(anyhow!(
            "--profile, --recipient and --to are needed"
        )));
    };
    let mut summary = StageSummary::begin("deidentify");
    let place = place(to, invocation)?;
    let rules = deidentification(profile, arguments.policy.as_deref()).map_err(Failure::usage)?;
    let patient = &rules.policy.patients.patient;
    if patient != PATIENT_COLUMN {
        return Err(Failure::usage(anyhow!(
            "the policy: patients.patient must be {PATIENT_COLUMN}, by which `forget` finds rows"
        )));
    }
    // A load would remove the snapshot that is read, and a removal the rows of a patient.
    let _lock = invocation.lock_zone(Zone::Staged)?;
    let lake = NamedLake::find(&invocation.lake()?, "the lake")?;
    let vault = access::open_vault(invocation)?;
    let prepared = prepare(
        arguments, &rules, recipient, &place, &lake, &vault, invocation,
    )?;
    let (manifest, counts) = (prepared.manifest.clone(), prepared.counts.clone());
    crash::point("copy-written");
    prepared.publish().map_err(failure)?;
    crash::point("copy-named");
    // What was removed from the lake is not in the new copy, either.
    for copy in copies::with_forgotten(&vault)? {
        if Path::new(&copy.place) == place {
            vault.removed_from_copy(&copy.place, &copy.to_remove)?;
        }
    }
    summary.line("copy", place.display().to_string());
    summary.line("statement", manifest.statement);
    tell(&mut summary, &counts, invocation);
    if let Some(statistics) = counts.statistics.filter(|_| arguments.statistics) {
        tell_statistics(&statistics, invocation)?;
    }
    match copies::clear(invocation)?.is_empty() {
        true => Ok(ExitCode::Done),
        false => Ok(ExitCode::Failed),
    }
}

/// Writes the copy and stores the codes that were drawn for it; it is not visible yet.
fn prepare(
    arguments: &DeidentifyArguments,
    rules: &Deidentification,
    recipient: &str,
    place: &Path,
    lake: &NamedLake,
    vault: &Vault,
    invocation: &Invocation,
) -> Outcome<Prepared> {
    let stored = vault.codes(recipient)?.into_iter().map(|code| DrawnCode {
        kind: code.kind,
        value: code.value,
        code: code.code,
        patient: code.patient,
    });
    let mut random = |bytes: &mut [u8]| {
        getrandom::fill(bytes).map_err(|error| format!("no random bytes: {error}"))
    };
    let mut codebook = Codebook::new(stored, &mut random);
    let request = DeidentifyRequest {
        snapshot: lake.snapshot.clone(),
        place: place.to_path_buf(),
        policy: &rules.policy,
        policy_sha256: rules.sha256.clone(),
        areas: &rules.areas,
        keep_providers: arguments.keep_providers,
        recipient: recipient.to_owned(),
        codebook: vault.codebook(recipient)?,
        made_at: published_at(invocation.clock()),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let prepared = deidentify(&request, &mut codebook).map_err(failure)?;
    let codes: Vec<Code> = codebook
        .drawn()
        .iter()
        .map(|code| Code {
            kind: code.kind.clone(),
            value: code.value.clone(),
            code: code.code.clone(),
            patient: code.patient.clone(),
        })
        .collect();
    let stored = vault.add_codes(recipient, &codes).and_then(|()| {
        let place = place.to_string_lossy();
        vault.add_copy(&place, recipient, rules.policy.profile.as_str())?;
        let grants = vault.grants()?;
        let grants: Vec<_> = grants.iter().collect();
        let log = vault.access_log();
        log.append("deidentify", AccessAction::Deidentified, &grants)
    });
    match stored {
        Ok(()) => Ok(prepared),
        Err(error) => {
            prepared.give_up();
            Err(access::vault_failure(error))
        }
    }
}

/// The folder of the copy as an absolute path; it may not be there yet.
fn place(to: &Path, invocation: &Invocation) -> Outcome<PathBuf> {
    let text = to.to_string_lossy();
    let to = match text.strip_prefix("file://") {
        Some(path) => Path::new(path),
        None if text.contains("://") => {
            return Err(Failure::usage(anyhow!(
                "--to {text}: only folders so far; copy the folder to an object store afterwards"
            )));
        }
        None => to,
    };
    let absolute = std::path::absolute(to)
        .context("--to")
        .map_err(Failure::usage)?;
    let place = match (absolute.parent(), absolute.file_name()) {
        (Some(above), Some(name)) => {
            std::fs::create_dir_all(above)
                .with_context(|| format!("making {}", above.display()))
                .map_err(Failure::usage)?;
            let above = std::fs::canonicalize(above).map_err(Failure::usage)?;
            above.join(name)
        }
        _ => return Err(Failure::usage(anyhow!("--to: name a folder"))),
    };
    for ours in [invocation.data()?.root().to_path_buf(), invocation.lake()?] {
        if overlaps(&place, &ours) {
            return Err(Failure::usage(anyhow!(
                "--to {} lies in {}, or that in it: a copy needs a place of its own",
                place.display(),
                ours.display()
            )));
        }
    }
    Ok(place)
}

fn take_off(removed: &Path, invocation: &Invocation) -> Outcome {
    let place = place(removed, invocation)?;
    let is_empty = std::fs::read_dir(&place).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        return Err(anyhow!(
            "{} is not empty: remove the copy there first, then run this again",
            place.display()
        )
        .into());
    }
    let vault = access::open_vault(invocation)?;
    let is_listed = vault.drop_copy(&place.to_string_lossy())?;
    let output = invocation.output();
    output.say(&match is_listed {
        true => format!(
            "deidentify nothing is at {}, and it is not listed any more",
            place.display()
        ),
        false => format!(
            "deidentify {} is not listed: no copy was made there",
            place.display()
        ),
    });
    output.add_to_summary("deidentify", json!({"place": place, "changed": is_listed}));
    Ok(ExitCode::Done)
}

fn tell(summary: &mut StageSummary, counts: &Counts, invocation: &Invocation) {
    let tables = counts.tables.values();
    let sum =
        |count: fn(&claimlake_deidentify::TableCounts) -> u64| tables.clone().map(count).sum();
    let rows: u64 = sum(|table| table.rows);
    let columns = sum(|table| table.columns_left_out.len() as u64);
    summary.line(
        "left out",
        format!(
            "{}, {} of the tables copied",
            counted(counts.left_out.len() as u64, "table"),
            counted(columns, "column")
        ),
    );
    summary.some(
        "",
        sum(|table| table.rows_left_out),
        "row",
        "of keys that the policy does not name",
    );
    summary.some(
        "",
        sum(|table| table.values_left_out),
        "value",
        "of another form than the policy says",
    );
    summary.some(
        "",
        counts.patients_90_or_unknown,
        "patient",
        "without years that show an age of 90 or more (or of unknown age)",
    );
    summary.field("tables", json!(counts.tables));
    summary.field("tables_left_out", json!(counts.left_out));
    summary.field("patients_90_or_unknown", counts.patients_90_or_unknown);
    summary.field("statistics", json!(counts.statistics));
    let copied = counted(counts.tables.len() as u64, "table");
    summary.tell(
        invocation,
        &format!("{} in {copied} copied", counted(rows, "row")),
    );
}

/// Small cells as text: they are of the copy, and say nothing that is not in it.
fn tell_statistics(statistics: &Statistics, invocation: &Invocation) -> Outcome<()> {
    let output = invocation.output();
    if output.is_json() {
        return Ok(());
    }
    let mut page = format!(
        "By {}:\n  {} in {}, k = {}, {} with one person, {} with 1 to 10\n",
        statistics.columns.join(", "),
        match statistics.people {
            1 => "1 person".to_owned(),
            people => format!("{people} people"),
        },
        counted(statistics.cells, "cell"),
        statistics.k,
        counted(statistics.unique, "cell"),
        counted(statistics.small.len() as u64, "cell"),
    );
    for cell in &statistics.small {
        let values = cell
            .values
            .iter()
            .map(|value| value.as_deref().unwrap_or("-"));
        let values: Vec<&str> = values.collect();
        page.push_str(&format!("  {:>3}  {}\n", cell.people, values.join("  ")));
    }
    Ok(output.data(&page)?)
}

fn failure(error: DeidentifyError) -> Failure {
    match error.is_setting() {
        true => Failure::usage(error),
        false => error.into(),
    }
}
