//! Which SQL views can be written because the lake has what they read, in an order in which each
//! view comes after those that it reads.

use claimlake_contract::{LakeManifest, LakeTable};

use super::current::CurrentRows;
use super::sql_view::SqlView;
use super::text::Relation;

/// The SQL views that are written.
pub(super) struct Plan<'a> {
    /// In an order in which they can be made.
    pub(super) views: Vec<&'a SqlView>,
    /// The views that are not written, and why.
    pub(super) left_out: Vec<String>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A table as it is in the files.
    Table,
    /// The rows of a table's current resources.
    Current,
    /// Another SQL view.
    View,
}

impl<'a> Plan<'a> {
    pub(super) fn of(
        manifest: &LakeManifest,
        current: &[CurrentRows<'_>],
        views: &'a [SqlView],
    ) -> Self {
        let mut plan = Self {
            views: Vec::new(),
            left_out: Vec::new(),
        };
        let mut waiting: Vec<&SqlView> = views.iter().collect();
        loop {
            let before = waiting.len();
            let mut still = Vec::new();
            for view in waiting.clone() {
                // Whoever reads another view waits for it, or until it is known not to come.
                let waits = view.relations().any(|relation| {
                    let is_other = |other: &&SqlView| *other != view && is_meant(relation, other);
                    waiting.iter().any(is_other)
                });
                if waits {
                    still.push(view);
                    continue;
                }
                match view
                    .relations()
                    .find_map(|relation| plan.lacking(manifest, current, view, relation))
                {
                    Some(lacking) => plan.left_out.push(left_out(view, &lacking)),
                    None => plan.views.push(view),
                }
            }
            waiting = still;
            if waiting.is_empty() {
                return plan;
            }
            if waiting.len() == before {
                let circle = waiting
                    .iter()
                    .map(|view| left_out(view, "views that read each other in a circle"));
                plan.left_out.extend(circle);
                return plan;
            }
        }
    }

    /// What a relation of a view is, among what is written so far.
    pub(super) fn source(&self, view: &SqlView, relation: &Relation) -> Source {
        let is_view = |other: &&SqlView| *other != view && is_meant(relation, other);
        if relation.is_current {
            Source::Current
        } else if self.views.iter().any(is_view) {
            Source::View
        } else {
            Source::Table
        }
    }

    /// What the lake lacks for a table that a view reads.
    fn lacking(
        &self,
        manifest: &LakeManifest,
        current: &[CurrentRows<'_>],
        view: &SqlView,
        relation: &Relation,
    ) -> Option<String> {
        let name = &relation.name;
        match self.source(view, relation) {
            Source::View => return None,
            Source::Current if !current.iter().any(|rows| rows.table.layout.name == *name) => {
                return Some(format!(
                    "a rule that says which rows of '{name}' are current"
                ));
            }
            Source::Current | Source::Table => {}
        }
        let named = |table: &&LakeTable| table.layout.name == *name;
        let Some(table) = manifest.tables.iter().find(named) else {
            return Some(format!("a table '{name}'"));
        };
        let lacking = relation
            .columns
            .iter()
            .find(|column| !has_column(table, column));
        lacking.map(|column| format!("a column '{column}' of table '{name}'"))
    }
}

pub(super) fn has_column(table: &LakeTable, name: &str) -> bool {
    let mut columns = table.columns.iter().chain(&table.partition_columns);
    columns.any(|(column, _)| column == name)
}

fn is_meant(relation: &Relation, view: &SqlView) -> bool {
    !relation.is_current && view.replaces(&relation.name)
}

fn left_out(view: &SqlView, lacking: &str) -> String {
    let schema = view.schema.as_deref().unwrap_or("main");
    format!("{schema}.{} needs {lacking}", view.name)
}
