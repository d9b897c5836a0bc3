//! The module once more, for tests/python: `cargo test` builds examples, with the dependencies that all
//! tests have compiled, but no library that nothing can link.

include!("../src/lib.rs");
