//! The server: queried only with `--live`, and never with a token.

use claimlake_contract::{Clock as _, SystemClock};
use claimlake_extractor::{PROFILE, ServerProbe, probe_server};
use url::Url;

use super::{Checks, Level};
use crate::access;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::pipeline::SourceKind;

/// Tokens live an hour; a clock that is off by minutes renews them too late.
const MOST_SKEW_SECONDS: i64 = 60;

pub(super) fn check(live: bool, invocation: &Invocation, checks: &mut Checks) -> Outcome<()> {
    let source = &invocation.pipeline()?.source;
    if source.kind == SourceKind::BlueButton {
        match access::app(source) {
            Ok(_) => checks.add(Level::Ok, "app", "its id and secret are set"),
            Err(failure) => checks.add(Level::Broken, "app", failure.to_string()),
        }
    }
    if !live {
        let words = "not asked: --live asks it, and compares what it says of itself";
        checks.add(Level::Ok, "server", words);
        return Ok(());
    }
    let runtime = crate::runtime::on_this_thread()?;
    let probe = runtime.block_on(probe(invocation))?;
    tell(&probe, checks);
    Ok(())
}

async fn probe(invocation: &Invocation) -> Outcome<ServerProbe> {
    let source = &invocation.pipeline()?.source;
    match (source.kind, &source.base_url) {
        (SourceKind::BlueButton, Some(base_url)) => {
            let url = Url::parse(base_url).map_err(Failure::usage)?;
            Ok(probe_server(&url, source.api).await)
        }
        #[cfg(feature = "sandbox")]
        (SourceKind::Sandbox, _) => {
            let sandbox = crate::command::extract::start_sandbox(invocation).await?;
            let url = Url::parse(sandbox.url())?;
            let probe = probe_server(&url, source.api).await;
            sandbox.shutdown().await;
            Ok(probe)
        }
        _ => Ok(ServerProbe::default()),
    }
}

fn tell(probe: &ServerProbe, checks: &mut Checks) {
    for broken in &probe.broken {
        checks.add(Level::Broken, "server", broken.clone());
    }
    for difference in &probe.differences {
        let words = format!("{difference}; look for a newer claimlake if a run fails");
        checks.add(Level::Warning, "server", words);
    }
    if probe.broken.is_empty() && probe.differences.is_empty() {
        let words = format!("answers, and says of itself what profile {PROFILE} holds");
        checks.add(Level::Ok, "server", words);
    }
    if let Some(date) = probe.date {
        let skew = (SystemClock.now() - date).num_seconds();
        match skew.abs() {
            off if off > MOST_SKEW_SECONDS => checks.add(
                Level::Broken,
                "server clock",
                format!("this machine is {skew} seconds off: run NTP"),
            ),
            _ => checks.add(Level::Ok, "server clock", "as this machine's"),
        }
    }
}
