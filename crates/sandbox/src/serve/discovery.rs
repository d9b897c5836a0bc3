//! What needs no token: discovery, SMART configuration, CapabilityStatement. Their text is in
//! `templates/discovery`.

use bytes::Bytes;
use serde_json::Value;

use crate::http::{Reply, Request};
use crate::service::Api;
use crate::template::Values;
use crate::templates;

/// A document of `templates/discovery`; version 1 carries the URLs of version 2.
pub(crate) fn document(name: &str, api: Api, request: &Request) -> Reply {
    // Escaped for JSON: the host is what the client sent.
    let origin = Value::from(request.origin()).to_string();
    let origin = origin.get(1..origin.len() - 1).unwrap_or_default();
    let mut values = Values::default();
    values.set("origin", origin);
    values.set("base", format!("{origin}/v{}", api.0.max(2)));
    values.set("is_v3", api.is_v3());
    let rendered = templates::render(&format!("discovery/{name}"), &values, 4_000);
    Reply::bytes(200, "application/json", vec![Bytes::from(rendered.bytes)])
}
