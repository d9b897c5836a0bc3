//! The local lake's current snapshot, as a target is to show it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claimlake_contract::{LakeManifest, LakeTable};
use claimlake_loader::read_manifest;

use crate::delta::commit::Added;
use crate::delta::{schema, stats};
use crate::error::{PublishError, Result};
use crate::identity::IDENTITY;
use crate::names;
use crate::request::PublishRequest;
use crate::state::{FileState, LocalSnapshot, STATES, State, TableState};

/// What is to be published.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The snapshot's folder.
    pub(crate) folder: PathBuf,
    pub(crate) local: LocalSnapshot,
    /// The tables; their versions are not decided yet, and `added` is the time of this publish.
    pub(crate) tables: Vec<TableState>,
    /// The columns with statistics, by table.
    stats: BTreeMap<String, Vec<String>>,
}

impl Wanted {
    /// Reads the lake's current snapshot.
    ///
    /// # Errors
    /// There is none, its manifest is damaged, or a table cannot be published.
    pub(crate) fn read(request: &PublishRequest, now: i64) -> Result<Self> {
        let folder = Self::folder_of(&request.lake)?;
        let manifest = read_manifest(&folder)?;
        let mut tables = Vec::new();
        for table in &manifest.tables {
            let name = &table.layout.name;
            if name == STATES || name == IDENTITY || name.starts_with(['.', '_']) {
                return Err(PublishError::Setting(format!(
                    "a table called {name} cannot be published: give its view another name"
                )));
            }
            let comment = request.comments.get(name);
            tables.push(TableState {
                name: name.clone(),
                delta_version: 0,
                rows: rows(table),
                partition_columns: partition_columns(table),
                description: comment.and_then(|comment| comment.table.clone()),
                schema: schema::schema(table, comment)?,
                files: files(table, now),
            });
        }
        let with_stats = |table: &LakeTable| (table.layout.name.clone(), stats::columns(table));
        Ok(Self {
            stats: manifest.tables.iter().map(with_stats).collect(),
            local: local(&manifest),
            folder,
            tables,
        })
    }

    /// The folder of the lake's current snapshot.
    pub(crate) fn folder_of(lake: &Path) -> Result<PathBuf> {
        let current = lake.join("current");
        current.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => PublishError::Setting(format!(
                "there is no lake at {} yet: `run` or `load` makes one",
                lake.display()
            )),
            _ => PublishError::io("reading", &current)(error),
        })
    }

    /// Takes over what does not change: when files became part of their tables, and tables that the
    /// lake has no more, which are published without rows.
    pub(crate) fn continue_from(&mut self, before: &State) {
        for old in &before.tables {
            let Some(table) = self.tables.iter_mut().find(|table| table.name == old.name) else {
                self.tables.push(TableState {
                    rows: 0,
                    files: Vec::new(),
                    ..old.clone()
                });
                continue;
            };
            let added: BTreeMap<_, _> = old
                .files
                .iter()
                .map(|file| (file.content(), file.added))
                .collect();
            for file in &mut table.files {
                if let Some(before) = added.get(&file.content()) {
                    file.added = *before;
                }
            }
        }
    }

    /// Whether a state shows this snapshot.
    pub(crate) fn is(&self, state: &State) -> bool {
        let same = |table: &TableState| state.tables.iter().any(|other| table.is_same(other));
        self.local == state.local
            && self.tables.len() == state.tables.len()
            && self.tables.iter().all(same)
    }

    /// The files with their statistics, which are read from the local ones.
    pub(crate) fn with_stats<'t>(
        folder: &Path,
        columns: &[String],
        files: impl Iterator<Item = &'t FileState>,
    ) -> Result<Vec<Added<'t>>> {
        files
            .map(|file| {
                Ok((
                    file,
                    stats::of_file(&folder.join(names::in_lake(&file.path)), columns)?,
                ))
            })
            .collect()
    }

    /// The columns of a table that have statistics.
    pub(crate) fn stats_columns(&self, table: &str) -> Vec<String> {
        self.stats.get(table).cloned().unwrap_or_default()
    }
}

/// What a snapshot's manifest says of it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) snapshot: LocalSnapshot,
    /// Names, rows and files only.
    pub(crate) tables: Vec<TableState>,
}

/// Reads the manifest of a snapshot.
pub(crate) fn shown(folder: &Path) -> Result<Shown> {
    let manifest = read_manifest(folder)?;
    let table = |table: &LakeTable| TableState {
        name: table.layout.name.clone(),
        delta_version: 0,
        rows: rows(table),
        partition_columns: Vec::new(),
        description: None,
        schema: serde_json::Value::Null,
        files: files(table, 0),
    };
    Ok(Shown {
        snapshot: local(&manifest),
        tables: manifest.tables.iter().map(table).collect(),
    })
}

fn rows(table: &LakeTable) -> u64 {
    table.files.iter().map(|file| file.rows).sum()
}

fn local(manifest: &LakeManifest) -> LocalSnapshot {
    LocalSnapshot {
        snapshot: manifest.snapshot,
        run: manifest.run.clone(),
        published_at: manifest.published_at.clone(),
    }
}

fn partition_columns(table: &LakeTable) -> Vec<String> {
    let columns = table.partition_columns.iter();
    columns.map(|(name, _)| name.clone()).collect()
}

fn files(table: &LakeTable, now: i64) -> Vec<FileState> {
    let file = |file: &claimlake_contract::LakeFile| FileState {
        path: names::at_target(&file.path),
        bytes: file.bytes,
        rows: file.rows,
        sha256: file.sha256.clone(),
        added: now,
    };
    table.files.iter().map(file).collect()
}
