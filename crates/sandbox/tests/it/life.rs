//! What time, further consents and revocation do to codes, tokens and grants.

use chrono::TimeDelta;
use claimlake_contract::ApiVersion;
use serde_json::json;

use crate::app::{pair, small, started};
use crate::client::{encode, parameter, send};

const PAGE: &str = "/v2/fhir/ExplanationOfBenefit?_count=1";

#[test]
fn a_code_lives_sixty_seconds_and_an_approval_ten_minutes() {
    let (sandbox, app) = started(small());
    let code = app.code(2, "BBUser00000", &[]);
    sandbox.advance_clock(TimeDelta::seconds(61));
    let late = app.exchange(2, &code, &[]);
    assert_eq!(late.json(), json!({"error": "invalid_grant"}));
    let page = app.consent_page(2, "BBUser00000", &[]);
    assert_eq!(app.get(&page).status, 200);
    sandbox.advance_clock(TimeDelta::seconds(601));
    let late = app.get(&page);
    assert_eq!(late.status, 302);
    assert!(late.location().starts_with("/mymedicare/login?next="));
    let next = parameter(late.location(), "next").unwrap();
    let again = app.consent_page_of(&next, "BBUser00000");
    assert_eq!(app.get(&again).status, 200);
}

#[test]
fn a_grant_of_thirteen_months_ends_after_them_and_consent_renews_it() {
    let (_sandbox, app) = started(small());
    let first = app.grant(2, "BBUser00000");
    app.wait_months(12);
    let second = app.refreshed(2, &first.refresh);
    let ends = "access_grant_expiration";
    assert_eq!(
        second.body[ends], first.body[ends],
        "a refresh does not extend the grant"
    );
    app.wait_months(2);
    let refused = app.refresh(2, &second.refresh);
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("\"User access has timed out."));
    let third = app.grant(2, "BBUser00000");
    assert_eq!(app.status(&third.access, PAGE), 200);
    app.admin("grant", json!({"login": "BBUser00000", "action": "expire"}));
    let over = app.get_as(&third.access, PAGE);
    assert_eq!(over.status, 401);
    assert_eq!(
        over.header("www-authenticate"),
        Some("Bearer realm=\"api\"")
    );
    assert!(over.text().contains("User access has timed out."));
}

#[test]
fn a_second_consent_kills_every_earlier_token_before_its_code_is_exchanged() {
    let (_sandbox, app) = started(small());
    let first = app.grant(2, "BBUser00000");
    let other = app.grant(2, "BBUser00001");
    let code = app.code(2, "BBUser00000", &[]);
    assert_eq!(app.status(&first.access, PAGE), 401);
    let refused = app.refresh(2, &first.refresh);
    assert!(refused.text().contains("Refresh token not found."));
    assert_eq!(app.status(&other.access, PAGE), 200);
    assert_eq!(app.exchange(2, &code, &[]).status, 200);
}

#[test]
fn a_cancelled_consent_leaves_earlier_tokens_alone() {
    let (_sandbox, app) = started(small());
    let first = app.grant(2, "BBUser00000");
    let answer = app.post(&app.consent_page(2, "BBUser00000", &[]), &[]);
    assert_eq!(answer.sent("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.sent("error_description"), None);
    assert_eq!(app.status(&first.access, PAGE), 200);
}

#[test]
fn one_time_apps_may_not_refresh_and_research_grants_have_no_end() {
    let (_sandbox, app) = started(small());
    let one_time = app.registered(json!({"data_access_type": "ONE_TIME"}));
    let grant = one_time.grant(2, "BBUser00000");
    let refused = one_time.refresh(2, &grant.refresh);
    assert_eq!(
        (refused.status, refused.at("/error")),
        (403, "invalid_client".into())
    );
    let research = app.registered(json!({"data_access_type": "RESEARCH_STUDY"}));
    let grant = research.grant(2, "BBUser00000");
    assert_eq!(grant.body["access_grant_expiration"], "");
    app.wait_months(40);
    assert_eq!(research.refresh(2, &grant.refresh).status, 200);
}

#[test]
fn trimmed_consent_shuts_out_patient_in_v2_and_claims_of_v2_after_v3() {
    let (_sandbox, app) = started(small());
    let trimmed = app.granted(2, "BBUser00000", &[("share_demographic_scopes", "False")]);
    let without = app.granted(3, "BBUser00001", &[("share_samhsa_data", "False")]);
    for (token, target, status) in [
        (&trimmed, "/v2/fhir/Patient", 403),
        (&trimmed, "/v2/connect/userinfo", 403),
        (&trimmed, PAGE, 200),
        (&trimmed, "/v2/fhir/Coverage", 200),
        (&without, PAGE, 403),
        (&without, "/v2/fhir/Coverage", 200),
    ] {
        assert_eq!(app.status(&token.access, target), status, "{target}");
    }
    let bundle = app.get_as(&without.access, "/v3/fhir/ExplanationOfBenefit?_count=1");
    assert!(bundle.text().contains("_security%3Anot=42CFRPart2"));
}

#[test]
fn a_scope_letter_lets_through_search_or_read_only() {
    let (sandbox, app) = started(small());
    let id = &sandbox.truth(ApiVersion::V3)[0].coverage_ids[0];
    for (letter, search, read) in [("r", 403, 200), ("s", 200, 403)] {
        let scope = format!("patient/Coverage.{letter}");
        let page = app.consent_page(3, "BBUser00000", &[("scope", Some(&scope))]);
        let token = pair(&app.exchange(3, &app.allow(&page, &[]), &[])).access;
        assert_eq!(app.status(&token, "/v3/fhir/Coverage"), search, "{letter}");
        let target = format!("/v3/fhir/Coverage/{id}");
        assert_eq!(app.status(&token, &target), read, "{letter}");
    }
}

#[test]
fn an_inactive_app_is_refused_everywhere_with_its_name() {
    let (_sandbox, app) = started(small());
    let app = app.registered(json!({"name": "Sleeper"}));
    let grant = app.grant(2, "BBUser00000");
    app.admin("apps", json!({"client_id": app.id, "active": false}));
    let claims = app.get_as(&grant.access, PAGE);
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
    let (_sandbox, app) = started(small());
    let grant = app.grant(3, "BBUser00000");
    let set = |gate: &str| {
        app.admin("settings", json!({"v3": gate}));
        app.get_as(&grant.access, "/v3/fhir/Patient")
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
fn a_changed_patient_id_is_served_after_one_refresh_and_reported_by_the_next() {
    let (sandbox, app) = started(small());
    let before = app.grant(2, "BBUser00000");
    let old = before.body["patient"].as_str().unwrap();
    app.admin("patient-id", json!({"login": "BBUser00000", "api": "v2"}));
    let first = app.refreshed(2, &before.refresh);
    assert_eq!(first.body["patient"], old, "computed too early");
    let second = app.refreshed(2, &first.refresh);
    let new = second.body["patient"].as_str().unwrap();
    assert_ne!(new, old);
    let get = |target: String| app.get_as(&second.access, &target);
    let reference = get(PAGE.into()).at("/entry/0/resource/patient/reference");
    assert_eq!(reference, format!("Patient/{new}"));
    assert_eq!(get(format!("/v2/fhir/Patient/{new}")).at("/id"), new);
    assert_eq!(get(format!("/v2/fhir/Patient/{old}")).status, 404);
    assert_eq!(
        get(format!("/v2/fhir/ExplanationOfBenefit?patient={old}")).status,
        403
    );
    let other_space = app.refresh(3, &second.refresh).at("/patient");
    assert_eq!(other_space, sandbox.truth(ApiVersion::V3)[0].patient);
}

#[test]
fn basic_authentication_works_and_must_not_contradict_the_body() {
    use base64::Engine as _;
    let (_sandbox, app) = started(small());
    let refresh = app.grant(2, "BBUser00000").refresh;
    let credentials = format!("{}:{}", app.id, app.secret);
    let basic = base64::engine::general_purpose::STANDARD.encode(credentials);
    let basic = format!("Basic {basic}");
    let post = |form: &[(&str, &str)]| {
        let form_type = ("content-type", "application/x-www-form-urlencoded");
        let headers = [("authorization", &*basic), form_type];
        send(
            &app.base,
            "POST",
            "/v2/o/token/",
            &headers,
            encode(form).as_bytes(),
        )
        .unwrap()
    };
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*refresh),
    ];
    let refused = post(&[form[0], form[1], ("client_id", "somebody-else")]);
    assert_eq!(refused.status, 400);
    assert!(
        refused
            .text()
            .contains("different app in headers than in request data")
    );
    assert_eq!(post(&form).status, 200);
}

#[test]
fn revoking_has_the_quirks_of_the_real_endpoints() {
    let (sandbox, app) = started(small());
    let status = |token: &str| app.status(token, PAGE);
    let post =
        |route: &str, form: &[(&str, &str)]| app.post_own(&format!("/v2/o/{route}"), form).status;
    let hint = ("token_type_hint", "refresh_token");

    let one = app.grant(2, "BBUser00000");
    assert_eq!(post("revoke_token/", &[("token", &one.refresh)]), 200);
    assert_eq!(status(&one.access), 200, "without the hint nothing happens");
    assert_eq!(post("revoke_token", &[("token", &one.access)]), 301);
    assert_eq!(
        status(&one.access),
        200,
        "a redirected post revokes nothing"
    );
    assert_eq!(post("revoke_token/", &[("token", &one.access)]), 200);
    assert_eq!(status(&one.access), 401);
    let refused = app.refresh(2, &one.refresh);
    assert_eq!(refused.json(), json!({"error": "invalid_grant"}));

    let two = app.grant(2, "BBUser00000");
    assert_eq!(post("revoke_token/", &[("token", &two.refresh), hint]), 200);
    assert_eq!(status(&two.access), 401);

    let three = app.grant(2, "BBUser00000");
    assert_eq!(post("revoke/", &[("token", &three.refresh)]), 500);
    assert_eq!(post("revoke/", &[("token", "unknown")]), 500);
    assert_eq!(status(&three.access), 200);
    let wrong = [
        ("token", &*three.access),
        ("client_id", &app.id),
        ("client_secret", "x"),
    ];
    assert_eq!(app.post("/v2/o/revoke/", &wrong).status, 401);
    assert_eq!(status(&three.access), 401, "refused, yet the grant is gone");
    let refresh = app.refresh(2, &three.refresh);
    assert_eq!(refresh.status, 403);
    assert!(refresh.text().contains("User access cannot be found"));

    let four = app.grant(3, "BBUser00001");
    let expire = |id: &str| post(&format!("expire_authenticated_user/{id}/"), &[]);
    assert_eq!(
        expire(four.body["patient"].as_str().unwrap()),
        404,
        "v3's id in v2"
    );
    let v2_id = &sandbox.truth(ApiVersion::V2)[1].patient;
    assert_eq!([expire(v2_id), expire(v2_id)], [200, 404]);
    assert_eq!(status(&four.access), 401);
}
