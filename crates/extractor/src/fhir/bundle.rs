//! Cuts a [Bundle](https://hl7.org/fhir/R4/bundle.html) into its resources in one pass and checks that all are of one patient.

mod note;

use std::ops::Range;

use claimlake_contract::{PatientId, ResourceType};
use claimlake_fhir::not_r4;
use claimlake_landing::json::{plain_string, value_end, walk_array, walk_object};

use super::page::{MOST_RESOURCES, NextLink};

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Entries that lack a resource; notes of the server among the results are none.
    pub(crate) blank: u64,
    /// Resources without an id to know them by, and notes that say that something went wrong.
    pub(crate) suspicious: u64,
    pub(crate) total: Option<u64>,
    /// The `next` link, if there is one. It is not followed.
    pub(crate) next: Option<NextLink>,
}

/// One resource of a page, as ranges of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) resource: Range<usize>,
    /// The id, if it is a text that is not empty.
    pub(crate) id: Option<Range<usize>>,
    pub(crate) last_updated: Option<Range<usize>>,
}

/// Why a body is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageError {
    /// It is not a complete Bundle, or has something unexpected in it.
    NotABundle(&'static str),
    /// A resource of it is not the patient's, or names no patient.
    Foreign,
    /// A resource of it is of this release of FHIR, which is not read.
    OtherRelease(&'static str),
    /// It has more entries than any patient has resources: memory is bounded.
    TooMany,
}

/// Reads a page that may hold only resources of this type and patient.
pub(crate) fn read_page(
    body: &[u8],
    resource_type: &ResourceType,
    patient: &PatientId,
) -> Result<Page, PageError> {
    let mut reader = Reader {
        body,
        resource_type,
        patient: patient.expose(),
        error: None,
    };
    let mut page = Page {
        entries: Vec::new(),
        blank: 0,
        suspicious: 0,
        total: None,
        next: None,
    };
    let mut is_bundle = false;
    let start = claimlake_landing::json::skip_space(body, 0);
    let end = walk_object(body, start, |key, value| match key {
        b"resourceType" => {
            let end = value_end(body, value)?;
            is_bundle |= plain_string(body, &(value..end)) == Some("Bundle");
            Some(end)
        }
        b"total" => {
            let end = value_end(body, value)?;
            let digits = std::str::from_utf8(&body[value..end]).ok();
            page.total = digits.and_then(|digits| digits.parse().ok());
            Some(end)
        }
        b"link" if begins(body, value, b'[') => walk_array(body, value, |link| {
            let (end, next) = reader.link(link)?;
            page.next = page.next.or(next);
            Some(end)
        }),
        b"entry" if begins(body, value, b'[') => walk_array(body, value, |entry| {
            let (end, found) = reader.entry(entry)?;
            match found {
                Found::Resource(_) if page.entries.len() as u64 == MOST_RESOURCES => {
                    reader.error.get_or_insert(PageError::TooMany);
                    return None;
                }
                Found::Resource(mut entry) => {
                    if !note::has_usable_id(body, entry.id.as_ref()) {
                        // Several may have the same one, and are not the same resource.
                        entry.id = None;
                        page.suspicious += 1;
                    }
                    page.entries.push(entry);
                }
                Found::Note { is_harmless } => page.suspicious += u64::from(!is_harmless),
                Found::Nothing => page.blank += 1,
            }
            Some(end)
        }),
        b"entry" => {
            let end = value_end(body, value)?;
            if &body[value..end] != b"null" {
                let reason = "the entries of the Bundle are no list";
                reader.error.get_or_insert(PageError::NotABundle(reason));
            }
            Some(end)
        }
        _ => value_end(body, value),
    });
    if let Some(error) = reader.error {
        return Err(error);
    }
    let Some(end) = end else {
        return Err(PageError::NotABundle("the body is not JSON, or cut"));
    };
    if claimlake_landing::json::skip_space(body, end) != body.len() {
        return Err(PageError::NotABundle("something follows the JSON"));
    }
    if !is_bundle {
        return Err(PageError::NotABundle("the body is not a Bundle"));
    }
    if std::str::from_utf8(body).is_err() {
        return Err(PageError::NotABundle("the body is not UTF-8"));
    }
    Ok(page)
}

struct Reader<'a> {
    body: &'a [u8],
    resource_type: &'a ResourceType,
    patient: &'a str,
    error: Option<PageError>,
}

/// The content of an entry.
enum Found {
    Resource(Entry),
    /// An OperationOutcome: the server says something about the search.
    Note {
        /// Whether it is for information.
        is_harmless: bool,
    },
    Nothing,
}

/// What is known of a resource once it has been walked.
#[derive(Default)]
struct Seen {
    of_type: Option<bool>,
    is_outcome: Option<bool>,
    /// Whether every place that names the patient names the right one.
    owned: Option<bool>,
    id: Option<Range<usize>>,
    last_updated: Option<Range<usize>>,
}

impl Reader<'_> {
    fn link(&self, start: usize) -> Option<(usize, Option<NextLink>)> {
        let (mut is_next, mut offset) = (false, None);
        if !begins(self.body, start, b'{') {
            return Some((value_end(self.body, start)?, None));
        }
        let end = walk_object(self.body, start, |key, value| {
            let end = value_end(self.body, value)?;
            let text = || text_of(&self.body[value..end]);
            match key {
                b"relation" => is_next |= text().as_deref() == Some("next"),
                b"url" => offset = text().and_then(|url| offset_of(&url)),
                _ => {}
            }
            Some(end)
        })?;
        Some((end, is_next.then_some(NextLink { offset })))
    }

    fn entry(&mut self, start: usize) -> Option<(usize, Found)> {
        let body = self.body;
        let mut found = Found::Nothing;
        if !begins(body, start, b'{') {
            return Some((value_end(body, start)?, found));
        }
        let mut is_note = false;
        let end = walk_object(body, start, |key, value| match key {
            b"resource" if begins(body, value, b'{') => {
                let (end, resource) = self.resource(value)?;
                if !matches!(found, Found::Nothing) {
                    let reason = "an entry has its resource twice";
                    self.error.get_or_insert(PageError::NotABundle(reason));
                }
                found = resource;
                Some(end)
            }
            b"search" if begins(body, value, b'{') => walk_object(body, value, |key, value| {
                let end = value_end(body, value)?;
                is_note |= key == b"mode" && &body[value..end] == br#""outcome""#;
                Some(end)
            }),
            _ => value_end(body, value),
        })?;
        if is_note && matches!(found, Found::Nothing) {
            found = Found::Note { is_harmless: false };
        }
        Some((end, found))
    }

    fn resource(&mut self, start: usize) -> Option<(usize, Found)> {
        let body = self.body;
        let mut seen = Seen::default();
        let is_patient = self.resource_type.as_str() == "Patient";
        let end = walk_object(body, start, |key, value| match key {
            b"resourceType" => {
                let end = value_end(body, value)?;
                let found = plain_string(body, &(value..end));
                let of_type = found == Some(self.resource_type.as_str());
                seen.of_type = Some(seen.of_type.unwrap_or(true) && of_type);
                let is_outcome = found == Some("OperationOutcome");
                seen.is_outcome = Some(seen.is_outcome.unwrap_or(true) && is_outcome);
                Some(end)
            }
            b"id" => {
                let end = value_end(body, value)?;
                if is_patient {
                    seen.own(plain_string(body, &(value..end)) == Some(self.patient));
                }
                seen.id = Some(value..end);
                Some(end)
            }
            b"patient" | b"beneficiary" if !is_patient => {
                let (end, owned) = match begins(body, value, b'{') {
                    true => self.reference(value)?,
                    false => (value_end(body, value)?, false),
                };
                seen.own(owned);
                Some(end)
            }
            b"meta" if begins(body, value, b'{') => walk_object(body, value, |key, value| {
                let end = value_end(body, value)?;
                if key == b"lastUpdated" {
                    seen.last_updated = Some(value..end);
                }
                Some(end)
            }),
            _ => value_end(body, value),
        })?;
        if seen.is_outcome == Some(true) {
            // A note of the server among the results, not one of them.
            let is_harmless = note::is_for_information(&body[start..end]);
            return Some((end, Found::Note { is_harmless }));
        }
        if seen.of_type != Some(true) {
            self.error.get_or_insert(PageError::NotABundle(
                "the Bundle holds a resource of another type",
            ));
            return None;
        }
        if seen.owned != Some(true) {
            self.error = Some(PageError::Foreign);
            return None;
        }
        if let Some(other) = not_r4(self.resource_type, &body[start..end]) {
            self.error = Some(PageError::OtherRelease(other.release.as_str()));
            return None;
        }
        let entry = Entry {
            resource: start..end,
            id: seen.id,
            last_updated: seen.last_updated,
        };
        Some((end, Found::Resource(entry)))
    }

    fn reference(&self, start: usize) -> Option<(usize, bool)> {
        let mut owned = None;
        let end = walk_object(self.body, start, |key, value| {
            let end = value_end(self.body, value)?;
            if key == b"reference" {
                let id = plain_string(self.body, &(value..end)).and_then(patient_of_reference);
                owned = Some(owned.unwrap_or(true) && id == Some(self.patient));
            }
            Some(end)
        })?;
        Some((end, owned == Some(true)))
    }
}

impl Seen {
    fn own(&mut self, owned: bool) {
        self.owned = Some(self.owned.unwrap_or(true) && owned);
    }
}

/// Parameters that a search may have beside its offset. With any other, the server may page in
/// another way and keep the position there.
const NO_PLACE: [&str; 16] = [
    "patient",
    "beneficiary",
    "_id",
    "identifier",
    "_count",
    "count",
    "_format",
    "format",
    "_lastUpdated",
    "service-date",
    "type",
    "_source",
    "_tag",
    "_security:not",
    "_security%3Anot",
    "_security%3anot",
];

/// The offset in a link: `_offset` on v3, where it takes precedence over `startIndex`; 0 if the
/// link has no offset and no parameter that could be a position.
fn offset_of(link: &str) -> Option<u64> {
    if link.is_empty() {
        return None;
    }
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let pairs = || {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    };
    let value = |name: &str| {
        let mut of_name = pairs().filter(|(found, _)| *found == name);
        of_name.next_back().map(|(_, value)| value)
    };
    match value("_offset").or_else(|| value("startIndex")) {
        Some(offset) => offset.parse().ok(),
        None => pairs()
            .all(|(name, _)| NO_PLACE.contains(&name))
            .then_some(0),
    }
}

/// Whether the value at a position begins so.
fn begins(body: &[u8], at: usize, with: u8) -> bool {
    body.get(at) == Some(&with)
}

/// The text of a JSON string, with escapes resolved.
fn text_of(quoted: &[u8]) -> Option<String> {
    match plain_string(quoted, &(0..quoted.len())) {
        Some(text) => Some(text.to_owned()),
        None => serde_json::from_slice(quoted).ok(),
    }
}

/// The id in `Patient/<id>`, relative or absolute.
fn patient_of_reference(reference: &str) -> Option<&str> {
    let (before, id) = reference.rsplit_once('/')?;
    (before == "Patient" || before.ends_with("/Patient")).then_some(id)
}

#[cfg(test)]
mod tests;
