//! A snapshot in, a copy out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use serde::Serialize;

use crate::codebook::Codebook;
use crate::column::{Makers, RowsOf, filtered, texts};
use crate::copy::{CopyManifest, CopyTable, FORMAT};
use crate::error::{DeidentifyError, Result};
use crate::output::Building;
use crate::patients::{Age, Ages, patients};
use crate::plan::{TablePlan, copy_schema};
use crate::policy::{Policy, Profile};
use crate::reading::{Snapshot, empty};
use crate::statistics::{Counting, Statistics};
use crate::zip3::ZipAreas;

/// What to copy, and how.
#[derive(Debug, Clone)]
pub struct DeidentifyRequest<'r> {
    /// The folder of a snapshot, not a link to it.
    pub snapshot: PathBuf,
    /// The folder of the copy. One that is there is replaced where it is a copy with the same codebook.
    pub place: PathBuf,
    /// What becomes of each column.
    pub policy: &'r Policy,
    /// SHA-256 of the policy as text.
    pub policy_sha256: String,
    /// The ZIP areas that may be shown.
    pub areas: &'r ZipAreas,
    /// NPIs and CCNs stay.
    pub keep_providers: bool,
    /// For whom.
    pub recipient: String,
    /// The random name of the codebook.
    pub codebook: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// The version of the program.
    pub tool_version: String,
}

/// What was left out and kept.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    /// By table of the copy.
    pub tables: BTreeMap<String, TableCounts>,
    /// Tables of the lake that are left out as a whole.
    pub left_out: Vec<String>,
    /// Patients who reach 90 in a year that the copy covers, or whose date of birth is not known.
    pub patients_90_or_unknown: u64,
    /// What the quasi-identifiers come to.
    pub statistics: Option<Statistics>,
}

/// The counts of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableCounts {
    /// Rows of the copy.
    pub rows: u64,
    /// Rows that are left out, as the policy does not name their key.
    pub rows_left_out: u64,
    /// Values that are left out, as they have another form than the policy says.
    pub values_left_out: u64,
    /// Columns that are left out.
    pub columns_left_out: Vec<String>,
}

/// A complete copy that does not have its name yet.
pub struct Prepared {
    building: Building,
    /// What it says about itself.
    pub manifest: CopyManifest,
    /// What was left out and kept.
    pub counts: Counts,
}

impl Prepared {
    /// Gives the copy its name; one that was there is gone then. The codes must be stored before.
    ///
    /// # Errors
    ///
    /// What the operating system refuses; what was there stays.
    pub fn publish(self) -> Result<()> {
        self.building.publish()
    }

    /// Removes it.
    pub fn give_up(self) {
        self.building.give_up();
    }
}

/// Writes a copy, beside its place.
///
/// # Errors
///
/// A policy that does not fit, a lake that cannot be read, a place that is used by something else or
/// cannot be written. What is at the place stays.
pub fn deidentify(
    request: &DeidentifyRequest<'_>,
    codebook: &mut Codebook<'_>,
) -> Result<Prepared> {
    request.policy.check()?;
    let snapshot = Snapshot::open(&request.snapshot)?;
    check_place(request)?;
    let plans = plans(&snapshot, request.policy)?;
    let building = Building::begin(&request.place)?;
    match write(request, &snapshot, &plans, codebook, &building) {
        Ok((manifest, counts)) => Ok(Prepared {
            building,
            manifest,
            counts,
        }),
        Err(error) => {
            building.give_up();
            Err(error)
        }
    }
}

/// A folder with something else in it is somebody else's.
fn check_place(request: &DeidentifyRequest<'_>) -> Result<()> {
    let place = &request.place;
    let setting = |reason: &str| {
        let place = place.display();
        Err(DeidentifyError::Setting(format!(
            "{place} {reason}: name a new folder"
        )))
    };
    if let Some(present) = CopyManifest::read(place)? {
        return match present.codebook == request.codebook {
            true => Ok(()),
            false => {
                setting("holds a copy that was made with the codebook of another lake or recipient")
            }
        };
    }
    match std::fs::read_dir(place) {
        Ok(mut entries) => match entries.next() {
            Some(_) => setting("is not empty"),
            None => Ok(()),
        },
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DeidentifyError::io("reading", place)(error))
        }
        _ => Ok(()),
    }
}

fn plans<'p>(snapshot: &'p Snapshot, policy: &'p Policy) -> Result<Vec<(&'p str, TablePlan<'p>)>> {
    let mut plans = Vec::new();
    for (name, rules) in &policy.table {
        if let Some(table) = snapshot.table(name) {
            let plan = TablePlan::of(name, table, rules, &policy.patients)?;
            plans.push((name.as_str(), plan));
        }
    }
    match plans.is_empty() {
        false => Ok(plans),
        true => Err(DeidentifyError::Policy(
            "the lake has none of its tables".into(),
        )),
    }
}

fn write(
    request: &DeidentifyRequest<'_>,
    snapshot: &Snapshot,
    plans: &[(&str, TablePlan<'_>)],
    codebook: &mut Codebook<'_>,
    building: &Building,
) -> Result<(CopyManifest, Counts)> {
    let policy = request.policy;
    let ages = Ages::read(snapshot, policy)?;
    let mut counting = Counting::new(&policy.quasi_identifiers);
    let mut counts = Counts::default();
    let mut tables = Vec::with_capacity(plans.len());
    let mut makers = Makers {
        codebook,
        areas: request.areas,
        keep_providers: request.keep_providers,
        unfit: 0,
    };
    for (name, plan) in plans {
        let mut of_table = TableCounts {
            columns_left_out: plan.left_out.clone(),
            ..TableCounts::default()
        };
        let is_patients = *name == policy.patients.table;
        let mut table = TableWriting {
            plan,
            ages: &ages,
            makers: &mut makers,
            rows_left_out: 0,
        };
        let types = snapshot.types(plan.table)?;
        let nothing = table.columns(&empty(&types, &plan.read)?)?;
        let columns = nothing
            .iter()
            .map(|(name, array)| (name.clone(), array.data_type().clone()));
        // Whose row it is stands first: rows are sorted by that.
        let first = |(column, _): &(String, _)| *column != policy.patients.patient;
        let mut columns: Vec<_> = columns.collect();
        columns.sort_by_key(first);
        let schema = copy_schema(name, &columns)?;
        let mut output = building.table(name, schema.clone())?;
        snapshot.read(plan.table, &plan.read, |batch| {
            let mut made = table.columns(batch)?;
            made.sort_by_key(|(column, _)| *column != policy.patients.patient);
            let arrays = made.into_iter().map(|(_, array)| array).collect();
            let batch = RecordBatch::try_new(schema.clone(), arrays)
                .map_err(DeidentifyError::arrow("putting columns together"))?;
            if is_patients {
                counting.add(&batch);
            }
            output.push(&batch)
        })?;
        of_table.rows_left_out = table.rows_left_out;
        of_table.values_left_out = std::mem::take(&mut makers.unfit);
        let written = output.finish()?;
        of_table.rows = written.rows;
        counts.tables.insert((*name).to_owned(), of_table);
        tables.push(written);
    }
    let all = snapshot
        .manifest
        .tables
        .iter()
        .map(|table| table.layout.name.clone());
    let left_out = all.filter(|name| !counts.tables.contains_key(name));
    counts.left_out = left_out.collect();
    counts.patients_90_or_unknown = ages.not_under_90(snapshot, policy)?;
    if !policy.quasi_identifiers.is_empty() {
        counts.statistics = Some(counting.finish());
    }
    let manifest = manifest_of(request, tables);
    building.finish(&manifest)?;
    Ok((manifest, counts))
}

fn manifest_of(request: &DeidentifyRequest<'_>, tables: Vec<CopyTable>) -> CopyManifest {
    let profile = request.policy.profile;
    CopyManifest {
        format: FORMAT,
        statement: statement(profile).to_owned(),
        profile,
        keeps_providers: request.keep_providers,
        recipient: request.recipient.clone(),
        codebook: request.codebook.clone(),
        made_at: request.made_at.clone(),
        tool_version: request.tool_version.clone(),
        policy_sha256: request.policy_sha256.clone(),
        tables,
    }
}

fn statement(profile: Profile) -> &'static str {
    match profile {
        Profile::SafeHarbor => {
            "Made by a policy for 45 CFR 164.514(b)(2) (Safe Harbor). This is no legal opinion and no \
             expert determination: whoever shares it must have no actual knowledge that a person in it \
             can be identified."
        }
        Profile::LimitedDataSet => {
            "Made by a policy for 45 CFR 164.514(e) (limited data set). It is still PHI, and may be \
             shared under a data use agreement only (164.514(e)(4)). This is no legal opinion."
        }
    }
}

/// A table that is being made.
struct TableWriting<'t, 'm, 'r> {
    plan: &'t TablePlan<'t>,
    ages: &'t Ages,
    makers: &'t mut Makers<'m, 'r>,
    rows_left_out: u64,
}

impl TableWriting<'_, '_, '_> {
    fn columns(&mut self, batch: &RecordBatch) -> Result<Vec<(String, ArrayRef)>> {
        let batch = self.kept_rows(batch)?;
        let patients = patients(&batch);
        let ages = patients
            .iter()
            .map(|patient| self.ages.of(patient.as_deref()));
        let ages: Vec<Age> = ages.collect();
        let rows = RowsOf {
            patients: &patients,
            ages: &ages,
        };
        let mut made = Vec::with_capacity(self.plan.made.len());
        for (at, action) in &self.plan.made {
            let (Some(name), column) = (self.plan.read.get(*at), batch.column(*at)) else {
                continue;
            };
            made.extend(self.makers.make(name, column, action, &rows)?);
        }
        Ok(made)
    }

    fn kept_rows(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let Some((at, rules)) = self.plan.rows else {
            return Ok(batch.clone());
        };
        let keys = texts(&rules.column, batch.column(at))?;
        let keep: BooleanArray = keys.iter().map(|key| Some(rules.keeps(key))).collect();
        self.rows_left_out += (batch.num_rows() - keep.true_count()) as u64;
        let columns = batch.columns().iter().map(|column| filtered(column, &keep));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(batch.schema(), columns)
            .map_err(DeidentifyError::arrow("leaving out rows"))
    }
}
