//! Lists, files and single grants, against a sandbox and a broker process.

use chrono::{TimeDelta, Utc};
use claimlake_consent::TokenSource as _;
use claimlake_consent::grants::{
    ExportTo, GrantFilter, ImportReport, export, import, lend, list, revoke,
};
use claimlake_consent::{BrokerClient, ConsentError, Revoked};
use claimlake_contract::{ApiVersion, Secret};
use claimlake_sandbox::Sandbox;
use claimlake_vault::{AccessAction, Forgotten, GrantState, Vault};

use crate::world::{VAULT_KEY, broker, broker_has_ended, consented, empty_vault, sandbox};

fn everything() -> GrantFilter {
    GrantFilter::default()
}

/// Reads a grant file whose lines are of v3 where they do not say.
async fn read(vault: &Vault, client: &BrokerClient, file: &str) -> ImportReport {
    let input = file.as_bytes();
    let read = import(vault, client, input, ApiVersion::V3, Forgotten::Refused).await;
    read.unwrap()
}

#[tokio::test]
async fn what_one_vault_exports_another_imports_and_goes_on_with() {
    let sandbox = sandbox(3).await;
    let (old_data, new_data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = consented(&sandbox, &old_data).await;
    let text = export(&old, &everything(), &ExportTo::Plain, Utc::now()).unwrap();

    let new = empty_vault(&new_data);
    let client = broker(&sandbox, &new).await;
    let report = read(&new, &client, &text).await;
    let expected = ImportReport {
        inserted: 3,
        ..ImportReport::default()
    };
    assert_eq!(report, expected);
    let again = read(&new, &client, &text).await;
    assert_eq!(
        again,
        ImportReport {
            unchanged: 3,
            ..ImportReport::default()
        }
    );
    for grant in new.grants().unwrap() {
        assert_eq!(grant.api, ApiVersion::V2);
        lend(&new, &client, &grant.handle).await.unwrap();
    }
    // A file that is older than what the vault has done since brings no dead token back.
    let handle = new.grants().unwrap()[0].handle.clone();
    let present = new.grant(&handle).unwrap().generation;
    let rejected = claimlake_consent::AccessToken {
        secret: Secret::new("refused"),
        expires_at: Utc::now(),
        generation: present,
    };
    client.after_rejection(&handle, &rejected).await.unwrap();
    let late = read(&new, &client, &text).await;
    assert_eq!(late.unchanged, 3);
    assert_eq!(sandbox.account().refresh_tokens_reused(), 0);
    let actions: Vec<_> = new.access_log().lines().unwrap();
    let count = |action| actions.iter().filter(|line| line.action == action).count();
    assert_eq!(
        (count(AccessAction::Imported), count(AccessAction::Lent)),
        (3, 3)
    );
    assert_eq!(new.access_log().verify().unwrap().problem, None);
}

#[tokio::test]
async fn bad_lines_are_named_and_the_others_are_stored_without_anything_shown() {
    let sandbox = sandbox(1).await;
    let data = tempfile::tempdir().unwrap();
    let vault = empty_vault(&data);
    let client = broker(&sandbox, &vault).await;
    let file = concat!(
        "\u{feff}{\"patient\":\"-1\",\"api\":\"v2\",\"refresh_token\":\"token-1\"}\n",
        "{\"patient\":\"-2\",\"refresh_token\":\"token-2\"\n",
        "\n",
        "{\"patient\":\"-3\",\"refreshtoken\":\"token-3\"}\n",
        "{\"refresh_token\":\"token-4\"}\n",
        "{\"patient\":\"-5\",\"refresh_token\":\"token-5\",\"grant_expires_at\":\"soon-secret\"}\n",
        "{\"patient\":-6,\"refresh_token\":\"token-6\",\"scopes\":[\"b\",\"a\"],\"external_id\":\"m6\"}\n",
        "{\"patient\":\"-7\",\"refresh_token\":\"token-7\",\"api\":\"carin\"}",
    );
    let report = read(&vault, &client, file).await;
    assert_eq!(report.inserted, 2);
    let lines: Vec<u64> = report.bad_lines.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 8]);
    let words = format!("{report:?}");
    assert!(
        !words.contains("token-") && !words.contains("soon-secret"),
        "{words}"
    );
    assert!(words.contains("refreshtoken"), "a misspelt member is named");
    assert!(
        words.contains("api is carin, which has no server"),
        "{words}"
    );
    let shown = list(&vault, &everything(), Utc::now()).unwrap();
    let text = serde_json::to_string(&shown).unwrap();
    assert!(
        text.contains("\"-6\"") && text.contains("m6") && !text.contains("token-"),
        "{text}"
    );
    assert_eq!(
        shown
            .iter()
            .filter(|one| one.grant.api == ApiVersion::V3)
            .count(),
        1
    );
}

#[tokio::test]
async fn the_work_list_names_who_must_consent_and_whose_consent_ends_soon() {
    let sandbox = sandbox(3).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let grants = vault.grants().unwrap();
    vault
        .set_grant_state(&grants[1].handle, GrantState::NeedsConsent, Some("over"))
        .unwrap();
    let now = Utc::now();
    let all = list(&vault, &everything(), now).unwrap();
    assert_eq!(
        (all.len(), all[0].grant.handle.clone()),
        (3, grants[1].handle.clone())
    );
    assert_eq!((all[0].needs, all[1].needs), (Some("consent"), None));
    let filter = GrantFilter {
        states: vec![GrantState::NeedsConsent],
        ..everything()
    };
    assert_eq!(list(&vault, &filter, now).unwrap().len(), 1);
    let filter = GrantFilter {
        expires_within_days: Some(30),
        ..everything()
    };
    assert!(list(&vault, &filter, now).unwrap().is_empty());
    let in_a_year = now + TimeDelta::days(380);
    assert_eq!(list(&vault, &filter, in_a_year).unwrap().len(), 3);
}

#[tokio::test]
async fn a_revoked_grant_is_gone_there_and_here_and_revoking_it_again_says_so() {
    let sandbox = sandbox(2).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let client = broker(&sandbox, &vault).await;
    let grants = vault.grants().unwrap();
    let handle = &grants[0].handle;
    assert_eq!(
        revoke(&vault, &client, handle).await.unwrap(),
        Revoked::Verified
    );
    assert_eq!(vault.grant(handle).unwrap().state, GrantState::Revoked);
    assert!(vault.tokens(handle).unwrap().refresh_token.is_none());
    assert_eq!(
        revoke(&vault, &client, handle).await.unwrap(),
        Revoked::AlreadyGone
    );
    let error = lend(&vault, &client, handle).await.unwrap_err();
    assert!(
        matches!(error, ConsentError::NeedsConsent { .. }),
        "{error}"
    );
    lend(&vault, &client, &grants[1].handle).await.unwrap();
    let revoked: u64 = sandbox
        .account()
        .patients
        .values()
        .map(|person| person.revocations)
        .sum();
    assert_eq!(revoked, 1);
}

#[tokio::test]
async fn an_export_waits_for_the_broker_and_is_sealed_to_its_recipient() {
    let sandbox = sandbox(1).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let client = broker(&sandbox, &vault).await;
    drop(client);
    broker_has_ended(&data).await;
    let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let to = ExportTo::Recipient(key.parse().unwrap());
    let sealed = export(&vault, &everything(), &to, Utc::now()).unwrap();
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    let lines = vault.access_log().lines().unwrap();
    assert_eq!(lines.last().unwrap().action, AccessAction::Exported);
}

#[tokio::test]
async fn a_broker_of_another_server_is_waited_for() {
    let (one, other) = (sandbox(1).await, sandbox(1).await);
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&one, &data).await;
    let first = broker(&one, &vault).await;
    let second = broker(&other, &vault);
    tokio::pin!(second);
    let early = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(early, second.as_mut()).await.is_err());
    drop(first);
    second.await;
}

/// Every secret and patient id that is about, by a name that may be shown.
fn secrets(sandbox: &Sandbox, vault: &Vault) -> Vec<(&'static str, String)> {
    let mut secrets = vec![
        ("client secret", sandbox.client_secret().expose().to_owned()),
        ("vault key", VAULT_KEY.to_owned()),
    ];
    for grant in vault.grants().unwrap() {
        let tokens = vault.tokens(&grant.handle).unwrap();
        secrets.extend(
            tokens
                .access_token
                .map(|token| ("access token", token.expose().to_owned())),
        );
        secrets.extend(
            tokens
                .refresh_token
                .map(|token| ("refresh token", token.expose().to_owned())),
        );
        secrets.extend(
            grant
                .patient
                .map(|patient| ("patient", patient.expose().to_owned())),
        );
    }
    secrets
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn no_file_and_no_error_text_holds_a_secret_or_a_patient() {
    let sandbox = sandbox(6).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let before = secrets(&sandbox, &vault);
    let grants = vault.grants().unwrap();
    let mut words = String::new();
    for (grant, fault) in grants.iter().zip([
        "rotate-then-502:count=1",
        "503:only=token",
        "html:only=token",
        "rotate-then-drop:count=1",
    ]) {
        sandbox.set_faults(vec![fault.parse().unwrap()]);
        let rejected = claimlake_consent::AccessToken {
            secret: Secret::new("refused"),
            expires_at: Utc::now(),
            generation: grant.generation,
        };
        // A broker each, so that none waits for the failures of the one before.
        let client = broker(&sandbox, &vault).await;
        let error = client
            .after_rejection(&grant.handle, &rejected)
            .await
            .unwrap_err();
        words.push_str(&format!("{error} {error:?}\n"));
        drop(client);
        broker_has_ended(&data).await;
    }
    sandbox.set_faults(Vec::new());
    let client = broker(&sandbox, &vault).await;
    lend(&vault, &client, &grants[4].handle).await.unwrap();
    revoke(&vault, &client, &grants[5].handle).await.unwrap();
    words.push_str(&format!("{client:?} {vault:?} {grants:?}\n"));
    let mut all = secrets(&sandbox, &vault);
    all.extend(before);
    for (name, secret) in &all {
        assert!(!holds(words.as_bytes(), secret), "a {name} is shown");
    }
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let path = entry.unwrap().path();
        // The broker's socket is no file to be read.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        for (name, secret) in &all {
            assert!(
                !holds(&bytes, secret),
                "a {name} lies in {}",
                path.display()
            );
        }
    }
}

#[tokio::test]
async fn the_broker_leaves_no_core_file_and_lets_nobody_read_its_memory() {
    if !cfg!(target_os = "linux") {
        println!("SKIPPED: /proc is needed");
        return;
    }
    let sandbox = sandbox(1).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let client = broker(&sandbox, &vault).await;
    let pid = client.broker_pid().await.unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().filter(|word| *word == "0").count(),
        2,
        "{core}"
    );
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    for (name, secret) in secrets(&sandbox, &vault) {
        assert!(!holds(&arguments, &secret), "a {name} is an argument");
    }
}
