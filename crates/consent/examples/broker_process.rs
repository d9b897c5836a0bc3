//! A process that uses the token broker, for tests that kill it.
//!
//! `broker_process broker` is the broker; `broker_process want DATA URL CLIENT_ID ROUNDS` asks for
//! a new token of every grant, side by side, and prints one line a token; `broker_process migrate DATA
//! URL CLIENT_ID` moves all grants to v3, and prints one line a grant.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for tests"
)]

// The command's own files: tests run them in containers that they kill.
#[path = "../../cli/src/process_limits.rs"]
mod process_limits;
#[path = "../../cli/src/supervise.rs"]
mod supervise;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use claimlake_consent::{App, BrokerClient, BrokerLaunch, broker_main, grants};
use claimlake_consent::{ConsentError, TokenSource};
use claimlake_contract::{Secret, SystemClock};
use claimlake_vault::{KeySource, Vault};

fn main() -> ExitCode {
    process_limits::keep_out_of_core_files();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["broker"] => broker_main(process_limits::broker_lifetime()),
        ["want", data, url, client_id, rounds] => {
            if let Some(code) = supervise::supervise() {
                return code;
            }
            want(data, url, client_id, rounds.parse().unwrap())
        }
        ["migrate", data, url, client_id] => migrate(data, url, client_id),
        _ => ExitCode::from(2),
    }
}

fn want(data: &str, url: &str, client_id: &str, rounds: u32) -> ExitCode {
    let secret = |name: &str| Secret::new(std::env::var(name).unwrap());
    let app = App::new(url, client_id, secret("TEST_CLIENT_SECRET")).unwrap();
    let key = KeySource::given(secret("TEST_VAULT_KEY"));
    let vault = Vault::open(Path::new(data), &key, Arc::new(SystemClock)).unwrap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let launch = BrokerLaunch::this_program().unwrap();
            let client = BrokerClient::connect(&app, &vault, launch).await.unwrap();
            println!("broker {}", client.broker_pid().await.unwrap());
            let handles: Vec<_> = vault
                .grants()
                .unwrap()
                .into_iter()
                .map(|grant| grant.handle)
                .collect();
            let mut failed = false;
            for _ in 0..rounds {
                let asked = handles.iter().map(|handle| renew(&client, handle));
                for outcome in futures_util::future::join_all(asked).await {
                    failed |= outcome.is_err();
                }
            }
            if failed {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        })
}

/// Says that the present token was refused, which makes it be renewed.
async fn renew(
    client: &BrokerClient,
    handle: &claimlake_contract::GrantHandle,
) -> Result<(), ConsentError> {
    let outcome = async {
        let token = client.access_token(handle).await?;
        client.after_rejection(handle, &token).await
    };
    let mut output = std::io::stdout().lock();
    match outcome.await {
        Ok(token) => writeln!(output, "ok {handle} {}", token.generation),
        Err(error) => {
            let _ = writeln!(output, "failed {handle} {error}");
            return Err(error);
        }
    }
    .unwrap();
    Ok(())
}

fn migrate(data: &str, url: &str, client_id: &str) -> ExitCode {
    let secret = |name: &str| Secret::new(std::env::var(name).unwrap());
    let app = App::new(url, client_id, secret("TEST_CLIENT_SECRET")).unwrap();
    let key = KeySource::given(secret("TEST_VAULT_KEY"));
    let vault = Vault::open(Path::new(data), &key, Arc::new(SystemClock)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let launch = BrokerLaunch::this_program().unwrap();
        let client = BrokerClient::connect(&app, &vault, launch).await.unwrap();
        say(&format!("broker {}", client.broker_pid().await.unwrap()));
        let to = claimlake_contract::ApiVersion::V3;
        let moved = || say("moved");
        let report = grants::migrate(&vault, &client, to, usize::MAX, moved)
            .await
            .unwrap();
        say(&format!(
            "refused {} ended {} left {}",
            report.refused.len(),
            report.ended.len(),
            report.left
        ));
    });
    ExitCode::SUCCESS
}

/// A line that whoever waits for it gets at once.
fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}
