//! The token broker: a process of its own that alone refreshes, so that nothing that happens to
//! a run can cost a consent.
//!
//! A client (`extract`, `token`, `authorize`, …) connects to the broker of its data directory by
//! a Unix socket, and starts one where there is none: the same binary in a session of its own. It
//! holds the token lock while it lives, writes the intent of a refresh before the POST and the
//! outcome before anyone uses it, outlives killed clients, and ends when the last has gone and
//! nothing is under way. What nobody waits for any more is not begun.
//!
//! # What can still cost a consent
//!
//! The server replaces a refresh token before it answers, so whatever ends the broker itself
//! between the two costs the consents being refreshed at that instant: a SIGKILL of the broker, or
//! of the whole container or cgroup (`docker kill`, `memory.oom.group=1`, a PID 1 that is another
//! program and ends), a power cut, a kernel panic, a network that breaks between the server's
//! commit and its answer. These are 32 at most; in a container, or where the kernel kills the
//! whole memory cgroup, 16. Each of them is tried once more with the old token, which
//! saves those that the server had not reached, and ends as `needs_consent` by name otherwise.
//! The command `doctor` reports which of these apply to a machine.

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
