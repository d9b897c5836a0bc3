//! What the FHIR client and the probe report of servers with faulty TLS.

use std::path::Path;

use claimlake_consent::testing::{TLS_FAULTS, start};
use claimlake_contract::{ApiVersion, Secret};
use url::Url;

use super::client::Client;

#[tokio::test]
async fn what_servers_do_to_tls_is_named_by_the_client_and_the_probe() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tls");
    let secret = Secret::new("secret");
    for (meets, words, _) in TLS_FAULTS {
        let base = Url::parse(&start(&folder, *meets)).unwrap();
        let client = Client::new(&base, Default::default(), 1).unwrap();
        let search = base.join("/v2/fhir/Patient?patient=-1").unwrap();
        let by_client = client.get(search, &secret, &[]).await.unwrap_err();
        let by_client = by_client.to_string();
        assert!(by_client.contains(words), "{meets:?}: {by_client}");

        let probe = crate::probe_server(&base, ApiVersion::V2).await;
        assert_eq!(probe.broken, [by_client]);
    }
}
