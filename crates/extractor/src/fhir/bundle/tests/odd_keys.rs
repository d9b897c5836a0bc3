//! Whose a claim is, where its keys are escaped, twice or nearly another key.

use serde::Deserialize;

use super::{PageError, bundle, read};

#[derive(Deserialize)]
struct Case {
    case: String,
    line: String,
    #[serde(rename = "person")]
    owner: String,
}

#[test]
fn a_claim_is_the_patients_only_where_every_reading_of_its_keys_says_so() {
    let text = include_str!("../../../../../../fixtures/odd_keys.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert!(cases.len() > 20);
    for Case { case, line, owner } in cases {
        let found = read(&bundle(std::slice::from_ref(&line), ""));
        match owner.as_str() {
            "own" => {
                let page = found.unwrap_or_else(|error| panic!("{case}: {error:?}"));
                assert_eq!(page.entries.len(), 1, "{case}");
                assert!(page.entries[0].id.is_some(), "{case}");
            }
            "foreign" => assert_eq!(found, Err(PageError::Foreign), "{case}"),
            "no page" => assert!(
                matches!(found, Err(PageError::NotABundle(_))),
                "{case}: {found:?}"
            ),
            other => panic!("{case}: {other}"),
        }
    }
}

#[test]
fn keys_of_the_bundle_itself_are_read_as_what_they_say() {
    let claim =
        r#"{"resourceType":"ExplanationOfBenefit","id":"1","patient":{"reference":"Patient/-19"}}"#;
    let other = claim.replace("-19", "-20");
    let page = |entry: &str| {
        read(&format!(
            r#"{{"resourceType":"Bundle","ent\u0072y":[{entry}]}}"#
        ))
    };
    assert_eq!(
        page(&format!(r#"{{"re\u0073ource":{claim}}}"#))
            .unwrap()
            .entries
            .len(),
        1
    );
    // The first of two resources of an entry would be lost.
    for entry in [
        format!(r#"{{"resource":{claim},"re\u0073ource":{claim}}}"#),
        format!(r#"{{"resource":{claim},"resource":{claim}}}"#),
    ] {
        let found = page(&entry);
        assert!(matches!(found, Err(PageError::NotABundle(_))), "{found:?}");
    }
    let hidden = page(&format!(
        r#"{{"resource":{claim},"r\u0065source":{other}}}"#
    ));
    assert!(hidden.is_err());
}
