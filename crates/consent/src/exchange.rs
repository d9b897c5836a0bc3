//! Exchanges an authorization code for the first token pair (RFC 6749, section 4.1.3, with the
//! verifier of RFC 7636, section 4.5), stores the grant, and finds out which patient it belongs to.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, Secret};
use claimlake_vault::{Forgotten, GrantChange, NewGrant, PendingAuthorization, Stored, Vault};
use serde_json::Value;

use super::ConsentError;
use super::answer::{TokenAnswer, read_error, read_tokens};
use super::classify::{Meaning, RequestKind, classify};
use super::endpoint::{Answer, Endpoint, Posted};
use super::vault_work::VaultWork;

const BEGIN_AGAIN: &str = "begin again with authorize";

/// Exchanges a code and stores the grant. Only the holder of the token lock may call this.
///
/// The tokens are stored durably before anything else is requested from the server: a code works
/// once, so they could not be obtained again. Which patient they belong to may be found out later,
/// in this call or in the next extraction.
pub(crate) async fn exchange_and_store(
    endpoint: &Endpoint,
    vault: &impl VaultWork,
    pending: &PendingAuthorization,
    state: &Secret,
    code: &Secret,
    now: impl Fn() -> DateTime<Utc>,
) -> Result<Stored, ConsentError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", pending.redirect_uri.as_str()),
        ("code_verifier", pending.code_verifier.expose()),
    ];
    let url = endpoint.app().token_url(pending.api);
    let request = endpoint.request_name("POST", &url);
    let posted = endpoint.post(url, &form).await;
    let mut tokens = read_exchange(posted, &request, now())?;
    let grant = NewGrant {
        api: pending.api,
        patient: tokens.patient.take(),
        external_id: pending.external_id.clone(),
        scopes: tokens.scopes.clone().unwrap_or_default(),
        grant_expires_at: tokens.grant_expires_at,
        one_time: tokens.is_one_time(),
        tokens: tokens.tokens,
    };
    let forgotten = match pending.again {
        true => Forgotten::TakenBack,
        false => Forgotten::Refused,
    };
    let is_named = grant.patient.is_some();
    let bearer = grant.tokens.access_token.clone();
    let for_state = state.clone();
    let stored = vault
        .with_vault(move |vault| {
            let stored = vault.store_consent(&grant, forgotten)?;
            note_finished(vault, &for_state, &stored);
            Ok(stored)
        })
        .await?;
    let (false, Some(bearer)) = (is_named, bearer) else {
        return Ok(stored);
    };
    let Some(patient) = ask_who(endpoint, pending.api, &bearer).await else {
        return Ok(stored);
    };
    let for_state = state.clone();
    let stored = vault
        .with_vault(move |vault| {
            let named = vault.name_patient(&stored.handle, &patient)?;
            // The patient was named a moment later: that is not a second change.
            let change = match named.change {
                GrantChange::Unchanged => stored.change,
                change => change,
            };
            let stored = Stored { change, ..named };
            note_finished(vault, &for_state, &stored);
            Ok(stored)
        })
        .await?;
    Ok(stored)
}

/// Records the result for a process that no longer waits for the answer. The consent is stored even
/// if this fails.
fn note_finished(vault: &Vault, state: &Secret, stored: &Stored) {
    if let Err(error) = vault.note_finished(state, stored) {
        tracing::warn!(error = %error, "what became of an authorization could not be noted");
    }
}

/// The tokens of an answer to a code (RFC 6749, section 4.1.4), or the error.
fn read_exchange(
    posted: Posted,
    request: &str,
    now: DateTime<Utc>,
) -> Result<TokenAnswer, ConsentError> {
    let answer = match posted {
        Posted::Answer(answer) => answer,
        Posted::NotSent(unreachable) => {
            let words = unreachable.words();
            return Err(ConsentError::Transient {
                reason: format!("exchanging the code: {request}: {words}; {BEGIN_AGAIN}"),
            });
        }
        Posted::Lost(reason) => {
            return Err(ConsentError::Transient {
                reason: format!(
                    "exchanging the code: {request}: {reason}; the code is used up, {BEGIN_AGAIN}"
                ),
            });
        }
    };
    if answer.status == 200
        && let Some(tokens) = read_tokens(&answer.body, now)
    {
        return Ok(tokens);
    }
    let error = read_error(&answer.body);
    let (meaning, reason) = match classify(RequestKind::Exchange, answer.status, &error) {
        (Meaning::Unknown, _) => (Meaning::Unknown, error.unreadable(answer.status)),
        found => found,
    };
    if reason == super::scopes::REFUSED {
        return Err(ConsentError::Configuration {
            reason: reason.into(),
        });
    }
    let words = format!(
        "exchanging the code: {request}: {}: {reason}; {BEGIN_AGAIN}",
        answer.head()
    );
    Err(match meaning {
        Meaning::StopTheRun | Meaning::Refused => ConsentError::Configuration { reason: words },
        Meaning::CodeRefused | Meaning::NeedsConsent | Meaning::Denied => {
            ConsentError::Callback { reason: words }
        }
        _ => ConsentError::Transient { reason: words },
    })
}

/// Asks which patient a token belongs to, if the answer with the token did not say so: first
/// userinfo, then each resource type. All of them may be refused, depending on the consent.
pub(super) async fn ask_who(
    endpoint: &Endpoint,
    api: ApiVersion,
    bearer: &Secret,
) -> Option<PatientId> {
    if let Some(userinfo) = get_json(endpoint, endpoint.app().userinfo_url(api), bearer).await {
        for field in ["patient", "sub"] {
            if let Some(id) = userinfo[field].as_str().filter(|id| !id.is_empty()) {
                return Some(PatientId::new(id));
            }
        }
    }
    for resource in ["Patient", "Coverage", "ExplanationOfBenefit"] {
        let url = endpoint.app().search_url(api, resource);
        let Some(bundle) = get_json(endpoint, url, bearer).await else {
            continue;
        };
        if let Some(patient) = the_patient(resource, &bundle) {
            return Some(patient);
        }
    }
    None
}

/// The patient of all resources on a page; `None` if they name none, or several.
fn the_patient(resource: &str, bundle: &Value) -> Option<PatientId> {
    let of = |entry: &Value| -> Option<String> {
        let found = &entry["resource"];
        let reference = match resource {
            "Patient" => return found["id"].as_str().map(str::to_owned),
            "Coverage" => found["beneficiary"]["reference"].as_str(),
            _ => found["patient"]["reference"].as_str(),
        };
        reference?.strip_prefix("Patient/").map(str::to_owned)
    };
    let entries = bundle["entry"].as_array()?;
    let mut ids = entries
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == resource)
        .map(of);
    let first = ids.next()??;
    ids.all(|id| id.as_ref() == Some(&first))
        .then(|| PatientId::new(first))
}

/// A response as JSON; `None` unless it is a 200.
async fn get_json(endpoint: &Endpoint, url: url::Url, bearer: &Secret) -> Option<Value> {
    match endpoint.get(url, Some(bearer)).await {
        Posted::Answer(Answer {
            status: 200, body, ..
        }) => serde_json::from_slice(&body).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
