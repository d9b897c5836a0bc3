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

/// What one reading of all pages came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassOutcome {
    /// Every page was there, and all are of one set.
    Consistent {
        total: Option<u64>,
        distinct: u64,
        /// Whether what it did not find may yet be there, see [`Seen::is_suspicious`].
        is_suspicious: bool,
    },
    /// Something contradicts; the fingerprint is that of the resources found.
    Inconsistent {
        doubt: IncompleteReason,
        fingerprint: u128,
        distinct: u64,
        is_suspicious: bool,
    },
    /// Something contradicts, and reading again would not help.
    Unsettled(IncompleteReason),
}

impl PassOutcome {
    /// What a reading comes to after the one before it: where both found the same and nothing but
    /// the order of pages was in doubt, nothing has moved.
    pub(crate) fn after(self, before: Option<PassOutcome>) -> PassOutcome {
        match self {
            PassOutcome::Inconsistent {
                doubt,
                distinct,
                is_suspicious,
                ..
            } if before == Some(self) => match doubt.is_settled_by_a_second_reading() {
                true => PassOutcome::Consistent {
                    total: None,
                    distinct,
                    is_suspicious,
                },
                // Once more would find the same.
                false => PassOutcome::Unsettled(doubt),
            },
            _ => self,
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
        let offsets = match seen.next_step() {
            Step::Ask(offsets) => offsets,
            Step::Complete { total } => {
                return Ok(PassOutcome::Consistent {
                    total,
                    distinct: seen.distinct(),
                    is_suspicious: seen.is_suspicious(),
                });
            }
            Step::Again(doubt) => {
                return Ok(PassOutcome::Inconsistent {
                    doubt,
                    fingerprint: seen.fingerprint(),
                    distinct: seen.distinct(),
                    is_suspicious: seen.is_suspicious(),
                });
            }
            Step::Stop(doubt) => return Ok(PassOutcome::Unsettled(doubt)),
        };
        let asked = offsets.into_iter();
        let mut under_way: FuturesUnordered<_> = asked
            .map(|offset| async move { (offset, pages.page(offset).await) })
            .collect();
        while let Some((offset, page)) = under_way.next().await {
            seen.note(offset, page?);
        }
    }
}

#[cfg(test)]
mod tests;
