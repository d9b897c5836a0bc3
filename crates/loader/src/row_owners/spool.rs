//! Notes the owner of each row while a table is written. A group's file needs the owners of all
//! tables of the group, and tables are built one by one, so the notes wait in an unlinked temporary
//! file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use crate::error::{LoadError, Result};
use crate::row_owners::runs::Run;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::create_anonymous_file;

/// The bytes of a run: key and count.
const RUN_BYTES: usize = 16 + 4;

/// How many runs are read at once.
const CHUNK_RUNS: u64 = 1_024;

/// Collects the owners of one table's rows, partition by partition.
#[derive(Debug)]
pub(crate) struct OwnerSpool {
    /// Where the file is created with the first row; afterwards only for error messages.
    path: PathBuf,
    file: Option<BufWriter<File>>,
    sections: Vec<Section>,
    pending: Option<Run>,
    runs: u64,
}

/// Where the runs of a partition are in the file, as numbers of runs.
#[derive(Debug)]
struct Section {
    partition: String,
    first: u64,
    runs: u64,
}

impl OwnerSpool {
    /// `path` must not exist; the file created there is unlinked at once.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            sections: Vec::new(),
            pending: None,
            runs: 0,
        }
    }

    /// Adds the next rows. Rows of one partition must come together; the order is that of the
    /// written rows.
    pub(crate) fn push(&mut self, partition: &str, resource: ResourceKey, rows: u32) -> Result<()> {
        let is_same = self
            .sections
            .last()
            .is_some_and(|section| section.partition == partition);
        if let (true, Some((last, count))) = (is_same, &mut self.pending)
            && *last == resource
        {
            *count = count.saturating_add(rows);
            return Ok(());
        }
        self.flush()?;
        if !is_same {
            self.sections.push(Section {
                partition: partition.to_owned(),
                first: self.runs,
                runs: 0,
            });
        }
        self.pending = Some((resource, rows));
        Ok(())
    }

    /// Writes the pending run. It is held back until the next one comes, because runs of the same
    /// resource are joined.
    fn flush(&mut self) -> Result<()> {
        let Some((resource, rows)) = self.pending.take() else {
            return Ok(());
        };
        let writing = || LoadError::io("writing", &self.path);
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = self.path.parent() {
                    std::fs::create_dir_all(folder).map_err(writing())?;
                }
                none.insert(BufWriter::new(
                    create_anonymous_file(&self.path).map_err(writing())?,
                ))
            }
        };
        let mut run = [0; RUN_BYTES];
        run[..16].copy_from_slice(&resource.to_bytes());
        run[16..].copy_from_slice(&rows.to_le_bytes());
        file.write_all(&run).map_err(writing())?;
        self.runs += 1;
        if let Some(section) = self.sections.last_mut() {
            section.runs += 1;
        }
        Ok(())
    }

    /// Ends writing; the notes can then be read in any order.
    pub(crate) fn finish(mut self) -> Result<SpooledOwners> {
        self.flush()?;
        let file = match self.file {
            Some(file) => {
                let flushed = file.into_inner();
                let flushed = flushed.map_err(std::io::IntoInnerError::into_error);
                Some(flushed.map_err(LoadError::io("writing", &self.path))?)
            }
            None => None,
        };
        Ok(SpooledOwners {
            path: self.path,
            file,
            sections: self.sections,
        })
    }
}

/// The owners that were noted for a table.
#[derive(Debug, Default)]
pub(crate) struct SpooledOwners {
    path: PathBuf,
    file: Option<File>,
    sections: Vec<Section>,
}

impl SpooledOwners {
    /// Whether rows were written to a partition.
    pub(crate) fn has(&self, partition: &str) -> bool {
        let mut sections = self.sections.iter();
        sections.any(|section| section.partition == partition)
    }

    /// The owners of the rows written to a partition; `None` if there were none.
    pub(crate) fn runs(&self, partition: &str) -> Option<impl Iterator<Item = Result<Run>> + '_> {
        let mut sections = self.sections.iter();
        let section = sections.find(|section| section.partition == partition)?;
        let file = self.file.as_ref()?;
        let end = section.first + section.runs;
        let mut next = section.first;
        let mut chunk: Vec<u8> = Vec::new();
        let mut place = 0;
        Some(std::iter::from_fn(move || {
            if place == chunk.len() {
                let runs = CHUNK_RUNS.min(end - next);
                if runs == 0 {
                    return None;
                }
                place = 0;
                chunk.resize(runs as usize * RUN_BYTES, 0);
                let from = next * RUN_BYTES as u64;
                if let Err(error) = file.read_exact_at(&mut chunk, from) {
                    next = end;
                    chunk.clear();
                    return Some(Err(LoadError::io("reading", &self.path)(error)));
                }
                next += runs;
            }
            let run = &chunk[place..place + RUN_BYTES];
            place += RUN_BYTES;
            let mut rows = [0; 4];
            rows.copy_from_slice(&run[16..]);
            Some(Ok((
                ResourceKey::from_bytes(&run[..16]),
                u32::from_le_bytes(rows),
            )))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_gives_back_its_runs_and_neighbours_of_one_resource_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let key = |number: u64| ResourceKey::from_bytes(&number.to_be_bytes().repeat(2));
        let mut spool = OwnerSpool::new(folder.path().join("spill/eob.owners"));
        for number in 0..3_000 {
            spool.push("a", key(number), 2).unwrap();
            spool.push("a", key(number), 1).unwrap();
        }
        // The resource that ends one partition begins the next.
        spool.push("b", key(2_999), 7).unwrap();
        let spooled = spool.finish().unwrap();
        let of = |partition: &str| -> Option<Vec<Run>> {
            Some(spooled.runs(partition)?.collect::<Result<_>>().unwrap())
        };
        let expected: Vec<Run> = (0..3_000).map(|number| (key(number), 3)).collect();
        assert_eq!(of("a"), Some(expected));
        assert_eq!(of("b"), Some(vec![(key(2_999), 7)]));
        assert_eq!(of("c"), None);
        assert!(!folder.path().join("spill/eob.owners").exists());
    }
}
