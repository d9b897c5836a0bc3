//! One connection to the broker, used by many requests at the same time. Replies come in any order
//! and carry the number of their request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, oneshot};
use zeroize::Zeroizing;

use super::lines::{json_line, read_line};
use super::patience::SignsOfLife;
use super::protocol::{Envelope, Failure, Line, Reply, Response};

/// An open connection. A task reads its lines until it ends; the task holds no strong reference, so
/// that the broker sees the end when the client is dropped.
pub(super) struct Connection {
    /// The broker's process id.
    pub(super) broker_pid: u32,
    /// When and what the broker last reported.
    pub(super) signs: Arc<SignsOfLife>,
    /// Locked for a whole line, so that lines of several tasks do not mix.
    writer: Mutex<OwnedWriteHalf>,
    waiting: SyncMutex<Waiting>,
    /// How the connection ended, for an error message.
    end: SyncMutex<&'static str>,
}

/// By request number, who waits for the reply; `None` once the connection has ended.
type Waiting = Option<HashMap<u64, oneshot::Sender<Result<Response, Failure>>>>;

impl Connection {
    /// Takes over a stream after the greeting, and starts to read it.
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

    /// Sends a request and waits for its reply; `None` if the connection ends first.
    pub(super) async fn send(&self, request: &Envelope) -> Option<Result<Response, Failure>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting().as_mut()?.insert(request.id, sender);
        let line = json_line(request).ok()?;
        if self.writer.lock().await.write_all(&line).await.is_err() {
            self.close("ended");
        }
        receiver.await.ok()
    }

    /// Passes a reply to the task that waits for it.
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

    /// Ends the connection: all waiting requests get no reply. The first reason is kept.
    pub(super) fn close(&self, end: &'static str) {
        if self.waiting().take().is_some() {
            *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        }
    }

    /// How the connection ended.
    pub(super) fn end(&self) -> &'static str {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
