//! Records exchanges, so that a sandbox can replay them.
//!
//! Only FHIR exchanges are recorded, their requests without the `Authorization` header and with a
//! label in place of the grant: a recording holds no token, code or secret.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use claimlake_contract::{
    ApiVersion, CATALOGUE_FILE, EXCHANGES_FILE, GrantHandle, PatientId, RECORDING_FORMAT,
    RecordedExchange, RecordedPerson, RecordingCatalogue,
};
use claimlake_landing::create_private_file;
use url::Url;

use crate::error::ExtractError;
use crate::http::client::RawAnswer;
use crate::lock::lock;

/// Where and how to record.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// The folder; it must be empty or not exist yet.
    pub dir: PathBuf,
    /// Whether patients may be real: the recording is then marked.
    pub phi_allowed: bool,
}

pub(crate) struct Recorder {
    dir: PathBuf,
    holds_phi: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    file: Encoder,
    grants: BTreeMap<GrantHandle, RecordedPerson>,
    exchanges: u64,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// What is recorded of a request.
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
        claimlake_landing::create_private_dir(&dir).map_err(ExtractError::recording(&dir))?;
        let mut entries = std::fs::read_dir(&dir).map_err(ExtractError::recording(&dir))?;
        if entries.next().is_some() {
            return Err(ExtractError::RecordingNotEmpty { dir });
        }
        let file = encoder(&dir, EXCHANGES_FILE)?;
        Ok(Self {
            dir,
            holds_phi: !is_sandbox,
            inner: Mutex::new(Inner {
                file,
                grants: BTreeMap::new(),
                exchanges: 0,
            }),
        })
    }

    pub(crate) fn write(
        &self,
        request: &RecordedRequest<'_>,
        answer: &RawAnswer,
    ) -> Result<(), ExtractError> {
        let mut inner = lock(&self.inner);
        let label = format!("person-{}", inner.grants.len() + 1);
        let entry = inner.grants.entry(request.grant.clone());
        let grant = entry.or_insert_with(|| RecordedPerson {
            grant: label,
            patients: BTreeMap::new(),
            scopes: request.scopes.clone(),
        });
        let patient = request.patient.expose().to_owned();
        grant.patients.insert(request.api, patient);
        let exchange = exchange(request, grant.grant.clone(), answer);
        // Written as it is made: of a large body there is no further copy.
        let mut to = std::io::BufWriter::with_capacity(64 << 10, &mut inner.file);
        serde_json::to_writer(&mut to, &exchange).map_err(ExtractError::recording(&self.dir))?;
        to.write_all(b"\n")
            .and_then(|()| to.flush())
            .map_err(ExtractError::recording(&self.dir))?;
        drop(to);
        inner.exchanges += 1;
        Ok(())
    }

    /// Closes the recording; how many exchanges it has.
    pub(crate) fn finish(self) -> Result<u64, ExtractError> {
        let dir = &self.dir;
        let inner = self.inner.into_inner();
        let inner = inner.unwrap_or_else(std::sync::PoisonError::into_inner);
        finish(inner.file).map_err(ExtractError::recording(dir))?;
        let catalogue = RecordingCatalogue {
            format: RECORDING_FORMAT,
            title: String::new(),
            notes: Vec::new(),
            holds_phi: self.holds_phi,
            people: inner.grants.into_values().collect(),
            exchanges: inner.exchanges,
        };
        write_catalogue(dir, CATALOGUE_FILE, &catalogue)?;
        Ok(catalogue.exchanges)
    }
}

/// Compresses the exchanges of a recording.
pub(crate) type Encoder = zstd::stream::write::Encoder<'static, File>;

/// Begins a file of exchanges in the folder of a recording.
pub(crate) fn encoder(dir: &Path, name: &str) -> Result<Encoder, ExtractError> {
    let file = create_private_file(&dir.join(name)).map_err(ExtractError::recording(dir))?;
    Encoder::new(file, 9).map_err(ExtractError::recording(dir))
}

/// Ends a file of exchanges, durably.
pub(crate) fn finish(file: Encoder) -> std::io::Result<()> {
    file.finish()?.sync_all()
}

/// Writes a catalogue into the folder of a recording, durably.
pub(crate) fn write_catalogue(
    dir: &Path,
    name: &str,
    catalogue: &RecordingCatalogue,
) -> Result<(), ExtractError> {
    let text = serde_json::to_vec_pretty(catalogue).map_err(ExtractError::recording(dir))?;
    let mut file = create_private_file(&dir.join(name)).map_err(ExtractError::recording(dir))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(ExtractError::recording(dir))
}

fn exchange(request: &RecordedRequest<'_>, grant: String, answer: &RawAnswer) -> RecordedExchange {
    let mut query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    query.sort();
    let base_path = request.base_url.path().trim_end_matches('/');
    let path = request.url.path();
    let mut request_headers = vec![("accept".to_owned(), "application/fhir+json".to_owned())];
    let further = request.headers.iter();
    request_headers.extend(further.map(|(name, value)| ((*name).into(), (*value).into())));
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
        body_base64: text.is_none().then(|| BASE64.encode(&*answer.body)),
    }
}
