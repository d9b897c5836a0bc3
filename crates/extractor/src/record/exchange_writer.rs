//! The thread that writes exchanges, one line each, in the order in which they were handed over.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use claimlake_contract::{ApiVersion, GrantHandle, PatientId, RecordedExchange, RecordedPerson};
use tokio::sync::mpsc;

use crate::http::body::Body;
use crate::lock::lock;

/// An exchange to be written.
#[derive(Debug)]
pub(super) struct RecordJob {
    pub(super) grant: GrantHandle,
    pub(super) api: ApiVersion,
    pub(super) patient: PatientId,
    pub(super) scopes: Vec<String>,
    /// Without grant and body.
    pub(super) exchange: RecordedExchange,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(crate) struct ExchangeWriter<W> {
    file: W,
    people: BTreeMap<GrantHandle, RecordedPerson>,
    exchanges: u64,
    failure: Arc<Mutex<Option<String>>>,
}

impl<W: Write> ExchangeWriter<W> {
    pub(super) fn new(file: W, failure: Arc<Mutex<Option<String>>>) -> Self {
        Self {
            file,
            people: BTreeMap::new(),
            exchanges: 0,
            failure,
        }
    }

    /// Writes until all senders are gone, or until writing fails.
    pub(super) fn work(mut self, mut waiting: mpsc::Receiver<RecordJob>) -> Self {
        while let Some(job) = waiting.blocking_recv() {
            if let Err(error) = self.write(job) {
                *lock(&self.failure) = Some(error.to_string());
                break;
            }
        }
        self
    }

    /// The people, the number of exchanges and the file.
    pub(super) fn end(self) -> (Vec<RecordedPerson>, u64, W) {
        (
            self.people.into_values().collect(),
            self.exchanges,
            self.file,
        )
    }

    fn write(&mut self, job: RecordJob) -> std::io::Result<()> {
        let label = format!("person-{}", self.people.len() + 1);
        let person = self
            .people
            .entry(job.grant)
            .or_insert_with(|| RecordedPerson {
                grant: label,
                patients: BTreeMap::new(),
                scopes: job.scopes,
            });
        let patient = job.patient.expose().to_owned();
        person.patients.insert(job.api, patient);
        let text = std::str::from_utf8(&job.body).ok();
        let exchange = RecordedExchange {
            grant: person.grant.clone(),
            body: text.map(str::to_owned),
            body_base64: text.is_none().then(|| BASE64.encode(&*job.body)),
            ..job.exchange
        };
        // Written as it is made: of a large body there is no further copy.
        let mut to = BufWriter::with_capacity(64 << 10, &mut self.file);
        serde_json::to_writer(&mut to, &exchange)?;
        to.write_all(b"\n")?;
        to.flush()?;
        self.exchanges += 1;
        Ok(())
    }
}
