//! The whole comparison, in the order of the data's way.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use claimlake_contract::{LandingLayout, PatientState, Progress, ResourceType};
use claimlake_landing::{LandingRuns, SealedRun, landing_runs};
use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::engine::{ContextSource, PlanInput, ResourcePlan};

use crate::expected::{Expected, Planned, expected};
use crate::identify::{Landed, identify, jobs, person};
use crate::lake::Snapshot;
use crate::request::{ResourceViews, VerifyRequest};
use crate::{Check, Error, Grain, Report, landing, published};

/// Recomputes checksums, counts, links and money from landing to lake and compares.
///
/// # Errors
///
/// The comparison could not be made: a folder cannot be listed, a view does not compile.
pub fn verify(request: &VerifyRequest<'_>, progress: &dyn Progress) -> Result<Report, Error> {
    let mut report = Report {
        snapshot: None,
        checks: Vec::new(),
    };
    let layout = LandingLayout::in_data(request.data);
    let runs =
        landing_runs(&layout).map_err(|error| Error::Views(format!("listing landing: {error}")))?;
    report
        .checks
        .push(landing::check_parts(&runs, request.data)?);
    report.checks.push(landing::check_frames(&runs));
    report.checks.push(landing::check_patients(&runs));

    let mut manifest = Check::hard("lake_manifest", "the current snapshot has a manifest");
    let snapshot = Snapshot::current(request.lake, &mut manifest)?;
    report.checks.push(manifest);

    let plans = compile(request)?;
    let loaded: Vec<&SealedRun> = runs
        .sealed
        .iter()
        .filter(|run| request.loaded.contains(&run.manifest.run))
        .collect();
    let jobs = jobs(&loaded);
    let bytes: u64 = jobs.iter().map(|job| job.chunk.uncompressed).sum();
    let task = progress.begin("reading landing", "B", Some(bytes * 2));
    let advance = |amount: u64| progress.advance(task, amount);
    let only_plans = plans
        .iter()
        .map(|(of, (plan, _))| (of.clone(), Arc::clone(plan)))
        .collect();
    let landed = identify(&loaded, &jobs, &only_plans, &advance);
    report.checks.push(check_states(request, &runs, &landed));
    if let Some(snapshot) = snapshot {
        report.snapshot = Some(snapshot.manifest.snapshot);
        let mut files = Check::hard("lake_files", "files of the snapshot against its manifest");
        snapshot.check_files(&mut files)?;
        report.checks.push(files);
        let planned = plans
            .into_iter()
            .map(|(of, (plan, grains))| (of, Planned::new(plan, grains, &snapshot.manifest)))
            .collect();
        let made = expected(&jobs, &landed.chosen(), &planned, &advance)?;
        compare(request, &snapshot, &planned, made, &mut report)?;
    }
    progress.end(task);
    Ok(report)
}

type Compiled = HashMap<ResourceType, (Arc<ResourcePlan>, Vec<Option<Grain>>)>;

fn compile(request: &VerifyRequest<'_>) -> Result<Compiled, Error> {
    let mut plans = HashMap::new();
    for ResourceViews {
        resource,
        context,
        views,
    } in &request.resources
    {
        let mut named = Vec::new();
        let mut grains = Vec::new();
        for text in views {
            let json: serde_json::Value =
                serde_json::from_str(text).map_err(|error| Error::Views(error.to_string()))?;
            let view =
                ViewDefinition::from_text(text).map_err(|error| Error::Views(error.to_string()))?;
            grains.push(Grain::of_view(&json));
            named.push((view.name.clone().unwrap_or_default(), view));
        }
        let plan = ResourcePlan::compile(&PlanInput {
            resource: resource.as_str(),
            constants: &["source_api"],
            context,
            views: named,
            order: None,
            drop_where: request.drop_where,
        })
        .map_err(|error| Error::Views(error.to_string()))?;
        plans.insert(resource.clone(), (Arc::new(plan), grains));
    }
    Ok(plans)
}

fn compare(
    request: &VerifyRequest<'_>,
    snapshot: &Snapshot,
    planned: &HashMap<ResourceType, Planned>,
    made: Expected,
    report: &mut Report,
) -> Result<(), Error> {
    let mut counts = Check::hard(
        "row_counts",
        "rows of tables against the arrays of the raw JSON",
    );
    let mut rows = Check::hard(
        "table_rows",
        "rows of tables against what landing makes of them",
    );
    let mut keys = Check::hard("keys", "no resource stands in its table twice");
    for views in &request.resources {
        let Some(of_type) = planned.get(&views.resource) else {
            continue;
        };
        let key = views.context.iter().find(|column| {
            matches!(&column.source, ContextSource::Path(path) if path == "getResourceKey()")
        });
        for table in of_type.tables.iter().flatten() {
            let Some(lake) = snapshot.table(&table.name) else {
                continue;
            };
            let held: u64 = lake.files.iter().map(|file| file.rows).sum();
            if table.grain.is_some() {
                let counted = made.counted.get(&table.name).copied().unwrap_or(0);
                counts.expect(counted == held, || {
                    format!(
                        "{}: {held} rows, the arrays have {counted} elements",
                        table.name
                    )
                });
            }
            let found = published::digest(&snapshot.folder, lake, table, &mut rows);
            let wanted = made
                .tables
                .get(&table.name)
                .map(|digest| &digest.partitions);
            compare_partitions(&table.name, wanted, &found.partitions, &mut rows);
            if let Some(key) = key
                && table.grain.as_ref().is_some_and(Grain::is_one_row)
            {
                published::check_keys(&snapshot.folder, lake, &key.name, &mut keys)?;
            }
        }
    }
    report.checks.extend([counts, rows, keys, made.links]);
    report.checks.extend(made.laws);
    Ok(())
}

fn compare_partitions(
    table: &str,
    wanted: Option<&BTreeMap<String, crate::digest::Digest>>,
    found: &BTreeMap<String, crate::digest::Digest>,
    check: &mut Check,
) {
    let none = BTreeMap::new();
    let wanted = wanted.unwrap_or(&none);
    let names: std::collections::BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    for name in names {
        let place = if name.is_empty() {
            table.to_owned()
        } else {
            format!("{table}/{name}")
        };
        let held = found.get(name).copied().unwrap_or_default();
        let made = wanted.get(name).copied().unwrap_or_default();
        check.expect(held == made, || {
            if held.rows == made.rows {
                format!(
                    "{place}: {} rows, with other values than landing makes",
                    held.rows
                )
            } else {
                format!("{place}: {} rows, landing makes {}", held.rows, made.rows)
            }
        });
    }
}

/// What the vault says of each person against what lies in landing.
fn check_states(request: &VerifyRequest<'_>, runs: &LandingRuns, landed: &Landed) -> Check {
    let mut check = Check::hard(
        "extract_status",
        "what is on record of each person against what has landed of them",
    );
    let mut newest: HashMap<u64, chrono::DateTime<chrono::Utc>> = HashMap::new();
    for run in &runs.sealed {
        let manifest = &run.manifest;
        for patient in &manifest.patients {
            let text = patient.last_updated.as_deref().unwrap_or_default();
            if let Ok(found) = chrono::DateTime::parse_from_rfc3339(text) {
                let key = person(manifest.api, &manifest.resource, patient.grant.as_str());
                let newest = newest.entry(key).or_insert_with(|| found.to_utc());
                *newest = found.to_utc().max(*newest);
            }
        }
    }
    for state in &request.states {
        let key = person(state.api, &state.resource, state.grant.as_str());
        let place = |what: &str| {
            format!(
                "{} of grant {} ({}): {what}",
                state.resource, state.grant, state.api
            )
        };
        if state.state == PatientState::Complete {
            let found = landed.held.get(&key).map_or(0, |ids| ids.len() as u64);
            check.expect(found >= state.held, || {
                place(&format!(
                    "marked complete with {}, {found} have landed",
                    state.held
                ))
            });
        }
        let ahead = match (state.watermark, newest.get(&key)) {
            (Some(watermark), Some(newest)) => watermark > *newest,
            (Some(_), None) => state.held > 0,
            _ => false,
        };
        check.expect(!ahead, || {
            place("the watermark is later than anything that landed")
        });
    }
    check
}
