//! What a document holds: a resource, the resources of a Bundle, or nothing usable.

use claimlake_contract::{RejectReason, ResourceType};

use super::documents::{Documents, Piece, PieceKind};
use crate::json::{Elements, Members, plain_string};
use crate::text_form;

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

/// What a piece of an input holds.
pub(super) fn found_in<'a>(
    documents: &'a Documents<impl std::io::Read>,
    piece: &Piece,
) -> Vec<Found<'a>> {
    let text = documents.text(piece);
    let reject = |reason, detail: &str| {
        vec![Found::Reject {
            text,
            reason,
            detail: detail.into(),
        }]
    };
    match piece.kind {
        PieceKind::Document if text.starts_with(b"[") => resources_of_list(text),
        PieceKind::Document => resources_in(text),
        PieceKind::BundleEntry => resource_of_entry(text),
        PieceKind::TooLarge => reject(
            RejectReason::TooLarge,
            "a single resource or line is larger than is read",
        ),
        PieceKind::NotAValue if text.starts_with(b"{") => reject(
            RejectReason::NotJson,
            "the JSON that begins here does not end",
        ),
        PieceKind::NotAValue => reject(RejectReason::NotJson, "no JSON object begins here"),
        PieceKind::Unreadable(what) => reject(
            RejectReason::BadText,
            &format!("nothing of it was read: the input is {what}"),
        ),
    }
}

/// The resources of a list, as some tools write them in place of NDJSON.
fn resources_of_list(text: &[u8]) -> Vec<Found<'_>> {
    if let Err(found) = parsed(text) {
        return vec![*found];
    }
    Elements::new(text, 0)
        .flat_map(|element| resources_in(&text[element]))
        .collect()
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
    if entry.first() != Some(&b'{') {
        return vec![bad_entry(entry)];
    }
    // FHIR has entries without one: a request, or the response to it.
    let resource = Members::new(entry, 0).find(|member| &entry[member.key.clone()] == b"resource");
    match resource.map(|member| &entry[member.value]) {
        None => Vec::new(),
        Some(resource) if resource.starts_with(b"{") => resources_in(resource),
        Some(_) => vec![bad_entry(entry)],
    }
}

fn bad_entry(entry: &[u8]) -> Found<'_> {
    Found::Reject {
        text: entry,
        reason: RejectReason::NotFhir,
        detail: "the resource of a Bundle entry is not an object".into(),
    }
}

/// Whether a text is JSON in UTF-8.
fn parsed(text: &[u8]) -> Result<(), Box<Found<'_>>> {
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
            format!("the text is {}", text_form::not_utf8(text)),
        ));
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        if text.contains(&0) {
            let detail = "the text has NUL bytes: a part of the input may be UTF-16; convert that part to UTF-8, for example with: iconv -f UTF-16 -t UTF-8";
            return Err(reject(RejectReason::NotJson, detail.into()));
        }
        let what = match error.is_eof() {
            true => "the JSON ends early",
            false => "the text is not JSON",
        };
        let detail = format!("{what} (column {})", error.column());
        return Err(reject(RejectReason::NotJson, detail));
    }
    Ok(())
}

fn checked(text: &[u8]) -> Result<ResourceType, Box<Found<'_>>> {
    parsed(text)?;
    let not_fhir = |detail: &str| {
        Box::new(Found::Reject {
            text,
            reason: RejectReason::NotFhir,
            detail: detail.into(),
        })
    };
    if !text.starts_with(b"{") {
        return Err(not_fhir("JSON, but not an object"));
    }
    let resource_type = Members::new(text, 0)
        .find(|member| &text[member.key.clone()] == b"resourceType")
        .and_then(|member| plain_string(text, &member.value)?.parse().ok());
    resource_type.ok_or_else(|| not_fhir("no resourceType that names a FHIR resource type"))
}
