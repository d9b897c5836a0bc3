//! What a document holds: a resource, the resources of a Bundle, or nothing usable.

use claimlake_contract::{RejectReason, ResourceType};

use crate::json::{Elements, Members, plain_string};

#[derive(Debug)]
pub(super) enum Found<'a> {
    Resource {
        text: &'a [u8],
        resource_type: ResourceType,
    },
    Reject {
        text: &'a [u8],
        reason: RejectReason,
        detail: String,
    },
}

/// The resources of a document: itself, or those of its entries where it is a Bundle.
pub(super) fn resources_in(text: &[u8]) -> Vec<Found<'_>> {
    let resource_type = match checked(text) {
        Ok(resource_type) => resource_type,
        Err(found) => return vec![*found],
    };
    if resource_type.as_str() != "Bundle" {
        return vec![Found::Resource {
            text,
            resource_type,
        }];
    }
    let mut found = Vec::new();
    for member in Members::new(text, 0).filter(|member| &text[member.key.clone()] == b"entry") {
        for entry in Elements::new(text, member.value.start) {
            found.extend(resource_of_entry(&text[entry]));
        }
    }
    found
}

/// The resource of one element of a Bundle's `entry`.
pub(super) fn resource_of_entry(entry: &[u8]) -> Vec<Found<'_>> {
    let resource = Members::new(entry, 0).find(|member| &entry[member.key.clone()] == b"resource");
    match resource {
        Some(member) if entry[member.value.clone()].starts_with(b"{") => {
            resources_in(&entry[member.value])
        }
        _ => vec![Found::Reject {
            text: entry,
            reason: RejectReason::NotFhir,
            detail: "a Bundle entry without a resource".into(),
        }],
    }
}

fn checked(text: &[u8]) -> Result<ResourceType, Box<Found<'_>>> {
    let reject = |reason, detail: String| {
        Box::new(Found::Reject {
            text,
            reason,
            detail,
        })
    };
    if std::str::from_utf8(text).is_err() {
        return Err(reject(
            RejectReason::BadText,
            "the text is not UTF-8".into(),
        ));
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        let what = match error.is_eof() {
            true => "the JSON ends early",
            false => "the text is not JSON",
        };
        let detail = format!("{what} (column {})", error.column());
        return Err(reject(RejectReason::NotJson, detail));
    }
    if !text.starts_with(b"{") {
        return Err(reject(
            RejectReason::NotFhir,
            "JSON, but not an object".into(),
        ));
    }
    let resource_type = Members::new(text, 0)
        .find(|member| &text[member.key.clone()] == b"resourceType")
        .and_then(|member| plain_string(text, &member.value)?.parse().ok());
    resource_type.ok_or_else(|| {
        let detail = "no resourceType that names a FHIR resource type";
        reject(RejectReason::NotFhir, detail.into())
    })
}
