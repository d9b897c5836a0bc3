#![doc = include_str!("../README.md")]

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
mod oauth;
mod population;
mod random;
mod replay;
mod reply_headers;
mod route;
mod route_name;
mod sandbox;
mod serve;
mod server;
mod service;
mod template;
mod templates;
mod vocabulary;
mod wire;

pub use account::{Account, PatientAccount};
pub use config::SandboxConfig;
pub use error::{SandboxError, SandboxErrorKind};
pub use fault::{FaultKind, FaultSpec, FaultTarget, NextTrick, RetryAfter, WrongTotal};
pub use generate::{GenerateConfig, Generated, generate};
pub use sandbox::{Sandbox, start};
pub use serve::records::PatientTruth;
