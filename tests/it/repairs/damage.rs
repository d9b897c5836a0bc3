//! Ways to damage a file.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::files::files;

/// What happens to a file. All but the last two change what every snapshot that shares it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// One bit in its middle is another.
    Flip,
    /// Its second half is gone.
    Truncate,
    /// Nothing is left of it.
    Empty,
    /// It is not there.
    Delete,
    /// It has changed places with another file.
    Swap,
}

pub(super) const ALL: [Damage; 5] = [
    Damage::Flip,
    Damage::Truncate,
    Damage::Empty,
    Damage::Delete,
    Damage::Swap,
];

impl Damage {
    /// Damages a file; `sibling` is the one that it changes places with.
    pub(super) fn plant(self, file: &Path, sibling: &Path) {
        let length = fs::metadata(file).unwrap().len();
        let opened = || {
            fs::File::options()
                .read(true)
                .write(true)
                .open(file)
                .unwrap()
        };
        match self {
            Damage::Flip => {
                let mut byte = [0];
                opened().read_exact_at(&mut byte, length / 2).unwrap();
                byte[0] ^= 1;
                opened().write_all_at(&byte, length / 2).unwrap();
            }
            Damage::Truncate => opened().set_len(length / 2).unwrap(),
            Damage::Empty => opened().set_len(0).unwrap(),
            Damage::Delete => fs::remove_file(file).unwrap(),
            Damage::Swap => {
                assert_ne!(fs::read(file).unwrap(), fs::read(sibling).unwrap());
                let beside = file.with_extension("moving");
                fs::rename(file, &beside).unwrap();
                fs::rename(sibling, file).unwrap();
                fs::rename(beside, sibling).unwrap();
            }
        }
    }
}

/// The files below a folder whose path below it contains all of `words`.
pub(super) fn files_with(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut found = files(folder);
    found.retain(|path| {
        let below = path.strip_prefix(folder).unwrap().display().to_string();
        words.iter().all(|word| below.contains(word))
    });
    assert!(!found.is_empty(), "no file with {words:?}");
    found
}
