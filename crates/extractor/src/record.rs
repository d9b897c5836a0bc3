//! Writing down what was asked and answered, so that a sandbox can serve it again.
//!
//! Tokens, codes and secrets are in neither: only FHIR exchanges are written, their requests
//! without the `Authorization` header, the person named by a label.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine;
use claimlake_contract::{
    ApiVersion, CATALOGUE_FILE, EXCHANGES_FILE, GrantHandle, PatientId, RECORDING_FORMAT,
    RecordedExchange, RecordedPerson, RecordingCatalogue,
};
use url::Url;

use crate::error::ExtractError;
use crate::http::client::RawAnswer;

/// Where and how to record.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// The folder; it must be empty or not exist yet.
    pub dir: PathBuf,
    /// Whether the people may be real: the recording is then marked.
    pub phi_allowed: bool,
}

pub(crate) struct Recorder {
    dir: PathBuf,
    holds_phi: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    file: zstd::stream::write::Encoder<'static, File>,
    people: BTreeMap<GrantHandle, RecordedPerson>,
    exchanges: u64,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// What is written of a request.
#[derive(Debug)]
pub(crate) struct RecordedRequest<'a> {
    pub(crate) grant: &'a GrantHandle,
    pub(crate) api: ApiVersion,
    pub(crate) patient: &'a PatientId,
    pub(crate) scopes: Vec<String>,
    pub(crate) base_url: &'a Url,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a [(&'static str, &'static str)],
}

impl Recorder {
    pub(crate) fn create(options: &RecordOptions, is_sandbox: bool) -> Result<Self, ExtractError> {
        let dir = options.dir.clone();
        if !is_sandbox && !options.phi_allowed {
            return Err(ExtractError::RecordingHoldsPhi { dir });
        }
        let io = |source| ExtractError::Recording {
            dir: options.dir.clone(),
            source,
        };
        claimlake_landing::create_private_dir(&dir)
            .map_err(|error| io(std::io::Error::other(error)))?;
        if std::fs::read_dir(&dir).map_err(io)?.next().is_some() {
            return Err(ExtractError::RecordingNotEmpty { dir });
        }
        let file = claimlake_landing::create_private_file(&dir.join(EXCHANGES_FILE))
            .map_err(|error| io(std::io::Error::other(error)))?;
        let file = zstd::stream::write::Encoder::new(file, 9).map_err(io)?;
        Ok(Self {
            dir,
            holds_phi: !is_sandbox,
            inner: Mutex::new(Inner {
                file,
                people: BTreeMap::new(),
                exchanges: 0,
            }),
        })
    }

    pub(crate) fn write(
        &self,
        request: &RecordedRequest<'_>,
        answer: &RawAnswer,
    ) -> Result<(), ExtractError> {
        let mut inner = self
            .inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let label = format!("person-{}", inner.people.len() + 1);
        let person = inner
            .people
            .entry(request.grant.clone())
            .or_insert_with(|| RecordedPerson {
                grant: label,
                patients: BTreeMap::new(),
                scopes: request.scopes.clone(),
            });
        let patient = request.patient.expose().to_owned();
        person.patients.insert(request.api, patient);
        let exchange = exchange(request, person.grant.clone(), answer);
        // Written as it is made: of a large body there is no further copy.
        let mut to = std::io::BufWriter::with_capacity(64 << 10, &mut inner.file);
        serde_json::to_writer(&mut to, &exchange).map_err(|error| self.io(error.into()))?;
        to.write_all(b"\n").map_err(|error| self.io(error))?;
        to.flush().map_err(|error| self.io(error))?;
        drop(to);
        inner.exchanges += 1;
        Ok(())
    }

    /// Closes the recording.
    pub(crate) fn finish(self) -> Result<u64, ExtractError> {
        let dir = self.dir.clone();
        let io = |source| ExtractError::Recording {
            dir: dir.clone(),
            source,
        };
        let inner = self
            .inner
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let exchanges = inner.exchanges;
        inner
            .file
            .finish()
            .and_then(|file| file.sync_all())
            .map_err(io)?;
        let catalogue = RecordingCatalogue {
            format: RECORDING_FORMAT,
            title: String::new(),
            notes: Vec::new(),
            holds_phi: self.holds_phi,
            people: inner.people.into_values().collect(),
            exchanges,
        };
        let text = serde_json::to_vec_pretty(&catalogue).map_err(|error| io(error.into()))?;
        write_private(&dir.join(CATALOGUE_FILE), &text).map_err(io)?;
        Ok(exchanges)
    }

    fn io(&self, source: std::io::Error) -> ExtractError {
        ExtractError::Recording {
            dir: self.dir.clone(),
            source,
        }
    }
}

fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = claimlake_landing::create_private_file(path).map_err(std::io::Error::other)?;
    file.write_all(text)?;
    file.sync_all()
}

fn exchange(request: &RecordedRequest<'_>, grant: String, answer: &RawAnswer) -> RecordedExchange {
    let mut query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    query.sort();
    let base_path = request.base_url.path().trim_end_matches('/');
    let path = request.url.path();
    let mut request_headers = vec![("accept".to_owned(), "application/fhir+json".to_owned())];
    request_headers.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let headers = answer.headers.content_type.iter();
    let text = std::str::from_utf8(&answer.body).ok();
    RecordedExchange {
        method: "GET".into(),
        path: path.strip_prefix(base_path).unwrap_or(path).to_owned(),
        query,
        request_headers,
        grant,
        status: answer.status,
        headers: headers
            .map(|value| ("content-type".to_owned(), value.clone()))
            .collect(),
        body: text.map(str::to_owned),
        body_base64: match text {
            Some(_) => None,
            None => Some(base64::engine::general_purpose::STANDARD.encode(&*answer.body)),
        },
    }
}
