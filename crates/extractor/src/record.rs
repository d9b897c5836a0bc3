//! Records exchanges, so that a sandbox can replay them.
//!
//! Only FHIR exchanges are recorded, their requests without the `Authorization` header and with a
//! label in place of the grant: a recording holds no token, code or secret.
//!
//! A thread of its own compresses and writes; where it is slow, requests wait for it and sockets do
//! not.

mod exchange_writer;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use claimlake_contract::{
    ApiVersion, CATALOGUE_FILE, EXCHANGES_FILE, GrantHandle, PatientId, RECORDING_FORMAT,
    RecordedExchange, RecordingCatalogue,
};
use claimlake_landing::create_private_file;
use tokio::sync::mpsc;
use url::Url;

use crate::error::ExtractError;
use crate::http::client::RawAnswer;
use crate::lock::lock;
use exchange_writer::{ExchangeWriter, RecordJob};

/// Exchanges that wait to be written. Their bodies count as received and not yet landed.
const WAITING_EXCHANGES: usize = 8;

/// Where and how to record.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// The folder; it must be empty or not exist yet.
    pub dir: PathBuf,
    /// Whether patients may be real: the recording is then marked.
    pub phi_allowed: bool,
}

/// The handle of the recording thread.
#[derive(Debug)]
pub(crate) struct Recorder<W = Encoder> {
    dir: PathBuf,
    holds_phi: bool,
    exchanges: mpsc::Sender<RecordJob>,
    thread: JoinHandle<ExchangeWriter<W>>,
    /// Why nothing more can be written.
    failure: Arc<Mutex<Option<String>>>,
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
        let dir = &options.dir;
        if !is_sandbox && !options.phi_allowed {
            return Err(ExtractError::RecordingHoldsPhi { dir: dir.clone() });
        }
        claimlake_landing::create_private_dir(dir).map_err(ExtractError::recording(dir))?;
        let mut entries = std::fs::read_dir(dir).map_err(ExtractError::recording(dir))?;
        if entries.next().is_some() {
            return Err(ExtractError::RecordingNotEmpty { dir: dir.clone() });
        }
        let file = encoder(dir, EXCHANGES_FILE)?;
        Self::start(dir, !is_sandbox, file)
    }

    /// Closes the recording; how many exchanges it has.
    pub(crate) async fn finish(self) -> Result<u64, ExtractError> {
        let Self {
            dir,
            holds_phi,
            exchanges,
            thread,
            failure,
        } = self;
        drop(exchanges);
        let waited = tokio::task::spawn_blocking(move || {
            let stopped = || std::io::Error::other("the recording thread has stopped");
            let written = thread.join().map_err(|_| stopped());
            let (people, exchanges, file) = written.map_err(ExtractError::recording(&dir))?.end();
            if let Some(failure) = lock(&failure).take() {
                return Err(ExtractError::recording(&dir)(failure));
            }
            finish(file).map_err(ExtractError::recording(&dir))?;
            let catalogue = RecordingCatalogue {
                format: RECORDING_FORMAT,
                title: String::new(),
                notes: Vec::new(),
                holds_phi,
                people,
                exchanges,
            };
            write_catalogue(&dir, CATALOGUE_FILE, &catalogue)?;
            Ok(catalogue.exchanges)
        });
        waited
            .await
            .unwrap_or_else(|error| Err(ExtractError::Thread(std::io::Error::other(error))))
    }
}

impl<W: Write + Send + 'static> Recorder<W> {
    fn start(dir: &Path, holds_phi: bool, file: W) -> Result<Self, ExtractError> {
        let (exchanges, waiting) = mpsc::channel(WAITING_EXCHANGES);
        let failure = Arc::new(Mutex::new(None));
        let writer = ExchangeWriter::new(file, Arc::clone(&failure));
        let thread = std::thread::Builder::new()
            .name("recording".into())
            .spawn(move || writer.work(waiting))
            .map_err(ExtractError::recording(dir))?;
        Ok(Self {
            dir: dir.to_path_buf(),
            holds_phi,
            exchanges,
            thread,
            failure,
        })
    }

    /// Hands an exchange over; waits where the thread is far behind.
    ///
    /// # Errors
    /// When an earlier exchange could not be written.
    pub(crate) async fn write(
        &self,
        request: &RecordedRequest<'_>,
        answer: &RawAnswer,
    ) -> Result<(), ExtractError> {
        let job = RecordJob {
            grant: request.grant.clone(),
            api: request.api,
            patient: request.patient.clone(),
            scopes: request.scopes.clone(),
            exchange: exchange(request, answer),
            body: answer.body.clone(),
        };
        self.exchanges.send(job).await.map_err(|_| {
            let failure = lock(&self.failure).clone();
            let failure = failure.unwrap_or_else(|| "the recording thread has stopped".into());
            ExtractError::recording(&self.dir)(failure)
        })
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

/// An exchange without its grant and its body.
fn exchange(request: &RecordedRequest<'_>, answer: &RawAnswer) -> RecordedExchange {
    let mut query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    query.sort();
    let base_path = request.base_url.path().trim_end_matches('/');
    let path = request.url.path();
    let mut request_headers = vec![("accept".to_owned(), "application/fhir+json".to_owned())];
    let further = request.headers.iter();
    request_headers.extend(further.map(|(name, value)| ((*name).into(), (*value).into())));
    let headers = answer.headers.content_type.iter();
    RecordedExchange {
        method: "GET".into(),
        path: path.strip_prefix(base_path).unwrap_or(path).to_owned(),
        query,
        request_headers,
        grant: String::new(),
        status: answer.status,
        headers: headers
            .map(|value| ("content-type".to_owned(), value.clone()))
            .collect(),
        body: None,
        body_base64: None,
    }
}

#[cfg(test)]
mod tests;
