use claimlake_contract::ResourceType;

use super::{OtherRelease, landed_not_r4, not_r4};

fn release(text: &str) -> Option<OtherRelease> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let resource: ResourceType = value["resourceType"].as_str().unwrap().parse().unwrap();
    not_r4(&resource, text.as_bytes()).map(|found| found.release)
}

#[test]
fn bodies_of_other_releases_are_named() {
    use OtherRelease::{Dstu2, R5, Stu3};
    let cases = [
        (
            Stu3,
            r#"{"resourceType":"ExplanationOfBenefit","id":"1","insurance":{"coverage":{}},"item":[{"sequence":1,"careTeamLinkId":[2],"service":{}}]}"#,
        ),
        // Without lines.
        (
            Stu3,
            r#"{"resourceType":"ExplanationOfBenefit","id":"1","insurance":{"coverage":{}},"totalCost":{"value":1},"outcome":{"coding":[]}}"#,
        ),
        // Institutional, with space between.
        (
            Stu3,
            "{ \"resourceType\" : \"ExplanationOfBenefit\",\n \"hospitalization\" : {\"start\":\"2014\"},\n \"information\" : [ {\"sequence\":1} ] }",
        ),
        // A drug claim.
        (
            Stu3,
            r#"{"resourceType":"ExplanationOfBenefit","subType":[{}],"item":[{"service":{"coding":[]},"detail":[{}]}]}"#,
        ),
        // Half converted: more of the one than of the other.
        (
            Stu3,
            r#"{"resourceType":"ExplanationOfBenefit","use":"claim","insurance":{},"totalCost":{},"item":[{"service":{}}]}"#,
        ),
        (
            Dstu2,
            r#"{"resourceType":"ExplanationOfBenefit","ruleset":{"code":"x"},"requestReference":{"reference":"Claim/1"}}"#,
        ),
        (
            R5,
            r#"{"resourceType":"ExplanationOfBenefit","use":"claim","outcome":"complete","insurance":[{}],"traceNumber":[{}],"item":[{"productOrService":{},"reviewOutcome":{}}]}"#,
        ),
        (
            R5,
            r#"{"resourceType":"ExplanationOfBenefit","event":[{}],"patientPaid":{"value":1}}"#,
        ),
        (
            Stu3,
            r#"{"resourceType":"Coverage","grouping":{"subGroup":"Medicare","subPlan":"Part A"}}"#,
        ),
        (
            Dstu2,
            r#"{"resourceType":"Coverage","issuer":{"reference":"Organization/1"},"plan":"B37FC"}"#,
        ),
        (
            R5,
            r#"{"resourceType":"Coverage","kind":"insurance","insurer":{},"class":[{"value":{"value":"x"}}]}"#,
        ),
        (
            Stu3,
            r#"{"resourceType":"Patient","animal":{"species":{}}}"#,
        ),
        (
            Dstu2,
            r#"{"resourceType":"Patient","name":[{"family":["A"]}],"careProvider":[{}]}"#,
        ),
    ];
    for (expected, text) in cases {
        assert_eq!(release(text), Some(expected), "{text}");
    }
}

#[test]
fn an_r4_body_with_one_thing_out_of_place_is_r4() {
    let cases = [
        r#"{"resourceType":"ExplanationOfBenefit"}"#,
        r#"{"resourceType":"ExplanationOfBenefit","status":"active","patient":{"reference":"Patient/p"},"item":[{"sequence":1}]}"#,
        r#"{"resourceType":"ExplanationOfBenefit","outcome":"complete","insurance":{"coverage":{}}}"#,
        r#"{"resourceType":"ExplanationOfBenefit","use":"claim","item":[{"service":{}}]}"#,
        r#"{"resourceType":"ExplanationOfBenefit","event":[{}]}"#,
        // One member, with what is in it.
        r#"{"resourceType":"Coverage","class":[{"value":"x"}],"payor":[{}],"grouping":{"group":"a","subGroup":"b","plan":"c"}}"#,
        r#"{"resourceType":"ExplanationOfBenefit","use":"claim","outcome":"complete","insurance":{},"information":[],"item":[{"productOrService":{}}]}"#,
        r#"{"resourceType":"ExplanationOfBenefit","item":[{"productOrService":{},"service":{}}],"insurance":[{}],"hospitalization":{}}"#,
        r#"{"resourceType":"ExplanationOfBenefit","use":"claim","insurance":[{}],"traceNumber":[{}]}"#,
        // Names that mean something only at their place.
        r#"{"resourceType":"ExplanationOfBenefit","contained":[{"resourceType":"Claim","insurance":{},"information":[]}],"item":[{"extension":[{"service":{},"careTeamLinkId":[1]}]}]}"#,
        r#"{"resourceType":"Coverage","class":[{"value":"x"}],"sequence":"1"}"#,
        r#"{"resourceType":"Coverage","order":1,"network":"n"}"#,
        r#"{"resourceType":"Patient","name":[{"family":["A"]}]}"#,
        r#"{"resourceType":"Patient","name":[{"family":"A"}],"generalPractitioner":[{}]}"#,
        r#"{"resourceType":"Claim","insurance":{},"information":[],"totalCost":{}}"#,
    ];
    for text in cases {
        assert_eq!(release(text), None, "{text}");
    }
}

/// R4 requires `use`, `outcome` and a list of `insurance` of every claim.
#[test]
fn one_sign_is_enough_where_nothing_is_of_r4() {
    let claim = |member: &str| {
        format!(r#"{{"resourceType":"ExplanationOfBenefit","id":"1","status":"active",{member}}}"#)
    };
    for member in [
        r#""item":[{"sequence":1,"service":{"coding":[{"code":"99213"}]}}]"#,
        r#""insurance":{"coverage":{}}"#,
        r#""information":[{"sequence":1}]"#,
        r#""hospitalization":{"start":"2014"}"#,
        r#""item":[{"sequence":1,"diagnosisLinkId":[1]}]"#,
        r#""subType":[{"text":"x"}]"#,
        r#""totalCost":{"value":1}"#,
        r#""outcome":{"coding":[]}"#,
    ] {
        let text = claim(member);
        assert_eq!(release(&text), Some(OtherRelease::Stu3), "{text}");
    }
    let text = claim(r#""ruleset":{"code":"x"}"#);
    assert_eq!(release(&text), Some(OtherRelease::Dstu2), "{text}");
    let coverage = r#"{"resourceType":"Coverage","id":"c","sequence":"1"}"#;
    assert_eq!(release(coverage), Some(OtherRelease::Stu3));
}

#[test]
fn what_has_landed_is_refused_for_dstu2_and_stu3_claims_alone() {
    let claims = ResourceType::explanation_of_benefit();
    let old = br#"{"resourceType":"ExplanationOfBenefit","insurance":{},"totalCost":{}}"#;
    assert!(landed_not_r4(&claims, old).is_some());
    let later = br#"{"resourceType":"ExplanationOfBenefit","event":[{}],"patientPaid":{}}"#;
    assert_eq!(landed_not_r4(&claims, later), None);
    assert!(not_r4(&claims, later).is_some());
}

#[test]
fn the_words_name_the_release_and_members_and_no_value() {
    let text = br#"{"resourceType":"ExplanationOfBenefit","insurance":{"coverage":{"reference":"Coverage/77"}},"totalCost":{"value":9},"hospitalization":{"start":"2014"},"information":[]}"#;
    let found = not_r4(&ResourceType::explanation_of_benefit(), text).unwrap();
    let words = found.to_string();
    assert!(words.contains("STU3 (R3)"), "{words}");
    assert!(
        words.contains("insurance, information, totalCost;"),
        "{words}"
    );
    assert!(!words.contains("77"), "{words}");
}

#[test]
fn no_real_body_is_taken_for_another_release() {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        // Past the capture of the test harness, so that it is seen.
        let words = b"SKIPPED: CLAIMLAKE_SHARED names no folder with real bodies\n";
        std::io::Write::write_all(&mut std::io::stderr(), words).unwrap();
        return;
    };
    let mut bodies = 0;
    for file in ["real_v2.ndjson", "real_v3.ndjson"] {
        let path = std::path::Path::new(&shared).join("data").join(file);
        for line in std::fs::read_to_string(path).unwrap().lines() {
            assert_eq!(release(line), None);
            bodies += 1;
        }
    }
    assert!(bodies > 30);
}
