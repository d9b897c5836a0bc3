//! The place that a lake is published to, as a URL.

use std::fmt;
use std::path::{Path, PathBuf};

use url::{Host, Url};

use crate::azure;
use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::identity::LakeId;
use crate::s3;
use crate::store::Store;
use crate::wanted::Wanted;

/// A target that can be read and written.
#[derive(Debug, Clone)]
pub struct OpenTarget {
    pub(crate) store: Store,
}

impl OpenTarget {
    /// Whether nothing is there.
    ///
    /// # Errors
    /// The target cannot be listed.
    pub async fn is_empty(&self) -> Result<bool> {
        self.store.is_empty().await
    }

    /// Looks whether the lake can be published there, without writing anything.
    ///
    /// # Errors
    /// There is no lake; the target cannot be reached, or belongs to another lake or program.
    pub async fn check(&self, lake: &Path, id: &LakeId) -> Result<()> {
        Wanted::folder_of(lake)?;
        FoundTarget::read(&self.store, id).await.map(drop)
    }
}

/// A parsed target. As text it is the URL in one spelling, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A folder of this machine, `file:///path`.
    Folder(PathBuf),
    /// A bucket of S3 or of a store that speaks its protocol, `s3://bucket/path`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The path in it; empty for the bucket itself.
        path: String,
    },
    /// A container of Azure storage, `abfss://container@account.dfs.core.windows.net/path`, or
    /// `az://container/path`.
    Azure {
        /// The storage account, where the URL names it.
        account: Option<String>,
        /// The container.
        container: String,
        /// The path in it; empty for the container itself.
        path: String,
    },
}

impl Target {
    /// Reads a URL.
    ///
    /// ```
    /// use claimlake_publisher::Target;
    ///
    /// let target = Target::parse("s3://bucket/medicare/lake/")?;
    /// assert_eq!(target.to_string(), "s3://bucket/medicare/lake");
    /// assert!(Target::parse("s3://key:secret@bucket/lake").is_err());
    /// # Ok::<(), claimlake_publisher::PublishError>(())
    /// ```
    ///
    /// # Errors
    /// [`PublishError::Setting`]: the scheme is unknown, or there is more in the URL than a place:
    /// credentials and settings of a store come from the environment. The text does not repeat them.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |words: &str| Err(PublishError::Setting(words.to_owned()));
        let Ok(url) = Url::parse(text) else {
            return wrong(
                "the target is not a URL: file:///path/of/a/folder, s3://bucket/path or \
                 abfss://container@account.dfs.core.windows.net/path",
            );
        };
        let is_azure = url.scheme().starts_with("abfs");
        if (!url.username().is_empty() && !is_azure) || url.password().is_some() {
            return wrong(
                "the target's URL has credentials in it: remove them, and set them in the environment \
                 (see docs/publish.md)",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong(
                "the target's URL has a '?' or a '#': only a place belongs there; settings and \
                 signatures are set in the environment (see docs/publish.md)",
            );
        }
        match url.scheme() {
            "file" => folder(&url),
            "s3" | "s3a" => {
                let bucket = host(&url, "s3://bucket/path")?;
                let path = path_of(&url)?;
                Ok(Self::S3 { bucket, path })
            }
            "az" | "azure" => {
                let container = host(&url, "az://container/path")?;
                let path = path_of(&url)?;
                Ok(Self::Azure {
                    account: None,
                    container,
                    path,
                })
            }
            "abfss" => azure(&url),
            "abfs" => wrong("abfs:// is without TLS: write abfss://"),
            "gs" | "gcs" => wrong(
                "Google Cloud Storage cannot be published to: its conditional writes could not be tested",
            ),
            "http" | "https" => wrong(
                "a target is named by its bucket or container, not by a web address: s3://bucket/path, \
                 with AWS_ENDPOINT_URL for a store that is not Amazon's, or \
                 abfss://container@account.dfs.core.windows.net/path",
            ),
            other => Err(PublishError::Setting(format!(
                "a target cannot be '{other}://': file, s3, abfss and az can"
            ))),
        }
    }
}

impl Target {
    /// Whether both are places in one store, and one is the other or lies in it. Of folders only the
    /// names are compared.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (one, other) = (self.to_string(), other.to_string());
        let lies_in = |one: &str, other: &str| {
            let below = one.strip_prefix(other);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        lies_in(&one, &other) || lies_in(&other, &one)
    }

    /// The same place with the account that the environment names, where the URL names none: two
    /// accounts may have containers of one name.
    ///
    /// # Errors
    /// [`PublishError::Setting`]: neither names one.
    pub fn with_account(self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let account = match &self {
            Self::Azure { .. } => Some(self.account(variable)?),
            _ => None,
        };
        Ok(match self {
            Self::Azure {
                container, path, ..
            } => Self::Azure {
                account,
                container,
                path,
            },
            other => other,
        })
    }

    fn account(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<String> {
        let named = match self {
            Self::Azure { account, .. } => account.clone(),
            _ => None,
        };
        named.or_else(|| azure::account(variable)).ok_or_else(|| {
            PublishError::Setting(
                "the storage account is missing: write abfss://container@account.dfs.core.windows.net/path, \
                 or set AZURE_STORAGE_ACCOUNT"
                    .to_owned(),
            )
        })
    }

    /// Prepares access. Nothing is read or written yet.
    ///
    /// `variable` gives the environment, from which a store's credentials and settings come; `home`
    /// is the user's folder, which may have `.aws/credentials`.
    ///
    /// # Errors
    /// [`PublishError::Setting`]: a setting cannot be used, such as plain http to another machine.
    pub fn open(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        home: Option<&Path>,
    ) -> Result<OpenTarget> {
        let store = match self {
            Self::Folder(path) => Store::folder(path),
            Self::S3 { bucket, path } => {
                let store = s3::open(bucket, variable, home)?;
                Store::objects(std::sync::Arc::new(store), path)?
            }
            Self::Azure {
                container, path, ..
            } => {
                let account = self.account(variable)?;
                let store = azure::open(&account, container, variable)?;
                Store::objects(std::sync::Arc::new(store), path)?
            }
        };
        Ok(OpenTarget { store })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = |path: &str| if path.is_empty() { "" } else { "/" };
        match self {
            Self::Folder(path) => match Url::from_file_path(path) {
                Ok(url) => write!(f, "{}", url.as_str().trim_end_matches('/')),
                Err(()) => write!(f, "file://{}", path.display()),
            },
            Self::S3 { bucket, path } => write!(f, "s3://{bucket}{}{path}", slash(path)),
            Self::Azure {
                account: None,
                container,
                path,
            } => write!(f, "az://{container}{}{path}", slash(path)),
            Self::Azure {
                account: Some(account),
                container,
                path,
            } => {
                let host = format!("{account}.{AZURE_DOMAIN}");
                write!(f, "abfss://{container}@{host}{}{path}", slash(path))
            }
        }
    }
}

fn folder(url: &Url) -> Result<Target> {
    let path = match url.host() {
        None | Some(Host::Domain("localhost")) => url.to_file_path().ok(),
        Some(_) => None,
    };
    match path {
        Some(path) if path.parent().is_some() => Ok(Target::Folder(path.components().collect())),
        _ => Err(PublishError::Setting(
            "a folder is written file:///path/from/the/root, with three slashes".to_owned(),
        )),
    }
}

/// The domain of storage accounts.
const AZURE_DOMAIN: &str = "dfs.core.windows.net";

fn azure(url: &Url) -> Result<Target> {
    let host = url.host_str().unwrap_or_default();
    let (account, domain) = host.split_once('.').unwrap_or((host, ""));
    let is_known = [AZURE_DOMAIN, "blob.core.windows.net"].contains(&domain);
    if url.username().is_empty() || account.is_empty() || !is_known || url.port().is_some() {
        return Err(PublishError::Setting(
            "a container is written abfss://container@account.dfs.core.windows.net/path, or \
             az://container/path with AZURE_STORAGE_ACCOUNT set"
                .to_owned(),
        ));
    }
    Ok(Target::Azure {
        account: Some(account.to_owned()),
        container: url.username().to_owned(),
        path: path_of(url)?,
    })
}

fn host(url: &Url, form: &str) -> Result<String> {
    match url.host_str() {
        Some(host) if !host.is_empty() && url.port().is_none() => Ok(host.to_owned()),
        _ => Err(PublishError::Setting(format!(
            "the target is to be written {form}"
        ))),
    }
}

/// The path as object names have it. `..` and percent-encoded names are refused: whether a store
/// or a reader decodes them differs.
fn path_of(url: &Url) -> Result<String> {
    let path = url.path().trim_matches('/');
    let is_plain = |segment: &str| !segment.is_empty() && segment != "." && segment != "..";
    if !path.is_empty() && (path.contains('%') || !path.split('/').all(is_plain)) {
        return Err(PublishError::Setting(
            "the path of the target may have letters, digits and simple signs only, and no empty \
             part"
                .to_owned(),
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn one_place_has_one_spelling() {
        for (given, expected) in [
            ("file:///mnt/lake/", "file:///mnt/lake"),
            ("file://localhost/mnt/lake", "file:///mnt/lake"),
            ("file:///mnt/a%20b", "file:///mnt/a%20b"),
            ("s3://bucket", "s3://bucket"),
            ("s3a://bucket/a/b/", "s3://bucket/a/b"),
            ("az://files/lake", "az://files/lake"),
            (
                "abfss://files@acc.blob.core.windows.net/lake/",
                "abfss://files@acc.dfs.core.windows.net/lake",
            ),
        ] {
            assert_eq!(Target::parse(given).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_container_is_named_with_its_account() {
        let variable = |name: &str| (name == "AZURE_STORAGE_ACCOUNT").then(|| "acc".to_owned());
        let target = Target::parse("az://files/lake").unwrap();
        let named = target.clone().with_account(&variable).unwrap();
        assert_eq!(
            named.to_string(),
            "abfss://files@acc.dfs.core.windows.net/lake"
        );
        let words = target.with_account(&|_| None).unwrap_err().to_string();
        assert!(words.contains("AZURE_STORAGE_ACCOUNT"), "{words}");
    }

    #[test]
    fn a_place_within_another_overlaps_it() {
        for (one, other, expected) in [
            ("s3://bucket", "s3://bucket/a", true),
            ("s3://bucket/a/b/", "s3a://bucket/a", true),
            ("s3://bucket/a", "s3://bucket/ab", false),
            ("s3://bucket/a", "s3://other/a", false),
            ("file:///a", "s3://a", false),
        ] {
            let (one, other) = (Target::parse(one).unwrap(), Target::parse(other).unwrap());
            assert_eq!(one.overlaps(&other), expected, "{one} {other}");
            assert_eq!(other.overlaps(&one), expected, "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused_and_credentials_are_not_repeated() {
        for (given, reason) in [
            ("/mnt/lake", "not a URL"),
            ("mnt/lake", "not a URL"),
            ("file://server/lake", "three slashes"),
            ("file:///", "three slashes"),
            ("s3:///lake", "s3://bucket/path"),
            ("s3://bucket/a//b", "no empty part"),
            ("s3://KEY:HIDDEN@bucket/lake", "credentials in it"),
            ("s3://HIDDEN@bucket/lake", "credentials in it"),
            ("az://files/lake?sig=HIDDEN", "'?'"),
            ("s3://bucket/lake#HIDDEN", "'#'"),
            (
                "abfss://files@elsewhere.example/lake",
                "dfs.core.windows.net",
            ),
            (
                "abfss://acc.dfs.core.windows.net/lake",
                "dfs.core.windows.net",
            ),
            (
                "abfss://files:HIDDEN@acc.dfs.core.windows.net/lake",
                "credentials",
            ),
            ("abfs://files@acc.dfs.core.windows.net/lake", "without TLS"),
            ("gs://bucket/lake", "Google"),
            ("https://bucket.s3.amazonaws.com/lake", "s3://bucket/path"),
            ("ftp://host/lake", "ftp://"),
        ] {
            let words = Target::parse(given).unwrap_err().to_string();
            assert!(words.contains(reason), "{given}: {words}");
            assert!(!words.contains("HIDDEN"), "{words}");
        }
    }
}
