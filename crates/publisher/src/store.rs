//! The few operations that a target must have, over a folder or an object store.
//!
//! Whatever is written appears as a whole or not at all. [`Store::create`] never replaces: of
//! several writers of one name, one wins. All of a publish's guarantees follow from these two.

mod error_words;
mod folder;
mod objects;

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::error::Result;
use folder::FolderStore;
use objects::ObjectsStore;

/// A target that is ready to be read and written. Paths are relative to its root.
#[derive(Clone)]
pub(crate) struct Store {
    backend: Backend,
    /// Called before and after each write, so that a test can end a publish there.
    #[cfg(test)]
    pub(crate) at_write: Option<AtWrite>,
}

/// Gets the path that is written.
#[cfg(test)]
pub(crate) type AtWrite = Arc<dyn Fn(&str) -> Result<()> + Send + Sync>;

#[derive(Clone)]
enum Backend {
    Folder(Arc<FolderStore>),
    Objects(Arc<ObjectsStore>),
}

/// An object or a file of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) bytes: u64,
    pub(crate) modified: DateTime<Utc>,
}

/// Whether a write that never replaces took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    Yes,
    /// The name is taken, with other content.
    Exists,
}

/// A local file that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct LocalFile<'p> {
    pub(crate) path: &'p Path,
    pub(crate) bytes: u64,
    pub(crate) sha256: &'p str,
}

impl Store {
    pub(crate) fn folder(root: &Path) -> Self {
        Self::over(Backend::Folder(Arc::new(FolderStore::at(root))))
    }

    /// An object store; `prefix` is the path of the target in it.
    pub(crate) fn objects(store: Arc<dyn object_store::ObjectStore>, prefix: &str) -> Result<Self> {
        let store = ObjectsStore::new(store, prefix)?;
        Ok(Self::over(Backend::Objects(Arc::new(store))))
    }

    fn over(backend: Backend) -> Self {
        Self {
            backend,
            #[cfg(test)]
            at_write: None,
        }
    }

    /// Everything at the target, by path.
    pub(crate) async fn list(&self) -> Result<Vec<(String, Found)>> {
        match &self.backend {
            Backend::Folder(store) => blocking(store, |store| store.list()).await,
            Backend::Objects(store) => store.list().await,
        }
    }

    /// Whether nothing is there, what a killed publish left half written included.
    pub(crate) async fn is_empty(&self) -> Result<bool> {
        let has_unfinished = match &self.backend {
            Backend::Folder(store) => blocking(store, |store| store.has_unfinished()).await?,
            Backend::Objects(_) => false,
        };
        Ok(!has_unfinished && self.list().await?.is_empty())
    }

    /// The content of a file; `None` if it is not there.
    pub(crate) async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        match &self.backend {
            Backend::Folder(store) => {
                let path = path.to_owned();
                blocking(store, move |store| store.read(&path)).await
            }
            Backend::Objects(store) => store.read(path).await,
        }
    }

    /// A file to read, whatever its size; `None` if it is not there. Of an object store it is copied
    /// to an unlinked file in `scratch`.
    pub(crate) async fn fetch(&self, path: &str, scratch: &Path) -> Result<Option<File>> {
        match &self.backend {
            Backend::Folder(store) => {
                let path = path.to_owned();
                blocking(store, move |store| store.open(&path)).await
            }
            Backend::Objects(store) => store.fetch(path, scratch).await,
        }
    }

    /// Writes a file unless the name is taken. A name that is taken by the same bytes was written
    /// by this process: the answer to its first request was lost, and the request sent again.
    pub(crate) async fn create(&self, path: &str, content: Bytes) -> Result<Created> {
        self.step(path)?;
        let created = match &self.backend {
            Backend::Folder(store) => {
                let (path, content) = (path.to_owned(), content.clone());
                blocking(store, move |store| store.create(&path, &content)).await?
            }
            Backend::Objects(store) => store.create(path, content.clone()).await?,
        };
        self.step(path)?;
        match created {
            Created::Exists if self.read(path).await? == Some(content) => Ok(Created::Yes),
            created => Ok(created),
        }
    }

    /// Writes a file, whether it is there or not.
    pub(crate) async fn write(&self, path: &str, content: Bytes) -> Result<()> {
        self.step(path)?;
        match &self.backend {
            Backend::Folder(store) => {
                let path = path.to_owned();
                blocking(store, move |store| store.write(&path, &content)).await?;
            }
            Backend::Objects(store) => store.write(path, content).await?,
        }
        self.step(path)
    }

    /// Sends a local file. It is compared with its checksum on the way: damaged rows are never
    /// published. `sent` is called with the bytes that were sent since its last call.
    pub(crate) async fn send(
        &self,
        path: &str,
        local: LocalFile<'_>,
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        self.step(path)?;
        match &self.backend {
            Backend::Folder(store) => {
                let (path, from) = (path.to_owned(), local.path.to_path_buf());
                let (bytes, sha256) = (local.bytes, local.sha256.to_owned());
                blocking(store, move |store| store.send(&path, &from, &sha256)).await?;
                sent(bytes);
            }
            Backend::Objects(store) => store.send(path, local, sent).await?,
        }
        self.step(path)
    }

    /// Removes a file. One that is not there was removed before.
    pub(crate) async fn remove(&self, path: &str) -> Result<()> {
        self.step(path)?;
        match &self.backend {
            Backend::Folder(store) => {
                let path = path.to_owned();
                blocking(store, move |store| store.remove(&path)).await?;
            }
            Backend::Objects(store) => store.remove(path).await?,
        }
        self.step(path)
    }

    /// Removes what killed publishes left half written, as far as it can be seen: an object store
    /// does not list it.
    pub(crate) async fn remove_unfinished(&self) -> Result<()> {
        match &self.backend {
            Backend::Folder(store) => blocking(store, |store| store.remove_unfinished()).await,
            Backend::Objects(_) => Ok(()),
        }
    }

    #[cfg(test)]
    fn step(&self, path: &str) -> Result<()> {
        self.at_write.as_ref().map_or(Ok(()), |at| at(path))
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "tests end here"
    )]
    fn step(&self, _path: &str) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backend {
            Backend::Folder(store) => store.fmt(f),
            Backend::Objects(store) => store.fmt(f),
        }
    }
}

/// Work on files, away from the threads that wait for sockets.
async fn blocking<S: Send + Sync + 'static, T: Send + 'static>(
    store: &Arc<S>,
    work: impl FnOnce(&S) -> Result<T> + Send + 'static,
) -> Result<T> {
    let store = Arc::clone(store);
    crate::blocking::run(move || work(&store)).await
}
