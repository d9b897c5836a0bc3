//! What servers say, right and wrong, and what is made of it: the table of `docs/completeness.md`.

mod table;

use claimlake_contract::ApiVersion;

use super::IncompleteReason;
use crate::fhir::page::Paging;
use crate::fhir::pages::{Agreement, PassOutcome, read_pass};
use crate::fhir::test_server::Server;
use table::{Row, TABLE};

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expect {
    /// Complete, with every resource that the server has.
    Complete,
    /// Incomplete, for this reason.
    Incomplete(&'static str),
}

const COUNTS_MORE: Expect = Expect::Incomplete("counts");
const LEADS_NOWHERE: Expect = Expect::Incomplete("says that there is more");
const NO_END: Expect = Expect::Incomplete("does not end: stopped");
const NOTHING_NEW: Expect = Expect::Incomplete("brought nothing new");
const SAME_PAGE: Expect = Expect::Incomplete("first page whatever");
const BLANK: Expect = Expect::Incomplete("without");
const HOLE: Expect = Expect::Incomplete("between others");
const DISAGREE: Expect = Expect::Incomplete("kept disagreeing");
const NO_FIRST_PAGE: Expect = Expect::Incomplete("refuses the first page");

/// How the passes ended, of which an extraction makes up to four.
#[derive(Debug)]
struct TestRead {
    /// Distinct resources, or why they are not all.
    outcome: Result<u64, IncompleteReason>,
    is_suspicious: bool,
    /// Of all passes together.
    requests: usize,
}

async fn read(server: &Server, paging: Paging) -> TestRead {
    let (mut before, mut passes) = (None, 0);
    loop {
        let found = read_pass(server, paging).await.unwrap();
        let pass: PassOutcome = found.after(before);
        passes += 1;
        if passes == 4 || !matches!(pass.agreement, Agreement::Inconsistent(_)) {
            return TestRead {
                outcome: pass.incomplete().map_or(Ok(pass.distinct), Err),
                is_suspicious: pass.is_suspicious,
                requests: server.asked().len(),
            };
        }
        before = Some(found);
    }
}

/// Reads the server of a row.
async fn read_row(row: &Row, api: ApiVersion) -> (TestRead, u64) {
    let mut server = Server::new(api, row.count, 50);
    (row.change)(&mut server);
    (read(&server, server.paging()).await, server.distinct())
}

#[tokio::test]
async fn every_row_of_the_table_of_what_servers_say() {
    let mut wrong = Vec::new();
    for row in TABLE {
        for (api, expected) in [(ApiVersion::V2, row.v2), (ApiVersion::V3, row.v3)] {
            let (ended, distinct) = read_row(row, api).await;
            let good = match (expected, &ended.outcome) {
                (Expect::Complete, Ok(found)) => *found == distinct,
                (Expect::Incomplete(text), Err(reason)) => reason.to_string().contains(text),
                _ => false,
            };
            if !good {
                wrong.push(format!("{api}, {}: {ended:?}", row.name));
            }
            // 50,000 resources take about 1,020 pages of 50.
            assert!(ended.requests <= 1_200, "{api}, {}: {ended:?}", row.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Complete readings in which a resource may yet be missing, so that they say of none that it has
/// gone: all rows that are named here, on v2 alone or on both.
#[tokio::test]
async fn suspicious_readings_are_known() {
    let (mut v2_alone, mut both) = (Vec::new(), Vec::new());
    for row in TABLE {
        let mut is_suspicious = Vec::new();
        for (api, expected) in [(ApiVersion::V2, row.v2), (ApiVersion::V3, row.v3)] {
            let (ended, _) = read_row(row, api).await;
            is_suspicious.push(expected == Expect::Complete && ended.is_suspicious);
        }
        match is_suspicious[..] {
            [true, true] => both.push(row.name),
            [true, false] => v2_alone.push(row.name),
            [false, false] => {}
            _ => panic!("{}", row.name),
        }
    }
    let came_twice_or_blank = [
        "every resource twice in a row",
        "one resource on two pages",
        "one resource twice on one page",
        "an entry without a resource, beside all that total counts",
        "every page repeats its first resource",
    ];
    assert_eq!(both, came_twice_or_blank);
    // v3 counts a page; a page that has only some of it is not complete there.
    let counts_another = [
        "total too small",
        "total of 0",
        "total of a page",
        "every page has entries without a resource beside its own",
    ];
    assert_eq!(v2_alone, counts_another);
}

#[tokio::test]
async fn a_server_that_is_right_is_asked_for_nothing_twice() {
    for (api, count, requests) in [
        (ApiVersion::V2, 0, 1),
        (ApiVersion::V2, 20, 1),
        (ApiVersion::V2, 50, 1),
        (ApiVersion::V2, 120, 3),
        (ApiVersion::V3, 0, 1),
        (ApiVersion::V3, 20, 1),
        // v3 counts pages: whether a full one is the last is asked.
        (ApiVersion::V3, 50, 2),
        (ApiVersion::V3, 120, 4),
    ] {
        let server = Server::new(api, count, 50);
        let ended = read(&server, server.paging()).await;
        assert_eq!(
            (ended.outcome, ended.requests),
            (Ok(count), requests),
            "{api} {count}"
        );
    }
}

/// v3 serves Patient and Coverage without pages, whatever is asked for.
#[tokio::test]
async fn searches_that_are_not_paged_are_one_page_of_any_size() {
    for count in [0, 1, 5, 7, 8, 30] {
        let mut server = Server::new(ApiVersion::V3, count, 7);
        server.served = Some(u64::MAX);
        server.ignores_offset = true;
        server.total = Some(|page, _| Some(page));
        let unpaged = Paging {
            is_paged: false,
            ..server.paging()
        };
        let ended = read(&server, unpaged).await;
        assert_eq!((ended.outcome, ended.requests), (Ok(count), 1), "{count}");
    }
}

#[tokio::test]
async fn an_endless_server_is_not_read_again() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        let server = Server::new(api, u64::MAX / 2, 50);
        let ended = read(&server, server.paging()).await;
        assert!(
            matches!(ended.outcome, Err(IncompleteReason::NoEnd { .. })),
            "{ended:?}"
        );
        assert!(ended.requests < 1_200, "{}", ended.requests);
    }
}

#[test]
fn reasons_hold_counts_and_nothing_else() {
    let reason = IncompleteReason::CountsMore {
        total: 130,
        found: 120,
    };
    assert_eq!(reason.to_string(), "the server counts 130 and serves 120");
    assert_eq!(
        IncompleteReason::Blank { entries: 1 }.to_string(),
        "1 entry came without its resource"
    );
}
