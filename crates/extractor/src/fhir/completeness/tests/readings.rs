//! Readings of a made-up server, as an extraction makes them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{Doubt, Paging, SeenPage};
use super::servers::Server;
use crate::fhir::pages::{Pages, Round, read_once};
use crate::http::fetch::End;

/// How the readings ended: distinct resources, or why they are not all.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Result<u64, Doubt>,
    /// Whether what was not found may yet be there.
    pub(super) is_odd: bool,
    /// Of all readings together.
    pub(super) requests: u64,
}

struct Counted<'a> {
    server: &'a Server,
    requests: AtomicU64,
}

impl Pages for Counted<'_> {
    async fn page(&self, offset: u64) -> Result<SeenPage, End> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(self.server.page(offset))
    }
}

pub(super) async fn read(server: &Server, is_paged: bool) -> Ended {
    let paging = Paging {
        api: server.api,
        page_size: server.page_size,
        is_paged,
    };
    let pages = Counted {
        server,
        requests: AtomicU64::new(0),
    };
    let (mut before, mut is_odd) = (None, false);
    let mut outcome = Err(Doubt::Contradiction);
    for _ in 0..4 {
        let found = read_once(&pages, paging).await.unwrap();
        match found.after(before) {
            Round::Agreed {
                distinct,
                is_odd: odd,
                ..
            } => {
                (outcome, is_odd) = (Ok(distinct), odd);
                break;
            }
            Round::Hopeless(doubt) => {
                outcome = Err(doubt);
                break;
            }
            Round::Doubtful { doubt, .. } => outcome = Err(doubt),
        }
        before = Some(found);
    }
    Ended {
        outcome,
        is_odd,
        requests: pages.requests.into_inner(),
    }
}
