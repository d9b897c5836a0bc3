use claimlake_contract::ApiVersion;

use super::{Agreement, PassOutcome, read_pass};
use crate::fhir::test_server::{Change, Server};

const BOTH: [ApiVersion; 2] = [ApiVersion::V2, ApiVersion::V3];

async fn read(server: &Server) -> PassOutcome {
    read_pass(server, server.paging()).await.unwrap()
}

/// Reads a server of `count` resources that is right, and expects to find them.
async fn assert_all_are_read(server: &Server, count: u64) {
    let pass = read(server).await;
    let total = (server.api == ApiVersion::V2).then_some(count);
    assert_eq!(
        (
            pass.agreement,
            pass.total,
            pass.distinct,
            pass.is_suspicious
        ),
        (Agreement::Consistent, total, count, false),
        "{} {} {count}",
        server.api,
        server.page_size
    );
}

#[tokio::test]
async fn every_size_of_set_is_read_completely_in_whatever_order_its_pages_come() {
    for api in BOTH {
        for page_size in [1, 2, 5, 7, 50] {
            for count in 0..60 {
                for last_first in [false, true] {
                    let mut server = Server::new(api, count, page_size);
                    server.last_first = last_first;
                    assert_all_are_read(&server, count).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_next_link_to_its_own_page_neither_ends_a_set_early_nor_keeps_it_open() {
    for count in [0, 3, 5, 6, 9, 10, 23] {
        let mut server = Server::new(ApiVersion::V3, count, 5);
        server.next = Some(|offset, _| Some(Some(offset)));
        assert_all_are_read(&server, count).await;
    }
}

#[tokio::test]
async fn v2_asks_for_each_planned_page_once() {
    let server = Server::new(ApiVersion::V2, 120, 50);
    read(&server).await;
    let mut offsets = server.asked();
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 50, 100]);
}

#[tokio::test]
async fn v3_looks_ahead_in_windows_that_grow() {
    let server = Server::new(ApiVersion::V3, 500, 50);
    read(&server).await;
    let asked = server.asked().len();
    assert!((12..=16).contains(&asked), "{asked}");
}

/// Whatever changes between two pages shows, unless it changes nothing that was still to come.
#[tokio::test]
async fn a_set_that_moves_between_two_pages_never_passes_with_a_hole() {
    let changes = [
        [1, 6, 11, 16, 20].map(Change::Insert),
        [0, 5, 10, 15, 19].map(Change::Delete),
    ];
    for api in BOTH {
        for before in 1..8 {
            for change in changes.as_flattened() {
                let mut server = Server::new(api, 20, 5);
                server.change = Some((before, *change));
                let is_consistent = read(&server).await.agreement == Agreement::Consistent;
                assert!(
                    server.served_all() || !is_consistent,
                    "{api}, {change:?} before request {before}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_noticed_and_not_asked_forever() {
    let mut server = Server::new(ApiVersion::V3, 30, 5);
    server.ignores_offset = true;
    let agreement = read(&server).await.agreement;
    assert!(matches!(agreement, Agreement::Inconsistent(_)));
    assert!(server.asked().len() < 10);
}
