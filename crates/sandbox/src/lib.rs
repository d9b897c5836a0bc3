//! A local Blue Button 2.0: authorization server and FHIR API of versions 2 and 3 over synthetic
//! people, with faults on demand and an account of what its clients did.
//!
//! It behaves as the real service was observed to behave, status by status and body by body; what
//! it does differently on purpose is listed in the crate's README. It knows nothing of this
//! project's own client: any client in any language can be pointed at it.

mod account;
mod admin;
mod clock;
mod config;
mod error;
mod fault;
mod fhir;
mod generate;
mod http;
mod listen;
mod noise;
mod oauth;
mod population;
mod replay;
mod reply_headers;
mod route;
mod route_name;
mod sandbox;
mod serve;
mod server;
mod service;
mod wire;

pub use account::{Account, PersonAccount};
pub use config::SandboxConfig;
pub use error::SandboxError;
pub use fault::{
    FaultKind, FaultSpec, FaultTarget, NextTrick, ParseFaultError, RetryAfter, WrongTotal,
};
pub use generate::{GenerateConfig, Generated, generate};
pub use sandbox::{Sandbox, start};
pub use serve::records::PersonTruth;
