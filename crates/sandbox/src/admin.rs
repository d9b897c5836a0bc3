//! `/_sandbox/…`: what tests ask and change while the sandbox runs; and the front page.

use chrono::{Months, TimeDelta};
use claimlake_contract::ApiVersion;
use hyper::Method;
use serde_json::{Value, json};

use crate::fault::FaultSpec;
use crate::http::{Reply, Request};
use crate::oauth::app::{AccessType, App, RedirectRule};
use crate::oauth::{pages, scope};
use crate::serve::records::Drift;
use crate::service::{Service, V3Gate};

/// `GET /`: what this server is and how to continue.
pub(crate) fn welcome(service: &Service, request: &Request) -> Reply {
    let app = service.state().ledger.apps[0].clone();
    pages::welcome(
        &request.origin(),
        &app.client_id,
        service.records.patients(),
    )
}

/// Answers an admin route; `rest` is the path after `/_sandbox`.
pub(crate) fn answer(service: &Service, rest: &str, request: &Request) -> Reply {
    let sent: Value = if request.body.is_empty() {
        Value::Null
    } else {
        match serde_json::from_slice(&request.body) {
            Ok(value) => value,
            Err(error) => return refuse(&format!("the body is not JSON: {error}")),
        }
    };
    let get = request.method == Method::GET;
    let result = match rest.trim_end_matches('/') {
        "/account" if get => account(service),
        "/truth" if get => truth(service, request),
        "/apps" if get => Ok(apps(service)),
        "/apps" => register(service, &sent),
        "/faults" if get => Ok(faults(service)),
        "/faults" => set_faults(service, &sent),
        "/clock" if get => Ok(json!({"now": service.now().to_rfc3339()})),
        "/clock" => move_clock(service, &sent),
        "/advance-week" if !get => {
            service.records.advance_week();
            Ok(json!({"done": true}))
        }
        "/drift" if !get => drift(service, &sent),
        "/grant" if !get => end_grant(service, &sent),
        "/patient-id" if !get => change_id(service, &sent),
        "/settings" if !get => settings(service, &sent),
        _ => {
            let known = "account, truth, apps, faults, clock, advance-week, drift, grant, patient-id, \
                         settings";
            return Reply::json(
                404,
                &json!({"error": format!("unknown admin route; known are {known}")}),
            );
        }
    };
    match result {
        Ok(body) => Reply::json(200, &body),
        Err(text) => refuse(&text),
    }
}

fn refuse(text: &str) -> Reply {
    Reply::json(400, &json!({"error": text}))
}

fn account(service: &Service) -> Result<Value, String> {
    let state = service.state();
    let mut account = state.account.clone();
    account.faults = state.faults.injected();
    serde_json::to_value(account).map_err(|error| error.to_string())
}

fn truth(service: &Service, request: &Request) -> Result<Value, String> {
    let api = api_of(request.query.get("api"))?;
    let patients: Vec<usize> = match request.query.get("login") {
        Some(login) => vec![find(service, login)?],
        None => (0..service.records.patients()).collect(),
    };
    let list: Vec<_> = patients
        .into_iter()
        .map(|patient| service.records.truth(patient, api))
        .collect();
    serde_json::to_value(list).map_err(|error| error.to_string())
}

fn find(service: &Service, login: &str) -> Result<usize, String> {
    service
        .records
        .find_login(login)
        .ok_or_else(|| "there is no such login".to_owned())
}

fn apps(service: &Service) -> Value {
    let state = service.state();
    state.ledger.apps.iter().map(shown).collect()
}

fn shown(app: &App) -> Value {
    json!({
        "name": app.name,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "data_access_type": app.access.as_str(),
        "active": app.active,
        "part_d_eob_only": app.part_d_only,
        "scopes": app.scopes,
        "redirect_uris": app.redirects.iter().map(|rule| match rule {
            RedirectRule::AnyLoopback => "http loopback, any port and path".to_owned(),
            RedirectRule::Exactly(uri) => uri.to_string(),
        }).collect::<Vec<_>>(),
    })
}

/// Registers an app, or changes the one whose `client_id` is given.
fn register(service: &Service, sent: &Value) -> Result<Value, String> {
    let mut state = service.state();
    let ledger = &mut state.ledger;
    let given = sent.get("client_id").and_then(Value::as_str);
    let index = match given.and_then(|client_id| ledger.app_by_id(client_id)) {
        Some(index) => index,
        None => {
            let app = App::new("app", AccessType::ThirteenMonth, &mut ledger.random);
            ledger.apps.push(app);
            ledger.apps.len() - 1
        }
    };
    let app = &mut ledger.apps[index];
    for (name, value) in sent.as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let list = || -> Vec<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        match name.as_str() {
            "name" => app.name = text.to_owned(),
            "client_id" => app.client_id = text.to_owned(),
            "client_secret" => app.client_secret = text.to_owned(),
            "active" => app.active = value.as_bool().unwrap_or(true),
            "part_d_eob_only" => app.part_d_only = value.as_bool().unwrap_or_default(),
            "client_credentials_only" => {
                app.credentials_only = value.as_bool().unwrap_or_default();
            }
            "require_demographic_scopes" => {
                if value.as_bool() == Some(false) {
                    app.scopes = scope::without_demographics(app.scopes.clone());
                }
            }
            "scopes" => app.scopes = list().into_iter().collect(),
            "data_access_type" => {
                app.access = AccessType::parse(text)
                    .ok_or("data_access_type is THIRTEEN_MONTH, ONE_TIME or RESEARCH_STUDY")?;
            }
            "redirect_uris" => {
                app.redirects = list()
                    .iter()
                    .map(|uri| uri.parse().map(RedirectRule::Exactly))
                    .collect::<Result<_, _>>()
                    .map_err(|error| format!("redirect_uris: {error}"))?;
            }
            _ => return Err(format!("an app has no setting '{name}'")),
        }
    }
    Ok(shown(app))
}

fn faults(service: &Service) -> Value {
    let state = service.state();
    let specs: Vec<String> = state.faults.specs().map(ToString::to_string).collect();
    json!({"faults": specs, "struck": state.faults.injected()})
}

fn set_faults(service: &Service, sent: &Value) -> Result<Value, String> {
    let list = sent.get("faults").unwrap_or(sent);
    let texts: Vec<&str> = match list {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => return Err("send a list of faults, such as [\"503:rate=0.1\"]".into()),
    };
    let specs = texts
        .into_iter()
        .map(|text| text.parse::<FaultSpec>().map_err(|error| error.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    service.state().faults.replace(specs);
    Ok(faults(service))
}

fn move_clock(service: &Service, sent: &Value) -> Result<Value, String> {
    let number = |name: &str| sent.get(name).and_then(Value::as_i64);
    let step = match (number("advance_seconds"), number("advance_months")) {
        (Some(seconds), None) => TimeDelta::try_seconds(seconds),
        (None, Some(months)) => {
            let now = service.now();
            u32::try_from(months)
                .ok()
                .and_then(|months| now.checked_add_months(Months::new(months)))
                .map(|then| then - now)
        }
        _ => None,
    };
    let step = step.ok_or("send advance_seconds or advance_months, a number")?;
    service.clock.advance(step);
    Ok(json!({"now": service.now().to_rfc3339()}))
}

fn drift(service: &Service, sent: &Value) -> Result<Value, String> {
    let (patient, api) = patient_and_api(service, sent)?;
    let drift = match text(sent, "kind") {
        Some("insert") => Drift::Insert,
        Some("delete") => Drift::Delete,
        _ => return Err("kind is insert or delete".into()),
    };
    service.records.drift(patient, api, drift);
    Ok(json!({"done": true}))
}

/// The patient gets another patient id; the refresh after the next one reports it.
fn change_id(service: &Service, sent: &Value) -> Result<Value, String> {
    let (patient, api) = patient_and_api(service, sent)?;
    service.records.change_id(patient, api);
    Ok(json!({"done": true}))
}

fn text<'a>(sent: &'a Value, name: &str) -> Option<&'a str> {
    sent.get(name).and_then(Value::as_str)
}

fn patient_and_api(service: &Service, sent: &Value) -> Result<(usize, ApiVersion), String> {
    let patient = find(service, text(sent, "login").unwrap_or_default())?;
    Ok((patient, api_of(text(sent, "api"))?))
}

fn api_of(text: Option<&str>) -> Result<ApiVersion, String> {
    let api = ApiVersion::of_server(text.unwrap_or("v2"));
    api.map_err(|error| format!("api: {error}"))
}

/// The patient stops sharing, or the grant ends now.
fn end_grant(service: &Service, sent: &Value) -> Result<Value, String> {
    let patient = find(service, text(sent, "login").unwrap_or_default())?;
    let now = service.now();
    let mut state = service.state();
    let ledger = &mut state.ledger;
    let mut keys: Vec<_> = ledger.grants.keys().copied().collect();
    keys.retain(|(_, owner)| *owner == patient);
    for key in &keys {
        match text(sent, "action") {
            Some("delete") => {
                ledger.grants.remove(key);
            }
            Some("expire") => {
                if let Some(grant) = ledger.grants.get_mut(key) {
                    grant.expires = Some(now);
                }
            }
            Some("expire-tokens") => {
                for access in ledger.access.values_mut() {
                    if access.permission.key() == *key {
                        access.expires = now;
                    }
                }
            }
            _ => return Err("action is delete, expire or expire-tokens".into()),
        }
    }
    Ok(json!({"grants": keys.len()}))
}

fn settings(service: &Service, sent: &Value) -> Result<Value, String> {
    let mut state = service.state();
    for (name, value) in sent.as_object().into_iter().flatten() {
        match name.as_str() {
            "v3" => {
                state.v3_gate = match value.as_str() {
                    Some("open") => V3Gate::Open,
                    Some("early-adopters") => V3Gate::EarlyAdopters,
                    Some("off") => V3Gate::Off,
                    _ => return Err("v3 is open, early-adopters or off".into()),
                };
            }
            "rate_limit" => {
                let (limit, window) = rate(value.as_str().unwrap_or_default())
                    .ok_or("rate_limit is a text such as 5/minute (second, minute, hour, day)")?;
                state.throttle.limit = limit;
                state.throttle.window = window;
            }
            _ => {
                return Err(format!(
                    "there is no setting '{name}'; known are v3, rate_limit"
                ));
            }
        }
    }
    Ok(json!({"done": true}))
}

fn rate(text: &str) -> Option<(u32, TimeDelta)> {
    let (limit, window) = text.split_once('/')?;
    let window = match window {
        "second" | "s" => TimeDelta::seconds(1),
        "minute" => TimeDelta::minutes(1),
        "hour" => TimeDelta::hours(1),
        "day" => TimeDelta::days(1),
        _ => return None,
    };
    Some((limit.parse().ok()?, window))
}
