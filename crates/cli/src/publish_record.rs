//! `publish.json` in the data directory: the lake's random id, and every place that its tables were
//! ever written to. `forget` has to know them for as long as they hold anything.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use chrono::{DateTime, Utc};
use claimlake_publisher::LakeId;
use serde::{Deserialize, Serialize};

/// The file in the data directory.
pub(crate) const FILE: &str = "publish.json";

const FORMAT: u32 = 1;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublishRecord {
    format: u32,
    /// The lake's id. A lake that is made anew keeps it.
    pub(crate) lake: LakeId,
    pub(crate) targets: Vec<RecordedTarget>,
}

/// A place that the lake was written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedTarget {
    pub(crate) url: String,
    /// When something was first written there.
    pub(crate) since: DateTime<Utc>,
    /// When a publish last ended well, and the state it left; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<LastPublish>,
    /// Since when it holds rows of patients who were forgotten here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holds_forgotten_since: Option<DateTime<Utc>>,
}

impl RecordedTarget {
    /// Whether it holds rows of patients who were forgotten.
    pub(crate) fn has_forgotten(&self) -> bool {
        self.holds_forgotten_since.is_some()
    }
}

/// The last publish to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastPublish {
    pub(crate) at: DateTime<Utc>,
    pub(crate) sequence: u64,
    pub(crate) snapshot: u64,
}

impl PublishRecord {
    /// Reads the file; `None` if nothing was ever published.
    ///
    /// # Errors
    /// It cannot be read or understood. What it says is not guessed: `forget` relies on it.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = data.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let read: Self = serde_json::from_slice(&text).map_err(|error| {
            anyhow!(
                "{} is damaged (line {}): it lists where the lake was published, so put it back from \
                 a backup",
                path.display(),
                error.line()
            )
        })?;
        match read.format {
            FORMAT => Ok(Some(read)),
            format => Err(anyhow!(
                "{} has format {format}, and this version of claimlake reads {FORMAT}: update claimlake",
                path.display()
            )),
        }
    }

    /// The record of this data directory; a new one has a new id and is not written yet.
    pub(crate) fn read_or_new(data: &Path) -> anyhow::Result<Self> {
        if let Some(read) = Self::read(data)? {
            return Ok(read);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
        Ok(Self {
            format: FORMAT,
            lake: LakeId::from_random(random),
            targets: Vec::new(),
        })
    }

    /// The target of that URL.
    pub(crate) fn target(&self, url: &str) -> Option<&RecordedTarget> {
        self.targets.iter().find(|target| target.url == url)
    }

    /// Adds a target before it is first written to. One that is there stays as it is.
    pub(crate) fn add(&mut self, url: &str, now: DateTime<Utc>) {
        if self.target(url).is_none() {
            self.targets.push(RecordedTarget {
                url: url.to_owned(),
                since: now,
                published: None,
                holds_forgotten_since: None,
            });
        }
    }

    /// Notes how a publish ended, and whether rows of forgotten patients left the target with it.
    pub(crate) fn note(&mut self, url: &str, published: LastPublish, is_cleared: bool) {
        for target in self.targets.iter_mut().filter(|target| target.url == url) {
            target.published = Some(published.clone());
            if is_cleared {
                target.holds_forgotten_since = None;
            }
        }
    }

    /// Takes a target off the list: nothing is there any more.
    pub(crate) fn drop(&mut self, url: &str) {
        self.targets.retain(|target| target.url != url);
    }

    /// The targets that hold rows of patients who were forgotten.
    pub(crate) fn with_forgotten(&self) -> impl Iterator<Item = &RecordedTarget> {
        let targets = self.targets.iter();
        targets.filter(|target| target.has_forgotten())
    }

    /// Writes the file durably, as a whole.
    pub(crate) fn write(&self, data: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(claimlake_landing::write_by_rename(&data.join(FILE), &text)?)
    }
}

/// Marks every target as one that holds rows of a patient who is being forgotten. Marking it again
/// changes nothing.
///
/// # Errors
/// The record cannot be read or written: the removal must not go on then.
pub(crate) fn mark_forgotten(data: &Path, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some(mut record) = PublishRecord::read(data)? else {
        return Ok(());
    };
    let before = record.clone();
    for target in &mut record.targets {
        target.holds_forgotten_since.get_or_insert(now);
    }
    match record == before {
        true => Ok(()),
        false => record.write(data),
    }
}

/// The URLs of the targets that hold rows of patients who were forgotten.
///
/// # Errors
/// The record cannot be read.
pub(crate) fn holding_forgotten(data: &Path) -> anyhow::Result<Vec<String>> {
    let record = PublishRecord::read(data)?;
    let targets = record.iter().flat_map(PublishRecord::with_forgotten);
    Ok(targets.map(|target| target.url.clone()).collect())
}

/// Where a lake in that folder would be part of another one.
pub(crate) fn overlaps(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| -> PathBuf {
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        // Of a folder that is not there yet, the nearest one above it is.
        let mut above = path.ancestors();
        let found = above.find_map(|above| Some((above, above.canonicalize().ok()?)));
        match found {
            Some((above, real)) => real.join(path.strip_prefix(above).unwrap_or(Path::new(""))),
            None => path.to_path_buf(),
        }
    };
    let (one, other) = (real(one), real(other));
    one.starts_with(&other) || other.starts_with(&one)
}

#[cfg(test)]
mod tests {
    use super::{FILE, LastPublish, PublishRecord, holding_forgotten, mark_forgotten, overlaps};

    #[test]
    fn a_target_is_known_from_before_it_is_written_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(PublishRecord::read(folder.path()).unwrap(), None);
        mark_forgotten(folder.path(), at("2026-11-23T12:00:00Z")).unwrap();
        assert!(!folder.path().join(FILE).exists());

        let mut record = PublishRecord::read_or_new(folder.path()).unwrap();
        record.add("s3://bucket/lake", at("2026-11-23T12:00:00Z"));
        record.write(folder.path()).unwrap();
        mark_forgotten(folder.path(), at("2026-11-24T12:00:00Z")).unwrap();
        mark_forgotten(folder.path(), at("2026-11-25T12:00:00Z")).unwrap();
        let read = PublishRecord::read(folder.path()).unwrap().unwrap();
        assert_eq!(read.lake, record.lake);
        let target = read.target("s3://bucket/lake").unwrap();
        assert_eq!(
            target.holds_forgotten_since,
            Some(at("2026-11-24T12:00:00Z"))
        );
        assert_eq!(
            holding_forgotten(folder.path()).unwrap(),
            ["s3://bucket/lake"]
        );

        let mut record = read;
        let published = LastPublish {
            at: at("2026-11-26T12:00:00Z"),
            sequence: 2,
            snapshot: 5,
        };
        record.note("s3://bucket/lake", published.clone(), false);
        assert_eq!(record.targets[0].published, Some(published.clone()));
        assert!(record.targets[0].has_forgotten());
        record.note("s3://bucket/lake", published, true);
        assert!(!record.targets[0].has_forgotten());
        record.drop("s3://bucket/lake");
        record.write(folder.path()).unwrap();
        assert!(holding_forgotten(folder.path()).unwrap().is_empty());

        std::fs::write(folder.path().join(FILE), "{").unwrap();
        let words = holding_forgotten(folder.path()).unwrap_err().to_string();
        assert!(words.contains("put it back"), "{words}");
    }

    #[test]
    fn folders_overlap_through_links_too() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("data/lake")).unwrap();
        std::os::unix::fs::symlink(at("data"), at("link")).unwrap();
        for (one, other, expected) in [
            ("data/lake/x", "data", true),
            ("link/new/x", "data", true),
            ("data", "data/lake", true),
            ("data2", "data", false),
            ("other/lake", "data/lake", false),
        ] {
            assert_eq!(overlaps(&at(one), &at(other)), expected, "{one} {other}");
        }
        // A folder that is not there yet may be named from the working directory.
        let here = std::env::current_dir().unwrap();
        assert!(overlaps(
            std::path::Path::new("not-there"),
            &here.join("not-there/x")
        ));
    }
}
