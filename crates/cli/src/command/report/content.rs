//! What a lake holds, counted: patients, claims, money by kind and month, how far columns are filled.
//!
//! Reads the snapshot that was current at the beginning. Rows are read for the claims alone; how far
//! columns are filled is in the footers of the files. Counts that would disclose few patients are
//! masked in [`mask`].

mod claims;
mod fill;
mod leftover;
pub(crate) mod mask;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use claimlake_contract::LakeManifest;

pub(crate) use claims::{Cell, Claims, ClaimsOfType, Month};
pub(crate) use fill::{ColumnFill, TableFill};
pub(crate) use leftover::Leftovers;

use crate::pipeline::ReportColumns;

/// What the current snapshot of a lake holds.
#[derive(Debug, Clone)]
pub(crate) struct LakeContent {
    /// The snapshot's number.
    pub(crate) snapshot: u64,
    /// When it was published, RFC 3339.
    pub(crate) published_at: String,
    /// Its tables, by name.
    pub(crate) tables: Vec<TableFill>,
    /// What its claims add up to.
    pub(crate) claims: Claims,
    /// Files that could not be read, relative to the snapshot, and why; they are not counted.
    pub(crate) unreadable: Vec<String>,
}

/// Counts what the current snapshot holds; none where nothing is published yet. A file that cannot
/// be read is named in the outcome.
///
/// # Errors
///
/// The lake cannot be read, or is of another version.
pub(crate) fn content(lake: &Path, columns: &ReportColumns) -> anyhow::Result<Option<LakeContent>> {
    let current = lake.join("current");
    let folder = match std::fs::canonicalize(&current) {
        Ok(folder) => folder,
        Err(error) if error.kind() == ErrorKind::NotFound && current.is_symlink() => {
            bail!("reading the lake: lake/current leads to a snapshot that is not there")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("reading {}", current.display()));
        }
    };
    let LakeManifest {
        snapshot,
        published_at,
        tables,
        ..
    } = claimlake_loader::read_manifest(&folder).context("reading the lake")?;
    let mut unreadable = Vec::new();
    let fills = tables.iter();
    let fills = fills.map(|table| fill::of_table(&folder, table, &mut unreadable));
    let fills = fills.collect();
    let mut of_claims = tables.iter();
    let of_claims = of_claims.find(|table| table.layout.name == columns.table);
    let claims = match of_claims {
        Some(table) => claims::of_table(&folder, table, columns, &mut unreadable),
        None => Claims::default(),
    };
    unreadable.sort();
    unreadable.dedup();
    Ok(Some(LakeContent {
        snapshot,
        published_at,
        tables: fills,
        claims,
        unreadable,
    }))
}
