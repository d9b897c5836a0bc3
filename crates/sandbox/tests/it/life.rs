//! What time and further consents do to codes, tokens and grants.

use chrono::TimeDelta;
use claimlake_contract::ApiVersion;
use serde_json::json;

use crate::client::{encode, get, get_as, parameter, post_form, post_json};
use crate::grant::{App, pair};
use crate::happy::{small, started};

const PAGE: &str = "/v2/fhir/ExplanationOfBenefit?_count=1";

/// An app of another kind, registered while the sandbox runs.
fn registered(base: &str, settings: &serde_json::Value) -> App {
    let app = post_json(base, "/_sandbox/apps", settings).json();
    App {
        base: base.to_owned(),
        id: app["client_id"].as_str().unwrap().to_owned(),
        secret: app["client_secret"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn a_code_lives_sixty_seconds_and_an_approval_ten_minutes() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let code = app.code(2, "BBUser00000", &[]);
    sandbox.advance_clock(TimeDelta::seconds(61));
    assert_eq!(
        app.exchange(2, &code).json(),
        json!({"error": "invalid_grant"})
    );
    let page = app.consent_page(2, "BBUser00000");
    assert_eq!(get(sandbox.url(), &page).status, 200);
    sandbox.advance_clock(TimeDelta::seconds(601));
    let late = get(sandbox.url(), &page);
    assert_eq!(late.status, 302);
    assert!(late.location().starts_with("/mymedicare/login?next="));
    let next = parameter(late.location(), "next").unwrap();
    let again = app.consent_page_of(&next, "BBUser00000");
    assert_eq!(get(sandbox.url(), &again).status, 200);
}

#[test]
fn a_grant_of_thirteen_months_ends_after_them_and_consent_renews_it() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let first = app.grant(2, "BBUser00000");
    let moved = post_json(
        sandbox.url(),
        "/_sandbox/clock",
        &json!({"advance_months": 12}),
    );
    assert_eq!(moved.status, 200);
    let second = pair(&app.refresh(2, &first.refresh));
    assert_eq!(
        second.body["access_grant_expiration"], first.body["access_grant_expiration"],
        "a refresh does not extend the grant"
    );
    post_json(
        sandbox.url(),
        "/_sandbox/clock",
        &json!({"advance_months": 2}),
    );
    let refused = app.refresh(2, &second.refresh);
    assert_eq!(refused.status, 401);
    let text = refused.json()["error_description"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(text.starts_with("User access has timed out."), "{text}");
    let third = app.grant(2, "BBUser00000");
    assert_eq!(get_as(sandbox.url(), PAGE, &third.access).status, 200);
    post_json(
        sandbox.url(),
        "/_sandbox/grant",
        &json!({"login": "BBUser00000", "action": "expire"}),
    );
    let over = get_as(sandbox.url(), PAGE, &third.access);
    assert_eq!(
        (over.status, over.header("www-authenticate")),
        (401, Some("Bearer realm=\"api\""))
    );
    assert!(over.text().contains("User access has timed out."));
}

#[test]
fn a_second_consent_kills_every_earlier_token_before_its_code_is_exchanged() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let first = app.grant(2, "BBUser00000");
    let other = app.grant(2, "BBUser00001");
    let code = app.code(2, "BBUser00000", &[]);
    assert_eq!(get_as(sandbox.url(), PAGE, &first.access).status, 401);
    let refused = app.refresh(2, &first.refresh);
    assert!(refused.text().contains("Refresh token not found."));
    assert_eq!(get_as(sandbox.url(), PAGE, &other.access).status, 200);
    assert_eq!(app.exchange(2, &code).status, 200);
}

#[test]
fn a_cancelled_consent_leaves_earlier_tokens_alone() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let first = app.grant(2, "BBUser00000");
    let page = app.consent_page(2, "BBUser00000");
    let answer = post_form(sandbox.url(), &page, &[]);
    assert_eq!(
        parameter(answer.location(), "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(parameter(answer.location(), "error_description"), None);
    assert_eq!(get_as(sandbox.url(), PAGE, &first.access).status, 200);
}

#[test]
fn one_time_apps_may_not_refresh_and_research_grants_have_no_end() {
    let sandbox = started(small());
    let one_time = registered(sandbox.url(), &json!({"data_access_type": "ONE_TIME"}));
    let grant = one_time.grant(2, "BBUser00000");
    let refused = one_time.refresh(2, &grant.refresh);
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (403, Some("invalid_client"))
    );
    let research = registered(
        sandbox.url(),
        &json!({"data_access_type": "RESEARCH_STUDY"}),
    );
    let grant = research.grant(2, "BBUser00000");
    assert_eq!(grant.body["access_grant_expiration"], "");
    post_json(
        sandbox.url(),
        "/_sandbox/clock",
        &json!({"advance_months": 40}),
    );
    assert_eq!(research.refresh(2, &grant.refresh).status, 200);
}

#[test]
fn trimmed_consent_shuts_out_patient_in_v2_and_claims_of_v2_after_v3() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let code = app.code(2, "BBUser00000", &[("share_demographic_scopes", "False")]);
    let trimmed = pair(&app.exchange(2, &code));
    let status = |target: &str, token: &str| get_as(sandbox.url(), target, token).status;
    assert_eq!(status("/v2/fhir/Patient", &trimmed.access), 403);
    assert_eq!(status("/v2/connect/userinfo", &trimmed.access), 403);
    assert_eq!(status(PAGE, &trimmed.access), 200);
    assert_eq!(status("/v2/fhir/Coverage", &trimmed.access), 200);
    let code = app.code(3, "BBUser00001", &[("share_samhsa_data", "False")]);
    let without = pair(&app.exchange(3, &code));
    assert_eq!(status(PAGE, &without.access), 403);
    assert_eq!(status("/v2/fhir/Coverage", &without.access), 200);
    let bundle = get_as(
        sandbox.url(),
        "/v3/fhir/ExplanationOfBenefit?_count=1",
        &without.access,
    );
    assert!(bundle.text().contains("_security%3Anot=42CFRPart2"));
}

#[test]
fn a_scope_letter_lets_through_search_or_read_only() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let id = sandbox.truth(ApiVersion::V3)[0].coverage_ids[0].clone();
    for (letter, search, read) in [("r", 403, 200), ("s", 200, 403)] {
        let mut query = app.authorize_query();
        query.retain(|(name, _)| *name != "scope");
        query.push(("scope", format!("patient/Coverage.{letter}")));
        let pairs: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let page = app.consent_page_of(
            &format!("/v3/o/authorize/?{}", encode(&pairs)),
            "BBUser00000",
        );
        let answer = post_form(sandbox.url(), &page, &[("allow", "Share")]);
        let code = parameter(answer.location(), "code").unwrap();
        let token = pair(&app.exchange(3, &code)).access;
        let status = |target: &str| get_as(sandbox.url(), target, &token).status;
        assert_eq!(status("/v3/fhir/Coverage"), search, "{letter}");
        assert_eq!(status(&format!("/v3/fhir/Coverage/{id}")), read, "{letter}");
    }
}

#[test]
fn an_inactive_app_is_refused_everywhere_with_its_name() {
    let sandbox = started(small());
    let app = registered(sandbox.url(), &json!({"name": "Sleeper"}));
    let grant = app.grant(2, "BBUser00000");
    post_json(
        sandbox.url(),
        "/_sandbox/apps",
        &json!({"client_id": app.id, "active": false}),
    );
    let claims = get_as(sandbox.url(), PAGE, &grant.access);
    assert_eq!(claims.status, 401);
    assert!(
        claims
            .text()
            .contains("This application, Sleeper, is temporarily inactive.")
    );
    assert_eq!(app.refresh(2, &grant.refresh).status, 403);
}

#[test]
fn v3_can_be_closed_to_everybody_or_to_those_not_on_a_list() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let grant = app.grant(3, "BBUser00000");
    let set = |gate: &str| {
        let answer = post_json(sandbox.url(), "/_sandbox/settings", &json!({"v3": gate}));
        assert_eq!(answer.status, 200);
        get_as(sandbox.url(), "/v3/fhir/Patient", &grant.access)
    };
    let listed = set("early-adopters");
    assert_eq!(listed.status, 403);
    assert!(
        listed
            .text()
            .contains("does not yet have access to v3 endpoints")
    );
    let off = set("off");
    assert_eq!(off.status, 404);
    assert!(off.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(set("open").status, 200);
}

#[test]
fn a_changed_patient_id_is_served_after_one_refresh_and_told_by_the_next() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let base = sandbox.url();
    let before = app.grant(2, "BBUser00000");
    let old = before.body["patient"].as_str().unwrap().to_owned();
    let planned = post_json(
        base,
        "/_sandbox/patient-id",
        &json!({"login": "BBUser00000", "api": "v2"}),
    );
    assert_eq!(planned.status, 200);
    let first = pair(&app.refresh(2, &before.refresh));
    assert_eq!(first.body["patient"], old.as_str(), "computed too early");
    let second = pair(&app.refresh(2, &first.refresh));
    let new = second.body["patient"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    let page = get_as(base, PAGE, &second.access).json();
    let reference = &page["entry"][0]["resource"]["patient"]["reference"];
    assert_eq!(*reference, format!("Patient/{new}"));
    let read = |id: &str| get_as(base, &format!("/v2/fhir/Patient/{id}"), &second.access);
    assert_eq!(read(&new).json()["id"], new.as_str());
    assert_eq!(read(&old).status, 404);
    let asked = format!("/v2/fhir/ExplanationOfBenefit?patient={old}");
    assert_eq!(get_as(base, &asked, &second.access).status, 403);
    let other_space = app.refresh(3, &second.refresh).json();
    assert_eq!(
        other_space["patient"],
        sandbox.truth(ApiVersion::V3)[0].patient.as_str()
    );
}
