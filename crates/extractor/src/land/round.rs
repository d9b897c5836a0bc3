//! One reading of one search: what was seen so far, and which frames it left.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, ResourceType};
use claimlake_landing::{KeptFrame, content_hash};
use claimlake_vault::Held;

use super::kind::Kinds;
use crate::fhir::bundle::{NextLink, Page, PageError, read_page};

/// Names one reading of one search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ReadId(pub(crate) u64);

/// Which of the resources that were read land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lands {
    /// All of them.
    Everything,
    /// Those that are not held already with the same content.
    Changes,
}

/// What a page held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageInfo {
    pub(crate) entries: u64,
    /// Those whose ids were not on an earlier page of this reading.
    pub(crate) fresh: u64,
    pub(crate) total: Option<u64>,
    pub(crate) next: Option<NextLink>,
    pub(crate) first: Option<[u8; 16]>,
    pub(crate) last: Option<[u8; 16]>,
}

#[derive(Debug, Default)]
pub(super) struct Round {
    /// Ids and contents.
    pub(super) seen: HashMap<[u8; 16], [u8; 16]>,
    pub(super) without_id: u64,
    pub(super) landed: u64,
    pub(super) pages: u64,
    pub(super) frames: Vec<KeptFrame>,
    pub(super) newest: Option<(DateTime<Utc>, String)>,
    /// Which kinds of claims came.
    pub(super) kinds: Kinds,
}

/// The lines of a page that land.
pub(super) struct Lines {
    pub(super) info: PageInfo,
    pub(super) text: Vec<u8>,
    pub(super) count: u64,
}

impl Round {
    /// Distinct resources seen.
    pub(super) fn served(&self) -> u64 {
        self.seen.len() as u64 + self.without_id
    }

    /// Reads a page of the search.
    pub(super) fn read(
        &mut self,
        body: &[u8],
        of: (ApiVersion, &ResourceType, &PatientId),
        held: Option<&Held>,
    ) -> Result<Lines, PageError> {
        let (api, resource, patient) = of;
        let page = read_page(body, resource, patient)?;
        self.pages += 1;
        let mut lines = Lines {
            info: info(body, &page),
            text: Vec::with_capacity(body.len()),
            count: 0,
        };
        for entry in &page.entries {
            let text = &body[entry.resource.clone()];
            let content = content_hash(api, text);
            self.kinds.add(Kinds::of(text));
            if let Some(range) = &entry.last_updated {
                self.note_newest(&body[range.clone()]);
            }
            let is_held = match &entry.id {
                None => {
                    self.without_id += 1;
                    false
                }
                Some(range) => {
                    let id = id_hash(&body[range.clone()]);
                    if self.seen.insert(id, content).is_some() {
                        continue;
                    }
                    held.and_then(|held| held.content(&id)) == Some(&content)
                }
            };
            lines.info.fresh += 1;
            if !is_held {
                push_line(&mut lines.text, text);
                lines.count += 1;
            }
        }
        self.landed += lines.count;
        Ok(lines)
    }

    fn note_newest(&mut self, quoted: &[u8]) {
        let text = std::str::from_utf8(quoted)
            .unwrap_or_default()
            .trim_matches('"');
        let Ok(instant) = DateTime::parse_from_rfc3339(text) else {
            return;
        };
        let instant = instant.to_utc();
        if self
            .newest
            .as_ref()
            .is_none_or(|(newest, _)| instant > *newest)
        {
            self.newest = Some((instant, text.to_owned()));
        }
    }
}

fn info(body: &[u8], page: &Page) -> PageInfo {
    let id = |entry: Option<&crate::fhir::bundle::Entry>| {
        let range = entry?.id.clone()?;
        Some(id_hash(&body[range]))
    };
    PageInfo {
        entries: page.entries.len() as u64,
        fresh: 0,
        total: page.total,
        next: page.next,
        first: id(page.entries.first()),
        last: id(page.entries.last()),
    }
}

/// The hash that stands for an id, as the JSON text of it, quotes included.
pub(crate) fn id_hash(quoted: &[u8]) -> [u8; 16] {
    claimlake_landing::id_hash(quoted).0
}

/// Appends one line; raw line breaks, which JSON has only between its tokens, become spaces.
fn push_line(lines: &mut Vec<u8>, text: &[u8]) {
    let start = lines.len();
    lines.extend_from_slice(text);
    if memchr::memchr2(b'\n', b'\r', text).is_some() {
        for byte in &mut lines[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    lines.push(b'\n');
}
