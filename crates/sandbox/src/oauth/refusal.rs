//! How the authorization server refuses: its own errors, and those of its OAuth library.

use serde_json::json;

use crate::http::Reply;

/// `{"status_code":…,"message":…}`: an error of Blue Button's views.
pub(crate) fn message(status: u16, message: &str) -> Reply {
    let body = json!({"status_code": status, "message": message});
    Reply::json(status, &body)
}

/// An error of Blue Button's own checks.
pub(crate) fn described(status: u16, error: &str, text: &str) -> Reply {
    let body = json!({"status_code": status, "error": error, "error_description": text});
    Reply::json(status, &body)
}

/// The error that names all missing parameters of a request at once.
pub(crate) fn missing_parameters(names: &[&str]) -> Reply {
    let names = names.join(", ");
    message(400, &format!("Missing Required Parameter(s): {names}"))
}

/// An error of the OAuth library (RFC 6749, section 5.2), where it says no more than its code.
pub(crate) fn library_code(status: u16, error: &str) -> Reply {
    no_store(Reply::json(status, &json!({"error": error})))
}

/// An error of the OAuth library with a description.
pub(crate) fn library_error(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description});
    no_store(Reply::json(status, &body))
}

/// `401 {"error":"invalid_client"}` of the OAuth library.
pub(crate) fn wrong_client() -> Reply {
    library_code(401, "invalid_client").with("www-authenticate", "Bearer error=\"invalid_client\"")
}

pub(crate) fn invalid_grant() -> Reply {
    library_code(400, "invalid_grant")
}

/// `{"error":"Server Error (500)"}`.
pub(crate) fn server_error() -> Reply {
    Reply::json(500, &json!({"error": "Server Error (500)"}))
}

pub(crate) fn no_store(reply: Reply) -> Reply {
    let reply = reply.with("cache-control", "no-store");
    reply.with("pragma", "no-cache")
}
