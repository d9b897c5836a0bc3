//! A plain HTTP/1.1 client: no redirects, no retries, no pooling, and it notices a cut body.

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
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A member of the body, by its JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").expect("a redirect has a location")
    }

    /// A parameter of the URL that a redirect leads to.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        parameter(self.location(), name)
    }

    /// The URL of a bundle's link.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let links = self.at("/link");
        let mut links = links.as_array()?.iter();
        let link = links.find(|link| link["relation"] == relation)?;
        Some(link["url"].as_str().unwrap().to_owned())
    }

    /// The ids of a bundle's resources.
    pub(crate) fn ids(&self) -> Vec<String> {
        let entries = self.at("/entry");
        let id = |entry: &Value| entry["resource"]["id"].as_str().unwrap().to_owned();
        entries.as_array().into_iter().flatten().map(id).collect()
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
    let timeout = Some(Duration::from_secs(20));
    stream.set_read_timeout(timeout).unwrap();
    let mut request = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    let is_host = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("host");
    if !headers.iter().any(is_host) {
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
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: raw[split + 4..].to_vec(),
        cut: false,
    };
    let promised = answer.header("content-length").map(str::parse::<usize>);
    let promised = promised.and_then(Result::ok).unwrap_or_default();
    answer.cut = method != "HEAD" && answer.body.len() < promised;
    Some(answer)
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs).finish()
}

/// The value of a query parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}
