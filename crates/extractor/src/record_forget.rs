//! One person out of a recording: the others' exchanges stay as they are.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use claimlake_contract::{
    CATALOGUE_FILE, EXCHANGES_FILE, Person, RecordedExchange, RecordingCatalogue,
};

use crate::error::ExtractError;

/// What is written beside a file before it takes its place.
const NEXT: &str = ".next";

/// How many exchanges of a person a recording holds; none where there is no recording any more. Of
/// a recording that was killed it is not known: one is reported.
///
/// # Errors
/// When the recording cannot be read.
pub fn recorded_exchanges(dir: &Path, person: &Person) -> Result<u64, ExtractError> {
    let Some(catalogue) = catalogue(dir)? else {
        return Ok(u64::from(dir.join(EXCHANGES_FILE).exists()));
    };
    let mut found = 0;
    each_line(dir, |line| {
        found += u64::from(is_of(line, &labels(&catalogue, person), person));
        Ok(())
    })?;
    Ok(found)
}

/// Takes a person's exchanges out of a recording. One that was killed before its end serves nobody
/// and is removed as a whole. Can be done again after a kill.
///
/// # Errors
/// When the recording cannot be read or written.
pub fn forget_recorded(dir: &Path, person: &Person) -> Result<(), ExtractError> {
    let io = |source| ExtractError::Recording {
        dir: dir.to_path_buf(),
        source,
    };
    let exchanges = dir.join(EXCHANGES_FILE);
    for left in [EXCHANGES_FILE, CATALOGUE_FILE].map(|file| dir.join(format!("{file}{NEXT}"))) {
        remove(&left).map_err(io)?;
    }
    let Some(mut catalogue) = catalogue(dir)? else {
        return remove(&exchanges).map_err(io);
    };
    let labels = labels(&catalogue, person);
    let next = dir.join(format!("{EXCHANGES_FILE}{NEXT}"));
    let file = claimlake_landing::create_private_file(&next)
        .map_err(|error| io(std::io::Error::other(error)))?;
    let mut writer = zstd::stream::write::Encoder::new(file, 9).map_err(io)?;
    let (mut kept, mut removed) = (0, 0_u64);
    each_line(dir, |line| {
        if is_of(line, &labels, person) {
            removed += 1;
            return Ok(());
        }
        kept += 1;
        writer.write_all(line)?;
        writer.write_all(b"\n")
    })?;
    writer
        .finish()
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    if removed == 0 && labels.is_empty() {
        return remove(&next).map_err(io);
    }
    fs::rename(&next, &exchanges).map_err(io)?;
    catalogue.people.retain(|one| !labels.contains(&one.grant));
    catalogue.exchanges = kept;
    let text = serde_json::to_vec_pretty(&catalogue).map_err(|error| io(error.into()))?;
    let next = dir.join(format!("{CATALOGUE_FILE}{NEXT}"));
    let mut file = claimlake_landing::create_private_file(&next)
        .map_err(|error| io(std::io::Error::other(error)))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(io)?;
    fs::rename(&next, dir.join(CATALOGUE_FILE)).map_err(io)?;
    claimlake_landing::sync_folder(dir).map_err(|error| io(std::io::Error::other(error)))
}

/// None where the recording is gone or was never finished.
fn catalogue(dir: &Path) -> Result<Option<RecordingCatalogue>, ExtractError> {
    let io = |source| ExtractError::Recording {
        dir: dir.to_path_buf(),
        source,
    };
    match fs::read(dir.join(CATALOGUE_FILE)) {
        Ok(text) => Ok(Some(
            serde_json::from_slice(&text).map_err(|error| io(error.into()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(error)),
    }
}

/// What the recording calls the person.
fn labels(catalogue: &RecordingCatalogue, person: &Person) -> BTreeSet<String> {
    let theirs = catalogue.people.iter().filter(|one| {
        let mut patients = one.patients.iter();
        patients.any(|(api, patient)| person.has_id(*api, patient))
    });
    theirs.map(|one| one.grant.clone()).collect()
}

/// Whether an exchange is the person's, by its label or by one of their names in it.
fn is_of(line: &[u8], labels: &BTreeSet<String>, person: &Person) -> bool {
    let exchange: Result<RecordedExchange, _> = serde_json::from_slice(line);
    exchange.is_ok_and(|exchange| labels.contains(&exchange.grant))
        || person.names().any(|name| has_word(line, name.as_bytes()))
}

/// As a word of its own: one id may be the beginning of another.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.windows(word.len().max(1))
        .enumerate()
        .any(|(start, found)| {
            let before = start.checked_sub(1).and_then(|before| text.get(before));
            found == word && !joins(before) && !joins(text.get(start + word.len()))
        })
}

fn each_line(
    dir: &Path,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), ExtractError> {
    let io = |source| ExtractError::Recording {
        dir: dir.to_path_buf(),
        source,
    };
    let file = File::open(dir.join(EXCHANGES_FILE)).map_err(io)?;
    let text = BufReader::new(zstd::stream::read::Decoder::new(file).map_err(io)?);
    for line in text.split(b'\n') {
        each(&line.map_err(io)?).map_err(io)?;
    }
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
