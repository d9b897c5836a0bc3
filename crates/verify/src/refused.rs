//! Which resource a landed line is of, if no view can read it.
//!
//! Whether everything that was served has landed is decided by lines, not by rows: a resource that
//! the transform rejects has landed.

use claimlake_contract::{ApiVersion, ResourceType};
use claimlake_fhir::content_hash;
use claimlake_landing::json::{plain_string, skip_space, value_end, walk_object};

use crate::landed::ResourceKey;

/// The key of a line's resource: by its id as extraction reads it (the last, if there are several),
/// otherwise by the hash of its content.
pub(crate) fn key(api: ApiVersion, resource: &ResourceType, text: &[u8]) -> ResourceKey {
    let mut id = None;
    let walked = walk_object(text, skip_space(text, 0), |key, value| {
        let end = value_end(text, value)?;
        if key == b"id" {
            id = Some(value..end);
        }
        Some(end)
    });
    match (walked, id) {
        (Some(_), Some(id)) => {
            let raw = || String::from_utf8_lossy(text.get(id.clone()).unwrap_or_default());
            let plain = plain_string(text, &id).filter(|id| !id.is_empty());
            ResourceKey::new(api, resource, plain.unwrap_or(&raw()))
        }
        _ => {
            let content = u128::from_be_bytes(content_hash(api, text, &[]));
            // No id has a line break.
            ResourceKey::new(api, resource, &format!("\n{content:032x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::{ApiVersion, ResourceType};

    use super::key;
    use crate::landed::ResourceKey;

    #[test]
    fn a_line_that_no_view_reads_is_of_the_resource_that_it_names() {
        let (api, resource) = (ApiVersion::V2, ResourceType::coverage());
        let of_id = |id: &str| ResourceKey::new(api, &resource, id);
        let of = |text: &str| key(api, &resource, text.as_bytes());
        for (text, id) in [
            (r#"{"resourceType":"Coverage","id":"a"}"#, "a"),
            // Duplicated keys are refused by the transform; extraction counts by the last.
            (r#"{"id":"b","resourceType":"Coverage","id":"a"}"#, "a"),
            (r#" {"contained":[{"id":"b"}],"id":"a","x":"\ud800"}"#, "a"),
            (r#"{"id":7}"#, "7"),
            (r#"{"id":""}"#, r#""""#),
        ] {
            assert_eq!(of(text), of_id(id), "{text}");
        }
        // Without an id: by what it says, in v2 without the time of the request.
        let one = of(r#"{"resourceType":"Coverage","created":"1","x":1}"#);
        assert_eq!(
            one,
            of(r#"{"resourceType":"Coverage","created":"2","x":1}"#)
        );
        assert_ne!(
            one,
            of(r#"{"resourceType":"Coverage","created":"1","x":2}"#)
        );
    }
}
