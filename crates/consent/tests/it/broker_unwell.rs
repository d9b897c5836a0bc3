//! A broker that is stopped, and what of it others can see.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use claimlake_consent::BrokerPatience;
use claimlake_consent::TokenSource as _;

use crate::world::{self, VAULT_KEY};

fn send_signal(pid: u32, signal: &str) {
    let pid = pid.to_string();
    let sent = std::process::Command::new("kill")
        .args([signal, &pid])
        .status();
    assert!(sent.unwrap().success());
}

/// Gives up as soon as may be: only for brokers that are known not to answer.
fn impatient() -> BrokerPatience {
    BrokerPatience {
        tick: Duration::from_millis(10),
        silent: 20,
        ..BrokerPatience::default()
    }
}

#[tokio::test]
async fn a_stopped_broker_is_given_up_by_name_is_not_killed_and_costs_no_consent() {
    let sandbox = world::sandbox(2).await;
    let data = tempfile::tempdir().unwrap();
    let vault = world::consented(&sandbox, &data).await;
    let patient = Arc::new(world::broker(&sandbox, &vault).await);
    let broker = patient.broker_pid().await.unwrap();
    let grant = vault.grants().unwrap().remove(0).handle;
    // In the middle of a refresh.
    sandbox.set_faults(vec!["slow:ms=1000,only=token".parse().unwrap()]);
    let refreshing = {
        let (patient, grant) = (Arc::clone(&patient), grant.clone());
        tokio::spawn(async move {
            let token = patient.access_token(&grant).await.unwrap();
            patient.after_rejection(&grant, &token).await
        })
    };
    let refreshes = || !vault.open_refreshes().unwrap().is_empty();
    world::until("a refresh is posted", refreshes).await;
    send_signal(broker, "-STOP");
    let error = world::impatient_broker(&sandbox, &vault, impatient())
        .await
        .unwrap_err()
        .to_string();
    for words in [
        format!("the token broker (process {broker})"),
        "asked for: a connection".to_owned(),
        "it is stopped (SIGSTOP)".to_owned(),
        format!("`kill -CONT {broker}`"),
    ] {
        assert!(error.contains(&words), "{error}");
    }
    // What the error says to do helps, and the refresh that was under way is kept.
    send_signal(broker, "-CONT");
    let renewed = refreshing.await.unwrap().unwrap();
    assert_eq!(vault.grant(&grant).unwrap().generation, renewed.generation);
    let again = world::impatient_broker(&sandbox, &vault, BrokerPatience::default()).await;
    assert_eq!(again.unwrap().broker_pid().await.unwrap(), broker);
    assert_eq!(sandbox.account().refresh_tokens_reused(), 0);
    assert!(vault.open_refreshes().unwrap().is_empty());
}

#[tokio::test]
async fn others_see_no_secret_in_a_broker_and_cannot_reach_its_socket() {
    let sandbox = world::sandbox(1).await;
    let data = tempfile::tempdir().unwrap();
    let vault = world::consented(&sandbox, &data).await;
    // The process that starts it has both in its environment.
    let mut want = tokio::process::Command::new(world::program())
        .arg("want")
        .arg(data.path())
        .args([sandbox.url(), sandbox.client_id(), "1000000"])
        .env("TEST_CLIENT_SECRET", sandbox.client_secret().expose())
        .env("TEST_VAULT_KEY", VAULT_KEY)
        .env("SSL_CERT_FILE", "/etc/ssl/cert.pem")
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let socket = data.path().join("broker.sock");
    world::until("the broker listens", || socket.exists()).await;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let client = world::broker(&sandbox, &vault).await;
    let broker = client.broker_pid().await.unwrap();
    let starter = std::fs::read(format!("/proc/{}/environ", want.id().unwrap()));
    let shown = ["environ", "cmdline"].map(|file| std::fs::read(format!("/proc/{broker}/{file}")));
    want.kill().await.unwrap();
    let (Ok(starter), [Ok(environment), Ok(arguments)]) = (starter, shown) else {
        println!("SKIPPED: /proc shows no environment of other processes here");
        return;
    };
    let has = |bytes: &[u8], text: &str| {
        let text = text.as_bytes();
        bytes.windows(text.len()).any(|found| found == text)
    };
    let secret = sandbox.client_secret().expose();
    assert!(has(&starter, secret) && has(&starter, VAULT_KEY));
    for shown in [&environment, &arguments] {
        assert!(!has(shown, secret) && !has(shown, VAULT_KEY));
        assert!(!has(shown, sandbox.client_id()));
    }
    assert!(has(&environment, "SSL_CERT_FILE=/etc/ssl/cert.pem"));
}
