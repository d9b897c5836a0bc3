//! One connection to the broker: many requests at once, each with its reply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, oneshot};
use zeroize::Zeroizing;

use super::lines::{json_line, read_line};
use super::patience::SignsOfLife;
use super::protocol::{Envelope, Failure, Line, Reply, Response};

/// A connection whose requests are answered in any order; replies find theirs by number.
pub(super) struct Connection {
    /// The process at the other end.
    pub(super) broker_pid: u32,
    /// When it was last heard of.
    pub(super) signs: Arc<SignsOfLife>,
    /// One line at a time.
    writer: Mutex<OwnedWriteHalf>,
    waiting: SyncMutex<Waiting>,
    /// How it ended, for an error.
    end: SyncMutex<&'static str>,
}

/// Who waits for which reply; none once the connection has ended.
type Waiting = Option<HashMap<u64, oneshot::Sender<Result<Response, Failure>>>>;

impl Connection {
    /// Takes over a stream after the welcome, and reads it until it ends.
    pub(super) fn new(
        lines: BufReader<OwnedReadHalf>,
        writer: OwnedWriteHalf,
        broker_pid: u32,
    ) -> Arc<Self> {
        let connection = Arc::new(Self {
            broker_pid,
            signs: Arc::default(),
            writer: Mutex::new(writer),
            waiting: SyncMutex::new(Some(HashMap::new())),
            end: SyncMutex::new("ended"),
        });
        // The reader does not keep the connection open: when the client is dropped, the broker
        // sees its end.
        let weak = Arc::downgrade(&connection);
        let signs = Arc::clone(&connection.signs);
        tokio::spawn(async move {
            let mut lines = lines;
            let mut line = Zeroizing::new(String::new());
            let mut end = "ended";
            loop {
                match read_line(&mut lines, &mut line).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                        end = "sent a line that is too long or was cut off";
                        break;
                    }
                    Err(_) => break,
                }
                let Some(connection) = weak.upgrade() else {
                    break;
                };
                signs.line();
                match serde_json::from_str::<Line>(&line) {
                    Ok(Line::Reply(reply)) => connection.deliver(reply),
                    Ok(Line::Alive(activity)) => signs.activity(activity),
                    Err(_) => {
                        end = "sent a line that is no answer";
                        break;
                    }
                }
            }
            if let Some(connection) = weak.upgrade() {
                connection.close(end);
            }
        });
        connection
    }

    /// Whether requests can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.waiting().is_some()
    }

    /// Sends a request and waits for its reply; none where the connection ends before.
    pub(super) async fn send(&self, request: &Envelope) -> Option<Result<Response, Failure>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting().as_mut()?.insert(request.id, sender);
        let line = json_line(request).ok()?;
        if self.writer.lock().await.write_all(&line).await.is_err() {
            self.close("ended");
        }
        receiver.await.ok()
    }

    /// Gives a reply to whoever waits for it.
    fn deliver(&self, reply: Reply) {
        let sender = self
            .waiting()
            .as_mut()
            .and_then(|waiting| waiting.remove(&reply.id));
        if let Some(sender) = sender {
            // A caller that has gone does not need it.
            let _ = sender.send(reply.answer);
        }
    }

    /// Drops the senders, which tells everyone who waits.
    pub(super) fn close(&self, end: &'static str) {
        if self.waiting().take().is_some() {
            *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        }
    }

    /// How the broker ended it.
    pub(super) fn end(&self) -> &'static str {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
