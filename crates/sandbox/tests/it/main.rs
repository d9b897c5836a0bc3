//! The sandbox over its socket, asked by a client that shares no code with it.

mod client;
mod grant;
mod happy;
