//! What is checked in the resources of one type.

use std::sync::Arc;

use claimlake_contract::{LakeManifest, ResourceType};
use claimlake_viewdef::derive::{Derivation, Keep};
use claimlake_viewdef::engine::ResourcePlan;

use crate::body::{IdentityPaths, PATIENT_COLUMN};
use crate::grain::Grain;
use crate::links::LinkPaths;
use crate::money::{MoneyChecks, MoneyRules};
use crate::raw::Outline;

/// The tables that a resource type's plan makes, as the lake has them.
#[derive(Debug)]
pub(crate) struct PlannedTable {
    pub(crate) name: String,
    /// The columns that are compared: those the views make and the files hold, in the lake's order.
    pub(crate) columns: Vec<String>,
    pub(crate) partition_by: Vec<String>,
    /// How many rows a resource must make, if this depends only on its arrays.
    pub(crate) grain: Option<Grain>,
    /// Which rows of older bodies stay.
    pub(crate) keep: Option<Keep>,
}

/// A resource type of landing.
#[derive(Debug)]
pub(crate) struct Planned {
    /// `None` if no view reads it.
    pub(crate) plan: Option<Arc<ResourcePlan>>,
    /// In the order of the plan's tables; `None` if the lake has no such table.
    pub(crate) tables: Vec<Option<PlannedTable>>,
    /// The members that are read in addition to those of the views.
    pub(crate) outline: Outline,
    pub(crate) identity: IdentityPaths,
    /// For claims whose rows are compared.
    pub(crate) within_claim: Option<(LinkPaths, MoneyChecks)>,
    /// Whether its resources name a patient that the pipeline needs: claims and coverages.
    pub(crate) has_owner: bool,
}

impl Planned {
    /// A resource type that no view reads.
    pub(crate) fn without_views() -> Self {
        let mut outline = Outline::new();
        Self {
            plan: None,
            tables: Vec::new(),
            identity: IdentityPaths::new(&mut outline),
            outline,
            within_claim: None,
            has_owner: false,
        }
    }

    /// A resource type with its views (JSON); `manifest` is the lake's, if there is one.
    pub(crate) fn new(
        resource: &ResourceType,
        plan: Arc<ResourcePlan>,
        views: &[serde_json::Value],
        derive: &[(String, Derivation)],
        money: &MoneyRules,
        manifest: Option<&LakeManifest>,
    ) -> Self {
        let mut outline = Outline::new();
        let identity = IdentityPaths::new(&mut outline);
        let tables = plan
            .tables()
            .iter()
            .zip(views)
            .map(|(table, view)| {
                let lake = manifest?
                    .tables
                    .iter()
                    .find(|lake| lake.layout.name == table.name())?;
                let columns = lake
                    .columns
                    .iter()
                    .map(|(name, _)| name)
                    .filter(|name| table.schema().column_with_name(name).is_some())
                    .filter(|name| !lake.layout.partition_by.contains(name))
                    .cloned()
                    .collect();
                let derived = derive.iter().find(|(name, _)| name == table.name());
                let keep = derived.and_then(|(_, derivation)| derivation.keep.clone());
                Some(PlannedTable {
                    name: table.name().to_owned(),
                    columns,
                    partition_by: lake.layout.partition_by.clone(),
                    // Rows of several bodies of a resource may count.
                    grain: match &keep {
                        Some(_) => None,
                        None => Grain::of_view(view, &mut outline),
                    },
                    keep,
                })
            })
            .collect();
        let is_claim = manifest.is_some() && *resource == ResourceType::explanation_of_benefit();
        Self {
            has_owner: claimlake_fhir::has_patient(resource)
                && manifest.is_some()
                && plan.has_context(PATIENT_COLUMN),
            plan: Some(plan),
            tables,
            identity,
            within_claim: is_claim.then(|| {
                let links = LinkPaths::new(&mut outline);
                (links, MoneyChecks::new(money, &mut outline))
            }),
            outline,
        }
    }
}
