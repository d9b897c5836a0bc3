//! Removes patients from a copy that was made.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use claimlake_columnar::parquet_reader;

use crate::copy::{CopyManifest, CopyTable};
use crate::error::{DeidentifyError, Result};
use crate::output::Building;

const BATCH_ROWS: usize = 8_192;

/// Removes the rows with these codes from a copy, in which patients are in the column `patient`; how
/// many rows. The copy without them takes the place of the copy with them at once.
///
/// # Errors
///
/// Nothing is at the place, it cannot be read or written, or is a copy with another codebook. What was
/// there stays.
pub fn remove_patients(
    place: &Path,
    recipient: &str,
    patient: &str,
    codes: &BTreeSet<String>,
) -> Result<u64> {
    let Some(mut manifest) = CopyManifest::read(place)? else {
        return Err(DeidentifyError::Setting(format!(
            "no copy is at {}: make it available",
            place.display()
        )));
    };
    if manifest.recipient != recipient {
        return Err(DeidentifyError::Setting(format!(
            "{} holds a copy for somebody else",
            place.display()
        )));
    }
    let building = Building::begin(place)?;
    let mut removed = 0;
    let done = manifest.tables.iter_mut().try_for_each(|table| {
        removed += without(place, table, patient, codes, &building)?;
        Ok(())
    });
    let done = done.and_then(|()| building.finish(&manifest));
    match done {
        Ok(()) if removed > 0 => building.publish().map(|()| removed),
        Ok(()) => {
            building.give_up();
            Ok(0)
        }
        Err(error) => {
            building.give_up();
            Err(error)
        }
    }
}

/// Writes a table without the patients; a table that does not have them keeps its files.
fn without(
    place: &Path,
    table: &mut CopyTable,
    patient: &str,
    codes: &BTreeSet<String>,
    building: &Building,
) -> Result<u64> {
    let mut removed = 0;
    let mut output = None;
    for file in &table.files {
        read(&place.join(&file.path), |batch| {
            let kept = kept(batch, patient, codes)?;
            removed += (batch.num_rows() - kept.num_rows()) as u64;
            Ok(())
        })?;
    }
    if removed == 0 {
        for file in &table.files {
            building.keep(&file.path)?;
        }
        return Ok(0);
    }
    for file in &table.files {
        read(&place.join(&file.path), |batch| {
            let kept = kept(batch, patient, codes)?;
            let output = match &mut output {
                Some(output) => output,
                None => output.insert(building.table(&table.name, kept.schema())?),
            };
            output.push(&kept)
        })?;
    }
    if let Some(output) = output {
        *table = output.finish()?;
    }
    Ok(removed)
}

fn kept(batch: &RecordBatch, patient: &str, codes: &BTreeSet<String>) -> Result<RecordBatch> {
    let column = batch.column_by_name(patient);
    let Some(patients) = column.and_then(|column| column.as_string_opt::<i32>()) else {
        return Ok(batch.clone());
    };
    let keep = patients
        .iter()
        .map(|code| Some(!code.is_some_and(|code| codes.contains(code))));
    let keep: BooleanArray = keep.collect();
    filter_record_batch(batch, &keep).map_err(DeidentifyError::arrow("leaving out rows"))
}

fn read(path: &Path, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
    let file = File::open(path).map_err(DeidentifyError::io("reading", path))?;
    let failed = DeidentifyError::parquet(path);
    let reader = parquet_reader(file, BATCH_ROWS).map_err(&failed)?;
    let schema = claimlake_columnar::encode::parquet_file::plain_schema(
        reader.schema().fields().iter().cloned(),
    );
    for batch in reader.build().map_err(&failed)? {
        let batch = batch.map_err(|error| failed(error.into()))?;
        let batch = RecordBatch::try_new(schema.clone(), batch.columns().to_vec())
            .map_err(DeidentifyError::arrow("reading a copy"))?;
        take(&batch)?;
    }
    Ok(())
}
