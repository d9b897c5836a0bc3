//! The broker's socket in the data directory.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

const SOCKET_FILE: &str = "broker.sock";
/// The address of a Unix socket holds 108 bytes at most; a data directory may lie deeper.
const LONGEST_ADDRESS: usize = 100;

/// The socket's address, short enough for the kernel, while `_folder` is open.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

fn address(data_dir: &Path) -> io::Result<Address> {
    let path = data_dir.join(SOCKET_FILE);
    if path.as_os_str().as_bytes().len() <= LONGEST_ADDRESS {
        return Ok(Address {
            path,
            _folder: None,
        });
    }
    let folder = File::open(data_dir)?;
    Ok(Address {
        path: PathBuf::from(format!(
            "/proc/self/fd/{}/{SOCKET_FILE}",
            folder.as_raw_fd()
        )),
        _folder: Some(folder),
    })
}

/// Connects to the broker of a data directory.
pub(super) async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    let address = address(data_dir)?;
    UnixStream::connect(&address.path).await
}

/// Listens in the place of a broker that has ended. Only the holder of the token lock may.
pub(super) fn listen(data_dir: &Path) -> io::Result<UnixListener> {
    remove(data_dir)?;
    let address = address(data_dir)?;
    UnixListener::bind(&address.path)
}

/// Takes the socket away, so that nobody connects any more.
pub(super) fn remove(data_dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(data_dir.join(SOCKET_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
