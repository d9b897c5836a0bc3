//! Opening an input: a file or standard input, plain, gzip or zstd (recognized by the first bytes).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use claimlake_contract::{LandingLayout, RunId};

use crate::LandingError;
use crate::error::OPENING_INPUT;
use crate::folder::create_private_file;
use crate::import_marker::spool_path;

#[derive(Debug)]
pub(super) struct Input {
    /// The name in rejects and messages, as given.
    pub(super) name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Stdin,
}

/// Whether an input can be opened and is no folder: before anything is written.
///
/// # Errors
/// Why it cannot.
pub fn check_input(path: &Path) -> Result<(), LandingError> {
    let opening = |error| LandingError::io(OPENING_INPUT, path)(error);
    let metadata = fs::metadata(path).map_err(opening)?;
    if metadata.is_dir() {
        let reason = "it is a folder; name the files in it";
        return Err(opening(io::Error::new(io::ErrorKind::NotFound, reason)));
    }
    // A pipe is opened once: whoever writes into it takes the first reader for the only one.
    if metadata.is_file() {
        File::open(path).map_err(opening)?;
    }
    Ok(())
}

/// How a compressed input is damaged, as text.
pub(super) fn damage(error: &io::Error) -> String {
    format!("the compressed input is damaged or ends early from this line on ({error})")
}

/// Whether an input can be read only once: standard input, a named pipe.
pub(super) fn is_stream(path: &Path) -> bool {
    is_stdin(path) || fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Input {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            name: path.display().to_string(),
            place: match is_stdin(path) {
                true => Place::Stdin,
                false => Place::File(path.to_path_buf()),
            },
        }
    }

    /// Copies a stream into a file of the run, so that it can be read twice.
    pub(super) fn spooled(
        stream: &Path,
        number: usize,
        layout: &LandingLayout,
        run: &RunId,
    ) -> Result<Self, LandingError> {
        let path = spool_path(layout, run, number);
        let mut file = create_private_file(&path)?;
        let copied = match is_stdin(stream) {
            true => io::copy(&mut io::stdin().lock(), &mut file),
            false => {
                let opening = LandingError::io(OPENING_INPUT, stream);
                let mut source = File::open(stream).map_err(opening)?;
                io::copy(&mut source, &mut file)
            }
        };
        copied.map_err(LandingError::io("writing", &path))?;
        Ok(Self {
            name: stream.display().to_string(),
            place: Place::File(path),
        })
    }

    pub(super) fn open(&self) -> Result<Box<dyn Read>, LandingError> {
        self.open_with_compression().map(|(source, _)| source)
    }

    /// The input, and whether it is compressed.
    pub(super) fn open_with_compression(&self) -> Result<(Box<dyn Read>, bool), LandingError> {
        let opening = |error| LandingError::io(OPENING_INPUT, &self.name)(error);
        let mut raw: Box<dyn Read> = match &self.place {
            Place::File(path) => Box::new(File::open(path).map_err(opening)?),
            Place::Stdin => Box::new(io::stdin()),
        };
        let first = first_bytes(&mut raw).map_err(opening)?;
        let whole = io::Cursor::new(first.clone()).chain(raw);
        Ok(match compression(&first) {
            Compression::None => (Box::new(whole), false),
            Compression::Gzip => (Box::new(flate2::read::MultiGzDecoder::new(whole)), true),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::new(whole).map_err(opening)?;
                (Box::new(decoder), true)
            }
        })
    }
}

enum Compression {
    None,
    Gzip,
    Zstd,
}

fn compression(first: &[u8]) -> Compression {
    match first {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

fn first_bytes(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(4);
    source.take(4).read_to_end(&mut first)?;
    Ok(first)
}
