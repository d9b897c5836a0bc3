//! The token broker: a separate process, the only one that refreshes tokens, so that whatever
//! happens to a run does not cost a consent.
//!
//! A client (`extract`, `token`, `authorize`, …) connects to the broker of its data directory
//! through a Unix socket. If there is none, it starts one: the same binary, in a session of its own
//! (`setsid`). The broker holds the token lock as long as it lives, records the intent of a refresh
//! before the POST and stores the outcome before anyone uses it. It survives clients that are
//! killed. It ends when the last client has disconnected and no refresh is in progress; a refresh
//! that no client waits for any more is not started.
//!
//! # What can still cost a consent
//!
//! The server replaces a refresh token before it answers. Whatever ends the broker between the two
//! costs the consents that are being refreshed at that moment: SIGKILL of the broker or of the
//! whole container or cgroup (`docker kill`, `memory.oom.group=1`, a PID 1 that is another program
//! and ends), power loss, a kernel panic, a network failure between the server's commit and its
//! answer. At most 32 refreshes are in progress at once; in a container, or if the kernel kills a
//! whole memory cgroup, 16. Each of them is tried once more with the old token. If the server had
//! not processed the request, this succeeds; otherwise the grant becomes `needs_consent`. `doctor`
//! reports which of these risks a machine has.

mod client;
mod connect;
mod connection;
mod launch;
mod lent_tokens;
mod lines;
mod patience;
mod process;
mod process_state;
mod protocol;
mod refresher;
mod server;
mod socket;

pub use client::BrokerClient;
pub use launch::BrokerLaunch;
pub use patience::BrokerPatience;
pub use process::broker_main;
pub use process_state::{ProcessState, process_state};
pub use refresher::BrokerLifetime;
#[cfg(any(test, feature = "testing"))]
pub(crate) use refresher::RefreshPolicy;
pub(crate) use refresher::Refresher;
