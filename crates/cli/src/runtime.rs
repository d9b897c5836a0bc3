//! The runtime that commands wait for servers in.

use std::io;
use std::os::unix::net::UnixStream;

use tokio::runtime::{Builder, Runtime};

/// A runtime on this thread.
///
/// # Errors
/// What the system refuses, as a rule because too many files are open.
pub(crate) fn on_this_thread() -> io::Result<Runtime> {
    // It panics where there is no file left for its signals; so many it opens.
    let free = [
        UnixStream::pair()?,
        UnixStream::pair()?,
        UnixStream::pair()?,
    ];
    drop(free);
    Builder::new_current_thread().enable_all().build()
}
