//! Access to Azure storage: account, endpoint, credentials.

use object_store::azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};

use crate::error::{PublishError, Result};
use crate::http::{Connector, is_loopback, retries};

/// The variables that may set something here, by their usual names. What would weaken the connection
/// is not among them.
const VARIABLES: &[(&str, AzureConfigKey)] = &[
    ("AZURE_STORAGE_KEY", AzureConfigKey::AccessKey),
    ("AZURE_STORAGE_ACCOUNT_KEY", AzureConfigKey::AccessKey),
    ("AZURE_STORAGE_SAS_TOKEN", AzureConfigKey::SasKey),
    ("AZURE_STORAGE_TOKEN", AzureConfigKey::Token),
    ("AZURE_CLIENT_ID", AzureConfigKey::ClientId),
    ("AZURE_CLIENT_SECRET", AzureConfigKey::ClientSecret),
    ("AZURE_TENANT_ID", AzureConfigKey::AuthorityId),
    (
        "AZURE_FEDERATED_TOKEN_FILE",
        AzureConfigKey::FederatedTokenFile,
    ),
    ("IDENTITY_ENDPOINT", AzureConfigKey::MsiEndpoint),
];

/// The account of URLs that name none.
pub(crate) fn account(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let names = ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"];
    let mut values = names.into_iter().filter_map(variable);
    values.find(|value| !value.is_empty())
}

/// Opens a container.
///
/// # Errors
/// [`PublishError::Setting`]: a setting cannot be used, such as an endpoint that claims may not be
/// sent to.
pub(crate) fn open(
    account: &str,
    container: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<MicrosoftAzure> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container);
    for (name, key) in VARIABLES {
        if let Some(value) = variable(name) {
            builder = builder.with_config(*key, value);
        }
    }
    let mut is_local = false;
    if let Some(endpoint) = variable("AZURE_STORAGE_ENDPOINT") {
        is_local = is_loopback("AZURE_STORAGE_ENDPOINT", &endpoint)?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        builder = builder.with_endpoint(endpoint).with_allow_http(is_local);
    }
    builder
        .with_retry(retries())
        .with_http_connector(Connector::new(is_local)?)
        .build()
        .map_err(|_| {
            PublishError::Setting(
                "the settings of the store in the environment (AZURE_…) cannot be used: see \
                 docs/publish.md"
                    .to_owned(),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::{account, open};

    #[test]
    fn the_account_is_that_of_the_environment() {
        let one = |name: &str| (name == "AZURE_STORAGE_ACCOUNT_NAME").then(|| "claims".to_owned());
        assert_eq!(account(&one).as_deref(), Some("claims"));
        assert_eq!(account(&|_| Some(String::new())), None);
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_refused_without_its_value() {
        for (name, value) in [
            ("AZURE_STORAGE_ENDPOINT", "http://HIDDEN.example"),
            ("AZURE_STORAGE_KEY", "HIDDEN: no base64"),
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            let words = open("account", "files", &variable).unwrap_err().to_string();
            assert!(
                words.contains("AZURE_") && !words.contains("HIDDEN"),
                "{words}"
            );
        }
    }
}
