//! Removes one person from a recording: all other exchanges stay as they are.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

use claimlake_contract::{
    CATALOGUE_FILE, EXCHANGES_FILE, Person, RecordedExchange, RecordingCatalogue,
};

use crate::error::ExtractError;
use crate::record::{encoder, finish, write_catalogue};

/// The suffix of a new file, until it replaces the old one.
const NEXT: &str = ".next";

/// How many exchanges of a person are in a recording; none where the recording is gone. Of one that
/// was killed before its end that is not known: 1 is returned.
///
/// # Errors
/// When the recording cannot be read.
pub fn recorded_exchanges(dir: &Path, person: &Person) -> Result<u64, ExtractError> {
    let Some(catalogue) = catalogue(dir)? else {
        return Ok(u64::from(dir.join(EXCHANGES_FILE).exists()));
    };
    let labels = labels(&catalogue, person);
    let mut found = 0;
    each_line(dir, |line| {
        found += u64::from(is_of(line, &labels, person));
        Ok(())
    })?;
    Ok(found)
}

/// Takes a person's exchanges out of a recording. One that was killed before its end cannot be
/// replayed and is removed as a whole. Can be done again after a kill.
///
/// # Errors
/// When the recording cannot be read or written.
pub fn forget_recorded(dir: &Path, person: &Person) -> Result<(), ExtractError> {
    let next = [EXCHANGES_FILE, CATALOGUE_FILE].map(|file| format!("{file}{NEXT}"));
    for left in &next {
        remove(dir, left)?;
    }
    let [next_exchanges, next_catalogue] = next;
    let Some(mut catalogue) = catalogue(dir)? else {
        return remove(dir, EXCHANGES_FILE);
    };
    let labels = labels(&catalogue, person);
    let mut writer = encoder(dir, &next_exchanges)?;
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
    finish(writer).map_err(ExtractError::recording(dir))?;
    if removed == 0 && labels.is_empty() {
        return remove(dir, &next_exchanges);
    }
    replace(dir, &next_exchanges, EXCHANGES_FILE)?;
    catalogue.people.retain(|one| !labels.contains(&one.grant));
    catalogue.exchanges = kept;
    write_catalogue(dir, &next_catalogue, &catalogue)?;
    replace(dir, &next_catalogue, CATALOGUE_FILE)?;
    claimlake_landing::sync_folder(dir).map_err(ExtractError::recording(dir))
}

/// `None` if the recording is gone or was never finished.
fn catalogue(dir: &Path) -> Result<Option<RecordingCatalogue>, ExtractError> {
    let text = match fs::read(dir.join(CATALOGUE_FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(ExtractError::recording(dir))?,
    };
    let catalogue = serde_json::from_slice(&text).map_err(ExtractError::recording(dir))?;
    Ok(Some(catalogue))
}

/// The labels of the person in the recording.
fn labels(catalogue: &RecordingCatalogue, person: &Person) -> BTreeSet<String> {
    let theirs = catalogue.people.iter().filter(|one| {
        let mut patients = one.patients.iter();
        patients.any(|(api, patient)| person.has_id(*api, patient))
    });
    theirs.map(|one| one.grant.clone()).collect()
}

/// Whether an exchange belongs to the person, by its label or by one of the person's ids in it.
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
    let mut read = || {
        let file = File::open(dir.join(EXCHANGES_FILE))?;
        let text = BufReader::new(zstd::stream::read::Decoder::new(file)?);
        text.split(b'\n').try_for_each(|line| each(&line?))
    };
    read().map_err(ExtractError::recording(dir))
}

fn replace(dir: &Path, next: &str, name: &str) -> Result<(), ExtractError> {
    fs::rename(dir.join(next), dir.join(name)).map_err(ExtractError::recording(dir))
}

fn remove(dir: &Path, name: &str) -> Result<(), ExtractError> {
    match fs::remove_file(dir.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(ExtractError::recording(dir)(error))
        }
        _ => Ok(()),
    }
}
