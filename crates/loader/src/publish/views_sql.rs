//! `views.duckdb.sql` and `views.spark.sql`: the tables of one snapshot, the rows of current
//! resources, and the views that the pipeline brings as SQL.

mod base;
mod current;
mod names;
mod plan;
mod sql_view;
mod table;
mod text;

use std::collections::BTreeSet;

use claimlake_contract::{LakeManifest, LakeTable};

use crate::request::LoadOptions;
pub use base::ViewsBase;
use current::{CurrentRows, current_rows};
use names::quoted;
use plan::{Plan, Source};
pub use sql_view::SqlView;
use text::{Piece, Relation, SqlText};

/// The file for DuckDB.
pub(crate) const DUCKDB_FILE: &str = "views.duckdb.sql";

/// The file for Spark.
pub(crate) const SPARK_FILE: &str = "views.spark.sql";

/// The SQL that makes the views of a snapshot, for each engine: statements that end with `;` and a
/// line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewsSql {
    /// For DuckDB.
    pub duckdb: String,
    /// For Spark.
    pub spark: String,
}

/// The views of a snapshot, whose files lie at `base`. The text depends on the arguments alone.
pub fn views_sql(manifest: &LakeManifest, base: &ViewsBase, options: &LoadOptions) -> ViewsSql {
    let views = Views::of(manifest, base, options);
    ViewsSql {
        duckdb: views.duckdb(),
        spark: views.spark(),
    }
}

/// What both texts are made of.
struct Views<'a> {
    manifest: &'a LakeManifest,
    base: &'a ViewsBase,
    main_tables: &'a [String],
    current: Vec<CurrentRows<'a>>,
    plan: Plan<'a>,
}

impl<'a> Views<'a> {
    fn of(manifest: &'a LakeManifest, base: &'a ViewsBase, options: &'a LoadOptions) -> Self {
        let current = current_rows(manifest, &options.current, &options.resource_keys);
        Self {
            manifest,
            base,
            main_tables: &options.main_tables,
            plan: Plan::of(manifest, &current, &options.sql_views),
            current,
        }
    }

    /// Views of all tables in schema `lossless`, of the tables for most questions and of SQL in
    /// `main`, of current rows in `current`. Each statement is one line, unless a name contains
    /// line breaks.
    fn duckdb(&self) -> String {
        let mut sql = self.header();
        sql.push_str(&self.base.duckdb_preamble());
        sql.push_str("CREATE SCHEMA IF NOT EXISTS lossless;\n");
        for table in &self.manifest.tables {
            let name = quoted(&table.layout.name, '"');
            let query = table::duckdb(table, self.base);
            push(
                &mut sql,
                &format!("CREATE OR REPLACE VIEW lossless.{name} AS {query}"),
            );
            if self.is_main(table) {
                let query = format!("SELECT * FROM lossless.{name}");
                push(
                    &mut sql,
                    &format!("CREATE OR REPLACE VIEW main.{name} AS {query}"),
                );
            }
        }
        let mut schemas = BTreeSet::new();
        if !self.current.is_empty() {
            schemas.insert("current");
        }
        schemas.extend(
            self.plan
                .views
                .iter()
                .filter_map(|view| view.schema.as_deref()),
        );
        for schema in schemas {
            push(
                &mut sql,
                &format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema, '"')),
            );
        }
        let lossless = |table: &LakeTable| format!("lossless.{}", quoted(&table.layout.name, '"'));
        for rows in &self.current {
            let name = quoted(&rows.table.layout.name, '"');
            let query = rows.query('"', lossless, "SEMI JOIN");
            push(
                &mut sql,
                &format!("CREATE OR REPLACE VIEW \"current\".{name} AS {query}"),
            );
        }
        for view in &self.plan.views {
            let schema = quoted(view.schema.as_deref().unwrap_or("main"), '"');
            let name = quoted(&view.name, '"');
            let query = self.query(view, &view.duckdb, '"', |source, relation| {
                let schema = match source {
                    Source::Table => "lossless",
                    Source::Current => "\"current\"",
                    Source::View => "main",
                };
                format!("{schema}.{}", quoted(&relation.name, '"'))
            });
            push(
                &mut sql,
                &format!("CREATE OR REPLACE VIEW {schema}.{name} AS {query}"),
            );
        }
        sql
    }

    /// Temporary views of the same, one statement a line: what has a schema in DuckDB has its name
    /// as a prefix. A table whose name a SQL view took is `lossless_<table>`.
    fn spark(&self) -> String {
        let mut sql = self.header();
        let create = |name: &str| {
            let name = quoted(name, '`');
            format!("CREATE OR REPLACE TEMPORARY VIEW {name}")
        };
        for table in &self.manifest.tables {
            let name = create(&self.spark_name(table));
            push(
                &mut sql,
                &format!("{name}{}", table::spark(table, self.base)),
            );
        }
        for rows in &self.current {
            let name = create(&format!("current_{}", rows.table.layout.name));
            let relation = |table: &LakeTable| quoted(&self.spark_name(table), '`');
            let query = rows.query('`', relation, "LEFT SEMI JOIN");
            push(&mut sql, &format!("{name} AS {query}"));
        }
        for view in &self.plan.views {
            let name = match &view.schema {
                Some(schema) => create(&format!("{schema}_{}", view.name)),
                None => create(&view.name),
            };
            let query = self.query(view, &view.spark, '`', |source, relation| {
                let name = &relation.name;
                let name = match source {
                    Source::Table => self.spark_table(name),
                    Source::Current => format!("current_{name}"),
                    Source::View => name.clone(),
                };
                quoted(&name, '`')
            });
            push(&mut sql, &format!("{name} AS {query}"));
        }
        sql
    }

    fn header(&self) -> String {
        let mut header = match self.base {
            ViewsBase::Delta(_) => "-- The tables by their newest versions.\n".to_owned(),
            _ => format!(
                "-- Snapshot {} of {}: these views keep showing it for as long as it is kept.\n",
                self.manifest.snapshot, self.manifest.published_at
            ),
        };
        for left_out in &self.plan.left_out {
            header.push_str(&format!(
                "-- Left out: {left_out}, which the lake does not have.\n"
            ));
        }
        header
    }

    /// Whether `main` shows the table itself.
    fn is_main(&self, table: &LakeTable) -> bool {
        let name = &table.layout.name;
        let is_named = self.main_tables.is_empty() || self.main_tables.contains(name);
        is_named && !self.is_replaced(name)
    }

    fn is_replaced(&self, table: &str) -> bool {
        self.plan.views.iter().any(|view| view.replaces(table))
    }

    fn spark_name(&self, table: &LakeTable) -> String {
        self.spark_table(&table.layout.name)
    }

    fn spark_table(&self, name: &str) -> String {
        match self.is_replaced(name) {
            true => format!("lossless_{name}"),
            false => name.to_owned(),
        }
    }

    /// The query of a view, its relations named as the engine has them.
    fn query(
        &self,
        view: &SqlView,
        text: &SqlText,
        quote: char,
        named: impl Fn(Source, &Relation) -> String,
    ) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Sql(sql) => sql.clone(),
            Piece::Relation(relation) => {
                let columns = relation.columns.iter().map(|column| quoted(column, quote));
                let columns: Vec<String> = columns.collect();
                let name = named(self.plan.source(view, relation), relation);
                format!("(SELECT {} FROM {name})", columns.join(", "))
            }
        };
        text.pieces.iter().map(piece).collect()
    }
}

fn push(sql: &mut String, statement: &str) {
    sql.push_str(statement);
    sql.push_str(";\n");
}
