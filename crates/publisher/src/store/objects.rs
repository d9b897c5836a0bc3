//! A target in an object store.
//!
//! Memory is bounded: a file is sent in parts of [`PART_BYTES`], one part of each file at a time,
//! and the caller decides how many files at once.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use claimlake_contract::hex;
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{
    Error, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload,
};
use sha2::{Digest as _, Sha256};

use super::error_words::{damaged, is_cut, refused};
use super::{Created, Found, LocalFile};
use crate::error::{PublishError, Result};

/// The size of a part, and the largest file that is sent in one request. S3 takes up to 10,000
/// parts, so a file may have 80 GB.
const PART_BYTES: usize = 8 << 20;

/// Pauses before a conditional write is repeated whose connection was cut.
const CUT_PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

#[derive(Debug)]
pub(super) struct ObjectsStore {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl ObjectsStore {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self> {
        let prefix = prefix.trim_matches('/').to_owned();
        let made = Self { store, prefix };
        made.at("")?;
        Ok(made)
    }

    pub(super) async fn list(&self) -> Result<Vec<(String, Found)>> {
        let prefix = self.at("")?;
        let objects = self.store.list(Some(&prefix));
        let objects: Vec<_> = objects
            .try_collect()
            .await
            .map_err(|error| refused("listing the target".to_owned(), &error))?;
        let below = match self.prefix.is_empty() {
            true => String::new(),
            false => format!("{}/", self.prefix),
        };
        let mut found: Vec<(String, Found)> = objects
            .into_iter()
            .filter_map(|object| {
                let path = object.location.as_ref().strip_prefix(&below)?.to_owned();
                // Some tools make an empty object for the folder itself.
                if path.is_empty() {
                    return None;
                }
                let found = Found {
                    bytes: object.size,
                    modified: object.last_modified,
                };
                Some((path, found))
            })
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    pub(super) async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let Some(got) = self.get(path).await? else {
            return Ok(None);
        };
        let content = got.bytes().await;
        content
            .map(Some)
            .map_err(|error| refused(format!("reading {path}"), &error))
    }

    /// Copies an object to an unlinked file.
    pub(super) async fn fetch(&self, path: &str, scratch: &FilePath) -> Result<Option<File>> {
        let Some(got) = self.get(path).await? else {
            return Ok(None);
        };
        let mut parts = got.into_stream();
        let scratch = scratch.to_path_buf();
        let mut file = crate::blocking::run(move || unlinked(&scratch)).await?;
        let reading = |error: Error| refused(format!("reading {path}"), &error);
        while let Some(part) = parts.try_next().await.map_err(reading)? {
            file = crate::blocking::run(move || {
                let written = file.write_all(&part);
                written.map_err(PublishError::io(
                    "writing",
                    FilePath::new("a temporary file"),
                ))?;
                Ok(file)
            })
            .await?;
        }
        Ok(Some(file))
    }

    async fn get(&self, path: &str) -> Result<Option<GetResult>> {
        match self.store.get(&self.at(path)?).await {
            Ok(got) => Ok(Some(got)),
            // A missing bucket is no missing file.
            Err(error @ Error::NotFound { .. }) if !is_missing_bucket(&error) => Ok(None),
            Err(error) => Err(refused(format!("reading {path}"), &error)),
        }
    }

    pub(super) async fn create(&self, path: &str, content: Bytes) -> Result<Created> {
        let at = self.at(path)?;
        let mut pauses = CUT_PAUSES.iter();
        loop {
            let options = PutOptions::from(PutMode::Create);
            let put = self.store.put_opts(&at, content.clone().into(), options);
            match put.await {
                Ok(_) => return Ok(Created::Yes),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                    return Ok(Created::Exists);
                }
                // The store's client does not repeat these. It may have been written: the caller
                // compares what is there then.
                Err(error) if is_cut(&error) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(refused(format!("writing {path}"), &error)),
                },
                Err(error) => return Err(refused(format!("writing {path}"), &error)),
            }
        }
    }

    pub(super) async fn write(&self, path: &str, content: Bytes) -> Result<()> {
        let at = self.at(path)?;
        let put = self.store.put(&at, content.into()).await;
        put.map(drop)
            .map_err(|error| refused(format!("writing {path}"), &error))
    }

    pub(super) async fn remove(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.at(path)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(refused(format!("removing {path}"), &error)),
        }
    }

    pub(super) async fn send(
        &self,
        path: &str,
        local: LocalFile<'_>,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        let sending = |error: &Error| refused(format!("sending {path}"), error);
        let at = self.at(path)?;
        let mut source = Source::open(local.path).await?;
        let first = source.next().await?;
        if local.bytes <= PART_BYTES as u64 {
            let bytes = first.len() as u64;
            source.check(local, bytes)?;
            let put = self.store.put(&at, first.into()).await;
            put.map_err(|error| sending(&error))?;
            sent(bytes);
            return Ok(());
        }
        let upload = self.store.put_multipart(&at).await;
        let mut upload = upload.map_err(|error| sending(&error))?;
        match send_parts(upload.as_mut(), source, first, local, sent).await {
            Ok(()) => upload
                .complete()
                .await
                .map(drop)
                .map_err(|error| sending(&error)),
            Err(failed) => {
                // Parts that stay cost money and are seen by nobody; the reason counts.
                let _ = upload.abort().await;
                Err(match failed {
                    PartFailure::Ours(error) => error,
                    PartFailure::Store(error) => sending(&error),
                })
            }
        }
    }

    fn at(&self, path: &str) -> Result<Path> {
        let joined = match (self.prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        };
        Path::parse(&joined).map_err(|_| {
            PublishError::Setting(format!("'{joined}' cannot be the name of an object"))
        })
    }
}

enum PartFailure {
    Ours(PublishError),
    Store(Error),
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    mut source: Source,
    first: Bytes,
    local: LocalFile<'_>,
    sent: &(dyn Fn(u64) + Sync),
) -> std::result::Result<(), PartFailure> {
    let mut part = first;
    let mut total = 0;
    while !part.is_empty() {
        let bytes = part.len() as u64;
        upload
            .put_part(PutPayload::from(part))
            .await
            .map_err(PartFailure::Store)?;
        sent(bytes);
        total += bytes;
        part = source.next().await.map_err(PartFailure::Ours)?;
    }
    source.check(local, total).map_err(PartFailure::Ours)
}

/// A local file that is read part by part, and its checksum so far.
struct Source {
    reading: Option<(File, Sha256)>,
    path: Arc<FilePath>,
}

impl Source {
    async fn open(path: &FilePath) -> Result<Self> {
        let path: Arc<FilePath> = path.into();
        let opening = Arc::clone(&path);
        let file = crate::blocking::run(move || {
            File::open(&opening).map_err(PublishError::io("opening", &opening))
        });
        Ok(Self {
            reading: Some((file.await?, Sha256::new())),
            path,
        })
    }

    /// The next part; empty at the end.
    async fn next(&mut self) -> Result<Bytes> {
        let Some((mut file, mut hash)) = self.reading.take() else {
            return Ok(Bytes::new());
        };
        let path = Arc::clone(&self.path);
        let read = crate::blocking::run(move || {
            let mut part = Vec::new();
            let mut limited = std::io::Read::by_ref(&mut file).take(PART_BYTES as u64);
            limited
                .read_to_end(&mut part)
                .map_err(PublishError::io("reading", &path))?;
            hash.update(&part);
            Ok((file, hash, part))
        });
        let (file, hash, part) = read.await?;
        self.reading = Some((file, hash));
        Ok(part.into())
    }

    /// Compares what was read with what the manifest says.
    fn check(self, local: LocalFile<'_>, bytes: u64) -> Result<()> {
        let found = self.reading.map(|(_, hash)| hex(&hash.finalize()));
        match bytes == local.bytes && found.as_deref() == Some(local.sha256) {
            true => Ok(()),
            false => Err(damaged(local.path)),
        }
    }
}

/// A new file in a folder that nobody finds there.
fn unlinked(folder: &FilePath) -> Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".reading-{}-{number}", std::process::id()));
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(&path);
    let file = file.map_err(PublishError::io("making", &path))?;
    std::fs::remove_file(&path).map_err(PublishError::io("removing", &path))?;
    Ok(file)
}

fn is_missing_bucket(error: &Error) -> bool {
    let text = format!("{error:?}");
    ["NoSuchBucket", "ContainerNotFound"]
        .iter()
        .any(|code| text.contains(code))
}
