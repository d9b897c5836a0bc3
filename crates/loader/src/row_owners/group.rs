//! Names of groups (`<ResourceType>/<partition>`), and which group a file belongs to.

use claimlake_contract::{LakeFile, LakeTable};

use crate::row_owners::KEYS_FOLDER;

/// The folder of a path, such as `eob/eob_type=CARRIER/service_year=2024`; empty if it has none.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The partition of a file within its table, `eob_type=CARRIER/service_year=2024`; empty for a
/// table without partitions.
pub(crate) fn partition_in_table<'a>(file: &'a LakeFile, table: &str) -> &'a str {
    folder_of(&file.path)
        .strip_prefix(table)
        .map_or("", |rest| rest.trim_start_matches('/'))
}

/// The name of a group, `ExplanationOfBenefit/eob_type=CARRIER/service_year=2024`; `None` for
/// tables about runs.
pub(crate) fn group_of(table: &LakeTable, partition: &str) -> Option<String> {
    let resource = table.resource.as_ref()?.as_str();
    Some(match partition {
        "" => resource.to_owned(),
        partition => format!("{resource}/{partition}"),
    })
}

/// The folder of a group's file, relative to the snapshot.
pub(crate) fn folder_of_group(group: &str) -> String {
    format!("{KEYS_FOLDER}/rows/{group}")
}

/// The group to which an owner file belongs, by its path.
pub(crate) fn group_of_file(file: &LakeFile) -> &str {
    let folder = folder_of(&file.path);
    let folder = folder.strip_prefix(KEYS_FOLDER).unwrap_or(folder);
    folder.strip_prefix("/rows/").unwrap_or(folder)
}
