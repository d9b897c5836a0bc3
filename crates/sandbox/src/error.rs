//! Why a sandbox could not be started or changed.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address could not be bound.
    #[error(
        "cannot listen on {address}: {source}; choose another with --listen (port 0: any free one)"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server thread could not be started.
    #[error("cannot start the sandbox's server thread")]
    Thread(#[source] std::io::Error),
    /// A recording could not be read.
    #[error(
        "cannot read the recording {path}: {reason}; give --replay a folder that extract --record wrote"
    )]
    Replay {
        /// The file that could not be read.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Settings that cannot be served.
    #[error("{0}")]
    Config(String),
}
