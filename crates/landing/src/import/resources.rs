//! What is in a document: a resource, the resources of a Bundle, or nothing usable.

use claimlake_contract::{RejectReason, ResourceType, text_form};
use claimlake_json::{self as json, Elements, Members, plain_string};

use super::documents::{Documents, Piece, PieceKind};

#[derive(Debug)]
pub(super) enum Found<'a> {
    Resource {
        text: &'a [u8],
        resource_type: ResourceType,
        /// The `fullUrl` of the entry that it is in.
        full_url: Option<String>,
    },
    Reject {
        text: &'a [u8],
        reason: RejectReason,
        detail: String,
    },
}

impl<'a> Found<'a> {
    fn reject(text: &'a [u8], reason: RejectReason, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Reject {
            text,
            reason,
            detail,
        }
    }
}

/// What is in a piece of an input.
pub(super) fn found_in<'a>(
    documents: &'a Documents<impl std::io::Read>,
    piece: &Piece,
) -> Vec<Found<'a>> {
    let text = documents.text(piece);
    let reject = |reason, detail: &str| vec![Found::reject(text, reason, detail)];
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
            full_url: None,
        }];
    }
    let mut found = Vec::new();
    for member in Members::new(text, 0).filter(|member| member.is(text, "entry")) {
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
    // FHIR has entries without a resource: a request, or the response to one.
    let Some((full_url, resource)) = parts_of_entry(entry) else {
        let detail = "the Bundle entry has its resource or its fullUrl twice";
        return vec![Found::reject(entry, RejectReason::DuplicateKey, detail)];
    };
    match resource {
        None => Vec::new(),
        Some(resource) if resource.starts_with(b"{") => {
            let mut found = resources_in(resource);
            if let [Found::Resource { full_url: own, .. }] = found.as_mut_slice() {
                *own = own.take().or(full_url);
            }
            found
        }
        Some(_) => vec![bad_entry(entry)],
    }
}

/// The `fullUrl` and the resource of an entry; `None` if it has either twice.
fn parts_of_entry(entry: &[u8]) -> Option<(Option<String>, Option<&[u8]>)> {
    let (mut full_url, mut resource) = (None, None);
    for member in Members::new(entry, 0) {
        let place = match &member {
            member if member.is(entry, "fullUrl") => &mut full_url,
            member if member.is(entry, "resource") => &mut resource,
            _ => continue,
        };
        if place.replace(&entry[member.value]).is_some() {
            return None;
        }
    }
    let full_url = full_url.and_then(|quoted| serde_json::from_slice(quoted).ok());
    Some((full_url, resource))
}

/// Takes the `fullUrl`, type and text of a resource.
pub(super) type Take<'t> = &'t mut dyn FnMut(Option<&str>, &str, &[u8]);

/// Calls `take` with the `fullUrl`, type and text of every resource in a piece, without checking
/// that it is JSON: for looking through inputs before they land.
pub(super) fn look_through(text: &[u8], take: Take<'_>) {
    if text.starts_with(b"[") {
        Elements::new(text, 0).for_each(|element| look_through(&text[element], take));
        return;
    }
    look_into(text, None, take);
}

/// The same for an entry of a Bundle.
pub(super) fn look_through_entry(entry: &[u8], take: Take<'_>) {
    // An entry that has a key twice does not land.
    if let Some((full_url, Some(resource))) = parts_of_entry(entry) {
        look_into(resource, full_url.as_deref(), take);
    }
}

fn look_into(text: &[u8], url: Option<&str>, take: Take<'_>) {
    let of_type = json::member(text, 0, "resourceType");
    let Some(of_type) = of_type.and_then(|member| plain_string(text, &member.value)) else {
        return;
    };
    if of_type != "Bundle" {
        take(url, of_type, text);
        return;
    }
    for member in Members::new(text, 0).filter(|member| member.is(text, "entry")) {
        for entry in Elements::new(text, member.value.start) {
            look_through_entry(&text[entry], take);
        }
    }
}

fn bad_entry(entry: &[u8]) -> Found<'_> {
    let detail = "the resource of a Bundle entry is not an object";
    Found::reject(entry, RejectReason::NotFhir, detail)
}

/// Whether a text is JSON in UTF-8.
fn parsed(text: &[u8]) -> Result<(), Box<Found<'_>>> {
    let reject = |reason, detail: String| Box::new(Found::reject(text, reason, detail));
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
    let not_fhir = |detail: &str| Box::new(Found::reject(text, RejectReason::NotFhir, detail));
    if !text.starts_with(b"{") {
        return Err(not_fhir("JSON, but not an object"));
    }
    let resource_type = json::member(text, 0, "resourceType")
        .and_then(|member| plain_string(text, &member.value)?.parse().ok());
    resource_type.ok_or_else(|| not_fhir("no resourceType that names a FHIR resource type"))
}
