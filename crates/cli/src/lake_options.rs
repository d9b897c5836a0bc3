//! How the lake is written, according to the pipeline.

use std::collections::BTreeMap;

use claimlake_contract::Clock;
use claimlake_loader::LoadOptions;

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

/// The options of a load without flags.
///
/// # Errors
/// A file of a view that is SQL cannot be used.
pub(crate) fn options_of(invocation: &Invocation) -> Outcome<LoadOptions> {
    let pipeline = invocation.pipeline()?;
    let load = &pipeline.load;
    let sql_views = load.views(invocation.origin()).map_err(Failure::usage)?;
    Ok(LoadOptions {
        target_file_mb: load.target_file_mb,
        keep_snapshots: load.keep_snapshots,
        keep_hours: load.keep_hours,
        group: load.group.clone(),
        current: pipeline.current.clone(),
        main_tables: load.main_tables.clone(),
        sql_views,
        resource_keys: resource_keys(&pipeline.context),
        ..LoadOptions::default()
    })
}

/// By resource type: the API version, which every table has, and the context column of the id.
fn resource_keys(context: &toml::Table) -> BTreeMap<String, Vec<String>> {
    let mut keys = BTreeMap::new();
    for (resource, columns) in context {
        let columns = columns.as_table().into_iter().flatten();
        let is_id = |value: &toml::Value| {
            let path = value.as_str().or_else(|| value.get("path")?.as_str());
            path == Some("getResourceKey()")
        };
        for (column, _) in columns.filter(|(_, value)| is_id(value)) {
            let key = vec!["source_api".to_owned(), column.clone()];
            keys.insert(resource.clone(), key);
        }
    }
    keys
}

/// The time that a snapshot is said to be of (RFC 3339, milliseconds, UTC).
pub(crate) fn published_at(clock: &dyn Clock) -> String {
    clock
        .now()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::resource_keys;

    #[test]
    fn the_key_of_a_resource_is_the_api_and_the_column_of_its_id() {
        let context = "[Claim]\nstate = 'status'\nnumber = 'getResourceKey()'\n\
                       [Person]\nid = { path = 'getResourceKey()' }\n[Other]\nname = 'name'\n";
        let keys = resource_keys(&context.parse().unwrap());
        let key = |column: &str| vec!["source_api".to_owned(), column.to_owned()];
        assert_eq!(keys["Claim"], key("number"));
        assert_eq!(keys["Person"], key("id"));
        assert_eq!(keys.len(), 2);
    }
}
