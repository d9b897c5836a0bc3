//! What a lake holds, counted: patients, claims, money by kind and month, how far columns are filled.
//!
//! Reads the snapshot that was current at the beginning. Rows are read for the claims alone; how far
//! columns are filled is in the footers of the files. Counts that would disclose few patients are
//! masked in [`mask`].

mod cell;
mod claims;
mod counted;
mod fill;
mod lake;
mod leftover;
pub(crate) mod mask;
mod members;
mod month;
mod payments;
mod per_member;
mod rows;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use claimlake_contract::LakeManifest;

pub(crate) use cell::Cell;
pub(crate) use claims::{Claims, ClaimsOfType};
pub(crate) use fill::{ColumnFill, TableFill};
pub(crate) use leftover::Leftovers;
pub(crate) use month::Month;
pub(crate) use payments::Payments;
pub(crate) use per_member::{MemberYear, MemberYears, PerMember};

use counted::{NotCounted, Source};
use lake::Lake;
use members::Members;

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
    /// Versions of claims that are superseded or cancelled; in no other number here.
    pub(crate) not_current: u64,
    /// Current claims that are in no other number here, by a flag.
    pub(crate) left_out: u64,
    /// Why these are left out.
    pub(crate) left_out_why: String,
    /// The money of kinds of claims that have a table of their own.
    pub(crate) payments: Vec<Payments>,
    /// Amounts per member and month.
    pub(crate) per_member: Vec<PerMember>,
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
    let mut content = LakeContent {
        snapshot,
        published_at,
        tables: fills,
        claims: Claims::default(),
        not_current: 0,
        left_out: 0,
        left_out_why: columns.left_out.why.clone(),
        payments: Vec::new(),
        per_member: Vec::new(),
        unreadable,
    };
    let lake = Lake {
        folder: &folder,
        tables: &tables,
        columns,
        unreadable: Vec::new(),
    };
    content.add_claims(lake);
    content.unreadable.sort();
    content.unreadable.dedup();
    Ok(Some(content))
}

impl LakeContent {
    /// Adds up claims, payments and months of members. A lake may be without any of the tables.
    fn add_claims(&mut self, mut lake: Lake<'_>) {
        let columns = lake.columns;
        let Some(claims) = lake.table(&columns.table) else {
            return;
        };
        let not_counted = NotCounted::read(&mut lake, claims);
        let source = Source {
            table: claims,
            day: &columns.day,
            amount: &columns.paid,
        };
        self.claims = Claims::read(&mut lake, source, &not_counted);
        for payments in &columns.payments {
            let found = Payments::read(&mut lake, payments, &not_counted);
            self.payments.push(found);
        }
        let members = Members::read(&mut lake);
        for per_member in &columns.per_member {
            let apis = self.claims.people.keys();
            let found = PerMember::read(&mut lake, per_member, &members, apis, &not_counted);
            self.per_member.extend(found);
        }
        self.not_current = not_counted.not_current;
        self.left_out = not_counted.left_out;
        self.unreadable.extend(lake.unreadable);
    }
}
