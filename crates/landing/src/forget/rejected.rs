//! Rejected texts that mention a person.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use claimlake_contract::{LandingLayout, Person};
use claimlake_fhir::mentions;
use serde_json::Value;

use super::own_resources::OwnResources;
use crate::LandingError;
use crate::folder::{create_private_file, entries, remove_if_there, sync_folder};

/// How many rejected texts mention the person.
pub(super) fn count(
    layout: &LandingLayout,
    person: &Person,
    own: &OwnResources,
) -> Result<u64, LandingError> {
    let mut count = 0;
    for path in files(layout)? {
        each(&path, &mut |line| {
            count += u64::from(is_theirs(person, own, line));
            Ok(())
        })?;
    }
    Ok(count)
}

/// Writes the files again without them; one that would be empty is removed.
pub(super) fn clear(
    layout: &LandingLayout,
    person: &Person,
    own: &OwnResources,
) -> Result<(), LandingError> {
    for path in files(layout)? {
        if path.extension().is_some_and(|extension| extension == "tmp") {
            remove_if_there(&path)?;
            continue;
        }
        let (mut theirs, mut others) = (0_u64, 0_u64);
        each(&path, &mut |line| {
            match is_theirs(person, own, line) {
                true => theirs += 1,
                false => others += 1,
            }
            Ok(())
        })?;
        if theirs == 0 {
            continue;
        }
        if others == 0 {
            remove_if_there(&path)?;
        } else {
            rewrite(&path, person, own)?;
        }
        sync_folder(path.parent().unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn rewrite(path: &Path, person: &Person, own: &OwnResources) -> Result<(), LandingError> {
    let beside = path.with_extension("tmp");
    remove_if_there(&beside)?;
    let failed = |error| LandingError::io("writing", &beside)(error);
    let file = create_private_file(&beside)?;
    let mut encoder = zstd::stream::write::Encoder::new(file, 3).map_err(failed)?;
    encoder.include_checksum(true).map_err(failed)?;
    each(path, &mut |line| match is_theirs(person, own, line) {
        true => Ok(()),
        false => encoder.write_all(line),
    })?;
    encoder
        .finish()
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    std::fs::rename(&beside, path).map_err(LandingError::io("renaming to", path))
}

/// Whether any rejected text is kept.
pub(super) fn are_any(layout: &LandingLayout) -> Result<bool, LandingError> {
    Ok(!files(layout)?.is_empty())
}

fn files(layout: &LandingLayout) -> Result<Vec<PathBuf>, LandingError> {
    let mut files = entries(&layout.root().join("rejected"))?;
    files.sort();
    Ok(files)
}

/// Calls `visit` with every line, newline included.
fn each(
    path: &Path,
    visit: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), LandingError> {
    let failed = |error| LandingError::io("reading", path)(error);
    let file = std::fs::File::open(path).map_err(failed)?;
    let decoder = zstd::stream::read::Decoder::new(file).map_err(failed)?;
    let mut lines = BufReader::new(decoder);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(());
        }
        visit(&line).map_err(failed)?;
    }
}

fn is_theirs(person: &Person, own: &OwnResources, line: &[u8]) -> bool {
    let Ok(reject) = serde_json::from_slice::<Value>(line) else {
        return mentions(person, line);
    };
    let api = reject["api"].as_str().and_then(|api| api.parse().ok());
    let text = reject["text"].as_str().unwrap_or_default().as_bytes();
    let bytes = unhexed(reject["text_hex"].as_str().unwrap_or_default());
    [text, &bytes]
        .iter()
        .any(|text| mentions(person, text) || own.has_text(person, api, text))
}

fn unhexed(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
