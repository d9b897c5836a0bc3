//! Moving consents from v2 to v3, against a sandbox and a broker process that are killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use claimlake_consent::TokenSource as _;
use claimlake_consent::grants::{counts, migrate};
use claimlake_contract::splitmix64::SplitMix64;
use claimlake_contract::{ApiVersion, PatientId};
use claimlake_sandbox::Sandbox;
use claimlake_vault::{AccessAction, GrantState, Vault};

use crate::world::{VAULT_KEY, broker, broker_has_ended, consented, empty_vault, program, sandbox};

const V3: ApiVersion = ApiVersion::V3;

/// The id of each patient in both versions.
fn truth(sandbox: &Sandbox) -> Vec<(String, String)> {
    let of = |api| {
        sandbox
            .truth(api)
            .into_iter()
            .map(|patient| patient.patient)
    };
    of(ApiVersion::V2).zip(of(V3)).collect()
}

/// Every grant is at v3 with both of its ids, and its tokens are the server's present ones.
async fn expect_all_moved(sandbox: &Sandbox, vault: &Vault) {
    let truth = truth(sandbox);
    let grants = vault.grants().unwrap();
    assert_eq!(grants.len(), truth.len());
    for (v2, v3) in truth {
        let grant = vault.by_patient(V3, &PatientId::new(&v3)).unwrap().unwrap();
        assert_eq!(grant.earlier, Some((ApiVersion::V2, PatientId::new(&v2))));
        assert_eq!((grant.api, grant.state), (V3, GrantState::Active));
    }
    assert!(vault.open_refreshes().unwrap().is_empty());
    let client = broker(sandbox, vault).await;
    for grant in grants {
        let token = client.access_token(&grant.handle).await.unwrap();
        client.after_rejection(&grant.handle, &token).await.unwrap();
    }
    let account = sandbox.account();
    assert_eq!(account.refresh_tokens_reused(), 0);
}

fn process(sandbox: &Sandbox, data: &tempfile::TempDir) -> Command {
    let mut command = Command::new(program());
    command
        .args([
            "migrate",
            data.path().to_str().unwrap(),
            sandbox.url(),
            sandbox.client_id(),
        ])
        .env("TEST_CLIENT_SECRET", sandbox.client_secret().expose())
        .env("TEST_VAULT_KEY", VAULT_KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn signal(name: &str, pid: &str) {
    let sent = Command::new("kill").args([name, pid]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_consents_survive_kills_of_the_command_and_the_broker_and_a_denial() {
    let sandbox = sandbox(500).await;
    let data = tempfile::tempdir().unwrap();
    drop(consented(&sandbox, &data).await);
    let mut random = SplitMix64::new(21);
    let mut denied = 0;
    for round in 0.. {
        assert!(round < 100, "it does not end");
        if round == 4 {
            sandbox.set_faults(vec!["deny-refresh:count=1".parse().unwrap()]);
        }
        let mut child = process(&sandbox, &data).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let pid = first.strip_prefix("broker ").unwrap().to_owned();
        let before = 1 + random.below(100);
        let mut moved = 0;
        let mut last = None;
        for line in lines {
            let Ok(line) = line else { break };
            if line != "moved" {
                last = Some(line);
                break;
            }
            moved += 1;
            let command = child.id().to_string();
            match round % 3 {
                // The command alone, both, or the broker and later the command: another broker follows.
                0 if moved == before => signal("-KILL", &command),
                1 if moved == before => {
                    signal("-KILL", &command);
                    signal("-TERM", &pid);
                }
                2 if moved == before => signal("-TERM", &pid),
                2 if moved == 2 * before => signal("-KILL", &command),
                _ => {}
            }
        }
        child.wait().unwrap();
        broker_has_ended(&data).await;
        match last.as_deref() {
            Some("refused 0 ended 0 left 0") => break,
            // A command whose broker ends may give up before another one answers.
            Some(said) if said.starts_with("refused 0 ended 0 ") => {}
            Some(said) if said.starts_with("refused 1 ended 0 ") => denied += 1,
            Some(other) => panic!("{other}"),
            None => {}
        }
    }
    assert_eq!(denied, 1, "one denial, and another run goes on");
    let vault = empty_vault(&data);
    expect_all_moved(&sandbox, &vault).await;
}

#[tokio::test]
async fn the_first_denial_ends_it_and_the_grant_goes_on_where_it_was() {
    let sandbox = sandbox(3).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let client = broker(&sandbox, &vault).await;
    sandbox.set_faults(vec!["deny-refresh".parse().unwrap()]);
    let report = migrate(&vault, &client, V3, 3, || ()).await.unwrap();
    assert_eq!(
        (report.migrated, report.refused.len(), report.left),
        (0, 1, 3)
    );
    assert!(
        report
            .stopped
            .unwrap()
            .to_string()
            .contains("may not be admitted")
    );
    let denied = vault.grant(&report.refused[0]).unwrap();
    assert_eq!(
        (denied.api, denied.state),
        (ApiVersion::V2, GrantState::Active)
    );
    // Whether its token was used up is not known until it is refreshed where it is.
    assert_eq!(
        vault.open_refreshes().unwrap(),
        std::slice::from_ref(&denied.handle)
    );
    client.access_token(&denied.handle).await.unwrap();
    assert!(vault.open_refreshes().unwrap().is_empty());
    // Once the app is admitted, everybody moves.
    sandbox.set_faults(Vec::new());
    let report = migrate(&vault, &client, V3, 2, || ()).await.unwrap();
    assert_eq!((report.migrated, report.left, report.there), (2, 1, 2));
    let report = migrate(&vault, &client, V3, 9, || ()).await.unwrap();
    assert_eq!((report.migrated, report.left, report.there), (1, 0, 3));
    let log = vault.access_log().lines().unwrap();
    let moves = log.iter().filter(|line| line.action == AccessAction::Moved);
    assert_eq!(moves.count(), 3);
    drop(client);
    expect_all_moved(&sandbox, &vault).await;
}

#[tokio::test]
async fn a_denial_that_used_the_token_up_is_known_at_the_next_refresh() {
    let sandbox = sandbox(2).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let client = broker(&sandbox, &vault).await;
    sandbox.set_faults(vec!["rotate-then-deny:count=1".parse().unwrap()]);
    let report = migrate(&vault, &client, V3, 9, || ()).await.unwrap();
    let refused = &report.refused[0];
    assert_eq!(vault.grant(refused).unwrap().state, GrantState::Active);
    client.access_token(refused).await.unwrap_err();
    let ended = vault.grant(refused).unwrap();
    assert_eq!(ended.state, GrantState::NeedsConsent);
    assert!(ended.reason.unwrap().contains("was lost"));
    // The other one is moved, and this one is counted.
    let report = migrate(&vault, &client, V3, 9, || ()).await.unwrap();
    assert_eq!(
        (report.migrated, report.needs_consent, report.left),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn consents_that_have_ended_are_reported_and_the_others_move() {
    let sandbox = sandbox(4).await;
    let data = tempfile::tempdir().unwrap();
    let vault = consented(&sandbox, &data).await;
    let client = broker(&sandbox, &vault).await;
    // The pair of one is lost on its way.
    sandbox.set_faults(vec!["rotate-then-502:count=1".parse().unwrap()]);
    let report = migrate(&vault, &client, V3, 9, || ()).await.unwrap();
    assert_eq!(
        (report.migrated, report.ended.len(), report.refused.len()),
        (3, 1, 0)
    );
    assert!(report.stopped.is_none());
    let ended = vault.grant(&report.ended[0]).unwrap();
    assert_eq!(
        (ended.api, ended.state),
        (ApiVersion::V2, GrantState::NeedsConsent)
    );
    let counts = counts(&vault, V3).unwrap();
    assert_eq!((counts.there, counts.left, counts.needs_consent), (3, 0, 1));
}
