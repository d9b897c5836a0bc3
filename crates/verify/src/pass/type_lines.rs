//! The lines of one resource type: which bodies count, and what they make.

use std::num::NonZeroU64;

use claimlake_contract::{ApiVersion, ReferenceRecord};
use claimlake_fhir::{content_hash, landed_not_r4};
use claimlake_landing::{ChunkRef, Gone};

use super::found::Found;
use super::line::Line;
use crate::body::{Body, BodyReader};
use crate::gone;
use crate::landed::{GrantKey, Landed, ResourceKey};
use crate::made::Made;
use crate::periods::{Periods, WaitingBody};
use crate::planned::Planned;
use crate::rank::Content;
use crate::raw::Tree;

/// What a thread needs for the lines of one type.
pub(super) struct TypeLines<'t> {
    pub(super) landed: &'t Landed,
    pub(super) gone: &'t Gone,
    pub(super) planned: &'t Planned,
    pub(super) tree: &'t mut Tree,
    pub(super) reader: &'t mut BodyReader,
    pub(super) periods: &'t mut Periods,
    pub(super) found: &'t mut Found,
    pub(super) chunk: &'t ChunkRef,
}

impl TypeLines<'_> {
    /// Reads a body and, unless a newer one is known, makes its rows. Of a superseded body, periods may
    /// count.
    pub(super) fn examine(&mut self, line: &Line<'_>, made: &mut Made, patient: Option<GrantKey>) {
        let part = &self.chunk.part;
        let text = line.text();
        let is_readable = self.tree.read(&self.planned.outline, text).is_some();
        let content = content(part.api, text, line.references);
        if landed_not_r4(&part.resource, text).is_some() {
            // The transform refuses it: the resource has no rows, whatever came before.
            if let Some((id, rank)) = self.planned.identity.of(self.tree, text, line.order) {
                let key = ResourceKey::new(part.api, &part.resource, &id);
                self.landed.note_patient(patient, key);
                self.landed.add(key, rank, content);
                self.landed.leave_out(key, rank);
                if !self.is_gone(&id) {
                    self.periods.end(self.landed, &id, rank);
                }
            }
            return;
        }
        let mut is_superseded = false;
        if is_readable
            && let Some((id, rank)) = self.planned.identity.of(self.tree, text, line.order)
        {
            let key = ResourceKey::new(part.api, &part.resource, &id);
            is_superseded = self.landed.is_superseded(key, rank, content);
            if self.is_gone(&id) || (is_superseded && self.periods.is_empty()) {
                self.landed.note_patient(patient, key);
                return;
            }
        }
        let Some(body) = self.read(line) else {
            // It makes no rows, but it has landed.
            let key = crate::refused::key(part.api, &part.resource, text);
            self.landed.note_patient(patient, key);
            return;
        };
        let key = ResourceKey::new(part.api, &part.resource, &body.id);
        self.landed.note_patient(patient, key);
        if self.is_gone(&body.id) {
            return;
        }
        if body.dropped {
            self.periods.end(self.landed, &body.id, body.rank);
        } else {
            let waiting = WaitingBody {
                id: body.id.clone(),
                rank: body.rank,
                content,
                is_superseded,
            };
            self.periods.wait(line.order, waiting);
        }
        if is_superseded {
            return;
        }
        self.landed.add(key, body.rank, content);
        match body.dropped {
            true => self.landed.leave_out(key, body.rank),
            false => self.within(line, is_readable, &body, made),
        }
    }

    /// Whether a later run no longer found the resource.
    pub(super) fn is_gone(&self, id: &str) -> bool {
        gone::leaves_out(self.gone, &self.chunk.part, id)
    }

    /// Records only which patient a body belongs to.
    pub(super) fn note_patient(&mut self, line: &Line<'_>, patient: Option<GrantKey>) {
        if patient.is_none() {
            return;
        }
        let text = line.text();
        let part = &self.chunk.part;
        let is_readable = self.tree.read(&self.planned.outline, text).is_some();
        let identity = || self.planned.identity.of(self.tree, text, line.order);
        let key = match is_readable.then(identity).flatten() {
            Some((id, _)) => ResourceKey::new(part.api, &part.resource, &id),
            None => crate::refused::key(part.api, &part.resource, text),
        };
        self.landed.note_patient(patient, key);
    }

    /// Makes the rows of a body that was examined before; if `is_counted`, what is counted in it, too.
    pub(super) fn make_rows(&mut self, line: &Line<'_>, made: &mut Made, is_counted: bool) {
        if landed_not_r4(&self.chunk.part.resource, line.text()).is_some() {
            return;
        }
        let is_readable = self.tree.read(&self.planned.outline, line.text()).is_some();
        match self.read(line) {
            Some(body) if is_counted && !body.dropped => {
                self.within(line, is_readable, &body, made);
            }
            _ => {}
        }
    }

    pub(super) fn read(&mut self, line: &Line<'_>) -> Option<Body> {
        let (buffer, ends, references) = (line.buffer, line.ends, line.references);
        self.reader.read(buffer, ends, line.order, references)
    }
}

/// What distinguishes bodies of one time. On other versions than v2, bodies with the same content make the same rows.
fn content(api: ApiVersion, text: &[u8], references: &[ReferenceRecord]) -> Content {
    match api {
        ApiVersion::V2 => {
            let [_, _, _, _, _, _, _, _, low @ ..] = content_hash(api, text, references);
            Some(NonZeroU64::new(u64::from_be_bytes(low)).unwrap_or(NonZeroU64::MIN))
        }
        ApiVersion::V3 | ApiVersion::Carin => None,
    }
}
