//! Readings of a made-up server, as an extraction makes them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::IncompleteReason;
use super::servers::Server;
use crate::fhir::page::{Paging, SeenPage};
use crate::fhir::pages::{Pages, PassOutcome, read_pass};
use crate::http::fetch::FetchError;

/// How the readings ended: distinct resources, or why they are not all.
#[derive(Debug)]
pub(super) struct TestRead {
    pub(super) outcome: Result<u64, IncompleteReason>,
    /// Whether what was not found may yet be there.
    pub(super) is_suspicious: bool,
    /// Of all readings together.
    pub(super) requests: u64,
}

struct Counted<'a> {
    server: &'a Server,
    requests: AtomicU64,
}

impl Pages for Counted<'_> {
    async fn page(&self, offset: u64) -> Result<SeenPage, FetchError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(self.server.page(offset))
    }
}

pub(super) async fn read(server: &Server, is_paged: bool) -> TestRead {
    let paging = Paging {
        api: server.api,
        page_size: server.page_size,
        is_paged,
    };
    let pages = Counted {
        server,
        requests: AtomicU64::new(0),
    };
    let (mut before, mut is_suspicious) = (None, false);
    let mut outcome = Err(IncompleteReason::Contradiction);
    for _ in 0..4 {
        let found = read_pass(&pages, paging).await.unwrap();
        match found.after(before) {
            PassOutcome::Consistent {
                distinct,
                is_suspicious: suspicious,
                ..
            } => {
                (outcome, is_suspicious) = (Ok(distinct), suspicious);
                break;
            }
            PassOutcome::Unsettled(doubt) => {
                outcome = Err(doubt);
                break;
            }
            PassOutcome::Inconsistent { doubt, .. } => outcome = Err(doubt),
        }
        before = Some(found);
    }
    TestRead {
        outcome,
        is_suspicious,
        requests: pages.requests.into_inner(),
    }
}
