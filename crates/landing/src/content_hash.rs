//! The hash that tells whether a resource says the same as the one already held.

use claimlake_contract::ApiVersion;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use crate::json::Members;

/// xxh3-128 (big-endian) of a resource's line.
///
/// On v2 the member `created` of the resource itself is left out, key, value and all: the server
/// puts the time of the request there. A final newline does not count.
#[must_use]
pub fn content_hash(api: ApiVersion, line: &[u8]) -> [u8; 16] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let created = match api {
        ApiVersion::V2 => created_member(line),
        ApiVersion::V3 => None,
    };
    let hash = match created {
        None => xxh3_128(line),
        Some((start, end)) => {
            let mut hasher = Xxh3Default::new();
            hasher.update(&line[..start]);
            hasher.update(&line[end..]);
            hasher.digest128()
        }
    };
    hash.to_be_bytes()
}

fn created_member(line: &[u8]) -> Option<(usize, usize)> {
    // Most of a line lies after `created`, or holds no such key at all.
    memchr::memmem::find(line, b"\"created\"")?;
    Members::new(line, 0)
        .find(|member| &line[member.key.clone()] == b"created")
        .map(|member| (member.key.start, member.value.end))
}

#[cfg(test)]
mod tests {
    use claimlake_contract::ApiVersion::{V2, V3};

    use super::content_hash;

    const EARLY: &[u8] =
        br#"{"resourceType":"ExplanationOfBenefit","created":"2026-11-23T01:02:03Z","item":[{"created":"a"}]}"#;
    const LATE: &[u8] =
        br#"{"resourceType":"ExplanationOfBenefit","created":"2026-12-24T09:08:07+00:00","item":[{"created":"a"}]}"#;
    const OTHER: &[u8] =
        br#"{"resourceType":"ExplanationOfBenefit","created":"2026-11-23T01:02:03Z","item":[{"created":"b"}]}"#;

    #[test]
    fn the_time_of_the_request_does_not_change_the_hash_on_v2() {
        assert_eq!(content_hash(V2, EARLY), content_hash(V2, LATE));
        assert_ne!(content_hash(V3, EARLY), content_hash(V3, LATE));
    }

    #[test]
    fn a_nested_member_of_that_name_does() {
        assert_ne!(content_hash(V2, EARLY), content_hash(V2, OTHER));
    }

    #[test]
    fn the_hash_is_xxh3_128_and_does_not_count_the_newline() {
        // XXH3_128bits of the empty input, from the reference implementation's test vectors.
        let empty = 0x99aa_06d3_0147_98d8_6001_c324_468d_497f_u128.to_be_bytes();
        assert_eq!(content_hash(V3, b""), empty);
        assert_eq!(content_hash(V3, b"\n"), empty);
    }
}
