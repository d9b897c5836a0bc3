//! The rule tables of the token and revocation endpoints: what is sent, what comes back.

use serde_json::{Value, json};

use crate::client::{Answer, encode, get, get_as, post_form, post_json, send};
use crate::grant::{App, REDIRECT, VERIFIER, pair};
use crate::happy::{small, started};

/// What is changed in a good request, and the status and body it gets then.
type Case<'a> = (&'a [(&'a str, Option<&'a str>)], u16, Value);

fn token(app: &App, version: u8, changes: &[(&str, Option<&str>)], code: &str) -> Answer {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", app.id.as_str()),
        ("client_secret", app.secret.as_str()),
    ];
    for (name, value) in changes {
        pairs.retain(|(held, _)| held != name);
        if let Some(value) = value {
            pairs.push((name, value));
        }
    }
    post_form(&app.base, &format!("/v{version}/o/token/"), &pairs)
}

#[test]
fn the_token_endpoint_tells_its_refusals_apart_and_a_refused_code_stays_good() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let code = app.code(2, "BBUser00000", &[]);
    let described = |error: &str, text: &str| json!({"error": error, "error_description": text});
    let own = |status: u16, error: &str, text: &str| json!({"status_code": status, "error": error, "error_description": text});
    let wrong = "B".repeat(43);
    let unknown = "A".repeat(40);
    let cases: [Case; 10] = [
        (
            &[("code", Some("x"))],
            400,
            json!({"error": "invalid_grant"}),
        ),
        (
            &[("code_verifier", Some(&wrong))],
            400,
            json!({"error": "invalid_grant"}),
        ),
        (
            &[("code_verifier", None)],
            400,
            described("invalid_request", "Code verifier required."),
        ),
        (
            &[("redirect_uri", Some("http://127.0.0.1:9999/other"))],
            400,
            described("invalid_request", "Mismatching redirect URI."),
        ),
        (
            &[("code", None)],
            400,
            described("invalid_request", "Missing code parameter."),
        ),
        (
            &[("grant_type", None)],
            400,
            json!({"error": "unsupported_grant_type"}),
        ),
        (
            &[("grant_type", Some("password"))],
            400,
            described("invalid_request", "Request is missing username parameter."),
        ),
        (
            &[("client_secret", Some("wrong"))],
            401,
            json!({"error": "invalid_client"}),
        ),
        (
            &[("client_id", Some(&unknown))],
            400,
            own(
                400,
                "invalid_client",
                "Application does not exist (client_id)",
            ),
        ),
        (
            &[("client_id", None)],
            401,
            own(401, "invalid_client", "App id failed"),
        ),
    ];
    for (changes, status, body) in cases {
        let answer = token(&app, 2, changes, &code);
        assert_eq!(
            (answer.status, answer.json()),
            (status, body),
            "{changes:?}"
        );
    }
    let good = token(&app, 2, &[], &code);
    assert_eq!(good.header("cache-control"), Some("no-store"));
    assert_eq!(good.header("x-ratelimit-limit"), Some("None"));
    pair(&good);
    assert_eq!(
        token(&app, 2, &[], &code).json(),
        json!({"error": "invalid_grant"})
    );
    assert_eq!(get(sandbox.url(), "/v2/o/token/").status, 405);
    let posted = post_json(sandbox.url(), "/v2/o/token/", &json!({"grant_type": "x"}));
    assert_eq!(
        (posted.status, posted.json()["error_description"].as_str()),
        (401, Some("App id failed"))
    );
    let headers = [("authorization", "Bearer unknown")];
    let bearer = send(sandbox.url(), "POST", "/v2/o/token/", &headers, b"").unwrap();
    assert_eq!(
        (bearer.status, bearer.json()),
        (500, json!({"error": "Server Error (500)"}))
    );
}

#[test]
fn refusals_of_a_refresh_differ_between_the_versions() {
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let refused = |version: u8, form: &[(&str, &str)]| {
        let mut pairs = vec![
            ("grant_type", "refresh_token"),
            ("client_id", app.id.as_str()),
            ("client_secret", app.secret.as_str()),
        ];
        pairs.extend_from_slice(form);
        let answer = post_form(sandbox.url(), &format!("/v{version}/o/token"), &pairs);
        (answer.status, answer.json())
    };
    let own = |text: &str| json!({"status_code": 400, "error": "invalid_request", "error_description": text});
    let denied = json!({"status_code": 403, "message": "Request denied"});
    let unknown = [("refresh_token", "nobody-knows-it")];
    assert_eq!(refused(2, &unknown), (400, own("Refresh token not found.")));
    assert_eq!(refused(3, &unknown), (403, denied.clone()));
    assert_eq!(
        refused(2, &[]),
        (400, own("Missing refresh token parameter"))
    );
    assert_eq!(refused(3, &[]), (403, denied.clone()));
    let pair = app.grant(2, "BBUser00000");
    let wider = [
        ("refresh_token", pair.refresh.as_str()),
        ("scope", "launch/patient"),
    ];
    assert_eq!(refused(2, &wider), (400, json!({"error": "invalid_scope"})));
    let multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nrefresh_token\r\n\
         --b\r\nContent-Disposition: form-data; name=\"refresh_token\"\r\n\r\n{}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\n{}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"client_secret\"\r\n\r\n{}\r\n--b--\r\n",
        pair.refresh, app.id, app.secret
    );
    let headers = [("content-type", "multipart/form-data; boundary=b")];
    let send = |version: u8| {
        let target = format!("/v{version}/o/token/");
        send(
            sandbox.url(),
            "POST",
            &target,
            &headers,
            multipart.as_bytes(),
        )
        .unwrap()
    };
    let third = send(3);
    assert_eq!((third.status, third.json()), (403, denied));
    assert_eq!(send(2).status, 200);
}

#[test]
fn basic_authentication_works_and_must_not_contradict_the_body() {
    use base64::Engine as _;
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let pair = app.grant(2, "BBUser00000");
    let credentials = format!("{}:{}", app.id, app.secret);
    let basic = base64::engine::general_purpose::STANDARD.encode(credentials);
    let basic = format!("Basic {basic}");
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", pair.refresh.as_str()),
    ];
    let with_other = [form[0], form[1], ("client_id", "somebody-else")];
    let post = |form: &[(&str, &str)]| {
        send(
            sandbox.url(),
            "POST",
            "/v2/o/token/",
            &headers,
            encode(form).as_bytes(),
        )
        .unwrap()
    };
    let refused = post(&with_other);
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
    let sandbox = started(small());
    let app = App::of(&sandbox);
    let page = "/v2/fhir/ExplanationOfBenefit?_count=1";
    let status = |token: &str| get_as(sandbox.url(), page, token).status;
    let post = |route: &str, form: &[(&str, &str)]| {
        let mut pairs = vec![
            ("client_id", app.id.as_str()),
            ("client_secret", app.secret.as_str()),
        ];
        pairs.extend_from_slice(form);
        post_form(sandbox.url(), &format!("/v2/o/{route}"), &pairs).status
    };
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
    assert_eq!(
        app.refresh(2, &one.refresh).json(),
        json!({"error": "invalid_grant"})
    );

    let two = app.grant(2, "BBUser00000");
    assert_eq!(post("revoke_token/", &[("token", &two.refresh), hint]), 200);
    assert_eq!(status(&two.access), 401);

    let three = app.grant(2, "BBUser00000");
    assert_eq!(post("revoke/", &[("token", &three.refresh)]), 500);
    assert_eq!(post("revoke/", &[("token", "unknown")]), 500);
    assert_eq!(status(&three.access), 200);
    let wrong = [
        ("token", three.access.as_str()),
        ("client_id", &app.id),
        ("client_secret", "x"),
    ];
    assert_eq!(
        post_form(sandbox.url(), "/v2/o/revoke/", &wrong).status,
        401
    );
    assert_eq!(status(&three.access), 401, "refused, yet the grant is gone");
    let refresh = app.refresh(2, &three.refresh);
    assert_eq!(refresh.status, 403);
    assert!(refresh.text().contains("User access cannot be found"));

    let four = app.grant(3, "BBUser00001");
    let id = four.body["patient"].as_str().unwrap();
    assert_eq!(
        post(&format!("expire_authenticated_user/{id}/"), &[]),
        404,
        "v3's id in v2"
    );
    let v2_id = sandbox.truth(claimlake_contract::ApiVersion::V2)[1]
        .patient
        .clone();
    assert_eq!(
        post(&format!("expire_authenticated_user/{v2_id}/"), &[]),
        200
    );
    assert_eq!(
        post(&format!("expire_authenticated_user/{v2_id}/"), &[]),
        404
    );
    assert_eq!(status(&four.access), 401);
}
