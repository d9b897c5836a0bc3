//! What needs no token: discovery, SMART configuration, CapabilityStatement.

use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::service::Api;

/// The openid-configuration; version 1 carries the URLs of version 2.
pub(crate) fn openid(api: Api, request: &Request) -> Reply {
    let (origin, version) = (request.origin(), api.0.max(2));
    Reply::json(
        200,
        &json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/v{version}/o/authorize"),
            "revocation_endpoint": format!("{origin}/v{version}/o/revoke_token"),
            "token_endpoint": format!("{origin}/v{version}/o/token"),
            "userinfo_endpoint": format!("{origin}/v{version}/connect/userinfo"),
            "ui_locales_supported": ["en-US"],
            "service_documentation": "https://bluebutton.cms.gov/developers",
            "op_tos_uri": "https://bluebutton.cms.gov/terms",
            "grant_types_supported": ["refresh_token", "authorization_code"],
            "response_types_supported": ["code", "token"],
            "fhir_metadata_uri": format!("{origin}/v{version}/fhir/metadata"),
        }),
    )
}

/// The SMART configuration.
pub(crate) fn smart(api: Api, request: &Request) -> Reply {
    let (origin, version) = (request.origin(), api.0.max(2));
    let mut scopes = vec![
        "openid".to_owned(),
        "profile".into(),
        "launch/patient".into(),
    ];
    for suffix in ["read", "rs"] {
        for resource in ["Patient", "ExplanationOfBenefit", "Coverage"] {
            scopes.push(format!("patient/{resource}.{suffix}"));
        }
    }
    let mut capabilities = vec![
        "client-confidential-symmetric",
        "context-standalone-patient",
        "launch-standalone",
        "permission-offline",
        "permission-patient",
        "permission-v1",
        "permission-v2",
        "authorize-post",
    ];
    let mut grant_types = vec!["authorization_code"];
    if api.is_v3() {
        capabilities.push("client-confidential-asymmetric");
        grant_types.push("client_credentials");
    }
    let mut body = json!({
        "authorization_endpoint": format!("{origin}/v{version}/o/authorize"),
        "revocation_endpoint": format!("{origin}/v{version}/o/revoke_token"),
        "token_endpoint": format!("{origin}/v{version}/o/token"),
        "grant_types_supported": grant_types,
        "response_types_supported": ["code", "token"],
        "scopes_supported": scopes,
        "code_challenge_methods_supported": ["S256"],
        "capabilities": capabilities,
    });
    if api.is_v3() {
        body["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
        body["token_endpoint_auth_signing_alg_values_supported"] =
            json!(["ES384", "RS256", "RS384", "RS512"]);
    }
    Reply::json(200, &body)
}

/// The CapabilityStatement.
pub(crate) fn metadata(api: Api, request: &Request) -> Reply {
    let (origin, version) = (request.origin(), api.0.max(2));
    let service = |code: &str, text: &str| {
        json!({
            "text": text,
            "coding": [{
                "system": "http://hl7.org/fhir/restful-security-service",
                "code": code,
                "display": code,
            }],
        })
    };
    let resources: Vec<Value> = ["Coverage", "ExplanationOfBenefit", "Patient"]
        .iter()
        .map(|resource| {
            json!({
                "type": resource,
                "interaction": [{"code": "read"}, {"code": "search-type"}],
            })
        })
        .collect();
    Reply::json(
        200,
        &json!({
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-08-20",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["application/json", "application/fhir+json"],
            "rest": [{
                "mode": "server",
                "security": {
                    "cors": true,
                    "service": [
                        service("OAuth", "OAuth"),
                        service(
                            "SMART-on-FHIR",
                            "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
                        ),
                    ],
                    "extension": [{
                        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                        "extension": [
                            {"url": "token", "valueUri": format!("{origin}/v{version}/o/token")},
                            {
                                "url": "authorize",
                                "valueUri": format!("{origin}/v{version}/o/authorize"),
                            },
                            {
                                "url": "revoke",
                                "valueUri": format!("{origin}/v{version}/o/revoke_token"),
                            },
                        ],
                    }],
                },
                "resource": resources,
            }],
        }),
    )
}
