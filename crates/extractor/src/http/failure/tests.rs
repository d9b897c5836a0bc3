use std::time::Duration;

use claimlake_contract::ResourceType;

use super::{Reason, RequestName, Tries, all_of};

fn reason(causes: &[&str], seconds: u64) -> Reason {
    let resource = ResourceType::explanation_of_benefit();
    let name = RequestName {
        resource: &resource,
        part: None,
        offset: 50,
        page_size: 10,
    };
    let mut tries = Tries::default();
    causes.iter().for_each(|cause| tries.failed(*cause));
    tries.reason(name, Duration::from_secs(seconds), "")
}

#[test]
fn a_failure_names_the_request_the_causes_and_how_often_and_how_long_it_was_tried() {
    const GET: &str = "GET ExplanationOfBenefit from offset 50, 10 a page: ";
    for (causes, seconds, text, cause) in [
        (&["HTTP 500"][..], 3, "HTTP 500", "HTTP 500"),
        (
            &["HTTP 500"; 12],
            41,
            "HTTP 500, tried 12 times in 41 s",
            "HTTP 500",
        ),
        (
            &["reset", "HTTP 503", "reset"],
            2,
            "reset (twice), HTTP 503 (once), tried 3 times in 2.0 s",
            "HTTP 503, reset",
        ),
        (
            &["a", "b", "c", "d", "e", "a"],
            10,
            "a (twice), b (once), c (once), and 2 other causes, tried 6 times in 10 s",
            "a, b, c, and 2 other causes",
        ),
    ] {
        let found = reason(causes, seconds);
        assert_eq!(found.text, format!("{GET}{text}"));
        assert_eq!(found.cause, cause);
    }
}

#[test]
fn the_cause_is_the_same_whatever_the_order_and_the_counts() {
    let one = reason(&["reset", "HTTP 503", "HTTP 503"], 1);
    let other = reason(&["HTTP 503", "reset"], 30);
    assert_eq!(one.cause, other.cause);
    assert_ne!(one.text, other.text);
}

#[test]
fn many_reasons_are_bounded() {
    let reasons = (0..9).map(|one| Reason::from(format!("cause {one}")));
    let all = all_of(reasons.collect());
    assert_eq!(all.text, "cause 0; cause 1; cause 2; and 6 other requests");
    assert_eq!(all.cause, "cause 0, cause 1, cause 2, and 6 other causes");
}

#[test]
fn a_text_that_is_the_same_for_all_resource_types_is_said_once() {
    let token = || Reason::from("no access token: HTTP 200, text/html");
    for (reasons, text) in [
        (vec![token(), token(), token()], token().text),
        (
            vec![token(), Reason::from("over"), token(), token(), token()],
            format!("{}; over", token().text),
        ),
        // Requests are named one by one, also where they failed alike.
        (
            vec![reason(&["HTTP 500"], 1), Reason::from("HTTP 500")],
            "GET ExplanationOfBenefit from offset 50, 10 a page: HTTP 500; HTTP 500".to_owned(),
        ),
    ] {
        assert_eq!(all_of(reasons).text, text);
    }
}
