//! The last step of a load: makes the finished build the current snapshot.

use std::path::{Path, PathBuf};

use claimlake_contract::{LakeFile, LakeManifest, hex};
use sha2::{Digest, Sha256};

use crate::error::{LoadError, Result};
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::publish::manifest;
use crate::publish::views_sql::{self, ViewsBase, views_sql};
use crate::request::LoadOptions;

/// Writes the SQL views and the manifest into the finished build, gives it its name, and makes it
/// current.
///
/// The order matters: the manifest names the views with their hashes, so it comes after them; the
/// rename comes after the manifest, so that every listed snapshot has one; the pin is removed last,
/// so that a kill before it leaves a lake that refuses the next load rather than one that continues
/// unnoticed.
pub(crate) fn publish(
    lake: &Lake,
    mut manifest: LakeManifest,
    options: &LoadOptions,
    access: &Access,
) -> Result<()> {
    let building = lake.building();
    // The real path, though the folder gets its name only when the snapshot is placed.
    let folder = lake.snapshot(manifest.snapshot);
    let parent = folder
        .parent()
        .map(real_path)
        .transpose()?
        .unwrap_or_default();
    let folder = parent.join(manifest.snapshot.to_string());
    let views = view_texts(&manifest, &folder, options);
    let written = views.map(|(name, text)| write_view(&building, name, &text, access));
    manifest.views = Some(written.into_iter().collect::<Result<_>>()?);
    manifest::write(&building, &manifest, access)?;
    lake.place(manifest.snapshot)?;
    lake.flip(manifest.snapshot)?;
    lake.unpin()
}

/// The file names and contents of the SQL views of the snapshot in `folder`. The text depends
/// on the arguments alone, so a repair can write a damaged view again.
pub(crate) fn view_texts(
    manifest: &LakeManifest,
    folder: &Path,
    options: &LoadOptions,
) -> [(&'static str, String); 2] {
    let base = ViewsBase::Snapshot(folder.to_owned());
    let views = views_sql(manifest, &base, options);
    [
        (views_sql::DUCKDB_FILE, views.duckdb),
        (views_sql::SPARK_FILE, views.spark),
    ]
}

/// Writes one of the views; the result is its entry in the manifest (`rows` is 0).
fn write_view(building: &Path, name: &str, text: &str, access: &Access) -> Result<LakeFile> {
    manifest::write_file(&building.join(name), text.as_bytes(), access)?;
    Ok(LakeFile {
        path: name.to_owned(),
        rows: 0,
        bytes: text.len() as u64,
        sha256: hex(&Sha256::digest(text)),
    })
}

/// The absolute path without links. SQL views contain it: through `current`, a query could see two
/// snapshots.
pub(crate) fn real_path(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .map_err(LoadError::io("resolving", path))
}
