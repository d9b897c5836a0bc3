//! Where rows lie: hive paths.

pub(crate) mod hive_path;
