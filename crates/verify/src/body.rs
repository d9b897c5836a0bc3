//! Bodies as the transform reads them: id, time and patient of a resource.

use std::sync::Arc;

use arrow_array::RecordBatch;
use claimlake_contract::{ApiVersion, ReferenceRecord};
use claimlake_viewdef::column::instant_micros;
use claimlake_viewdef::engine::{ResourcePlan, ResourceWorker};
use claimlake_viewdef::resolved_reference::ResolvedReference;

use crate::rank::Rank;
use crate::raw::{Name, Outline, Tree};

/// The context column with the patient of a resource.
pub(crate) const PATIENT_COLUMN: &str = "patient_id";

/// What a landed body contains about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) id: String,
    pub(crate) rank: Rank,
    /// Whether the pipeline leaves it out of all tables.
    pub(crate) dropped: bool,
    /// Its patient, if the pipeline needs it.
    pub(crate) patient: Option<String>,
}

/// Reads bodies of one resource type of one API as the transform does.
#[derive(Debug)]
pub(crate) struct BodyReader {
    /// `None` for a type that no view reads.
    pub(crate) worker: Option<ResourceWorker>,
    plan: Option<Arc<ResourcePlan>>,
    api: ApiVersion,
    outline: IdentityPaths,
    only_identity: Outline,
    tree: Tree,
}

/// The paths at which a resource identifies itself.
#[derive(Debug, Clone)]
pub(crate) struct IdentityPaths {
    id: Vec<Name>,
    last_updated: Vec<Name>,
}

impl IdentityPaths {
    /// Asks `outline` for id and `meta.lastUpdated`.
    pub(crate) fn new(outline: &mut Outline) -> Self {
        Self {
            id: outline.want(Outline::ROOT, &["id"]).1,
            last_updated: outline.want(Outline::ROOT, &["meta", "lastUpdated"]).1,
        }
    }

    /// The id and the rank of a body.
    pub(crate) fn of(&self, tree: &Tree, text: &[u8], order: u64) -> Option<(String, Rank)> {
        let string = |path| tree.string(tree.first(Tree::ROOT, path)?, text);
        let id = string(&self.id).filter(|id| !id.is_empty())?;
        let last_updated = string(&self.last_updated).and_then(|text| instant_micros(&text));
        Some((id.into_owned(), Rank::new(last_updated, order)))
    }
}

impl BodyReader {
    pub(crate) fn new(plan: Option<&Arc<ResourcePlan>>, api: ApiVersion) -> Self {
        let mut only_identity = Outline::new();
        Self {
            worker: plan.map(|plan| {
                ResourceWorker::new(
                    Arc::clone(plan),
                    vec![api.to_string()],
                    Some(PATIENT_COLUMN),
                )
            }),
            plan: plan.cloned(),
            api,
            outline: IdentityPaths::new(&mut only_identity),
            only_identity,
            tree: Tree::default(),
        }
    }

    /// How many rows the views make of this line alone, by table of the plan. `None` if the line is
    /// refused, or if no view reads its type.
    pub(crate) fn rows_of(
        &self,
        buffer: &[u8],
        (start, end): (usize, usize),
        order: u64,
    ) -> Option<Vec<u64>> {
        let plan = Arc::clone(self.plan.as_ref()?);
        let mut worker = ResourceWorker::new(plan, vec![self.api.to_string()], None);
        worker.read(buffer, start, end, order).ok()?;
        let rows = |batch: &Option<RecordBatch>| batch.as_ref().map_or(0, RecordBatch::num_rows);
        let batches = worker.finish().ok()?;
        Some(batches.iter().map(|batch| rows(batch) as u64).collect())
    }

    /// Reads the line at `start..end` of a padded buffer; its rows are then in the worker. None
    /// where it is refused.
    pub(crate) fn read(
        &mut self,
        buffer: &[u8],
        (start, end): (usize, usize),
        order: u64,
        references: &[ReferenceRecord],
    ) -> Option<Body> {
        let Some(worker) = &mut self.worker else {
            let text = buffer.get(start..end)?;
            self.tree.read(&self.only_identity, text)?;
            let (id, rank) = self.outline.of(&self.tree, text, order)?;
            return Some(Body {
                id,
                rank,
                dropped: false,
                patient: None,
            });
        };
        let resolved = resolved(references);
        let read = worker
            .read_resolved(buffer, (start, end), order, &resolved)
            .ok()?;
        Some(Body {
            id: read.id,
            rank: Rank::new(read.last_updated, order),
            dropped: read.dropped,
            patient: read.returned_value,
        })
    }
}

/// What references of a line were resolved to, as the views take it.
#[must_use]
pub fn resolved(references: &[ReferenceRecord]) -> Vec<ResolvedReference<'_>> {
    let resolved = references.iter().filter_map(ReferenceRecord::resolved);
    resolved
        .map(|(reference, resource, id)| ResolvedReference {
            reference,
            resource,
            id,
        })
        .collect()
}
