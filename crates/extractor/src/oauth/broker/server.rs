//! The broker's side of the socket: many clients, many requests of each at once.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use claimlake_contract::Secret;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::protocol::{Ask, Failure, Hello, PROTOCOL, Reply, Request, Told, Welcome};
use super::refresher::Refresher;
use crate::oauth::OauthError;
use crate::oauth::exchange::exchange_and_store;
use crate::oauth::revoke::revoke;

/// Answers clients until it is told to stop.
#[derive(Debug)]
pub(super) struct Server {
    refresher: Arc<Refresher>,
    source: String,
    clients: AtomicUsize,
    ever: AtomicBool,
    requests: AtomicUsize,
    stopping: AtomicBool,
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

    /// Takes connections in, for as long as it is polled.
    pub(super) async fn accept(self: &Arc<Self>, listener: &UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.welcome(stream),
                // Out of descriptors, say: the next try may find one.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }

    fn welcome(self: &Arc<Self>, stream: UnixStream) {
        let same_user = stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
        if !same_user {
            return;
        }
        self.clients.fetch_add(1, Ordering::SeqCst);
        self.ever.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        let this = Arc::clone(self);
        tokio::spawn(async move {
            // A client that breaks off is gone; there is nobody to tell.
            let _ = this.serve(stream).await;
            this.clients.fetch_sub(1, Ordering::SeqCst);
            this.changed.notify_waiters();
        });
    }

    async fn serve(self: &Arc<Self>, stream: UnixStream) -> std::io::Result<()> {
        let (read, write) = stream.into_split();
        let mut lines = BufReader::new(read);
        let writer = Arc::new(Mutex::new(write));
        let mut line = Zeroizing::new(String::new());
        lines.read_line(&mut line).await?;
        let Ok(hello) = serde_json::from_str::<Hello>(&line) else {
            return Ok(());
        };
        if hello.protocol != PROTOCOL || hello.source != self.source {
            return send(&writer, &Welcome::OtherSource).await;
        }
        let pid = std::process::id();
        send(&writer, &Welcome::Yes { pid }).await?;
        let mut wishes = JoinSet::new();
        loop {
            line.clear();
            if lines.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let Ok(request) = serde_json::from_str::<Request>(&line) else {
                return Ok(());
            };
            // When the client goes, its wishes for tokens go with it; whatever changes a grant is
            // carried to its end.
            let goes_with_client = matches!(request.ask, Ask::Token { .. });
            let work = Arc::clone(self).handle(request, Arc::clone(&writer));
            if goes_with_client {
                wishes.spawn(work);
                while wishes.try_join_next().is_some() {}
            } else {
                tokio::spawn(work);
            }
        }
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        writer: Arc<Mutex<OwnedWriteHalf>>,
    ) -> impl Future<Output = ()> + Send {
        let counted = Counted::new(self);
        async move {
            let this = &counted.0;
            let answer = if this.stopping.load(Ordering::SeqCst) {
                Err(Failure::stopped())
            } else {
                this.answer(request.ask).await
            };
            let reply = Reply {
                id: request.id,
                answer,
            };
            // The outcome is in the vault already; a client that has gone does not need it.
            let _ = send(&writer, &reply).await;
        }
    }

    async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Told, Failure> {
        let refresher = &self.refresher;
        match ask {
            Ask::Token { grant, rejected } => {
                let token = refresher.token(&grant, rejected).await?;
                Ok(Told::token(&token))
            }
            Ask::Exchange { state, code } => {
                let pending = refresher
                    .vault()
                    .take_authorization(&Secret::new(state))
                    .map_err(OauthError::from)?
                    .ok_or_else(|| OauthError::Callback {
                        reason: "the callback answers no authorization that is waiting here: it \
                                 was finished before, began in another data directory, or is \
                                 hours old; begin again with authorize"
                            .into(),
                    })?;
                let now = || refresher.now();
                let (endpoint, vault) = (refresher.endpoint(), refresher.vault());
                let code = Secret::new(code);
                let stored = exchange_and_store(endpoint, vault, &pending, &code, now).await?;
                refresher.app_accepted(pending.api).await;
                Ok(Told::stored(stored))
            }
            Ask::Import { grant } => {
                let grant = (*grant).into();
                let stored = refresher
                    .with_vault(move |vault| vault.insert_or_renew(&grant))
                    .await
                    .map_err(OauthError::from)?;
                Ok(Told::stored(stored))
            }
            Ask::Ended {
                grant,
                generation,
                reason,
            } => {
                refresher.consent_ended(&grant, generation, &reason).await?;
                Ok(Told::Noted)
            }
            Ask::Refused { grant, generation } => {
                refresher.note_refused(&grant, generation).await?;
                Ok(Told::Noted)
            }
            Ask::Name { grant } => match refresher.name(&grant).await? {
                Some(stored) => Ok(Told::stored(stored)),
                None => Ok(Told::Noted),
            },
            Ask::Revoke { grant } => {
                let outcome = revoke(refresher, &grant).await?;
                Ok(Told::Revoked { outcome })
            }
        }
    }

    /// From now on every request is answered with "stopped"; those under way are finished.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.refresher.stop();
    }

    /// Waits until no refresh and no request is under way.
    pub(super) async fn settled(&self) {
        self.until(|| self.is_settled()).await;
    }

    /// Waits until a client has come.
    pub(super) async fn first_client(&self) {
        self.until(|| self.ever.load(Ordering::SeqCst)).await;
    }

    /// Waits until, besides, no client is connected.
    pub(super) async fn deserted(&self) {
        self.until(|| self.clients.load(Ordering::SeqCst) == 0 && self.is_settled())
            .await;
    }

    fn is_settled(&self) -> bool {
        self.requests.load(Ordering::SeqCst) == 0 && self.refresher.under_way() == 0
    }

    async fn until(&self, reached: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if reached() {
                return;
            }
            // A flight without a caller ends without a change being told: look again.
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {}
            }
        }
    }
}

/// A request under way; counted until dropped.
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

async fn send(
    writer: &Mutex<OwnedWriteHalf>,
    message: &impl serde::Serialize,
) -> std::io::Result<()> {
    let mut line = Zeroizing::new(serde_json::to_vec(message)?);
    line.push(b'\n');
    writer.lock().await.write_all(&line).await
}
