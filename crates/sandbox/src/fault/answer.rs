//! What a fault that comes before anything is done answers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::kind::{FaultKind, RetryAfter};
use crate::http::{Reply, Request};
use crate::oauth::{login, refusal};
use crate::serve::throttle::RateLimit;
use crate::serve::{gate, query};
use crate::service::Service;

/// The answer of a fault that comes before anything is done. What represents a failing backend
/// carries the rate-limit headers, since the real one fails behind the throttle.
pub(crate) fn answer(service: &Service, fault: FaultKind, request: &Request) -> Reply {
    let mut reply = fault_reply(fault, request, service.now());
    let behind_the_throttle = matches!(
        fault,
        FaultKind::Status(500 | 502)
            | FaultKind::Backend(_)
            | FaultKind::TooManyRequests(_)
            | FaultKind::RequestsPerSecond(..)
    );
    if behind_the_throttle && request.path.contains("/fhir/") {
        let now = service.now();
        let mut state = service.state();
        let token = request.bearer().unwrap_or_default();
        if state.ledger.access.contains_key(token) {
            let counted = state.throttle.count(token, now);
            let rate_limit = match fault {
                FaultKind::TooManyRequests(_) | FaultKind::RequestsPerSecond(..) => RateLimit {
                    remaining: 0,
                    ..counted
                },
                _ => counted,
            };
            gate::set_rate_limit(&mut reply, rate_limit);
        }
        if fault != FaultKind::Status(500) && reply.status.as_u16() != 500 {
            reply.set("allow", "GET, HEAD, OPTIONS");
        }
    }
    reply
}

fn fault_reply(fault: FaultKind, request: &Request, now: DateTime<Utc>) -> Reply {
    let is_v3 = request.path.starts_with("/v3/");
    match fault {
        FaultKind::TooManyRequests(wait) | FaultKind::RequestsPerSecond(_, wait) => {
            let mut text = "Request was throttled.".to_owned();
            if let RetryAfter::Seconds(seconds) | RetryAfter::Date(seconds) = wait {
                text.push_str(&format!(" Expected available in {seconds} seconds."));
            }
            let reply = gate::detail(429, &text);
            match wait {
                RetryAfter::Absent => reply,
                RetryAfter::Seconds(seconds) => reply.with("retry-after", &seconds.to_string()),
                RetryAfter::Date(seconds) => {
                    let date = now + TimeDelta::seconds(seconds.into());
                    let text = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                    reply.with("retry-after", &text)
                }
            }
        }
        FaultKind::Status(500) => refusal::server_error(),
        FaultKind::Backend(409) if request.path.starts_with("/mymedicare/") => {
            let text = "The patient's identifiers contradict each other.";
            Reply::json(409, &json!({"error": text})).with("cache-control", login::NEVER_CACHE)
        }
        FaultKind::Backend(status) => backend_reply(status, is_v3),
        FaultKind::Status(502) if request.path.starts_with("/mymedicare/") => {
            let body = json!({"error": "Failed to retrieve data from data source."});
            Reply::json(502, &body).with("cache-control", login::NEVER_CACHE)
        }
        FaultKind::Status(502) if request.path.contains("/o/") => {
            refusal::message(502, "Failed to retrieve data from data source.")
        }
        FaultKind::Status(502) => {
            gate::detail(502, "A failure occurred contacting the upstream server")
        }
        FaultKind::Status(504) => Reply::json(
            504,
            &json!({
                "errors": ["The gateway has timed out"],
                "code": 504,
                "status_code": 504,
                "text": "The gateway has timed out",
            }),
        ),
        FaultKind::Status(status) if is_v3 => query::outcome(status, "the service is unavailable"),
        FaultKind::Status(status) => Reply::text(
            status,
            "<html><head><title>503 Service Temporarily Unavailable</title></head>\
             <body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>",
        ),
        FaultKind::Html(status) => Reply::text(
            status,
            "<!DOCTYPE html><html><head><title>Blue Button API</title></head>\
             <body><h1>We are down for maintenance</h1></body></html>",
        ),
        FaultKind::Hang => {
            let mut reply = Reply::empty(504);
            reply.delivery.delay = Duration::from_secs(24 * 60 * 60);
            reply
        }
        _ => Reply::dropped(),
    }
}

/// What the proxy makes of a backend's status: v3 passes an OperationOutcome through.
fn backend_reply(status: u16, is_v3: bool) -> Reply {
    let diagnostics = "injected failure";
    match (status, is_v3) {
        (300..=399, _) => gate::detail(502, "An error occurred contacting the upstream server"),
        (500.., false) => gate::detail(502, "A failure occurred contacting the upstream server"),
        (404, false) => gate::not_found(),
        (_, false) => gate::detail(
            400,
            &format!("An error occurred contacting the upstream server:{diagnostics}"),
        ),
        (status, true) => query::outcome(status, diagnostics),
    }
}
