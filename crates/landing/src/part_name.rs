//! The names of parts and of the files beside them.

/// The number of a part, by its file name.
pub(crate) fn part_number(file: &str) -> Option<u32> {
    let digits = file.strip_prefix("part-")?.split('.').next()?;
    digits.parse().ok()
}

/// The references file of `part-00000.ndjson.zst` is `references-00000.ndjson.zst`.
pub(crate) fn references_name(part_file: &str) -> String {
    part_file.replacen("part-", "references-", 1)
}
