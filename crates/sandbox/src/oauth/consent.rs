//! `/vN/o/authorize/<uuid>/`: the consent page, the patient's answer, and the automatic answer.

use crate::http::{Fields, Reply, Request, quote};
use crate::oauth::authorization_request::{AuthorizationRequest, check_late};
use crate::oauth::ledger::{PatientIndex, Permission};
use crate::oauth::refusal::message;
use crate::oauth::{pages, scope};
use crate::service::{Api, Service};
use crate::template::Values;

/// What the person ticked.
#[derive(Debug, Clone, Copy)]
struct Choice {
    share_demographics: bool,
    share_samhsa: bool,
}

/// Answers the consent page of an approval.
pub(crate) fn answer(service: &Service, api: Api, approval: &str, request: &Request) -> Reply {
    let now = service.now();
    let patient = service.state().ledger.approval(approval, now);
    let Some(patient) = patient else {
        let ledger = &service.state().ledger;
        let session = session_of(request);
        let is_logged_in = session.is_some_and(|session| ledger.session_is_valid(session, now));
        return if is_logged_in && !ledger.knows_approval(approval) {
            message(404, "Not found.")
        } else {
            back_to_login(request)
        };
    };
    let asked = match check_late(service, api, &request.query) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    if request.method != hyper::Method::POST {
        return consent_page(service, api, &asked, patient, &request.target());
    }
    let form = request.form();
    service.state().ledger.close_approval(approval);
    if form.filled("allow").is_none() {
        return denied(&asked);
    }
    let choice = Choice {
        share_demographics: form.get("share_demographic_scopes") != Some("False"),
        share_samhsa: !api.is_v3() || form.get("share_samhsa_data") == Some("True"),
    };
    grant(service, patient, asked, choice)
}

/// The answer without pages, as if the patient had consented at once.
pub(crate) fn automatic(service: &Service, api: Api, fields: &Fields) -> Reply {
    let asked = match check_late(service, api, fields) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let patients = service.records.patients();
    let patient = match fields.filled("login") {
        Some(login) => service.records.find_login(login),
        None => {
            let mut state = service.state();
            let patient = state.next_patient;
            state.next_patient = (patient + 1) % patients.max(1);
            (patients > 0).then_some(patient)
        }
    };
    let Some(patient) = patient else {
        return pages::beneficiary_not_found(Some(&asked.redirect_uri));
    };
    if fields.get("deny").is_some() {
        return denied(&asked);
    }
    let choice = Choice {
        share_demographics: fields.get("share_demographics") != Some("false"),
        share_samhsa: fields.get("share_samhsa") != Some("false"),
    };
    grant(service, patient, asked, choice)
}

/// The consent page, whose form is sent to `action`.
fn consent_page(
    service: &Service,
    api: Api,
    asked: &AuthorizationRequest,
    patient: PatientIndex,
    action: &str,
) -> Reply {
    let (given, family) = service.records.name(patient);
    let has = |mark: &str| asked.scopes.iter().any(|scope| scope.contains(mark));
    let mut values = Values::default();
    values.set("app", service.state().ledger.apps[asked.app].name.clone());
    values.set("given", given);
    values.set("family", family);
    values.set("login", service.records.login(patient));
    values.set("asks_claims", has("ExplanationOfBenefit"));
    values.set("asks_coverage", has("Coverage"));
    values.set("asks_patient", has("patient/Patient"));
    values.set("is_v3", api.is_v3());
    let is_optional = has("patient/Patient") || asked.scopes.contains("profile");
    values.set("asks_demographics", !api.is_v3() && is_optional);
    values.set("button", if api.is_v3() { "Share" } else { "Connect" });
    values.set("action", action.to_owned());
    let target = asked.redirect_uri.split(['?', '#']).next();
    values.set("target", target.unwrap_or_default().to_owned());
    pages::page(200, "pages/consent", "Share your data", values)
}

fn grant(
    service: &Service,
    patient: PatientIndex,
    asked: AuthorizationRequest,
    choice: Choice,
) -> Reply {
    let now = service.now();
    let shared = choice.share_demographics && service.records.shares_demographics(patient);
    let scopes = match shared {
        true => asked.scopes.clone(),
        false => scope::without_demographics(asked.scopes.clone()),
    };
    let login = service.records.login(patient);
    let mut state = service.state();
    if scopes.is_empty() {
        state.ledger.delete_grant((asked.app, patient));
        return denied(&asked);
    }
    state.account.patient(&login).consents += 1;
    let permission = Permission {
        app: asked.app,
        patient,
        scopes,
        include_samhsa: choice.share_samhsa || state.ledger.apps[asked.app].part_d_only,
    };
    let code = state
        .ledger
        .consent(permission, &asked.redirect_uri, &asked.challenge, now);
    to_app(&asked, ("code", code.as_str()))
}

fn denied(asked: &AuthorizationRequest) -> Reply {
    to_app(asked, ("error", "access_denied"))
}

fn to_app(asked: &AuthorizationRequest, pair: (&str, &str)) -> Reply {
    asked
        .answer(&[pair])
        .with("access-control-allow-origin", "*")
}

fn back_to_login(request: &Request) -> Reply {
    let next = quote(&request.target());
    Reply::redirect(302, &format!("/mymedicare/login?next={next}"))
}

fn session_of(request: &Request) -> Option<&str> {
    let mut cookies = request.header("cookie")?.split(';');
    cookies.find_map(|cookie| cookie.trim().strip_prefix("sessionid="))
}
