//! One reading of one search: what was seen so far, and which frames it left.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, ResourceType};
use claimlake_fhir::{content_hash, id_hash};
use claimlake_landing::{KeptFrame, push_line};
use claimlake_vault::KnownResources;

use super::claim_kinds::{self, ClaimKinds};
use crate::fhir::bundle::{PageError, read_page};
use crate::fhir::page::SeenPage;

/// Names one reading of one search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PassId(pub(crate) u64);

/// Which of the resources that were read land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WritePolicy {
    /// All of them.
    Everything,
    /// Those that have not landed before with the same content.
    Changes,
}

/// A resource as a reading found it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    pub(super) content: [u8; 16],
    pub(super) last_updated: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(super) struct SearchPass {
    /// By the hash of the id, or of the content if there is no id.
    pub(super) seen: HashMap<[u8; 16], Served>,
    pub(super) landed: u64,
    pub(super) pages: u64,
    pub(super) frames: Vec<KeptFrame>,
    pub(super) newest: Option<(DateTime<Utc>, String)>,
    /// Which kinds of claims came, where an answer may be without some.
    pub(super) kinds: ClaimKinds,
    /// Resources with a `meta.lastUpdated` later than can be believed.
    pub(super) ahead: u64,
    /// Resources without a usable id.
    pub(super) nameless: u64,
    /// Times that an id came with another body than before.
    pub(super) conflicts: u64,
}

/// The resources of a page that land, as lines of their own.
pub(super) struct Lines {
    pub(super) page: SeenPage,
    /// Where they lie in the body.
    places: Vec<Range<usize>>,
}

/// A frame is ended once it has this many bytes, so that little is copied of a body at once.
const FRAME_BYTES: usize = 8 << 20;

impl Lines {
    /// The text of the next frame and its lines, `None` if all lines were given.
    pub(super) fn next_frame(&mut self, body: &[u8]) -> Option<(Vec<u8>, u64)> {
        let (mut text, mut count) = (Vec::new(), 0);
        for place in &self.places {
            let line = body.get(place.clone()).unwrap_or_default();
            if count > 0 && text.len() + line.len() >= FRAME_BYTES {
                break;
            }
            if text.is_empty() {
                let all: usize = self.places.iter().map(|place| place.len() + 1).sum();
                text.reserve(all.min(FRAME_BYTES).max(line.len() + 1));
            }
            push_line(&mut text, line);
            count += 1;
        }
        self.places.drain(..count);
        (count > 0).then_some((text, count as u64))
    }
}

/// What a page is read with.
pub(super) struct Known<'a> {
    pub(super) of: (ApiVersion, &'a ResourceType, &'a PatientId),
    /// What earlier runs landed, unless everything is to land again.
    pub(super) landed: Option<&'a KnownResources>,
    /// What another search of this patient found just before.
    pub(super) beside: Option<&'a SearchPass>,
    /// The latest `meta.lastUpdated` that is believed.
    pub(super) latest: DateTime<Utc>,
}

impl SearchPass {
    /// Reads a page of the search. Of one id the newer body lands, the later where both are of one
    /// time; the same body lands once, whichever search served it.
    pub(super) fn read(&mut self, body: &[u8], known: &Known<'_>) -> Result<Lines, PageError> {
        let (api, resource, patient) = known.of;
        let page = read_page(body, resource, patient)?;
        let has_claim_kinds = claim_kinds::apply_to(api, resource);
        self.pages += 1;
        let mut lines = Lines {
            page: SeenPage {
                ids: Vec::with_capacity(page.entries.len()),
                blank: page.blank,
                suspicious: page.suspicious,
                total: page.total,
                next: page.next,
                ..SeenPage::default()
            },
            places: Vec::new(),
        };
        for entry in &page.entries {
            let text = &body[entry.resource.clone()];
            let content = content_hash(api, text, &[]);
            if has_claim_kinds {
                self.kinds.add(&ClaimKinds::of(text));
            }
            let id = match &entry.id {
                Some(range) => id_hash(&body[range.clone()]).0,
                None => content,
            };
            lines.page.ids.push(id);
            let stated = entry.last_updated.clone().map(|range| &body[range]);
            let served = Served {
                content,
                last_updated: stated.and_then(instant),
            };
            let of_beside = known.beside.and_then(|beside| beside.seen.get(&id));
            match self.seen.get(&id).or(of_beside) {
                Some(before) if before.content == content => continue,
                Some(before) => {
                    self.conflicts += 1;
                    if served.last_updated < before.last_updated {
                        continue;
                    }
                }
                None => {}
            }
            self.seen.insert(id, served);
            self.nameless += u64::from(entry.id.is_none());
            self.note_newest(served.last_updated, stated, known.latest);
            let landed = known.landed.and_then(|landed| landed.content(&id));
            if landed != Some(&content) {
                lines.places.push(entry.resource.clone());
            }
        }
        self.landed += lines.places.len() as u64;
        Ok(lines)
    }

    fn note_newest(
        &mut self,
        instant: Option<DateTime<Utc>>,
        stated: Option<&[u8]>,
        latest: DateTime<Utc>,
    ) {
        let (Some(instant), Some(stated)) = (instant, stated) else {
            return;
        };
        if instant > latest {
            self.ahead += 1;
            return;
        }
        let newest = self.newest.as_ref().map(|(newest, _)| *newest);
        if newest.is_none_or(|newest| instant > newest) {
            self.newest = Some((instant, unquoted(stated).to_owned()));
        }
    }
}

fn instant(quoted: &[u8]) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(unquoted(quoted)).ok()?;
    Some(instant.to_utc())
}

fn unquoted(quoted: &[u8]) -> &str {
    let text = std::str::from_utf8(quoted).unwrap_or_default();
    text.trim_matches('"')
}

#[cfg(test)]
mod tests;
