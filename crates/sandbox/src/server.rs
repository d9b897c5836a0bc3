//! The socket: connections in, replies out, faults of delivery included.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Sleep;

use crate::http::{Reply, Request};
use crate::listen::accept_all;
use crate::route;
use crate::route_name::shown_path;
use crate::service::Service;

const LARGEST_REQUEST: usize = 1024 * 1024;
const FLUSH: Duration = Duration::from_millis(20);

/// Which of the two listeners a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The Blue Button.
    Own,
    /// Another origin, to which a fault can make `next` links point: a client must not follow them.
    Foreign,
}

/// Serves until `stop` completes; connections end with the runtime.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    origin: Origin,
    mut stop: watch::Receiver<bool>,
) {
    let in_flight = Arc::new(AtomicU64::new(0));
    let take = |(stream, _)| {
        let service = Arc::clone(&service);
        let in_flight = Arc::clone(&in_flight);
        tokio::spawn(connection(stream, service, origin, in_flight));
    };
    tokio::select! {
        () = accept_all(|| listener.accept(), take) => {}
        _ = stop.changed() => {}
    }
}

async fn connection(
    stream: TcpStream,
    service: Arc<Service>,
    origin: Origin,
    in_flight: Arc<AtomicU64>,
) {
    let _ = stream.set_nodelay(true);
    let handler = service_fn(move |request| {
        let service = Arc::clone(&service);
        let in_flight = Arc::clone(&in_flight);
        async move {
            let now = in_flight.fetch_add(1, Ordering::Relaxed) + 1;
            let _guard = InFlight(in_flight);
            answer(&service, origin, request, now).await
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), handler)
        .await;
    if let Err(error) = served {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

struct InFlight(Arc<AtomicU64>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(
    service: &Service,
    origin: Origin,
    request: hyper::Request<Incoming>,
    in_flight: u64,
) -> Result<hyper::Response<WireBody>, io::Error> {
    let begun = Instant::now();
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(respond(Reply::empty(413))),
        // The body broke off, or its chunks are none.
        Err(_) => return Ok(respond(Reply::empty(400))),
    };
    let request = Request::new(
        head.method,
        head.uri.path(),
        head.uri.query(),
        head.headers,
        body,
    );
    let reply = match origin {
        Origin::Foreign => foreign(service, &request),
        Origin::Own => {
            {
                let account = &mut service.state().account;
                account.most_in_flight = account.most_in_flight.max(in_flight);
            }
            route::answer(service, &request)
        }
    };
    if !reply.delivery.delay.is_zero() {
        tokio::time::sleep(reply.delivery.delay).await;
    }
    if service.log_requests && origin == Origin::Own {
        tracing::info!(
            "{} {} {} {} ms",
            request.method,
            shown_path(&request.path),
            reply.status.as_u16(),
            begun.elapsed().as_millis()
        );
    }
    if reply.delivery.drop_connection {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "a fault breaks the connection",
        ));
    }
    Ok(respond(reply))
}

/// Answers at the foreign origin, and counts what should never have been sent there.
fn foreign(service: &Service, request: &Request) -> Reply {
    let mut state = service.state();
    state.account.foreign_requests += 1;
    if request.headers.contains_key("authorization") {
        state.account.leaked_tokens += 1;
    }
    Reply::json(
        200,
        &serde_json::json!({"resourceType": "Bundle", "type": "searchset", "total": 0}),
    )
}

fn respond(reply: Reply) -> hyper::Response<WireBody> {
    let mut response = hyper::Response::new(WireBody::default());
    *response.status_mut() = reply.status;
    for (name, value) in &reply.headers {
        response.headers_mut().append(name, value.clone());
    }
    *response.body_mut() = WireBody::of(reply);
    response
}

/// A body made of prepared pieces, which may be cut off or slowed down.
#[derive(Debug, Default)]
struct WireBody {
    pieces: VecDeque<Bytes>,
    /// What the length header promises and has not been sent.
    left: u64,
    /// What will be sent before the connection breaks.
    until_cut: Option<usize>,
    flushed: bool,
    pause: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl WireBody {
    fn of(reply: Reply) -> Self {
        let length = reply.length();
        let pieces = match reply.delivery.trickle {
            Some((count, _)) => split(&reply.body, count),
            None => reply.body.into(),
        };
        Self {
            pieces,
            left: u64::try_from(length).unwrap_or_default(),
            until_cut: reply.delivery.cut_after,
            flushed: false,
            pause: reply.delivery.trickle.map(|(_, pause)| pause),
            sleep: None,
        }
    }
}

/// The same bytes in `count` pieces of about the same size.
fn split(body: &[Bytes], count: usize) -> VecDeque<Bytes> {
    let mut whole = Bytes::from(body.concat());
    let size = whole.len().div_ceil(count.max(1)).max(1);
    let mut pieces = VecDeque::new();
    while !whole.is_empty() {
        pieces.push_back(whole.split_to(size.min(whole.len())));
    }
    pieces
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(sleep) = &mut self.sleep {
            std::task::ready!(sleep.as_mut().poll(context));
            self.sleep = None;
        }
        if self.until_cut == Some(0) && !self.flushed {
            // What was sent so far must leave before the connection breaks.
            self.flushed = true;
            let mut sleep = Box::pin(tokio::time::sleep(FLUSH));
            if sleep.as_mut().poll(context).is_pending() {
                self.sleep = Some(sleep);
                return Poll::Pending;
            }
        }
        if self.until_cut == Some(0) {
            let error = io::Error::new(io::ErrorKind::ConnectionAborted, "a fault cuts the body");
            return Poll::Ready(Some(Err(error)));
        }
        let Some(mut piece) = self.pieces.pop_front() else {
            return Poll::Ready(None);
        };
        if let Some(until_cut) = self.until_cut {
            piece.truncate(until_cut);
            self.until_cut = Some(until_cut - piece.len());
        }
        self.left -= u64::try_from(piece.len()).unwrap_or_default();
        if let Some(pause) = self.pause {
            self.sleep = Some(Box::pin(tokio::time::sleep(pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
