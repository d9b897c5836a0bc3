//! Serves until it is stopped: `cargo run --release -p claimlake-sandbox --example serve -- [PORT] [PEOPLE] [EOBS] [FAULT]…`.

use std::net::{Ipv4Addr, SocketAddr};

use claimlake_sandbox::{SandboxConfig, start};

#[expect(clippy::print_stdout, reason = "an example says where it listens")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_default().parse().unwrap_or(8380);
    let patients = arguments.next().unwrap_or_default().parse().unwrap_or(10);
    let eobs_mean = arguments.next().unwrap_or_default().parse().unwrap_or(40);
    let faults = arguments
        .map(|text| text.parse())
        .collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut sandbox = start(SandboxConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            patients,
            eobs_mean,
            faults,
            auto_consent: std::env::var_os("AUTO_CONSENT").is_some(),
            ..SandboxConfig::default()
        })
        .await?;
        println!(
            "{{\"event\":\"listening\",\"url\":\"{}\",\"client_id\":\"{}\",\"client_secret\":\"{}\"}}",
            sandbox.url(),
            sandbox.client_id(),
            sandbox.client_secret().expose()
        );
        sandbox.wait().await;
        Ok(())
    })
}
