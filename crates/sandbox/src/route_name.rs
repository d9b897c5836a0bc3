//! The names that routes have in the account.

use crate::serve::records::Kind;

/// Second parts of `/vN/…/` that are routes.
const KNOWN: [&str; 9] = [
    "token",
    "authorize",
    "revoke_token",
    "revoke",
    "introspect",
    "expire_authenticated_user",
    "metadata",
    "userinfo",
    "permission-logout",
];

/// The path with whatever names a patient, claim or approval replaced; what is no route is one.
pub(crate) fn route_name(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    let parts: Vec<&str> = trimmed.split('/').collect();
    if let [
        "",
        version @ ("v1" | "v2" | "v3"),
        area @ ("o" | "fhir" | "connect"),
        name,
        rest @ ..,
    ] = parts.as_slice()
        && (KNOWN.contains(name) || Kind::parse(name).is_some())
    {
        let id = if rest.is_empty() { "" } else { "/{id}" };
        return format!("/{version}/{area}/{name}{id}");
    }
    let whole = ["/mymedicare/", "/sso/", "/.well-known/"];
    let known = trimmed == "/health" || whole.iter().any(|prefix| trimmed.starts_with(prefix));
    if known && trimmed.len() < 48 {
        return trimmed.to_owned();
    }
    match trimmed.contains("/.well-known/") {
        true => "{discovery}".to_owned(),
        false => "{other}".to_owned(),
    }
}

/// The path for a log: whatever may name a patient, a claim or a token is replaced.
pub(crate) fn shown_path(path: &str) -> String {
    let is_word = |part: &&str| {
        let is_plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.' | '$');
        part.len() <= 28 && part.chars().all(is_plain) || matches!(*part, "v1" | "v2" | "v3")
    };
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_word(&part) { part } else { "{id}" })
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{route_name, shown_path};

    #[test]
    fn a_logged_path_is_readable_and_names_nobody() {
        for (path, shown) in [
            ("/v2/fhir/Patient/-20140000008325", "/v2/fhir/Patient/{id}"),
            (
                "/v3/fhir/Coverage/part-a--512738563",
                "/v3/fhir/Coverage/{id}",
            ),
            ("/v2/o/token/", "/v2/o/token/"),
            (
                "/v2/o/authorize/1da65d48-6f52-495f-ba7e-68a11c193754/",
                "/v2/o/authorize/{id}/",
            ),
            (
                "/v3/fhir/Patient/$generate-insurance-card",
                "/v3/fhir/Patient/$generate-insurance-card",
            ),
            ("/v2/fhir/Observation/7", "/v2/fhir/Observation/{id}"),
            ("/ulrjo7cw3OePxTl1JhldEICIBSnbXL", "/{id}"),
            ("/abcdefghijklmnopqrstuvwxyzabcd", "/{id}"),
            (
                "/.well-known/openid-configuration",
                "/.well-known/openid-configuration",
            ),
            ("/", "/"),
        ] {
            assert_eq!(shown_path(path), shown);
        }
    }

    #[test]
    fn a_counted_route_names_nobody() {
        assert_eq!(
            route_name("/v2/fhir/Patient/-20140000008325"),
            "/v2/fhir/Patient/{id}"
        );
        assert_eq!(route_name("/v2/fhir/Patient/"), "/v2/fhir/Patient");
        assert_eq!(
            route_name("/v3/o/expire_authenticated_user/-1/"),
            "/v3/o/expire_authenticated_user/{id}"
        );
        assert_eq!(route_name("/v2/o/token/"), "/v2/o/token");
        assert_eq!(route_name("/v2/o/anything"), "{other}");
        assert_eq!(route_name("/"), "{other}");
    }
}
