//! The runtime that commands wait for servers in.

use std::io;
use std::os::unix::net::UnixStream;

use tokio::runtime::{Builder, Runtime};

/// A runtime on this thread.
///
/// # Errors
/// What the system refuses, as a rule because too many files are open.
pub(crate) fn on_this_thread() -> io::Result<Runtime> {
    // The builder panics if it cannot open the files for its signal handling. It opens this many.
    let free = [
        UnixStream::pair()?,
        UnixStream::pair()?,
        UnixStream::pair()?,
    ];
    drop(free);
    Builder::new_current_thread().enable_all().build()
}
