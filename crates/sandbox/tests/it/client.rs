//! A plain HTTP/1.1 client: no redirects, no retries, no pooling, and it tells a cut body apart.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether fewer bytes came than were promised.
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.body));
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").expect("a redirect has a location")
    }
}

/// Sends one request; `None` where the connection ends without an answer.
pub(crate) fn send(
    base: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let host = base.strip_prefix("http://").expect("a plain http base");
    let mut stream = TcpStream::connect(host).expect("the sandbox listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut request = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        request.push_str(&format!("host: {host}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw);
    let split = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(raw[..split].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = raw[split + 4..].to_vec();
    let promised = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse::<usize>().ok());
    let cut = method != "HEAD" && promised.is_some_and(|promised| body.len() < promised);
    Some(Answer {
        status,
        headers,
        body,
        cut,
    })
}

pub(crate) fn get(base: &str, target: &str) -> Answer {
    send(base, "GET", target, &[], b"").expect("an answer")
}

pub(crate) fn get_as(base: &str, target: &str, token: &str) -> Answer {
    try_get_as(base, target, token).expect("an answer")
}

pub(crate) fn try_get_as(base: &str, target: &str, token: &str) -> Option<Answer> {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept", "application/json"),
    ];
    send(base, "GET", target, &headers, b"")
}

pub(crate) fn post_form(base: &str, target: &str, pairs: &[(&str, &str)]) -> Answer {
    try_post_form(base, target, pairs).expect("an answer")
}

pub(crate) fn try_post_form(base: &str, target: &str, pairs: &[(&str, &str)]) -> Option<Answer> {
    let body = encode(pairs);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send(base, "POST", target, &headers, body.as_bytes())
}

pub(crate) fn post_json(base: &str, target: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    send(base, "POST", target, &headers, body.to_string().as_bytes()).expect("an answer")
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The value of a query parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
