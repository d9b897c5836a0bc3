//! Reading all pages of a search.
//!
//! Which pages to ask for, and when it is enough, is decided by [`super::completeness`].

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::completeness::{Doubt, Paging, Seen, SeenPage, Step};
use crate::http::fetch::End;

/// Where pages come from.
pub(crate) trait Pages {
    /// The page at an offset.
    fn page(&self, offset: u64) -> impl Future<Output = Result<SeenPage, End>> + Send;
}

/// What one reading of all pages came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Every page was there, and all are of one set.
    Agreed {
        total: Option<u64>,
        distinct: u64,
        /// Whether what it did not find may yet be there, see [`Seen::is_odd`].
        is_odd: bool,
    },
    /// Something contradicts; the fingerprint is that of the resources found.
    Doubtful {
        doubt: Doubt,
        fingerprint: u128,
        distinct: u64,
        is_odd: bool,
    },
    /// Something contradicts, and reading again would not help.
    Hopeless(Doubt),
}

impl Round {
    /// What a reading comes to after the one before it: where both found the same and nothing but
    /// the order of pages was in doubt, nothing has moved.
    pub(crate) fn after(self, before: Option<Round>) -> Round {
        match self {
            Round::Doubtful {
                doubt,
                distinct,
                is_odd,
                ..
            } if before == Some(self) => match doubt.is_settled_by_a_second_reading() {
                true => Round::Agreed {
                    total: None,
                    distinct,
                    is_odd,
                },
                // Once more would find the same.
                false => Round::Hopeless(doubt),
            },
            _ => self,
        }
    }
}

/// Reads all pages once.
///
/// # Errors
/// How it ended for the person.
pub(crate) async fn read_once(pages: &impl Pages, paging: Paging) -> Result<Round, End> {
    let mut seen = Seen::new(paging);
    loop {
        let offsets = match seen.next_step() {
            Step::Ask(offsets) => offsets,
            Step::Complete { total } => {
                return Ok(Round::Agreed {
                    total,
                    distinct: seen.distinct(),
                    is_odd: seen.is_odd(),
                });
            }
            Step::Again(doubt) => {
                return Ok(Round::Doubtful {
                    doubt,
                    fingerprint: seen.fingerprint(),
                    distinct: seen.distinct(),
                    is_odd: seen.is_odd(),
                });
            }
            Step::Stop(doubt) => return Ok(Round::Hopeless(doubt)),
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
