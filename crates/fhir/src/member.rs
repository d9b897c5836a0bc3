//! Members of a resource itself, read without a parse of the rest.

use claimlake_contract::{ApiVersion, IdHash};

use crate::content_hash;

/// The resource's own id, unescaped.
#[must_use]
pub fn resource_id(line: &[u8]) -> Option<String> {
    text_member(line, "id")
}

/// The text of a member of the resource itself, unescaped.
#[must_use]
pub fn text_member(line: &[u8], name: &str) -> Option<String> {
    let member = claimlake_json::member(line, 0, name)?;
    serde_json::from_slice(&claimlake_json::without_half_surrogates(
        &line[member.value],
    ))
    .ok()
}

/// The JSON text of the resource's own id, quotes included.
#[must_use]
pub fn quoted_id(line: &[u8]) -> Option<&[u8]> {
    let member = claimlake_json::member(line, 0, "id")?;
    line.get(member.value)
        .filter(|value| value.first() == Some(&b'"'))
}

/// The hash of an id, given as the JSON text of it, quotes included ([`quoted_id`]).
#[must_use]
pub fn id_hash(quoted: &[u8]) -> IdHash {
    // v3: nothing is left out of the hash.
    IdHash(content_hash(ApiVersion::V3, quoted, &[]))
}
