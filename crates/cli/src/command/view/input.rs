//! The resources of an input: a line each, a whole document, or the entries of a Bundle.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use crate::failure::Outcome;

/// Takes a place in words and the resource there, or why there is none.
pub(super) type Take<'a> = dyn FnMut(&str, Result<Value, String>) -> Outcome<()> + 'a;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Calls `take` for every resource of the input; `-` is standard input.
pub(super) fn for_each_resource(path: &Path, take: &mut Take<'_>) -> Outcome<()> {
    let name = path.display().to_string();
    let doing = || format!("reading {name}");
    let mut lines = open(path).with_context(doing)?;
    let mut line = Vec::new();
    let mut number = 0_u64;
    let mut seen = false;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).with_context(doing)? == 0 {
            return Ok(());
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(value) => resources(&format!("{name} line {number}"), value, take)?,
            // The first line is the beginning of a document that goes over several.
            Err(_) if !seen => {
                lines.read_to_end(&mut line).with_context(doing)?;
                match serde_json::from_slice(&line) {
                    Ok(value) => resources(&name, value, take)?,
                    Err(error) => take(&name, Err(not_json(&error)))?,
                }
                return Ok(());
            }
            Err(error) => take(&format!("{name} line {number}"), Err(not_json(&error)))?,
        }
        seen = true;
    }
}

/// The place only: the text is somebody's data.
fn not_json(error: &serde_json::Error) -> String {
    format!(
        "not JSON at line {}, column {}",
        error.line(),
        error.column()
    )
}

fn resources(place: &str, value: Value, take: &mut Take<'_>) -> Outcome<()> {
    if let Value::Array(values) = value {
        for (index, value) in values.into_iter().enumerate() {
            resources(&format!("{place} element {index}"), value, take)?;
        }
        return Ok(());
    }
    let Some(resource_type) = value["resourceType"].as_str() else {
        return take(
            place,
            Err("not a FHIR resource: it has no resourceType".into()),
        );
    };
    if resource_type != "Bundle" {
        return take(place, Ok(value));
    }
    let Value::Object(mut bundle) = value else {
        return Ok(());
    };
    let Some(Value::Array(entries)) = bundle.remove("entry") else {
        return Ok(());
    };
    for (index, mut entry) in entries.into_iter().enumerate() {
        if let Some(resource) = entry.get_mut("resource") {
            resources(&format!("{place} entry {index}"), resource.take(), take)?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let mut raw = BufReader::new(raw);
    let beginning = raw.fill_buf()?;
    if beginning.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::new(
            flate2::bufread::MultiGzDecoder::new(raw),
        )));
    }
    if beginning.starts_with(&ZSTD) {
        let decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
        return Ok(Box::new(BufReader::new(decoder)));
    }
    Ok(Box::new(raw))
}
