//! The first pair for a code, and who the person is.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, Secret};
use claimlake_vault::{NewGrant, PendingAuthorization, Stored, Vault};
use serde_json::Value;

use super::OauthError;
use super::answer::{TokenAnswer, read_error, read_tokens};
use super::classify::{Asked, Meaning, classify};
use super::endpoint::{Answer, Endpoint, Posted};

const BEGIN_AGAIN: &str = "begin again with authorize";

/// Exchanges a code and stores the grant. Only the holder of the token lock may call this.
pub(crate) async fn exchange_and_store(
    endpoint: &Endpoint,
    vault: &Vault,
    pending: &PendingAuthorization,
    code: &Secret,
    now: impl Fn() -> DateTime<Utc>,
) -> Result<Stored, OauthError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", pending.redirect_uri.as_str()),
        ("code_verifier", pending.code_verifier.expose()),
    ];
    let posted = endpoint
        .post(endpoint.app().token_url(pending.api), &form)
        .await;
    let mut tokens = read_exchange(posted, now())?;
    let mut grant = NewGrant {
        api: pending.api,
        patient: tokens.patient.take(),
        external_id: pending.external_id.clone(),
        scopes: tokens.scopes.clone().unwrap_or_default(),
        grant_expires_at: tokens.grant_expires_at,
        one_time: tokens.is_one_time(),
        tokens: tokens.tokens,
    };
    if grant.patient.is_none()
        && let Some(bearer) = &grant.tokens.access_token
    {
        grant.patient = ask_who(endpoint, pending.api, bearer).await;
    }
    if pending.again
        && let Some(patient) = &grant.patient
    {
        vault.consent_again(grant.api, patient)?;
    }
    Ok(vault.insert_or_renew(&grant)?)
}

fn read_exchange(posted: Posted, now: DateTime<Utc>) -> Result<TokenAnswer, OauthError> {
    let answer = match posted {
        Posted::Answer(answer) => answer,
        Posted::NotSent(reason) => {
            return Err(OauthError::Transient {
                reason: format!("exchanging the code: {reason}; {BEGIN_AGAIN}"),
            });
        }
        Posted::Lost(reason) => {
            return Err(OauthError::Transient {
                reason: format!(
                    "exchanging the code: {reason}; the code is used up, {BEGIN_AGAIN}"
                ),
            });
        }
    };
    if answer.status == 200
        && let Some(tokens) = read_tokens(&answer.body, now)
    {
        return Ok(tokens);
    }
    let (meaning, reason) = classify(Asked::Exchange, answer.status, &read_error(&answer.body));
    let words = format!(
        "exchanging the code (HTTP {}): {reason}; {BEGIN_AGAIN}",
        answer.status
    );
    Err(match meaning {
        Meaning::StopTheRun | Meaning::Refused => OauthError::Configuration { reason: words },
        Meaning::CodeRefused | Meaning::NeedsConsent | Meaning::Denied => {
            OauthError::Callback { reason: words }
        }
        Meaning::Later | Meaning::Unknown => OauthError::Transient { reason: words },
    })
}

/// Where the answer did not name the person: userinfo, then the search for the person's own
/// record. Neither need be allowed by the consent; the next refresh may still tell.
async fn ask_who(endpoint: &Endpoint, api: ApiVersion, bearer: &Secret) -> Option<PatientId> {
    if let Some(userinfo) = get_json(endpoint, endpoint.app().userinfo_url(api), bearer).await {
        for field in ["patient", "sub"] {
            if let Some(id) = userinfo[field].as_str().filter(|id| !id.is_empty()) {
                return Some(PatientId::new(id));
            }
        }
    }
    let search = get_json(endpoint, endpoint.app().patient_search_url(api), bearer).await?;
    let mut ids = search["entry"]
        .as_array()?
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == "Patient")
        .filter_map(|entry| entry["resource"]["id"].as_str());
    let id = ids.next()?;
    ids.next().is_none().then(|| PatientId::new(id))
}

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
