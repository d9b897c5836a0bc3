//! Why a sandbox could not be started or changed.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What kind of failure a [`SandboxError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxErrorKind {
    /// The machine: an address or a thread could not be had.
    System,
    /// The recording that was to be replayed.
    Recording,
    /// A setting or the text of a fault.
    Settings,
}

/// Why a sandbox could not be started, or a fault not be understood.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address could not be bound.
    #[error(
        "cannot listen on {address}: {source}; choose another with --listen (port 0: any free one)"
    )]
    Listen {
        /// The address to listen on.
        address: SocketAddr,
        /// The error of the operating system.
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
    /// A fault specification that cannot be parsed: what is wrong, and which kinds and options
    /// there are.
    #[error("{0}")]
    Fault(String),
}

impl SandboxError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> SandboxErrorKind {
        match self {
            Self::Listen { .. } | Self::Thread(_) => SandboxErrorKind::System,
            Self::Replay { .. } => SandboxErrorKind::Recording,
            Self::Config(_) | Self::Fault(_) => SandboxErrorKind::Settings,
        }
    }
}
