//! Which route answers a request, and what happens to every answer.

use chrono::{DateTime, Utc};
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::fault::{FaultKind, Occasion, RetryAfter, Stage};
use crate::http::{Reply, Request};
use crate::oauth::scope::Interaction;
use crate::oauth::{authorize, consent, introspect, login, pages, revoke, token};
use crate::serve::gate::{self, Wanted};
use crate::serve::records::Kind;
use crate::serve::{discovery, query, read, search};
use crate::service::{Api, Service, V3Gate};
use crate::{admin, wire};

/// Answers one request.
pub(crate) fn answer(service: &Service, request: &Request) -> Reply {
    if let Some(rest) = request.path.strip_prefix("/_sandbox") {
        return admin::answer(service, rest, request);
    }
    let person = request.bearer().and_then(|token| {
        let state = service.state();
        state.ledger.access.get(token).map(|access| access.person)
    });
    let occasion = Occasion::of(service, request, person);
    let now = service.now();
    {
        let mut state = service.state();
        let route = format!("{} {}", request.method, without_ids(&request.path));
        *state.account.requests.entry(route).or_default() += 1;
        let seconds = state.faults.token_seconds();
        state.ledger.token_seconds = seconds.unwrap_or(service.token_seconds);
    }
    let struck = service.state().faults.strike(Stage::Gate, &occasion, now);
    let mut reply = match struck {
        Some(fault) => at_the_gate(service, fault, request),
        None => dispatch(service, request),
    };
    if reply.status.as_u16() != 301 && !reply.has("x-ratelimit-limit") {
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ] {
            reply.set(name, "None");
        }
    }
    let faults = service
        .state()
        .faults
        .strike_all(Stage::Wire, &occasion, now);
    wire::deliver(service, request, &mut reply, &faults);
    reply
}

fn dispatch(service: &Service, request: &Request) -> Reply {
    let path = request.path.as_str();
    match path {
        "/.well-known/openid-configuration" | "/.well-known/openid-configuration-v2" => {
            return discovery::openid(Api(2), request);
        }
        "/.well-known/openid-configuration-v3" => return discovery::openid(Api(3), request),
        "/mymedicare/login" => return login::start(service, request),
        "/mymedicare/sls-callback" => return login::callback(service, request),
        "/sso/authorize" => return login::page(service, request),
        "/sso/login" if request.method == Method::POST => return login::submit(service, request),
        "/" => return admin::welcome(service, request),
        _ => {}
    }
    if path == "/health" || path.starts_with("/health/") {
        return Reply::json(200, &json!({"message": "all's well"}));
    }
    let Some((version, rest)) = versioned(path) else {
        return pages::not_found();
    };
    if version.is_v3() && service.state().v3_gate == V3Gate::Off {
        return pages::not_found();
    }
    if let Some(rest) = rest.strip_prefix("o/") {
        return oauth(service, version, rest, request);
    }
    if let Some(rest) = rest.strip_prefix("fhir/") {
        return fhir(service, version, rest, request);
    }
    match rest {
        "connect/.well-known/openid-configuration" => discovery::openid(version, request),
        _ if rest.starts_with("connect/userinfo") => {
            let mut reply = match gate::check(service, version, request, Wanted::Userinfo) {
                Ok(admitted) => introspect::userinfo(service, version, admitted.person),
                Err(refusal) => refusal,
            };
            reply.set("allow", "OPTIONS, GET");
            reply
        }
        _ => pages::not_found(),
    }
}

fn versioned(path: &str) -> Option<(Api, &str)> {
    [("/v1/", 1), ("/v2/", 2), ("/v3/", 3)]
        .into_iter()
        .find_map(|(prefix, number)| Some((Api(number), path.strip_prefix(prefix)?)))
}

fn oauth(service: &Service, api: Api, rest: &str, request: &Request) -> Reply {
    let posted = request.method == Method::POST;
    match rest {
        "token" | "token/" => return token::answer(service, api, request),
        "authorize/" => return authorize::answer(service, api, request),
        "introspect/" => return introspect::answer(service, request),
        "revoke_token/" if posted => return revoke::token(service, request),
        "revoke/" if posted => return revoke::grant(service, request),
        "revoke_token/" | "revoke/" => return Reply::empty(405).with("allow", "POST, OPTIONS"),
        "authorize" | "introspect" | "revoke_token" | "revoke" => return slashed(request),
        "permission-logout" if api.is_v3() => return Reply::redirect(302, "/mymedicare/login"),
        _ => {}
    }
    if let Some(id) = rest.strip_prefix("authorize/") {
        return match id.strip_suffix('/') {
            Some(id) if !id.contains('/') => consent::answer(service, api, id, request),
            None if !id.contains('/') => slashed(request),
            _ => pages::not_found(),
        };
    }
    if let Some(id) = rest.strip_prefix("expire_authenticated_user/") {
        return match id.strip_suffix('/') {
            Some(id) if posted && !id.contains('/') => revoke::expire(service, api, id, request),
            None if !id.contains('/') => slashed(request),
            _ => pages::not_found(),
        };
    }
    pages::not_found()
}

fn fhir(service: &Service, api: Api, rest: &str, request: &Request) -> Reply {
    match rest {
        "metadata" => return discovery::metadata(api, request),
        ".well-known/smart-configuration" => return discovery::smart(api, request),
        _ => {}
    }
    let (name, id) = rest.split_once('/').unwrap_or((rest, ""));
    let Some(kind) = Kind::parse(name) else {
        return pages::not_found();
    };
    let id = id.split('/').next().unwrap_or_default();
    let interaction = if id.is_empty() {
        Interaction::Search
    } else {
        Interaction::Read
    };
    let Some(content_type) = gate::content_type(request) else {
        return gate::detail(406, "Could not satisfy the request Accept header.")
            .with("content-type", "application/fhir+json")
            .with("allow", "GET, HEAD, OPTIONS");
    };
    let wanted = Wanted::Resource(kind, interaction);
    let mut reply = match gate::check(service, api, request, wanted) {
        Err(refusal) => refusal,
        Ok(admitted) => {
            let recorded = service.records.recorded(admitted.person, request);
            let mut reply = match (recorded, interaction) {
                (Some(reply), _) => reply,
                (None, Interaction::Search) => {
                    search::answer(service, api, kind, admitted, request)
                }
                (None, Interaction::Read) => {
                    read::answer(service, api, kind, id, admitted, request)
                }
            };
            if let Some(standing) = admitted.standing {
                gate::tell_standing(&mut reply, standing);
            }
            reply
        }
    };
    reply.set("content-type", content_type);
    if reply.status != StatusCode::INTERNAL_SERVER_ERROR {
        reply.set("allow", "GET, HEAD, OPTIONS");
    }
    reply
}

/// The missing slash is added by a redirect that most clients turn into a GET without a body.
fn slashed(request: &Request) -> Reply {
    let query = match &request.raw_query {
        Some(query) => format!("?{query}"),
        None => String::new(),
    };
    Reply::redirect(301, &format!("{}/{query}", request.path))
}

/// The answer of a fault that strikes before anything is done. What stands for a failing backend
/// carries the rate-limit headers, since the real one fails behind the throttle.
fn at_the_gate(service: &Service, fault: FaultKind, request: &Request) -> Reply {
    let mut reply = fault_reply(fault, request, service.now());
    let behind_the_throttle = matches!(fault, FaultKind::Status(500 | 502) | FaultKind::Backend(_));
    if behind_the_throttle && request.path.contains("/fhir/") {
        let now = service.now();
        let mut state = service.state();
        let token = request.bearer().unwrap_or_default();
        if state.ledger.access.contains_key(token) {
            let standing = state.throttle.count(token, now);
            gate::tell_standing(&mut reply, standing);
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
                    let date = now + chrono::TimeDelta::seconds(seconds.into());
                    let text = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                    reply.with("retry-after", &text)
                }
            }
        }
        FaultKind::Status(500) => token::server_error(),
        FaultKind::Backend(status) => backend_reply(status, is_v3),
        FaultKind::Status(502) if request.path.starts_with("/mymedicare/") => {
            let body = json!({"error": "Failed to retrieve data from data source."});
            Reply::json(502, &body).with("cache-control", login::NEVER_CACHE)
        }
        FaultKind::Status(502) if request.path.contains("/o/") => Reply::json(
            502,
            &json!({
                "status_code": 502,
                "message": "Failed to retrieve data from data source.",
            }),
        ),
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
            reply.delivery.delay = std::time::Duration::from_secs(24 * 60 * 60);
            reply
        }
        _ => {
            let mut reply = Reply::empty(502);
            reply.delivery.drop_connection = true;
            reply
        }
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

/// The path with whatever names a person, claim or approval replaced.
fn without_ids(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let position = parts.iter().position(|part| {
        Kind::parse(part).is_some() || *part == "authorize" || *part == "expire_authenticated_user"
    });
    match position {
        Some(position) if parts.len() > position + 1 && !parts[position + 1].is_empty() => {
            format!("{}/{{id}}", parts[..=position].join("/"))
        }
        Some(_) => path.trim_end_matches('/').to_owned(),
        None => {
            let known = parts.len() <= 5 && path.len() <= 64;
            if known {
                path.trim_end_matches('/').to_owned()
            } else {
                "{other}".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_ids;

    #[test]
    fn a_counted_route_names_nobody() {
        assert_eq!(
            without_ids("/v2/fhir/Patient/-20140000008325"),
            "/v2/fhir/Patient/{id}"
        );
        assert_eq!(without_ids("/v2/fhir/Patient/"), "/v2/fhir/Patient");
        assert_eq!(
            without_ids("/v3/o/expire_authenticated_user/-1/"),
            "/v3/o/expire_authenticated_user/{id}"
        );
        assert_eq!(without_ids("/v2/o/token/"), "/v2/o/token");
    }
}
