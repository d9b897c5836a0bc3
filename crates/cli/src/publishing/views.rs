//! The SQL views that lie beside published tables.

use std::collections::BTreeMap;

use claimlake_loader::{ViewsBase, read_manifest, views_sql};
use claimlake_publisher::Target;

use super::Place;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::lake_options::options_of;

/// `views.duckdb.sql` and `views.spark.sql`, by the Delta tables at the place; none if there is no lake.
///
/// # Errors
/// The pipeline's views or the snapshot cannot be read.
pub(super) fn texts(place: &Place, invocation: &Invocation) -> Outcome<BTreeMap<String, String>> {
    let current = invocation.lake()?.join("current");
    if !current.exists() {
        return Ok(BTreeMap::new());
    }
    let base = match &place.target {
        Target::Folder(folder) => folder.display().to_string(),
        _ => place.url.clone(),
    };
    let options = options_of(invocation)?;
    let sql = views_sql(&read_manifest(&current)?, &ViewsBase::Delta(base), &options);
    Ok([
        ("views.duckdb.sql".to_owned(), sql.duckdb),
        ("views.spark.sql".to_owned(), sql.spark),
    ]
    .into())
}
