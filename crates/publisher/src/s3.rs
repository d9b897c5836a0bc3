//! Access to S3 and to stores that speak its protocol: endpoint, region, credentials, HTTP.

mod shared_files;

use std::path::Path;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};

use crate::error::{PublishError, Result};
use crate::http::{Connector, is_loopback, retries};

/// The variables that AWS's own tools read and that may set something here. What would weaken the
/// connection or the conditional writes is not among them.
const VARIABLES: &[(&str, AmazonS3ConfigKey)] = &[
    ("AWS_DEFAULT_REGION", AmazonS3ConfigKey::DefaultRegion),
    ("AWS_REGION", AmazonS3ConfigKey::Region),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    (
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        AmazonS3ConfigKey::WebIdentityTokenFile,
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        AmazonS3ConfigKey::ContainerAuthorizationTokenFile,
    ),
    ("AWS_REQUEST_PAYER", AmazonS3ConfigKey::RequestPayer),
    (
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        AmazonS3ConfigKey::VirtualHostedStyleRequest,
    ),
];

/// Opens a bucket.
///
/// # Errors
/// [`PublishError::Setting`]: the endpoint is not one that claims may be sent to, credentials are
/// incomplete.
pub(crate) fn open(
    bucket: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    home: Option<&Path>,
) -> Result<AmazonS3> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let files = shared_files::read(&variable, home);
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
    for (name, key) in VARIABLES {
        if let Some(value) = variable(name) {
            builder = builder.with_config(*key, value);
        }
    }
    if variable("AWS_REGION")
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .is_none()
        && let Some(region) = &files.region
    {
        builder = builder.with_region(region);
    }
    builder = with_credentials(builder, &variable, &files)?;
    let endpoint = variable("AWS_ENDPOINT_URL_S3")
        .or_else(|| variable("AWS_ENDPOINT_URL"))
        .or(files.endpoint);
    let mut is_local = false;
    if let Some(endpoint) = endpoint {
        is_local = is_loopback("AWS_ENDPOINT_URL", &endpoint)?;
        let endpoint = endpoint.trim_end_matches('/');
        builder = builder.with_endpoint(endpoint).with_allow_http(is_local);
    }
    builder
        // Not every store that speaks the protocol removes many objects in one request.
        .with_disable_bulk_delete(true)
        .with_retry(retries())
        .with_http_connector(Connector::new(is_local)?)
        .build()
        .map_err(|_| {
            PublishError::Setting(
                "the settings of the store in the environment (AWS_…) cannot be used: see docs/publish.md"
                    .to_owned(),
            )
        })
}

fn with_credentials(
    builder: AmazonS3Builder,
    variable: &dyn Fn(&str) -> Option<String>,
    files: &shared_files::SharedFiles,
) -> Result<AmazonS3Builder> {
    let key = variable("AWS_ACCESS_KEY_ID");
    let secret = variable("AWS_SECRET_ACCESS_KEY");
    if key.is_some() != secret.is_some() {
        return Err(PublishError::Setting(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set both, or neither".to_owned(),
        ));
    }
    let (key, secret, token) = match (key, secret) {
        (Some(key), Some(secret)) => (key, secret, variable("AWS_SESSION_TOKEN")),
        _ => match &files.key {
            Some((key, secret)) => (key.clone(), secret.clone(), files.token.clone()),
            // The role of a container or a machine.
            None => return Ok(builder),
        },
    };
    let builder = builder
        .with_access_key_id(key)
        .with_secret_access_key(secret);
    Ok(match token {
        Some(token) => builder.with_token(token),
        None => builder,
    })
}

#[cfg(test)]
mod tests {
    use super::open;

    #[test]
    fn half_of_the_credentials_is_a_mistake() {
        let half = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "AKIDEXAMPLE".to_owned());
        let words = open("bucket", &half, None).unwrap_err().to_string();
        assert!(words.contains("set both"), "{words}");
    }
}
