//! The broker's Unix socket in the data directory. Only the holder of the token lock creates or
//! removes it.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

const SOCKET_FILE: &str = "broker.sock";
const NEW_SOCKET_FILE: &str = "broker.sock.new";
/// A Unix socket address has at most 108 bytes (104 on some systems); a data directory may have a
/// longer path.
const LONGEST_ADDRESS: usize = 100;

/// An address that is short enough for the kernel; valid while `_folder` is open.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

/// The address of a socket in a folder: its path, or if that is too long, the path through
/// `/proc/self/fd`.
fn address(data_dir: &Path, name: &str) -> io::Result<Address> {
    let path = data_dir.join(name);
    if path.as_os_str().as_bytes().len() <= LONGEST_ADDRESS {
        return Ok(Address {
            path,
            _folder: None,
        });
    }
    let folder = File::open(data_dir)?;
    Ok(Address {
        path: PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd())),
        _folder: Some(folder),
    })
}

/// Connects to the broker of a data directory.
pub(super) async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    let address = address(data_dir, SOCKET_FILE)?;
    UnixStream::connect(&address.path).await
}

/// Creates the socket, replacing that of a broker that has ended. Only the holder of the token lock
/// may call this.
///
/// The mode of a new socket depends on the umask. It is therefore created under another name,
/// restricted to this user, and then renamed, so that no other user can connect at any moment.
pub(super) fn listen(data_dir: &Path) -> io::Result<UnixListener> {
    remove(data_dir)?;
    remove_file(&data_dir.join(NEW_SOCKET_FILE))?;
    let new = address(data_dir, NEW_SOCKET_FILE)?;
    let listener = UnixListener::bind(&new.path)?;
    let new = data_dir.join(NEW_SOCKET_FILE);
    std::fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    std::fs::rename(&new, data_dir.join(SOCKET_FILE))?;
    Ok(listener)
}

/// Removes the socket, so that nobody else connects.
pub(super) fn remove(data_dir: &Path) -> io::Result<()> {
    remove_file(&data_dir.join(SOCKET_FILE))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{SOCKET_FILE, connect, listen};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_is_closed_to_others_and_takes_the_place_of_what_was_there() {
        let data = tempfile::tempdir().unwrap();
        let deep = data.path().join("d".repeat(60)).join("e".repeat(60));
        std::fs::create_dir_all(&deep).unwrap();
        for folder in [data.path(), &deep] {
            let path = folder.join(SOCKET_FILE);
            // Left by a killed broker: a socket that nobody serves, and one that was being made.
            drop(listen(folder).unwrap());
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
            std::fs::write(folder.join("broker.sock.new"), "x").unwrap();
            let listener = listen(folder).unwrap();
            assert_eq!(mode(&path), 0o600);
            assert!(!folder.join("broker.sock.new").exists());
            let (client, server) = tokio::join!(connect(folder), listener.accept());
            assert!(client.is_ok() && server.is_ok());
            drop(listener);
            // A file of that name is no socket.
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "x").unwrap();
            let _listener = listen(folder).unwrap();
            assert_eq!(mode(&path), 0o600);
        }
    }
}
