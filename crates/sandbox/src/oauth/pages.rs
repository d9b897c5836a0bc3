//! The HTML pages but for that of the consent. Their text is in `templates/pages`.

use crate::http::Reply;
use crate::oauth::refusal::server_error;
use crate::service::Service;
use crate::template::Values;
use crate::templates;

const LOGINS_SHOWN: usize = 100;
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src *";

/// A page of `templates/pages` that is not framed.
pub(crate) fn page(status: u16, name: &str, title: &str, mut values: Values<'_>) -> Reply {
    values.set("title", title.to_owned());
    let rendered = templates::render(name, &values, 8_000);
    if !rendered.unknown.is_empty() {
        return server_error();
    }
    Reply::text(status, String::from_utf8_lossy(&rendered.bytes))
        .with("x-frame-options", "DENY")
        .with("content-security-policy", POLICY)
}

/// The login page: any patient can be chosen, without a password.
pub(crate) fn login(service: &Service, relay: &str, problem: Option<&str>) -> Reply {
    let count = u32::try_from(service.records.patients()).unwrap_or_default();
    let logins = 0..service.records.patients().min(LOGINS_SHOWN);
    let people: Vec<Values<'_>> = logins
        .map(|patient| {
            let (given, family) = service.records.name(patient);
            let mut values = Values::default();
            values.set("login", service.records.login(patient));
            values.set("name", format!("{given} {family}"));
            values
        })
        .collect();
    let mut values = Values::default();
    values.set("problem", problem);
    values.set("count", count);
    values.set("relay", relay.to_owned());
    let first = (count > 0).then(|| service.records.login(0));
    values.set("first", first.unwrap_or_default());
    values.set("people", people);
    page(200, "pages/login", "Log in", values)
}

/// An error in the app's request, shown in the browser because the app cannot be trusted with it.
pub(crate) fn client_fault(status: u16, text: &str) -> Reply {
    let mut values = Values::default();
    values.set("problem", text);
    page(
        status,
        "pages/authorization-error",
        "Authorization error",
        values,
    )
}

/// A login that Medicare.gov knows and the data backend does not. The real page reports it to the
/// app by a background request without `state`, always after a question mark.
pub(crate) fn beneficiary_not_found(redirect_uri: Option<&str>) -> Reply {
    let report_to = redirect_uri.map(|uri| format!("{uri}?error=not_found"));
    let mut values = Values::default();
    values.set("report_to", report_to);
    page(404, "pages/no-records", "Not found", values)
}

/// Any path that is no route.
pub(crate) fn not_found() -> Reply {
    page(404, "pages/not-found", "Not found", Values::default())
}

/// The front page.
pub(crate) fn welcome(origin: &str, client_id: &str, patients: usize) -> Reply {
    let mut values = Values::default();
    values.set("origin", origin);
    values.set("client_id", client_id);
    values.set("count", u32::try_from(patients).unwrap_or_default());
    page(200, "pages/welcome", "Welcome", values)
}
