//! `GET|POST /vN/o/authorize/`: the rules that are answered directly, then the way to the login.

use crate::http::{Reply, Request, quote};
use crate::oauth::authorization_request::check_early;
use crate::oauth::consent;
use crate::oauth::refusal::message;
use crate::service::{Api, Service};

/// Answers the authorization request of a browser.
pub(crate) fn answer(service: &Service, api: Api, request: &Request) -> Reply {
    let is_post = request.method == hyper::Method::POST;
    let fields = if is_post {
        request.form()
    } else {
        request.query.clone()
    };
    if is_post && fields.filled("state").is_none() {
        return message(401, "State required in POST body.");
    }
    if let Err(refusal) = check_early(service, api, &fields) {
        return refusal;
    }
    if service.auto_consent {
        return consent::automatic(service, api, &fields);
    }
    let query = match &request.raw_query {
        Some(raw) if !is_post => raw.clone(),
        _ => fields.to_query(),
    };
    let next = format!("/v{}/o/authorize/?{query}", api.0);
    Reply::redirect(302, &format!("/mymedicare/login?next={}", quote(&next)))
}
