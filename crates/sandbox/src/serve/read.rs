//! `GET /vN/fhir/{Type}/<id>`: one resource.

use claimlake_contract::ApiVersion;

use crate::fault::{FaultContext, FaultKind, Stage};
use crate::http::{Reply, Request};
use crate::reply_headers::VARY_REFUSED;
use crate::serve::gate::{self, Authorized};
use crate::serve::query::{backend_refusal, outcome};
use crate::serve::records::Kind;
use crate::service::{Api, Service};

/// Answers a read of a patient who may make it.
pub(crate) fn answer(
    service: &Service,
    api: Api,
    kind: Kind,
    id: &str,
    authorized: Authorized,
    request: &Request,
) -> Reply {
    let space = api.space();
    let patient = service.records.patient_id(authorized.patient, space);
    if kind == Kind::Patient && id != patient {
        return match space {
            ApiVersion::V2 => gate::not_found().with("vary", VARY_REFUSED),
            // v3 queries its backend, which looks among the resources of the token's own patient.
            ApiVersion::V3 | ApiVersion::Carin => unknown(kind, id),
        };
    }
    if let Err(refusal) = check_id(space, kind, id) {
        return refusal;
    }
    let now = service.now();
    let context = FaultContext::of(service, request, Some(authorized.patient));
    let injected = service.injected(Stage::Page, &context);
    if injected.contains(&FaultKind::Outcome) {
        return outcome(200, "the resource could not be read");
    }
    match service.records.read(space, kind, id, now) {
        Some((patient, body)) if patient == authorized.patient => {
            Reply::bytes(200, "application/json", vec![body])
        }
        Some(_) => gate::not_found(),
        None if space == ApiVersion::V3 => unknown(kind, id),
        None => gate::not_found(),
    }
}

fn unknown(kind: Kind, id: &str) -> Reply {
    let text = format!("Resource {}/{id} is not known", kind.as_str());
    outcome(404, &text)
}

fn check_id(space: ApiVersion, kind: Kind, id: &str) -> Result<(), Reply> {
    match (space, kind) {
        (ApiVersion::V2, Kind::ExplanationOfBenefit) if !is_v2_claim_id(id) => {
            let text = format!(
                "ExplanationOfBenefit ID pattern: '{id}' does not match expected pattern: \
                 {{alphaString}}-{{idNumber}}"
            );
            Err(backend_refusal(space, &text))
        }
        (ApiVersion::V3, Kind::ExplanationOfBenefit) if id.parse::<i64>().is_err() => {
            Err(outcome(400, "ID is not a valid number"))
        }
        (ApiVersion::V3, Kind::Coverage)
            if id.starts_with("part-c--") || id.starts_with("part-d--") =>
        {
            let text = "Coverage ID does not match the expected pattern";
            Err(outcome(400, text))
        }
        _ => Ok(()),
    }
}

fn is_v2_claim_id(id: &str) -> bool {
    id.split_once('-').is_some_and(|(word, number)| {
        let digits = number.strip_prefix('-').unwrap_or(number);
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit());
        !word.is_empty() && word.chars().all(char::is_alphabetic) && is_number
    })
}
