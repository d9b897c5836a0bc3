//! Requests and replies as the routes see them: read whole, answered whole, without a socket.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

/// A request, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As received, percent-encoding kept.
    pub(crate) path: String,
    /// As received, without the question mark; `None` where there was none.
    pub(crate) raw_query: Option<String>,
    /// Names and values, decoded, in the order received.
    pub(crate) query: Fields,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn new(
        method: Method,
        path: &str,
        raw_query: Option<&str>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        Self {
            method,
            path: path.to_owned(),
            raw_query: raw_query.map(str::to_owned),
            query: Fields::parse(raw_query.unwrap_or_default().as_bytes()),
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `scheme://host[:port]`, as the client addressed this server: the base of its links.
    pub(crate) fn origin(&self) -> String {
        let scheme = self.header("x-forwarded-proto").unwrap_or("http");
        let host = self
            .header("x-forwarded-host")
            .or_else(|| self.header("host"))
            .unwrap_or("127.0.0.1");
        format!("{scheme}://{host}")
    }

    /// Path and query.
    pub(crate) fn target(&self) -> String {
        let query = self.raw_query.as_deref().unwrap_or_default();
        format!("{}?{query}", self.path)
    }

    /// The token of `Authorization: Bearer …`, where there is one.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// Name and password of `Authorization: Basic …`, where there is one.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(encoded.trim())
            .ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        Some((decode_percent(name), decode_percent(password)))
    }

    /// The fields of a form body, urlencoded or multipart; none for any other type.
    pub(crate) fn form(&self) -> Fields {
        let content_type = self.header("content-type").unwrap_or_default();
        if content_type.starts_with("application/x-www-form-urlencoded") {
            return Fields::parse(&self.body);
        }
        if let Some(boundary) = multipart_boundary(content_type) {
            return Fields::parse_multipart(&self.body, boundary);
        }
        Fields::default()
    }

    pub(crate) fn is_multipart(&self) -> bool {
        self.header("content-type")
            .is_some_and(|content_type| content_type.starts_with("multipart/"))
    }
}

/// Names and values in the order received.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    fn parse_multipart(body: &[u8], boundary: &str) -> Self {
        let text = String::from_utf8_lossy(body);
        let delimiter = format!("--{boundary}");
        let fields = text
            .split(delimiter.as_str())
            .filter_map(|part| {
                let (head, value) = part.split_once("\r\n\r\n")?;
                let (_, name) = head.split_once("name=\"")?;
                let (name, _) = name.split_once('"')?;
                let value = value.strip_suffix("\r\n").unwrap_or(value);
                Some((name.to_owned(), value.to_owned()))
            })
            .collect();
        Self(fields)
    }

    /// The last value of `name`: what the real server takes where one is repeated.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The last value of `name`, unless it is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The fields as a query string, as the real server writes one.
    pub(crate) fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

fn multipart_boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let (_, boundary) = rest.split_once("boundary=")?;
    let boundary = boundary.split(';').next().unwrap_or(boundary);
    Some(boundary.trim().trim_matches('"'))
}

/// How a reply is sent; everything but the default is a fault.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivery {
    /// Wait before the first byte.
    pub(crate) delay: Duration,
    /// Break the connection after this many bytes of the body.
    pub(crate) cut_after: Option<usize>,
    /// Break the connection without any answer.
    pub(crate) drop_connection: bool,
    /// Send the body in this many pieces, with this delay between them.
    pub(crate) trickle: Option<(usize, Duration)>,
}

/// A reply, made whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, in pieces that are never copied together.
    pub(crate) body: Vec<Bytes>,
    pub(crate) delivery: Delivery,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        Self::bytes(
            status,
            "text/html; charset=utf-8",
            vec![Bytes::from(text.into())],
        )
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let body = vec![Bytes::from(body.to_string())];
        Self::bytes(status, "application/json", body)
    }

    pub(crate) fn bytes(status: u16, content_type: &'static str, body: Vec<Bytes>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: vec![(
                hyper::header::CONTENT_TYPE,
                HeaderValue::from_static(content_type),
            )],
            body,
            delivery: Delivery::default(),
        }
    }

    /// A redirect: 301 or 302.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).with("location", location)
    }

    /// No answer: the connection breaks.
    pub(crate) fn dropped() -> Self {
        let mut reply = Self::empty(502);
        reply.delivery.drop_connection = true;
        reply
    }

    /// Adds or replaces a header; a value that HTTP forbids is left out.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.retain(|(known, _)| *known != name);
            self.headers.push((name, value));
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.as_str() == name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.as_str() == name)?;
        value.to_str().ok()
    }

    pub(crate) fn length(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }
}

/// Percent-encodes as Python's `urllib.parse.quote` does with `safe="/"`.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                quoted.push(char::from(byte));
            }
            _ => quoted.push_str(&format!("%{byte:02X}")),
        }
    }
    quoted
}

fn decode_percent(text: &str) -> String {
    form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(|| text.to_owned(), |(_, value)| value.into_owned())
}
