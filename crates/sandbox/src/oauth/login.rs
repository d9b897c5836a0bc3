//! The hop to Medicare.gov: here a page of the sandbox where one picks a synthetic person.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::form_urlencoded;

use crate::http::{Reply, Request, quote};
use crate::oauth::pages;
use crate::service::Service;

pub(crate) const NEVER_CACHE: &str = "max-age=0, no-cache, no-store, must-revalidate, private";

/// `GET /mymedicare/login?next=…`: on to the login page.
pub(crate) fn start(service: &Service, request: &Request) -> Reply {
    let next = request.query.filled("next").unwrap_or("/");
    let relay = service.state().ledger.open_relay(next);
    let callback = quote(&format!("{}/mymedicare/sls-callback", request.origin()));
    let location = format!(
        "{}/sso/authorize?client_id=bb2api&relay={relay}&redirect_uri={callback}",
        request.origin()
    );
    Reply::redirect(302, &location).with("cache-control", NEVER_CACHE)
}

/// `GET /sso/authorize`: the login page.
pub(crate) fn page(service: &Service, request: &Request) -> Reply {
    let relay = request.query.get("relay").unwrap_or_default();
    pages::login(service, relay, None)
}

/// `POST /sso/login`: the person is taken at their word.
pub(crate) fn submit(service: &Service, request: &Request) -> Reply {
    let form = request.form();
    let relay = form.get("relay").unwrap_or_default();
    let login = form
        .filled("username")
        .or_else(|| form.filled("login"))
        .unwrap_or_default()
        .trim();
    if login.is_empty() {
        return pages::login(service, relay, Some("Choose a synthetic person to go on."));
    }
    let token = URL_SAFE_NO_PAD.encode(login);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("req_token", &token)
        .append_pair("relay", relay)
        .finish();
    Reply::redirect(302, &format!("/mymedicare/sls-callback?{query}"))
}

/// `GET /mymedicare/sls-callback`: the patient has logged in, and is asked for the consent.
pub(crate) fn callback(service: &Service, request: &Request) -> Reply {
    let relay = request.query.get("relay").unwrap_or_default();
    let Some(next) = service.state().ledger.close_relay(relay) else {
        let body = json!({"error": "The requested state was not found"});
        return Reply::json(400, &body).with("cache-control", NEVER_CACHE);
    };
    let login = request
        .query
        .get("req_token")
        .and_then(|token| token.split('.').next())
        .and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let Some(patient) = service.records.find_login(&login) else {
        let redirect =
            form_urlencoded::parse(next.split_once('?').unwrap_or_default().1.as_bytes())
                .find(|(name, _)| name == "redirect_uri")
                .map(|(_, value)| value.into_owned());
        return pages::beneficiary_not_found(redirect.as_deref())
            .with("cache-control", NEVER_CACHE);
    };
    let now = service.now();
    let (approval, session) = service.state().ledger.open_approval(patient, now);
    let (path, query) = next.split_once('?').unwrap_or((next.as_str(), ""));
    let base = path.split("/o/authorize/").next().unwrap_or("/v2");
    Reply::redirect(302, &format!("{base}/o/authorize/{approval}/?{query}"))
        .with("cache-control", NEVER_CACHE)
        .with(
            "set-cookie",
            &format!("sessionid={session}; Path=/; HttpOnly; SameSite=Lax"),
        )
}
