use std::collections::HashSet;
use std::sync::Mutex;

use claimlake_contract::ApiVersion;

use super::{Pages, PassOutcome, read_pass};
use crate::fhir::page::{NextLink, Paging, SeenPage};
use crate::http::fetch::FetchError;

/// A server whose set may change before a request.
struct Server {
    api: ApiVersion,
    page_size: u64,
    /// Of pages asked for together, the last answers first.
    last_first: bool,
    state: Mutex<State>,
}

struct State {
    ids: Vec<u64>,
    seen: HashSet<u64>,
    offsets: Vec<u64>,
    /// Before the request of this number, this happens.
    change: Option<(usize, Change)>,
    ignores_offset: bool,
    next_loops: bool,
}

#[derive(Clone, Copy)]
enum Change {
    Insert(u64),
    Delete(u64),
}

impl Server {
    fn new(api: ApiVersion, count: u64, page_size: u64) -> Self {
        Self {
            api,
            page_size,
            last_first: false,
            state: Mutex::new(State {
                ids: (0..count).map(|number| 10 * number).collect(),
                seen: HashSet::new(),
                offsets: Vec::new(),
                change: None,
                ignores_offset: false,
                next_loops: false,
            }),
        }
    }

    fn changing(self, before_request: usize, change: Change) -> Self {
        self.state.lock().unwrap().change = Some((before_request, change));
        self
    }

    fn offsets(&self) -> Vec<u64> {
        self.state.lock().unwrap().offsets.clone()
    }

    async fn read(&self) -> PassOutcome {
        let paging = Paging {
            api: self.api,
            page_size: self.page_size,
            is_paged: true,
        };
        read_pass(self, paging).await.unwrap()
    }
}

fn hash(id: u64) -> [u8; 16] {
    u128::from(id).to_be_bytes()
}

impl Pages for Server {
    async fn page(&self, offset: u64) -> Result<SeenPage, FetchError> {
        if self.last_first {
            for _ in offset..200 {
                tokio::task::yield_now().await;
            }
        }
        let mut state = self.state.lock().unwrap();
        if let Some((before, change)) = state.change
            && state.offsets.len() == before
        {
            match change {
                Change::Insert(id) => state.ids.push(id),
                Change::Delete(id) => state.ids.retain(|known| *known != id),
            }
            state.ids.sort_unstable();
            state.change = None;
        }
        state.offsets.push(offset);
        let offset = if state.ignores_offset { 0 } else { offset };
        let total = state.ids.len() as u64;
        if self.api == ApiVersion::V2 && offset >= total && total > 0 {
            return Ok(SeenPage {
                is_past_end: true,
                ..SeenPage::default()
            });
        }
        let begin = usize::try_from(offset.min(total)).unwrap();
        let end = usize::try_from((offset + self.page_size).min(total)).unwrap();
        let page: Vec<u64> = state.ids[begin..end].to_vec();
        state.seen.extend(page.iter().copied());
        let is_last = end as u64 == total;
        let next = !is_last || state.next_loops;
        Ok(SeenPage {
            ids: page.iter().map(|id| hash(*id)).collect(),
            repeated: 0,
            blank: 0,
            suspicious: 0,
            total: match (self.api, is_last) {
                (ApiVersion::V2, _) => Some(total),
                (ApiVersion::V3, true) => Some(page.len() as u64),
                (ApiVersion::V3, false) => None,
            },
            next: next.then_some(NextLink {
                offset: Some(if state.next_loops { offset } else { end as u64 }),
            }),
            is_past_end: false,
        })
    }
}

#[tokio::test]
async fn every_size_of_set_is_read_whole_on_both_versions() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        for page_size in [1, 2, 5, 50] {
            for count in 0..40 {
                let pass = Server::new(api, count, page_size).read().await;
                let total = (api == ApiVersion::V2).then_some(count);
                let distinct = count;
                let expected = PassOutcome::Consistent {
                    total,
                    distinct,
                    is_suspicious: false,
                };
                assert_eq!(pass, expected, "{api} {page_size} {count}");
            }
        }
    }
}

#[tokio::test]
async fn every_size_of_set_is_read_whole_in_whatever_order_its_pages_come() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        for page_size in [2, 5, 7] {
            for count in 0..60 {
                let mut server = Server::new(api, count, page_size);
                server.last_first = true;
                let total = (api == ApiVersion::V2).then_some(count);
                let distinct = count;
                let expected = PassOutcome::Consistent {
                    total,
                    distinct,
                    is_suspicious: false,
                };
                assert_eq!(server.read().await, expected, "{api} {page_size} {count}");
            }
        }
    }
}

#[tokio::test]
async fn v2_asks_for_each_planned_page_once() {
    let server = Server::new(ApiVersion::V2, 120, 50);
    server.read().await;
    let mut offsets = server.offsets();
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 50, 100]);
}

#[tokio::test]
async fn v3_looks_ahead_in_windows_that_grow() {
    let server = Server::new(ApiVersion::V3, 500, 50);
    server.read().await;
    let asked = server.offsets().len();
    assert!((12..=16).contains(&asked), "{asked}");
}

/// Whatever changes between two pages shows, unless it changes nothing that was still to come.
#[tokio::test]
async fn a_set_that_moves_between_two_pages_never_passes_with_a_hole() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        for before in 1..8 {
            for id in [5, 55, 105, 155, 195] {
                for change in [Change::Insert(id), Change::Delete(id - 5)] {
                    let server = Server::new(api, 20, 5).changing(before, change);
                    let pass = server.read().await;
                    let state = server.state.lock().unwrap();
                    let whole = state.ids.iter().all(|id| state.seen.contains(id));
                    let agreed = matches!(pass, PassOutcome::Consistent { .. });
                    assert!(
                        whole || !agreed,
                        "{api} before request {before}, around {id}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_next_link_that_leads_nowhere_neither_ends_a_set_early_nor_keeps_it_open() {
    for count in [0, 3, 5, 6, 9, 10, 23] {
        let server = Server::new(ApiVersion::V3, count, 5);
        server.state.lock().unwrap().next_loops = true;
        let expected = PassOutcome::Consistent {
            total: None,
            distinct: count,
            is_suspicious: false,
        };
        assert_eq!(server.read().await, expected, "{count}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_noticed_and_not_asked_forever() {
    let server = Server::new(ApiVersion::V3, 30, 5);
    server.state.lock().unwrap().ignores_offset = true;
    assert!(matches!(
        server.read().await,
        PassOutcome::Inconsistent { .. }
    ));
    assert!(server.offsets().len() < 10);
}
