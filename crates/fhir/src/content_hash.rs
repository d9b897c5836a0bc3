//! The hash by which two bodies of a resource are compared.

use claimlake_contract::{ApiVersion, ReferenceRecord};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use claimlake_json::Members;

/// xxh3-128 (big-endian) of a resource's line.
///
/// On v2 the member `created` of the resource itself is left out, key, value and all: the server
/// puts the time of the request there; elsewhere it is the claim's own time. A final newline does not count. What references were
/// resolved to counts: for each record of the line with a target, in their order, a line break,
/// the reference as sent, a tab and `Type/id` are hashed after the line.
#[must_use]
pub fn content_hash(api: ApiVersion, line: &[u8], references: &[ReferenceRecord]) -> [u8; 16] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let created = match api {
        ApiVersion::V2 => created_member(line),
        ApiVersion::V3 | ApiVersion::Carin => None,
    };
    let resolved = references.iter().filter_map(ReferenceRecord::resolved);
    let hash = match (created, resolved.clone().next()) {
        (None, None) => xxh3_128(line),
        (created, _) => {
            let (start, end) = created.unwrap_or((line.len(), line.len()));
            let mut hasher = Xxh3Default::new();
            hasher.update(&line[..start]);
            hasher.update(&line[end..]);
            for (key, resource, id) in resolved {
                hasher.update(format!("\n{key}\t{resource}/{id}").as_bytes());
            }
            hasher.digest128()
        }
    };
    hash.to_be_bytes()
}

fn created_member(line: &[u8]) -> Option<(usize, usize)> {
    // Most of a line is after `created`, or has no such key at all.
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    if !has(b"\"created\"") && !has(b"\\u") {
        return None;
    }
    Members::new(line, 0)
        .find(|member| member.is(line, "created"))
        .map(|member| (member.key.start, member.value.end))
}

#[cfg(test)]
mod tests {
    use claimlake_contract::ApiVersion::{V2, V3};

    use claimlake_contract::ReferenceRecord;

    use super::content_hash;

    const EARLY: &[u8] =
        br#"{"resourceType":"ExplanationOfBenefit","created":"2026-11-23T01:02:03Z","item":[{"created":"a"}]}"#;
    const LATE: &[u8] =
        br#"{"resourceType":"ExplanationOfBenefit","created":"2026-12-24T09:08:07+00:00","item":[{"created":"a"}]}"#;
    const OTHER: &[u8] =
        br#"{"resourceType":"ExplanationOfBenefit","created":"2026-11-23T01:02:03Z","item":[{"created":"b"}]}"#;

    #[test]
    fn the_time_of_the_request_does_not_change_the_hash_on_v2() {
        assert_eq!(content_hash(V2, EARLY, &[]), content_hash(V2, LATE, &[]));
        assert_ne!(content_hash(V3, EARLY, &[]), content_hash(V3, LATE, &[]));
    }

    #[test]
    fn a_nested_member_of_that_name_does() {
        assert_ne!(content_hash(V2, EARLY, &[]), content_hash(V2, OTHER, &[]));
    }

    #[test]
    fn a_resolved_patient_changes_the_hash_and_an_unresolved_reference_does_not() {
        let record = |text: &str| serde_json::from_str::<ReferenceRecord>(text).unwrap();
        let to = |id: &str| {
            record(&format!(
                r#"{{"line":1,"reference":"urn:uuid:0b","type":"Patient","id":"{id}"}}"#
            ))
        };
        let unresolved = record(r#"{"line":1,"reference":"urn:uuid:0b","unresolved":"not_found"}"#);
        let before = content_hash(V2, EARLY, &[]);
        assert_eq!(content_hash(V2, EARLY, &[unresolved]), before);
        assert_ne!(content_hash(V2, EARLY, &[to("a")]), before);
        assert_ne!(
            content_hash(V2, EARLY, &[to("a")]),
            content_hash(V2, EARLY, &[to("b")])
        );
        assert_eq!(
            content_hash(V2, EARLY, &[to("a")]),
            content_hash(V2, LATE, &[to("a")])
        );
        let whole = xxhash_rust::xxh3::xxh3_128(b"{}\nurn:uuid:0b\tPatient/a");
        assert_eq!(content_hash(V3, b"{}", &[to("a")]), whole.to_be_bytes());
    }

    #[test]
    fn the_hash_is_xxh3_128_and_does_not_count_the_newline() {
        // XXH3_128bits of the empty input, from the reference implementation's test vectors.
        let empty = 0x99aa_06d3_0147_98d8_6001_c324_468d_497f_u128.to_be_bytes();
        assert_eq!(content_hash(V3, b"", &[]), empty);
        assert_eq!(content_hash(V3, b"\n", &[]), empty);
    }
}
