//! The comparison from landing to lake.

use std::collections::{BTreeMap, HashMap};

use claimlake_contract::{ApiVersion, LandingLayout, LandingOrigin, Progress, ResourceType};
use claimlake_landing::{Gone, LandingRuns, SealedRun, landing_runs};
use claimlake_viewdef::engine::{ContextColumn, ContextSource};

use crate::buckets::Buckets;
use crate::error::Error;
use crate::feed::part_tasks;
use crate::grain::Grain;
use crate::lake::Snapshot;
use crate::landed::{GrantKey, Landed, grant_key};
use crate::made::Expected;
use crate::pass::Pass;
use crate::plans::{Plans, plans};
use crate::published::{self, TableTask};
use crate::report::{Check, Report};
use crate::request::VerifyRequest;
use crate::{current, known, landing, modes, staged, states, status_table, tables};

/// Recomputes checksums, counts, links and money from landing to lake and compares.
///
/// # Errors
///
/// The comparison could not be made: a folder cannot be listed, a view does not compile.
pub fn verify(request: &VerifyRequest<'_>, progress: &dyn Progress) -> Result<Report, Error> {
    let layout = LandingLayout::in_data(request.data);
    let runs = landing_runs(&layout)?;
    let mut manifest = Check::hard("lake_manifest", "the current snapshot has a manifest");
    let was_published = !request.records.is_empty();
    let snapshot = Snapshot::current((request.lake, request.data), was_published, &mut manifest)?;
    let (pin, is_pinned) = crate::older::check_pin(request.lake)?;
    let plans = plans(
        &request.views,
        request.money,
        snapshot.as_ref().map(|snapshot| &snapshot.manifest),
    )?;

    let is_loaded = |run: &SealedRun| request.loaded.contains(&run.manifest.run);
    let tasks = part_tasks(&runs.sealed, is_loaded);
    let frames = tasks.iter().flat_map(|task| &task.part.part.frames);
    let bytes = frames.map(|frame| frame.uncompressed).sum();
    let task = progress.begin("reading landing", "bytes", Some(bytes));
    let pass = Pass {
        planned: &plans,
        patients: patients_by_frame(&runs.sealed),
        landed: Landed::new(request.data),
        gone: Gone::of(&runs.sealed, is_loaded),
    };
    let passed = pass.run(&tasks, &|amount| progress.advance(task, amount));
    progress.end(task);
    let mut passed = passed?;

    let mut checks = vec![
        landing::check_parts(&runs, request, passed.parts)?,
        landing::check_frames(&runs, &passed.damaged, request),
        landing::check_patients(&runs),
        landing::check_rejected(&layout)?,
        landing::check_set_aside(&layout)?,
        manifest,
        pin,
        states::check(request, &runs, &passed.by_patient),
        staged::check_staged(&request.staged)?,
        staged::check_records(&request.records)?,
    ];
    let mut snapshot = snapshot;
    if let Some(snapshot) = &mut snapshot {
        let mut files = Check::hard("lake_files", "files of the snapshot against its manifest");
        snapshot.check_files(&mut files)?;
        checks.push(files);
        checks.extend(snapshot.check_earlier_owners());
        checks.extend(compare(
            request,
            snapshot,
            &plans,
            &passed.expected,
            progress,
        )?);
        checks.extend(known::check(snapshot, &pass.landed, &pass.gone)?);
        checks.push(
            passed
                .expected
                .owners(&pass.landed, &with_patients(&runs))?,
        );
        checks.extend(current::check(snapshot, request.current, |resource| {
            key_column(request, resource)
        }));
        checks.push(status_table::check(request, &runs, snapshot));
        checks.extend(passed.expected.within_claims(request.money));
        checks.extend(tables::check(snapshot, request.tables, &request.money.sums));
        checks.push(modes::check(request.lake, snapshot, request.is_shared));
    }
    checks.push(crate::older::check(request.lake, snapshot.as_ref())?);
    landing::ask_again(&mut checks, &runs, request);
    checks.iter_mut().for_each(Check::fill_in_repair);
    Ok(Report {
        snapshot: snapshot.map(|snapshot| snapshot.manifest.snapshot),
        import_again: landing::to_import(&checks, &runs, request),
        checks,
        is_pinned,
    })
}

/// The API versions of which Patients have landed.
fn with_patients(runs: &LandingRuns) -> Vec<ApiVersion> {
    let of_patients = runs.sealed.iter().filter(|run| {
        run.manifest.resource == ResourceType::patient() && !run.manifest.parts.is_empty()
    });
    of_patients.map(|run| run.manifest.api).collect()
}

/// The patient whose lines each frame of an extracted part has: (part, frame), parts in landing order. Not
/// the grant: after a new consent the same patient has another one.
fn patients_by_frame(runs: &[SealedRun]) -> HashMap<(u32, u32), GrantKey> {
    let mut patients = HashMap::new();
    let mut first_part = 0_u32;
    for SealedRun { manifest, .. } in runs {
        if manifest.origin == LandingOrigin::Extract {
            for patient in &manifest.patients {
                let id = grant_key(manifest.api, &manifest.resource, patient.patient.expose());
                let frames = patient.frames.iter();
                patients.extend(frames.map(|(part, frame)| ((first_part + part, *frame), id)));
            }
        }
        first_part += u32::try_from(manifest.parts.len()).unwrap_or(u32::MAX);
    }
    patients
}

/// Rows and keys of the published tables against what landing makes.
fn compare(
    request: &VerifyRequest<'_>,
    snapshot: &Snapshot,
    plans: &Plans,
    made: &Expected,
    progress: &dyn Progress,
) -> Result<[Check; 3], Error> {
    let mut counts = Check::hard(
        "row_counts",
        "rows of tables against the arrays of the raw JSON",
    );
    let mut rows = Check::hard(
        "table_rows",
        "rows of tables against what landing makes of them",
    );
    let mut keys = Check::hard("keys", "no resource is in its table twice");
    let mut tables = Vec::new();
    for (resource, planned) in in_order(plans) {
        let key = key_column(request, resource);
        for table in planned.tables.iter().flatten() {
            if let Some(lake) = snapshot.table(&table.name) {
                let is_one_row = table.grain.as_ref().is_some_and(Grain::is_one_row);
                let task = TableTask {
                    lake,
                    columns: &table.columns,
                    key: key.filter(|_| is_one_row),
                    keys: Buckets::new(&snapshot.scratch),
                };
                tables.push((table, task));
            }
        }
    }
    let (planned, tables): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
    let files = tables.iter().flat_map(|table| &table.lake.files);
    let bytes = files.map(|file| file.bytes).sum();
    let task = progress.begin("reading the lake", "bytes", Some(bytes));
    let published = published::read(snapshot, &tables, &|amount| progress.advance(task, amount));
    progress.end(task);
    for ((planned, table), mut found) in planned.into_iter().zip(&tables).zip(published) {
        let name = &planned.name;
        if planned.grain.is_some() {
            let rows: u64 = table.lake.files.iter().map(|file| file.rows).sum();
            let counted = made.counted.get(name).copied().unwrap_or(0);
            counts.expect(counted == rows, || {
                format!("{name}: {}, the arrays say {counted}", rows_of(rows))
            });
        }
        found.name_unreadable(&mut rows);
        let wanted = made.tables.get(name).map(|digest| &digest.partitions);
        compare_partitions(name, wanted, &found.digest.partitions, &mut rows);
        table.check_keys(&mut keys)?;
    }
    Ok([counts, rows, keys])
}

/// Resource types by their names.
fn in_order(plans: &Plans) -> BTreeMap<&ResourceType, &crate::planned::Planned> {
    plans.iter().collect()
}

/// The context column that holds the resource's key, if there is one.
fn key_column<'r>(request: &'r VerifyRequest<'_>, resource: &ResourceType) -> Option<&'r str> {
    let mut contexts = request.views.context.iter();
    let (_, context) = contexts.find(|(of, _)| of == resource)?;
    let is_key = |column: &&ContextColumn| matches!(&column.source, ContextSource::Path(path) if path == "getResourceKey()");
    let key = context.iter().find(is_key)?;
    Some(key.name.as_str())
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
        let found = found.get(name).copied().unwrap_or_default();
        let made = wanted.get(name).copied().unwrap_or_default();
        check.expect(found == made, || {
            if found.rows == made.rows {
                format!(
                    "{place}: {}, with other values than landing makes",
                    rows_of(found.rows)
                )
            } else {
                let rows = rows_of(found.rows);
                format!("{place}: {rows}, landing makes {}", made.rows)
            }
        });
    }
}

fn rows_of(number: u64) -> String {
    match number {
        1 => "1 row".into(),
        _ => format!("{number} rows"),
    }
}
