//! What tables and columns contain, in the words of the pipeline's views.

use std::collections::BTreeMap;

use claimlake_publisher::TableComment;
use claimlake_viewdef::definition::ViewDefinition;

use crate::command::transform::plan::checked_input;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// The texts of the pipeline's views about tables and columns.
pub(super) fn of_pipeline(invocation: &Invocation) -> Outcome<BTreeMap<String, TableComment>> {
    let input = checked_input(invocation.pipeline()?, invocation.origin())?;
    let mut comments: BTreeMap<String, TableComment> = BTreeMap::new();
    for view in &input.views {
        let Ok(definition) = ViewDefinition::from_text(&view.text) else {
            continue;
        };
        let name = definition.name.clone().unwrap_or_default();
        let comment = comments.entry(name).or_default();
        comment.table = comment.table.take().or(definition.description.clone());
        for column in definition.columns() {
            if let Some(text) = &column.description {
                let columns = comment.columns.entry(column.name.clone());
                columns.or_insert_with(|| text.clone());
            }
        }
    }
    Ok(comments)
}
