//! What a table's log says beyond the version that the target's state names: commits of a publish
//! that was killed, or of one that runs at the same time.

use std::collections::BTreeMap;

use serde_json::Value;

use super::commit::application;
use super::uri;
use crate::error::{PublishError, Result};
use crate::identity::LakeId;
use crate::state::TableState;

/// A table as its newest version has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Actual {
    /// None: there is no log.
    pub(crate) version: Option<u64>,
    /// Its files and their sizes, by path in the target.
    pub(crate) files: BTreeMap<String, u64>,
    pub(crate) schema: Option<Value>,
    pub(crate) partition_columns: Vec<String>,
    pub(crate) description: Option<String>,
}

impl Actual {
    /// The table as a state names it.
    pub(crate) fn of_state(table: &TableState) -> Self {
        let file = |file: &crate::state::FileState| (file.path.clone(), file.bytes);
        Self {
            version: Some(table.delta_version),
            files: table.files.iter().map(file).collect(),
            schema: Some(table.schema.clone()),
            partition_columns: table.partition_columns.clone(),
            description: table.description.clone(),
        }
    }

    /// Whether the newest version shows what `table` does.
    pub(crate) fn is(&self, table: &TableState) -> bool {
        self.version.is_some() && self.has_schema_of(table) && self.has_files_of(table)
    }

    pub(crate) fn has_schema_of(&self, table: &TableState) -> bool {
        self.schema.as_ref() == Some(&table.schema)
            && self.partition_columns == table.partition_columns
            && self.description == table.description
    }

    fn has_files_of(&self, table: &TableState) -> bool {
        let has = |(path, bytes): (&str, u64)| self.files.get(path) == Some(&bytes);
        self.files.len() == table.files.len() && table.files.iter().all(|file| has(file.content()))
    }

    /// Applies the next commit.
    ///
    /// # Errors
    /// It is not of this lake's publisher, or cannot be read.
    pub(crate) fn apply(
        &mut self,
        table: &str,
        version: u64,
        lines: &[u8],
        lake: &LakeId,
    ) -> Result<()> {
        let mut is_ours = false;
        let mut says_more = false;
        let mut operation = None;
        for line in lines.split(|byte| *byte == b'\n') {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let action: Value = serde_json::from_slice(line).map_err(|_| {
                PublishError::Damaged(format!(
                    "version {version} of the Delta log of {table} cannot be read: publish to another \
                     place"
                ))
            })?;
            if action["txn"]["appId"] == application(lake) {
                is_ours = true;
            }
            let mut names = action
                .as_object()
                .into_iter()
                .flat_map(|action| action.keys());
            says_more |= names.any(|name| name != "commitInfo");
            operation = operation.or_else(|| {
                let text = action["commitInfo"]["operation"].as_str()?;
                Some(
                    text.chars()
                        .filter(char::is_ascii_alphanumeric)
                        .take(20)
                        .collect::<String>(),
                )
            });
            self.apply_action(table, &action);
        }
        // A VACUUM says when it begins and ends. The table stays as it was, and files that it removed
        // are sent again.
        let is_note = !says_more
            && operation
                .as_deref()
                .is_some_and(|name| name.starts_with("VACUUM"));
        if !is_ours && !is_note {
            let operation = operation.map_or_else(String::new, |name| format!(" ({name})"));
            return Err(PublishError::Foreign(format!(
                "another program changed the published table {table}: version {version} of its Delta \
                 log{operation} is not claimlake's, and writing into published tables, OPTIMIZE \
                 included, is not supported; publish to another place, or remove what is at \
                 this one and publish again"
            )));
        }
        self.version = Some(version);
        Ok(())
    }

    fn apply_action(&mut self, table: &str, action: &Value) {
        let path = |action: &Value| {
            let path = action["path"].as_str().and_then(uri::decode);
            path.map(|path| format!("{table}/{path}"))
        };
        if let Some(path) = path(&action["add"]) {
            let bytes = action["add"]["size"].as_u64();
            self.files.insert(path, bytes.unwrap_or_default());
        }
        if let Some(path) = path(&action["remove"]) {
            self.files.remove(&path);
        }
        let metadata = &action["metaData"];
        if let Some(text) = metadata["schemaString"].as_str() {
            self.schema = serde_json::from_str(text).ok();
            let columns = metadata["partitionColumns"]
                .as_array()
                .into_iter()
                .flatten();
            let columns = columns.filter_map(|column| column.as_str().map(str::to_owned));
            self.partition_columns = columns.collect();
            self.description = metadata["description"].as_str().map(str::to_owned);
        }
    }
}
