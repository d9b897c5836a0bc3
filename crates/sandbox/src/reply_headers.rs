//! Headers that every answer carries, whatever it is: what caches must distinguish
//! answers by, and what browsers may do with them.

use crate::http::{Reply, Request};

/// `Vary` of an API answer that was refused before the backend was queried.
pub(crate) const VARY_REFUSED: &str = "Accept, Accept-Language, origin";
/// `Vary` of an API answer for which the session was looked at.
pub(crate) const VARY_ANSWERED: &str = "Accept, Accept-Language, origin, Cookie";
/// `Vary` of everything else.
const VARY_PAGE: &str = "Accept-Language, origin, Cookie";

/// Adds the usual headers to a reply; those that it has already stay.
pub(crate) fn complete(request: &Request, reply: &mut Reply) {
    let language = language(request);
    for (name, value) in [
        ("vary", vary(request, reply)),
        ("content-language", language),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        if !reply.has(name) {
            reply.set(name, value);
        }
    }
}

fn vary(request: &Request, reply: &Reply) -> &'static str {
    let is_page = reply.headers.iter().any(|(name, value)| {
        name.as_str() == "content-type" && value.as_bytes().starts_with(b"text/html")
    });
    let path = &request.path;
    let is_resource =
        path.contains("/fhir/") && !path.ends_with("/metadata") && !path.contains("/.well-known/");
    if is_page || reply.status.as_u16() == 500 {
        VARY_PAGE
    } else if path.contains("/connect/userinfo") {
        VARY_REFUSED
    } else if is_resource {
        VARY_ANSWERED
    } else {
        VARY_PAGE
    }
}

/// The language of the pages: that of `lang`, otherwise of the browser, otherwise English.
fn language(request: &Request) -> &'static str {
    let asked = request
        .query
        .filled("lang")
        .or_else(|| request.header("accept-language"));
    let first = asked.and_then(|text| text.split([',', ';', '-']).next());
    match first.map(str::trim) {
        Some(language) if language.eq_ignore_ascii_case("es") => "es",
        _ => "en",
    }
}
