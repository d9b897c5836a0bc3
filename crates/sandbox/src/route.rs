//! Which route answers a request, and what happens to every answer.

use hyper::{Method, StatusCode};
use serde_json::json;

use crate::fault::{self, FaultContext, Stage};
use crate::http::{Reply, Request};
use crate::oauth::scope::Interaction;
use crate::oauth::{authorize, consent, introspect, login, pages, revoke, token};
use crate::route_name::route_name;
use crate::serve::gate::{self, Wanted};
use crate::serve::records::Kind;
use crate::serve::{discovery, read, search};
use crate::service::{Api, Service, V3Gate};
use crate::{admin, reply_headers, wire};

/// Answers one request.
pub(crate) fn answer(service: &Service, request: &Request) -> Reply {
    if let Some(rest) = request.path.strip_prefix("/_sandbox") {
        return admin::answer(service, rest, request);
    }
    let patient = request.bearer().and_then(|token| {
        let state = service.state();
        let access = state.ledger.access.get(token)?;
        Some(access.permission.patient)
    });
    let context = FaultContext::of(service, request, patient);
    let now = service.now();
    {
        let mut state = service.state();
        let route = format!("{} {}", request.method, route_name(&request.path));
        *state.account.requests.entry(route).or_default() += 1;
        let seconds = state.faults.token_seconds();
        state.ledger.token_seconds = seconds.unwrap_or(service.token_seconds);
    }
    let injected = service.state().faults.inject(Stage::Gate, &context, now);
    let mut reply = match injected {
        Some(kind) => fault::answer(service, kind, request),
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
    reply_headers::complete(request, &mut reply);
    let faults = service.injected(Stage::Wire, &context);
    wire::deliver(service, request, &mut reply, &faults);
    reply
}

fn dispatch(service: &Service, request: &Request) -> Reply {
    let path = request.path.as_str();
    match path {
        "/.well-known/openid-configuration" | "/.well-known/openid-configuration-v2" => {
            return discovery::document("openid", Api(2), request);
        }
        "/.well-known/openid-configuration-v3" => {
            return discovery::document("openid", Api(3), request);
        }
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
        "connect/.well-known/openid-configuration" => {
            discovery::document("openid", version, request)
        }
        _ if rest.starts_with("connect/userinfo") => {
            let mut reply = match gate::check(service, version, request, Wanted::Userinfo) {
                Ok(authorized) => introspect::userinfo(service, version, authorized.patient),
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
        "metadata" => return discovery::document("metadata", api, request),
        ".well-known/smart-configuration" => return discovery::document("smart", api, request),
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
        Err(refusal) => refusal.with("vary", reply_headers::VARY_REFUSED),
        Ok(authorized) => {
            let recorded = service.records.recorded(authorized.patient, request);
            let mut reply = match (recorded, interaction) {
                (Some(reply), _) => reply,
                (None, Interaction::Search) => {
                    search::answer(service, api, kind, authorized, request)
                }
                (None, Interaction::Read) => {
                    read::answer(service, api, kind, id, authorized, request)
                }
            };
            if let Some(rate_limit) = authorized.rate_limit {
                gate::set_rate_limit(&mut reply, rate_limit);
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
