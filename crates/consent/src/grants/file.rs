//! The format of grant files: one JSON object per line, for `grants import` and `grants export`.
//!
//! `patient` and `refresh_token` are required. `access_token` is used only together with
//! `expires_at`; `grant_expires_at` says when the consent ends. Times are RFC 3339. A line without
//! `api` belongs to the API version of the command.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, Secret};
use claimlake_vault::{Grant, NewGrant, Scopes, TokenPair};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{instant, is_one_time};

/// The known members. Any other one is an error: a token under a misspelt name would be lost.
const MEMBERS: &[&str] = &[
    "patient",
    "api",
    "refresh_token",
    "access_token",
    "expires_at",
    "grant_expires_at",
    "scopes",
    "external_id",
];

/// A line as it is written.
#[derive(Serialize)]
pub(super) struct GrantRecord<'a> {
    patient: Option<&'a str>,
    api: ApiVersion,
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    grant_expires_at: Option<DateTime<Utc>>,
    scopes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
}

impl<'a> GrantRecord<'a> {
    /// A grant with its tokens in clear text; for the export only.
    pub(super) fn new(grant: &'a Grant, tokens: &'a TokenPair) -> Self {
        Self {
            patient: grant.patient.as_ref().map(PatientId::expose),
            api: grant.api,
            refresh_token: tokens.refresh_token.as_ref().map(Secret::expose),
            access_token: tokens.access_token.as_ref().map(Secret::expose),
            expires_at: tokens.access_expires_at,
            grant_expires_at: grant.grant_expires_at,
            scopes: grant.scopes.to_string(),
            external_id: grant.external_id.as_deref(),
        }
    }
}

/// Reads a line. `default_api` is used if it names no API version.
///
/// # Errors
///
/// What is wrong with the line, without any of its content.
pub(super) fn read_line(text: &str, default_api: ApiVersion) -> Result<NewGrant, String> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| format!("not JSON (column {})", error.column()))?;
    let Value::Object(mut members) = value else {
        return Err("not a JSON object".into());
    };
    if let Some(unknown) = members
        .keys()
        .find(|name| !MEMBERS.contains(&name.as_str()))
    {
        let known = MEMBERS.join(", ");
        // A name is shown only where it is one: a file of another kind may hold anything.
        let is_name =
            unknown.len() <= 24 && unknown.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let which = if is_name {
            format!(" '{unknown}'")
        } else {
            String::new()
        };
        return Err(format!("unknown member{which}, known are: {known}"));
    }
    let patient = take_text(&mut members, "patient")?
        .ok_or("no patient: the id of the token endpoint's answer belongs there")?;
    let refresh_token = take_text(&mut members, "refresh_token")?.ok_or("no refresh_token")?;
    let api = match take_text(&mut members, "api")? {
        Some(api) if api == ApiVersion::Carin.as_str() => {
            return Err(
                "api is carin, which has no server and no grants: such claims come from files, by import"
                    .to_owned(),
            );
        }
        Some(api) => {
            ApiVersion::of_server(&api).map_err(|_| "api is neither v2 nor v3".to_owned())?
        }
        None => default_api,
    };
    let access_expires_at = take_instant(&mut members, "expires_at")?;
    // Without its end, an access token is of no use: it may be over already.
    let access_token = take_text(&mut members, "access_token")?
        .map(Secret::new)
        .filter(|_| access_expires_at.is_some());
    let grant_expires_at = take_instant(&mut members, "grant_expires_at")?;
    Ok(NewGrant {
        api,
        patient: Some(PatientId::new(patient)),
        external_id: take_text(&mut members, "external_id")?,
        scopes: take_scopes(&mut members)?,
        grant_expires_at,
        one_time: is_one_time(grant_expires_at, access_expires_at),
        tokens: TokenPair {
            access_token,
            access_issued_at: None,
            access_expires_at,
            refresh_token: Some(Secret::new(refresh_token)),
        },
    })
}

/// Removes a member and returns it as text. Numbers are accepted, since ids often look like
/// numbers.
fn take_text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        }
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("{name} is not text")),
    }
}

/// Removes a member and returns it as a time, in one of the forms that the token endpoint uses.
fn take_instant(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<DateTime<Utc>>, String> {
    take_text(members, name)?
        .map(|text| instant(&text).ok_or(format!("{name} is not a time like 2027-12-23T17:01:45Z")))
        .transpose()
}

/// Removes the scopes: one text (RFC 6749, section 3.3) or a list.
fn take_scopes(members: &mut Map<String, Value>) -> Result<Scopes, String> {
    match members.remove("scopes") {
        None | Some(Value::Null) => Ok(Scopes::default()),
        Some(Value::String(text)) => Ok(Scopes::from(text.as_str())),
        Some(Value::Array(scopes)) => {
            let words: Option<Vec<&str>> = scopes.iter().map(Value::as_str).collect();
            words
                .map(|words| Scopes::from(words.join(" ").as_str()))
                .ok_or("scopes holds something that is not text".into())
        }
        Some(_) => Err("scopes is neither text nor a list".into()),
    }
}
