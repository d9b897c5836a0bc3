use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use claimlake_contract::{ApiVersion, GrantHandle, PatientId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{RecordedRequest, Recorder, WAITING_EXCHANGES};
use crate::http::client::{AnswerHeaders, RawAnswer};

/// A disk that takes nothing before it is told to.
struct Stuck {
    go: Receiver<()>,
    has_waited: bool,
    written: Vec<u8>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.has_waited {
            self.has_waited = true;
            // Where the disk holds up whoever would tell it, that is an error and no dead end.
            let told = self.go.recv_timeout(Duration::from_secs(20));
            told.map_err(|_| io::ErrorKind::TimedOut)?;
        }
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn record<W: Write + Send + 'static>(recorder: &Recorder<W>) -> Result<(), String> {
    let url = "https://localhost/v2/fhir/Coverage?startIndex=0"
        .parse()
        .unwrap();
    let request = RecordedRequest {
        grant: &GrantHandle::from_random([1; 8]),
        api: ApiVersion::V2,
        patient: &PatientId::new("-1"),
        scopes: Vec::new(),
        base_url: &"https://localhost".parse().unwrap(),
        url: &url,
        headers: &[],
    };
    let answer = RawAnswer {
        status: 200,
        headers: AnswerHeaders::default(),
        body: crate::http::body::of(b"{}").await,
    };
    let written = recorder.write(&request, &answer).await;
    written.map_err(|error| error.to_string())
}

/// One round trip over a socket of this runtime.
async fn round_trip() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answered = async {
        let mut stream = listener.accept().await.unwrap().0;
        stream.write_all(b"answer").await.unwrap();
    };
    let asked = async {
        let mut text = String::new();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    assert_eq!(tokio::join!(answered, asked).1, "answer");
}

#[tokio::test]
async fn sockets_go_on_while_the_disk_of_a_recording_is_stuck() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, go) = channel();
    let disk = Stuck {
        go,
        has_waited: false,
        written: Vec::new(),
    };
    let recorder = Recorder::start(dir.path(), false, disk).unwrap();
    for _ in 0..WAITING_EXCHANGES {
        record(&recorder).await.unwrap();
        round_trip().await;
    }
    // All that may wait does; one more waits for the disk, and sockets do not.
    let (two_more, ()) = tokio::join!(
        async {
            record(&recorder).await.unwrap();
            record(&recorder).await
        },
        async {
            round_trip().await;
            tell.send(()).unwrap();
        }
    );
    two_more.unwrap();
    drop(recorder.exchanges);
    let (people, exchanges, disk) = recorder.thread.join().unwrap().end();
    assert_eq!(exchanges, WAITING_EXCHANGES as u64 + 2);
    assert_eq!(people.len(), 1);
    let lines = disk.written.split_inclusive(|byte| *byte == b'\n');
    assert_eq!(lines.count() as u64, exchanges);
}

#[tokio::test]
async fn who_records_hears_that_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(dir.path(), false, Full).unwrap();
    let mut written = Ok(());
    for _ in 0..=WAITING_EXCHANGES + 1 {
        written = written.and(record(&recorder).await);
    }
    let error = written.unwrap_err();
    assert!(error.contains("writing the recording in"), "{error}");
    let full = io::Error::from(io::ErrorKind::StorageFull).to_string();
    assert!(error.contains(&full), "{error}");
}
