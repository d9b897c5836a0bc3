//! A rendered resource: bytes that never change but for v2's `created`, the time of the request.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::template::{CREATED_PLACE, Values};
use crate::templates;

/// A resource as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    bytes: Bytes,
    created_at: Option<usize>,
}

impl Body {
    /// The body of the template `name`; `capacity` is about how long it becomes.
    pub(super) fn of(name: &str, values: &Values<'_>, capacity: usize) -> Self {
        let rendered = templates::render(name, values, capacity);
        Self::new(rendered.bytes, rendered.created_at)
    }

    fn new(mut bytes: Vec<u8>, created_at: Option<usize>) -> Self {
        // Kept bodies are counted by length, so they must not be larger than that.
        bytes.shrink_to_fit();
        Self {
            bytes: bytes.into(),
            created_at,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The body at the time of a request: shared if it is the same for all requests, otherwise a
    /// copy.
    pub(crate) fn at(&self, now: DateTime<Utc>) -> Bytes {
        let Some(start) = self.created_at else {
            return self.bytes.clone();
        };
        let created = now.format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        let mut copy = self.bytes.to_vec();
        let place = copy.get_mut(start..start + CREATED_PLACE.len());
        if let Some(place) = place.filter(|_| created.len() == CREATED_PLACE.len()) {
            place.copy_from_slice(created.as_bytes());
        }
        copy.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, CREATED_PLACE};

    #[test]
    fn created_is_the_time_of_the_request_and_nothing_else_moves() {
        let text = format!(r#"{{"created":"{CREATED_PLACE}","z":1}}"#);
        let body = Body::new(text.into_bytes(), Some(12));
        let served = body.at("2026-11-24T01:02:03Z".parse().unwrap());
        assert_eq!(
            &served[..],
            br#"{"created":"2026-11-24T01:02:03+00:00","z":1}"#
        );
        let other = Body::new(b"{}".to_vec(), None);
        assert_eq!(&other.at(chrono::DateTime::UNIX_EPOCH)[..], b"{}");
        assert_eq!(other.len(), 2);
    }
}
