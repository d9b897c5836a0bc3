//! The broker's side of the socket. Several clients may be connected, each with many requests in
//! progress. A request that changes a grant is completed even if its client disconnects; a request
//! for a token is dropped with its client, and its refresh is not started if nobody else waits for
//! it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use claimlake_vault::database_holder;
use futures_util::FutureExt as _;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::lines::{json_line, read_line};
use super::protocol::{
    Activity, Envelope, Failure, Hello, Line, PROTOCOL, Reply, Request, Response, Welcome,
};
use super::refresher::Refresher;
use crate::ConsentError;
use crate::exchange::exchange_and_store;
use crate::listen::accept_all;
use crate::revoke::revoke;
use crate::vault_work::VaultWork as _;

/// How often a client with requests in progress is sent a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Answers clients until it is told to stop.
#[derive(Debug)]
pub(super) struct Server {
    refresher: Arc<Refresher>,
    /// The server and app of this broker; clients of others are refused.
    source: String,
    /// Connected clients.
    clients: AtomicUsize,
    /// Whether a client has ever come.
    ever: AtomicBool,
    /// Requests in progress, including those whose client has disconnected.
    requests: AtomicUsize,
    /// Set by a signal: every further request is answered with "stopped".
    stopping: AtomicBool,
    /// Notified when one of the counts changes.
    changed: Notify,
}

impl Server {
    pub(super) fn new(refresher: Arc<Refresher>, source: String) -> Arc<Self> {
        Arc::new(Self {
            refresher,
            source,
            clients: AtomicUsize::new(0),
            ever: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            changed: Notify::new(),
        })
    }

    /// Accepts connections for as long as it is polled.
    pub(super) async fn accept(self: &Arc<Self>, listener: &UnixListener) {
        accept_all(|| listener.accept(), |(stream, _)| self.welcome(stream)).await;
    }

    /// Accepts a connection of this user; one of another user is closed.
    fn welcome(self: &Arc<Self>, stream: UnixStream) {
        let same_user = stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
        if !same_user {
            return;
        }
        let connected = Connected::new(Arc::clone(self));
        tokio::spawn(async move {
            // A client that disconnects needs no answer.
            let _ = connected.0.serve(stream).await;
        });
    }

    /// Reads the requests of one client until it disconnects. Each is answered by a task of its
    /// own.
    async fn serve(self: &Arc<Self>, stream: UnixStream) -> std::io::Result<()> {
        let (read, write) = stream.into_split();
        let mut lines = BufReader::new(read);
        let writer = Arc::new(Mutex::new(write));
        let mut line = Zeroizing::new(String::new());
        read_line(&mut lines, &mut line).await?;
        let Ok(hello) = serde_json::from_str::<Hello>(&line) else {
            return Ok(());
        };
        if hello.protocol != PROTOCOL || hello.source != self.source {
            return send(&writer, &Welcome::OtherSource).await;
        }
        let pid = std::process::id();
        send(&writer, &Welcome::Yes { pid }).await?;
        let mut token_tasks = JoinSet::new();
        let pending = Arc::new(AtomicUsize::new(0));
        token_tasks.spawn(Arc::clone(self).show_life(Arc::clone(&pending), Arc::clone(&writer)));
        loop {
            if !read_line(&mut lines, &mut line).await? {
                return Ok(());
            }
            let Ok(envelope) = serde_json::from_str::<Envelope>(&line) else {
                return Ok(());
            };
            // Requests for tokens end with their client; what changes a grant is finished.
            let goes_with_client = matches!(envelope.request, Request::Token { .. });
            let pending = Pending::new(Arc::clone(&pending));
            let work = Arc::clone(self).handle(envelope, Arc::clone(&writer), pending);
            if goes_with_client {
                token_tasks.spawn(work);
                while token_tasks.try_join_next().is_some() {}
            } else {
                tokio::spawn(work);
            }
        }
    }

    /// Answers one request. A panic becomes an error reply, so that the client does not wait for
    /// it.
    fn handle(
        self: Arc<Self>,
        envelope: Envelope,
        writer: Arc<Mutex<OwnedWriteHalf>>,
        pending: Pending,
    ) -> impl Future<Output = ()> + Send {
        let counted = Counted::new(self);
        async move {
            let this = &counted.0;
            let id = envelope.id;
            let answer = if this.stopping.load(Ordering::SeqCst) {
                Err(Failure::stopped())
            } else {
                let what = envelope.request.words();
                let answer = std::panic::AssertUnwindSafe(this.answer(envelope.request));
                answer.catch_unwind().await.unwrap_or_else(|_| {
                    Err(Failure::broker(format!(
                        "{what} ended by an error of claimlake itself (a panic in the token \
                         broker); what it had begun is kept, run again"
                    )))
                })
            };
            let reply = Reply { id, answer };
            // The outcome is in the vault already; a client that has gone does not need it.
            let _ = send(&writer, &Line::Reply(reply)).await;
            drop(pending);
        }
    }

    /// Sends signs of life while requests of the client are in progress.
    async fn show_life(
        self: Arc<Self>,
        pending: Arc<AtomicUsize>,
        writer: Arc<Mutex<OwnedWriteHalf>>,
    ) {
        loop {
            tokio::time::sleep(SIGN_OF_LIFE).await;
            if pending.load(Ordering::SeqCst) == 0 {
                continue;
            }
            let (posting, on_disk) = self.refresher.activity();
            let alive = Line::Alive(Activity {
                posting_s: posting.map(|time| time.as_secs()),
                on_disk_s: on_disk.map(|time| time.as_secs()),
                lock_holder: None,
                vault_holder: on_disk
                    .filter(|time| *time >= SIGN_OF_LIFE)
                    .and_then(|_| database_holder(self.refresher.vault().data_dir())),
            });
            if send(&writer, &alive).await.is_err() {
                return;
            }
        }
    }

    /// Carries a request out.
    async fn answer(self: &Arc<Self>, request: Request) -> Result<Response, Failure> {
        let refresher = &self.refresher;
        match request {
            Request::Token { grant, rejected } => {
                let token = refresher.token(&grant, rejected).await?;
                Ok(Response::Token(token))
            }
            Request::Exchange { state, code } => {
                let taken = state.clone();
                let pending = refresher
                    .with_vault(move |vault| vault.take_authorization(&taken))
                    .await
                    .map_err(ConsentError::from)?
                    .ok_or_else(|| ConsentError::Callback {
                        reason: "the callback answers no authorization that is waiting here: it \
                                 was finished before, began in another data directory, or is \
                                 hours old; begin again with authorize"
                            .into(),
                    })?;
                let now = || refresher.now();
                let (endpoint, vault) = (refresher.endpoint(), &**refresher);
                let stored = exchange_and_store(endpoint, vault, &pending, &state, &code, now);
                let stored = stored.await?;
                refresher.app_accepted(pending.api).await;
                Ok(Response::Stored(stored))
            }
            Request::Import { grant } => {
                let stored = refresher
                    .with_vault(move |vault| vault.insert_or_renew(&grant))
                    .await
                    .map_err(ConsentError::from)?;
                Ok(Response::Stored(stored))
            }
            Request::Ended {
                grant,
                generation,
                reason,
            } => {
                refresher.consent_ended(&grant, generation, &reason).await?;
                Ok(Response::Noted)
            }
            Request::Refused { grant, generation } => {
                refresher.note_refused(&grant, generation).await?;
                Ok(Response::Noted)
            }
            Request::Name { grant } => match refresher.name(&grant).await? {
                Some(stored) => Ok(Response::Stored(stored)),
                None => Ok(Response::Noted),
            },
            Request::Move { grant, to } => {
                refresher.move_to(&grant, to).await?;
                Ok(Response::Noted)
            }
            Request::Revoke { grant } => {
                let outcome = revoke(refresher, &grant).await?;
                Ok(Response::Revoked { outcome })
            }
        }
    }

    /// From now on every request is answered with "stopped"; those in progress are completed.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.refresher.stop();
    }

    /// Waits until no refresh and no request is in progress.
    pub(super) async fn settled(&self) {
        self.until(|| self.is_settled()).await;
    }

    /// Waits until a client has come.
    pub(super) async fn first_client(&self) {
        self.until(|| self.ever.load(Ordering::SeqCst)).await;
    }

    /// Waits until no client is connected and nothing is in progress.
    pub(super) async fn deserted(&self) {
        self.until(|| self.clients.load(Ordering::SeqCst) == 0 && self.is_settled())
            .await;
    }

    fn is_settled(&self) -> bool {
        self.requests.load(Ordering::SeqCst) == 0 && self.refresher.under_way() == 0
    }

    /// Waits until a condition is met. It is checked at each change and every 100 ms, since the end
    /// of a refresh that nobody waits for is not notified.
    async fn until(&self, reached: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if reached() {
                return;
            }
            // A refresh that nobody waits for ends without a notification: look again.
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {}
            }
        }
    }
}

/// Counts a connected client until it is dropped.
struct Connected(Arc<Server>);

impl Connected {
    fn new(server: Arc<Server>) -> Self {
        server.clients.fetch_add(1, Ordering::SeqCst);
        server.ever.store(true, Ordering::SeqCst);
        server.changed.notify_waiters();
        Self(server)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

/// Counts a request of one client until its reply was sent.
struct Pending(Arc<AtomicUsize>);

impl Pending {
    fn new(all: Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::SeqCst);
        Self(all)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Counts a request in progress until it is dropped.
struct Counted(Arc<Server>);

impl Counted {
    fn new(server: Arc<Server>) -> Self {
        server.requests.fetch_add(1, Ordering::SeqCst);
        Self(server)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

/// Writes one message as a line.
async fn send(
    writer: &Mutex<OwnedWriteHalf>,
    message: &impl serde::Serialize,
) -> std::io::Result<()> {
    let line = json_line(message)?;
    writer.lock().await.write_all(&line).await
}

#[cfg(test)]
mod tests;
