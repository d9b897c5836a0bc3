//! One connection to the broker: many requests at once, each with its reply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, oneshot};
use zeroize::Zeroizing;

use super::protocol::{Failure, Reply, Request, Told};

pub(super) struct Connection {
    pub(super) broker_pid: u32,
    writer: Mutex<OwnedWriteHalf>,
    waiting: SyncMutex<Waiting>,
}

/// Who waits for which reply; none once the connection has ended.
type Waiting = Option<HashMap<u64, oneshot::Sender<Result<Told, Failure>>>>;

impl Connection {
    pub(super) fn new(
        lines: BufReader<OwnedReadHalf>,
        writer: OwnedWriteHalf,
        broker_pid: u32,
    ) -> Arc<Self> {
        let connection = Arc::new(Self {
            broker_pid,
            writer: Mutex::new(writer),
            waiting: SyncMutex::new(Some(HashMap::new())),
        });
        // The reader does not keep the connection open: when the client is dropped, the broker
        // sees its end.
        let weak = Arc::downgrade(&connection);
        tokio::spawn(async move {
            let mut lines = lines;
            let mut line = Zeroizing::new(String::new());
            loop {
                line.clear();
                match lines.read_line(&mut line).await {
                    Ok(length) if length > 0 => {}
                    _ => break,
                }
                let Some(connection) = weak.upgrade() else {
                    break;
                };
                let Ok(reply) = serde_json::from_str::<Reply>(&line) else {
                    break;
                };
                connection.deliver(reply);
            }
            if let Some(connection) = weak.upgrade() {
                connection.close();
            }
        });
        connection
    }

    pub(super) fn is_open(&self) -> bool {
        self.waiting().is_some()
    }

    /// Sends a request and waits for its reply; none where the connection ends before.
    pub(super) async fn send(&self, request: &Request) -> Option<Result<Told, Failure>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting().as_mut()?.insert(request.id, sender);
        let line = json_line(request).ok()?;
        if self.writer.lock().await.write_all(&line).await.is_err() {
            self.close();
        }
        receiver.await.ok()
    }

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
    fn close(&self) {
        *self.waiting() = None;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message as a line.
pub(super) fn json_line(message: &impl serde::Serialize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(serde_json::to_vec(message)?);
    line.push(b'\n');
    Ok(line)
}
