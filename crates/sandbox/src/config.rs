//! What a sandbox is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use claimlake_contract::{Clock, SystemClock};

use crate::FaultSpec;

/// Settings of a sandbox; `SandboxConfig { patients: 3, ..SandboxConfig::default() }`.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// How many synthetic patients there are: `BBUser00000` and on.
    pub patients: usize,
    /// How many claims a patient has on average.
    pub eobs_mean: u32,
    /// The seed of patients, claims, client id and faults.
    pub seed: u64,
    /// How long every answer is delayed, in milliseconds.
    pub latency_ms: u64,
    /// Faults from the start on.
    pub faults: Vec<FaultSpec>,
    /// A recording to serve instead of synthetic patients.
    pub replay: Option<PathBuf>,
    /// Whether `authorize` answers at once with the redirect to the app, as if a patient had logged
    /// in and agreed: the patient named by the query parameter `login`, otherwise the next one.
    pub auto_consent: bool,
    /// How long an access token is valid, in seconds.
    pub token_seconds: u32,
    /// Requests per second and access token before `429`; the real service's default.
    pub rate_limit: u32,
    /// Whether bodies are compressed for clients that accept gzip.
    pub gzip: bool,
    /// Whether every request is logged: method, path without ids and query, status, milliseconds.
    pub log_requests: bool,
    /// Where the time comes from; an admin route can move it on.
    pub clock: Arc<dyn Clock>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            patients: 10,
            eobs_mean: 40,
            seed: 1,
            latency_ms: 0,
            faults: Vec::new(),
            replay: None,
            auto_consent: false,
            token_seconds: 3600,
            rate_limit: 100_000,
            gzip: true,
            log_requests: false,
            clock: Arc::new(SystemClock),
        }
    }
}
