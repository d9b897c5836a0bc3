//! Reading all pages of a search.
//!
//! Which pages to ask for, and when it is enough, is decided by [`super::completeness`].

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::completeness::{IncompleteReason, Seen, Step};
use super::page::{Paging, SeenPage};
use crate::http::fetch::FetchError;

/// Where pages come from.
pub(crate) trait Pages {
    /// The page at an offset.
    fn page(&self, offset: u64) -> impl Future<Output = Result<SeenPage, FetchError>> + Send;
}

/// The result of reading all pages once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassOutcome {
    pub(crate) agreement: Agreement,
    /// The server's total, where every page was there and it is what was found.
    pub(crate) total: Option<u64>,
    /// Distinct resources.
    pub(crate) distinct: u64,
    /// A fingerprint of the resources found, see [`Seen::fingerprint`].
    fingerprint: u128,
    /// Whether what it did not find may yet be there, see [`Seen::is_suspicious`].
    pub(crate) is_suspicious: bool,
}

/// Whether the pages of a reading are of one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// Every page was received, and all belong to one unchanged result set.
    Consistent,
    /// Something contradicts: the search is to be read once more.
    Inconsistent(IncompleteReason),
    /// Something contradicts, and reading again would not help.
    Unsettled(IncompleteReason),
}

impl PassOutcome {
    fn of(seen: &Seen, agreement: Agreement, total: Option<u64>) -> Self {
        Self {
            agreement,
            total,
            distinct: seen.distinct(),
            fingerprint: seen.fingerprint(),
            is_suspicious: seen.is_suspicious(),
        }
    }

    /// What a reading comes to after the one before it: where both found the same and nothing but
    /// the order of pages was in doubt, nothing has moved.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        let agreement = match self.agreement {
            Agreement::Inconsistent(reason) if before == Some(self) => {
                match reason.is_settled_by_a_second_reading() {
                    true => Agreement::Consistent,
                    // Reading once more would find the same.
                    false => Agreement::Unsettled(reason),
                }
            }
            agreement => agreement,
        };
        Self { agreement, ..self }
    }

    /// Why the search is not known to be complete.
    pub(crate) fn incomplete(&self) -> Option<IncompleteReason> {
        match self.agreement {
            Agreement::Consistent => None,
            Agreement::Inconsistent(reason) | Agreement::Unsettled(reason) => Some(reason),
        }
    }
}

/// Reads all pages once.
///
/// # Errors
/// How it ended for the patient.
pub(crate) async fn read_pass(
    pages: &impl Pages,
    paging: Paging,
) -> Result<PassOutcome, FetchError> {
    let mut seen = Seen::new(paging);
    loop {
        let (agreement, total) = match seen.next_step() {
            Step::Ask(offsets) => {
                let mut under_way: FuturesUnordered<_> = offsets
                    .into_iter()
                    .map(|offset| async move { (offset, pages.page(offset).await) })
                    .collect();
                while let Some((offset, page)) = under_way.next().await {
                    seen.note(offset, page?);
                }
                continue;
            }
            Step::Complete { total } => (Agreement::Consistent, total),
            Step::Again(reason) => (Agreement::Inconsistent(reason), None),
            Step::Stop(reason) => (Agreement::Unsettled(reason), None),
        };
        return Ok(PassOutcome::of(&seen, agreement, total));
    }
}

#[cfg(test)]
mod tests;
