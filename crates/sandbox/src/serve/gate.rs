//! Who may ask: content negotiation, bearer, grant, scopes, rate limit, in the real order.

use claimlake_contract::ApiVersion;
use hyper::Method;
use serde_json::json;

use crate::fault::{FaultContext, FaultKind, Stage};
use crate::http::{Reply, Request};
use crate::oauth::scope::{Interaction, permits};
use crate::serve::records::Kind;
use crate::serve::throttle::RateLimit;
use crate::service::{Api, Service, V3Gate};

const CREDENTIALS: &str = "Authentication credentials were not provided.";
const PERMISSION: &str = "You do not have permission to perform this action.";
const TIMED_OUT: &str = "User access has timed out. To refresh Medicare data, end user must \
                         re-authenticate and consent to share their data.";

/// What a request tries to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Resource(Kind, Interaction),
    Userinfo,
}

/// A request that may be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authorized {
    pub(crate) patient: usize,
    pub(crate) include_samhsa: bool,
    pub(crate) part_d_only: bool,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// `{"detail":…}`.
pub(crate) fn detail(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"detail": text}))
}

/// `404 {"detail":"Not found."}`.
pub(crate) fn not_found() -> Reply {
    detail(404, "Not found.")
}

/// `403` for whatever reason.
pub(crate) fn forbidden() -> Reply {
    detail(403, PERMISSION)
}

/// The content type a client is answered with; `None` where it accepts none of them.
pub(crate) fn content_type(request: &Request) -> Option<&'static str> {
    const FHIR: &str = "application/fhir+json";
    let accept = request.header("accept").unwrap_or_default();
    if accept.trim().is_empty() {
        return Some(FHIR);
    }
    let types = accept.split(',').filter_map(|one| one.split(';').next());
    types.map(str::trim).find_map(|one| match one {
        "application/json" => Some("application/json"),
        FHIR | "*/*" | "application/*" => Some(FHIR),
        _ => None,
    })
}

/// Checks everything that comes before the search parameters.
pub(crate) fn check(
    service: &Service,
    api: Api,
    request: &Request,
    wanted: Wanted,
) -> Result<Authorized, Reply> {
    if request.query.get("access_token").is_some() {
        let text = "Using the access token in the query parameters is not supported. Use the \
                    Authorization header instead";
        return Err(detail(400, text));
    }
    let Some(token) = request.bearer() else {
        return Err(unauthorized(CREDENTIALS, ""));
    };
    let now = service.now();
    let mut state = service.state();
    if let Some(access) = state.ledger.access.get(token).cloned() {
        let context = FaultContext::of(service, request, Some(access.permission.patient));
        match state.faults.inject(Stage::Token, &context, now) {
            Some(FaultKind::ExpiredToken) => {
                if let Some(access) = state.ledger.access.get_mut(token) {
                    access.expires = now;
                }
            }
            Some(FaultKind::RevokedToken) => {
                state.ledger.revoke_grant(access.permission.key());
            }
            _ => {}
        }
    }
    let Some(access) = state.ledger.access.get(token).cloned() else {
        return Err(invalid_token("is invalid"));
    };
    let permission = &access.permission;
    let login = service.records.login(permission.patient);
    if access.expires <= now {
        state.account.patient(&login).dead_tokens_presented += 1;
        return Err(invalid_token("has expired"));
    }
    let app = state.ledger.apps[permission.app].clone();
    if !app.active {
        return Err(unauthorized(&app.inactive_text(), ""));
    }
    if state.ledger.grant_is_over(permission.key(), now) {
        return Err(unauthorized(TIMED_OUT, ""));
    }
    let sent = request.header("content-type").unwrap_or_default();
    // The body's type is looked at before the method is; DELETE has no body to look at.
    let has_body = match request.method {
        Method::POST => true,
        Method::PUT | Method::PATCH => sent.is_empty(),
        _ => false,
    };
    if has_body {
        let text = format!("Unsupported media type \"{sent}\" in request.");
        return Err(detail(415, &text));
    }
    if api.is_v3() && state.v3_gate == V3Gate::EarlyAdopters {
        return Err(detail(403, &app.no_v3_text()));
    }
    // `Allow` names HEAD and OPTIONS, and no scope lets them through.
    let readable = match wanted {
        Wanted::Resource(..) => request.method == Method::GET,
        Wanted::Userinfo => [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method),
    };
    let granted = state.ledger.grants.contains_key(&permission.key());
    let permitted = match wanted {
        Wanted::Userinfo => permission.scopes.contains("profile"),
        Wanted::Resource(kind, interaction) => {
            permits(&permission.scopes, kind.as_str(), interaction)
                && !withheld_from_v2(api, kind, permission.include_samhsa, app.part_d_only)
        }
    };
    if !readable || !granted || !permitted {
        return Err(forbidden());
    }
    let rate_limit = match wanted {
        Wanted::Userinfo => None,
        Wanted::Resource(..) => Some(state.throttle.count(token, now)),
    };
    if let Some(rate_limit) = rate_limit.filter(|rate_limit| rate_limit.exceeded) {
        let seconds = rate_limit.reset.ceil().max(1.0);
        let text = format!("Request was throttled. Expected available in {seconds} seconds.");
        let mut reply = detail(429, &text).with("retry-after", &seconds.to_string());
        set_rate_limit(&mut reply, rate_limit);
        return Err(reply);
    }
    let route = match wanted {
        Wanted::Userinfo => format!("{} /v{}/connect/userinfo", request.method, api.0),
        Wanted::Resource(kind, interaction) => {
            let id = match interaction {
                Interaction::Search => "",
                Interaction::Read => "/{id}",
            };
            let kind = kind.as_str();
            format!("{} /v{}/fhir/{kind}{id}", request.method, api.0)
        }
    };
    let patient = state.account.patient(&login);
    *patient.requests.entry(route).or_default() += 1;
    Ok(Authorized {
        patient: permission.patient,
        include_samhsa: permission.include_samhsa,
        part_d_only: app.part_d_only,
        rate_limit,
    })
}

/// Writes the `X-RateLimit-*` headers.
pub(crate) fn set_rate_limit(reply: &mut Reply, rate_limit: RateLimit) {
    reply.set("x-ratelimit-limit", &rate_limit.limit.to_string());
    reply.set("x-ratelimit-remaining", &rate_limit.remaining.to_string());
    reply.set("x-ratelimit-reset", &format!("{:?}", rate_limit.reset));
}

fn withheld_from_v2(api: Api, kind: Kind, include_samhsa: bool, part_d_only: bool) -> bool {
    api.space() == ApiVersion::V2
        && kind == Kind::ExplanationOfBenefit
        && (!include_samhsa || part_d_only)
}

fn unauthorized(text: &str, attributes: &str) -> Reply {
    let challenge = format!("Bearer realm=\"api\"{attributes}");
    detail(401, text).with("www-authenticate", &challenge)
}

/// RFC 6750, section 3.1.
fn invalid_token(why: &str) -> Reply {
    let text = format!("The access token {why}.");
    let attributes = format!(",error=\"invalid_token\",error_description=\"{text}\"");
    unauthorized(CREDENTIALS, &attributes)
}
