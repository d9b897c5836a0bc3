//! What becomes of each staged body that is the newest of its resource.

use crate::merge::resource_key::ResourceKey;

/// What becomes of a staged body that is the newest of its resource; others have no verdict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    /// Its landing order within the staged run.
    pub(crate) order: u64,
    pub(crate) resource: ResourceKey,
    /// Whether it is new or differs from what the lake holds.
    pub(crate) differs: bool,
    /// Whether it is current, by the rule of its table; none: no case of the rule fits.
    pub(crate) current: Option<bool>,
}

/// The verdicts of one staged run, by landing order.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(Vec<Verdict>);

impl Verdicts {
    pub(crate) fn new(mut verdicts: Vec<Verdict>) -> Self {
        verdicts.sort_unstable_by_key(|verdict| verdict.order);
        Self(verdicts)
    }

    pub(crate) fn find(&self, order: u64) -> Option<&Verdict> {
        let found = self.0.binary_search_by_key(&order, |verdict| verdict.order);
        found.ok().map(|index| &self.0[index])
    }

    /// Whether no body differs from what the lake holds.
    pub(crate) fn nothing_differs(&self) -> bool {
        self.0.iter().all(|verdict| !verdict.differs)
    }

    /// Notes whether the body with this landing order is current.
    pub(crate) fn set_current(&mut self, order: u64, current: Option<bool>) {
        let found = self.0.binary_search_by_key(&order, |verdict| verdict.order);
        if let Ok(index) = found {
            self.0[index].current = current;
        }
    }
}

/// Which bodies' rows a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// Those of new and changed resources: the lake has the others already.
    Differing,
    /// Those of all resources: the table is made anew.
    All,
}

impl Take {
    pub(crate) fn takes(self, verdict: &Verdict) -> bool {
        self == Take::All || verdict.differs
    }
}
