//! `claimlake import`: lands what came from elsewhere.

use std::path::PathBuf;

use claimlake_contract::{ApiVersion, ExitCode, ReferenceRecord, ResourceType};
use claimlake_landing::{ImportOutcome, LandingErrorKind};
use claimlake_vault::Tombstones;
use clap::Args;
use serde_json::json;

use crate::access;
use crate::failure::{Failure, Outcome};
use crate::invocation::{Invocation, quoted};
use crate::landing_folders;
use crate::plural::{counted, grouped, size};
use crate::running;
use crate::summary::{StageSummary, reject_exit};
use crate::zone::Zone;

const EXAMPLES: &str = "\
Examples:
  claimlake --data my import claims.ndjson coverage.ndjson.gz
  claimlake --data my import --api v2 bundle.json
  claimlake --data my import --api carin payer-bundle.json
  zstdcat export.ndjson.zst | claimlake --data my import --api v3 -";

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArguments {
    /// NDJSON, single resources, lists or Bundles (plain, gzip, zstd); - is standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// The API version whose ids the resources carry; carin: claims of any payer, by the CARIN Blue
    /// Button profiles [default: by their CMS URLs, where there are none by their profiles]
    #[arg(long, value_name = "v2|v3|carin")]
    api: Option<ApiVersion>,
}

/// Lands the inputs as one run, or none of them.
pub(crate) fn run(arguments: &ImportArguments, invocation: &Invocation) -> Outcome {
    let share = invocation.pipeline()?.transform.max_reject_share;
    let data = invocation.data()?;
    let mut summary = StageSummary::begin("import");
    let _lock = invocation.lock_zone(Zone::Landing)?;
    let run = data.next_run(invocation.clock())?;
    // What is being sealed is distinguished from a killed run's leftovers.
    let _mark = running::mark(data.root(), &run, &invocation.process()).ok();
    let forgotten = forgotten(invocation)?;
    landing_folders::remove_leftovers(&data);
    let outcome = claimlake_landing::import_refusing(
        &arguments.inputs,
        arguments.api,
        &data.landing(),
        &run,
        invocation.progress().as_ref(),
        &|api, resource, line, references| {
            let forgotten = forgotten.as_ref();
            forgotten.is_some_and(|who| is_refused(who, api, resource, line, references))
        },
    )
    .map_err(|error| match error.kind() {
        LandingErrorKind::Usage => Failure::usage(error),
        _ => error.into(),
    })?;
    landing_folders::compact(&data);
    tell(&mut summary, &outcome);
    summary.line("where", data.landing().root().display().to_string());
    // Where nothing landed, what is in the files has to be mended first.
    if outcome.resources > 0 {
        summary.next(invocation, "transform");
    }
    summary.tell(
        invocation,
        &format!(
            "{} of {} landed ({})",
            counted(outcome.resources, "resource"),
            counted(outcome.files, "file"),
            size(outcome.bytes)
        ),
    );
    let exit = match (outcome.resources, outcome.unreadable_files) {
        (0, _) if outcome.rejected > 0 => ExitCode::Rejected,
        // One reject stands for everything in the file.
        (_, 1..) => ExitCode::Rejected,
        _ => reject_exit(
            outcome.rejected,
            outcome.resources + outcome.rejected,
            share,
        ),
    };
    if exit != ExitCode::Done {
        let (words, next) = rejected(&outcome, invocation);
        invocation.output().alarm(exit, words, next);
    }
    Ok(exit)
}

/// The patients who were forgotten here; none if there are none.
fn forgotten(invocation: &Invocation) -> Outcome<Option<Tombstones>> {
    if !access::vault_is_made(invocation)? {
        return Ok(None);
    }
    let tombstones = access::open_vault(invocation)?.tombstones()?;
    Ok(Some(tombstones).filter(|tombstones| !tombstones.is_empty()))
}

/// Whether a resource is about a forgotten patient: by a reference, by what one was resolved to, or
/// by an identifier.
fn is_refused(
    forgotten: &Tombstones,
    api: ApiVersion,
    resource: &ResourceType,
    line: &[u8],
    references: &[ReferenceRecord],
) -> bool {
    let mut resolved = references.iter().filter_map(ReferenceRecord::patient);
    let people = claimlake_fhir::patients_named(resource, line);
    resolved.any(|id| forgotten.has_id(api, id))
        || people.iter().any(|id| forgotten.has_id(api, id.expose()))
        || claimlake_fhir::personal_identifiers(resource, line)
            .iter()
            .any(|identifier| {
                forgotten.has_identifier(identifier, &claimlake_fhir::PERSONAL_SYSTEMS)
            })
}

/// Why an import ends with 3, and where it is explained.
fn rejected(outcome: &ImportOutcome, invocation: &Invocation) -> (String, String) {
    let mut words = format!(
        "{} of {} rejected",
        grouped(outcome.rejected),
        counted(outcome.resources + outcome.rejected, "record")
    );
    if outcome.unreadable_files > 0 {
        let files = counted(outcome.unreadable_files, "file");
        words.push_str(&format!(", {files} could not be read at all"));
    }
    if let Some(first) = outcome.first_rejects.first() {
        words.push_str(&format!(
            ", the first is {} line {}",
            first.file, first.line
        ));
    }
    let next = match &outcome.rejected_file {
        Some(file) => format!("zstd -dc {}", quoted(&file.display().to_string())),
        None => invocation.next("status"),
    };
    (words, next)
}

fn tell(summary: &mut StageSummary, outcome: &ImportOutcome) {
    let mut by_type = serde_json::Map::new();
    for ((api, resource), count) in &outcome.by_type {
        summary.line(api.as_str(), format!("{:>10} {resource}", grouped(*count)));
        by_type.insert(format!("{api}/{resource}"), json!(count));
    }
    summary.some(
        "refused",
        outcome.forgotten,
        "resource",
        "of patients who were forgotten here",
    );
    if outcome.resolved > 0 {
        summary.line(
            "resolved",
            format!(
                "references of {} by fullUrl or identifier",
                counted(outcome.resolved, "resource")
            ),
        );
    }
    tell_without_patient(summary, outcome);
    if outcome.rejected > 0 {
        let reasons: Vec<String> = outcome
            .rejected_by_reason
            .iter()
            .map(|(reason, count)| format!("{count} {}", reason.as_str()))
            .collect();
        summary.line(
            "rejected",
            format!(
                "{} ({})",
                counted(outcome.rejected, "line"),
                reasons.join(", ")
            ),
        );
        for reject in outcome.first_rejects.iter().take(3) {
            summary.line(
                "",
                format!("{} line {}: {}", reject.file, reject.line, reject.detail),
            );
        }
        if let Some(file) = &outcome.rejected_file {
            summary.line("kept in", file.display().to_string());
        }
    }
    summary
        .field("run", outcome.run.as_str())
        .field("files", outcome.files)
        .field("bytes", outcome.bytes)
        .field("resources", outcome.resources)
        .field("by_type", by_type)
        .field("forgotten", outcome.forgotten)
        .field("resolved", outcome.resolved)
        .field("without_patient", json!(outcome.without_patient))
        .field("unreadable_files", outcome.unreadable_files)
        .field("rejected", outcome.rejected)
        .field("rejected_by_reason", json!(outcome.rejected_by_reason))
        .field("rejected_file", json!(outcome.rejected_file));
}

/// Claims and coverages whose patients are unknown.
fn tell_without_patient(summary: &mut StageSummary, outcome: &ImportOutcome) {
    let count: u64 = outcome.without_patient.values().sum();
    if count == 0 {
        return;
    }
    let reasons: Vec<String> = outcome
        .without_patient
        .iter()
        .map(|(why, count)| format!("{count} {}", why.as_str()))
        .collect();
    summary.line(
        "no patient",
        format!(
            "{} whose patient is not known here ({}); they landed all the same",
            counted(count, "resource"),
            reasons.join(", ")
        ),
    );
    for found in outcome.first_without_patient.iter().take(3) {
        summary.line(
            "",
            format!(
                "{} line {}, {}: {}",
                found.file,
                found.line,
                found.resource,
                found.why.words()
            ),
        );
    }
}
