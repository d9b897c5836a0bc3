//! Reads the files of a state, or of the lake, to their ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use claimlake_contract::Progress;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::difference::{Difference, Repair};
use crate::contents::{self, Contents};
use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::names;
use crate::state::{FileState, State, TableState};
use crate::store::Store;

/// Files that are read at once.
const AT_ONCE: usize = 4;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// Rows by table.
    pub(super) rows: BTreeMap<String, u64>,
    /// Sums of decimals by table and column.
    pub(super) sums: BTreeMap<(String, String), i128>,
    pub(super) differences: Vec<Difference>,
}

impl Read {
    /// Adds a file of which nothing is wrong, or what is.
    fn add(&mut self, table: &str, file: &FileState, found: Found, side: Side) {
        let at = side.words();
        let repair = |of_target| match side {
            Side::Target => of_target,
            Side::Lake => Repair::Local,
        };
        let mut differs = |kind, words: String| {
            let words = format!("{}: {words}", file.path);
            self.differences.push(Difference::new(repair(kind), words));
        };
        let Found::Contents(contents) = found else {
            return differs(Repair::Publish, format!("it is missing {at}"));
        };
        self.files += 1;
        self.bytes += contents.bytes;
        if contents.bytes != file.bytes {
            let (found, stated) = (contents.bytes, file.bytes);
            let words = format!("it has {found} bytes {at}, and not {stated}");
            return differs(Repair::Publish, words);
        }
        if contents.sha256 != file.sha256 {
            let words = format!("its bytes have another checksum {at}");
            return differs(Repair::RemoveFiles, words);
        }
        match contents.rows {
            Some((rows, sums)) if rows == file.rows => {
                *self.rows.entry(table.to_owned()).or_default() += rows;
                for (column, sum) in sums {
                    *self.sums.entry((table.to_owned(), column)).or_default() += sum;
                }
            }
            found => {
                let found = found.map_or_else(
                    || "it cannot be read as Parquet".to_owned(),
                    |(rows, _)| format!("it has {rows} rows, and not {}", file.rows),
                );
                differs(Repair::Anew, format!("{found} {at}"));
            }
        }
    }
}

enum Found {
    Missing,
    Contents(Contents),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Target,
    Lake,
}

impl Side {
    fn words(self) -> &'static str {
        match self {
            Side::Target => "at the target",
            Side::Lake => "in the local lake",
        }
    }
}

/// Reads every file that a state names.
pub(super) async fn at_target(
    found: &FoundTarget,
    state: &State,
    store: &Store,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<Read> {
    let one = |file: FileState| async move {
        if !found.listing.contains_key(&file.path) {
            return Ok(Found::Missing);
        }
        match store.fetch(&file.path, scratch).await? {
            None => Ok(Found::Missing),
            Some(content) => contents_of(content, file.path).await,
        }
    };
    read(&state.tables, Side::Target, progress, one).await
}

/// Reads every file of the lake's current snapshot.
pub(super) async fn of_lake(
    folder: &Path,
    tables: &[TableState],
    progress: &dyn Progress,
) -> Result<Read> {
    let one = |file: FileState| async move {
        let path = folder.join(names::in_lake(&file.path));
        match File::open(&path) {
            Ok(content) => contents_of(content, file.path).await,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Found::Missing),
            Err(error) => Err(PublishError::io("opening", &path)(error)),
        }
    };
    read(tables, Side::Lake, progress, one).await
}

async fn contents_of(content: File, path: String) -> Result<Found> {
    crate::blocking::run(move || {
        let read = contents::read(content);
        read.map(Found::Contents)
            .map_err(PublishError::io("reading", Path::new(&path)))
    })
    .await
}

async fn read<F: Future<Output = Result<Found>>>(
    tables: &[TableState],
    side: Side,
    progress: &dyn Progress,
    one: impl Fn(FileState) -> F,
) -> Result<Read> {
    let all = || {
        let files = |table: &'_ TableState| {
            let name = table.name.clone();
            let files = table.files.clone().into_iter();
            files
                .map(move |file| (name.clone(), file))
                .collect::<Vec<_>>()
        };
        tables.iter().flat_map(files)
    };
    let total = all().map(|(_, file)| file.bytes).sum();
    let name = match side {
        Side::Target => "reading what is published",
        Side::Lake => "reading the lake",
    };
    let task = progress.begin(name, "bytes", Some(total));
    let mut results = futures_util::stream::iter(all())
        .map(|(table, file)| {
            let found = one(file.clone());
            async move { found.await.map(|found| (table, file, found)) }
        })
        .buffer_unordered(AT_ONCE);
    let mut read = Read::default();
    let ended = loop {
        match results.try_next().await {
            Ok(Some((table, file, found))) => {
                progress.advance(task, file.bytes);
                read.add(&table, &file, found, side);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    progress.end(task);
    ended.map(|()| read)
}
