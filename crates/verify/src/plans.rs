//! The pipeline's views as they are verified.

use std::collections::HashMap;
use std::sync::Arc;

use claimlake_contract::{LANDING_ORDER_COLUMN, LakeManifest, ResourceType};
use claimlake_viewdef::views::{CompiledViews, ViewSet, ViewText, compile_views};

use crate::error::Error;
use crate::money::MoneyRules;
use crate::planned::Planned;
use crate::request::PipelineViews;

/// What is checked, by resource type.
pub(crate) type Plans = HashMap<ResourceType, Planned>;

/// Compiles the views; `manifest` is the lake's, if there is one.
pub(crate) fn plans(
    pipeline: &PipelineViews<'_>,
    money: &MoneyRules,
    manifest: Option<&LakeManifest>,
) -> Result<Plans, Error> {
    let mut plans = HashMap::new();
    for CompiledViews {
        resource,
        plan,
        views,
    } in compiled(pipeline)?
    {
        let resource: ResourceType = resource.parse().map_err(views_error)?;
        let views = views
            .into_iter()
            .map(json_of)
            .collect::<Result<Vec<_>, _>>()?;
        let planned = Planned::new(
            &resource,
            Arc::new(plan.with_dictionaries()),
            &views,
            pipeline.derive,
            money,
            manifest,
        );
        plans.insert(resource, planned);
    }
    Ok(plans)
}

/// The views by resource type.
pub(crate) fn compiled<'r>(pipeline: &PipelineViews<'r>) -> Result<Vec<CompiledViews<'r>>, Error> {
    let set = ViewSet {
        views: pipeline.views,
        context: pipeline
            .context
            .iter()
            .map(|(resource, columns)| (resource.as_str(), columns.as_slice()))
            .collect(),
        constants: &["source_api"],
        // Derivations find the rows of one resource by this column.
        order: Some(LANDING_ORDER_COLUMN),
        drop_where: pipeline.drop_where,
        derive: pipeline.derive,
    };
    compile_views(&set).map_err(views_error)
}

fn json_of(view: &ViewText) -> Result<serde_json::Value, Error> {
    let text = view.text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(views_error)
}

fn views_error(error: impl std::fmt::Display) -> Error {
    Error::Views(error.to_string())
}
