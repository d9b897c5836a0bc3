//! `[load] sql_views`: views of the lake that are SQL, a file each, or one for each engine.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{anyhow, bail};
use claimlake_loader::SqlView;

use super::{PipelineOrigin, ViewFile};

/// The texts of a view.
#[derive(Default)]
struct Texts<'f> {
    both: Option<&'f ViewFile>,
    duckdb: Option<&'f ViewFile>,
    spark: Option<&'f ViewFile>,
}

/// The views that the globs name, by their names.
///
/// # Errors
/// No file matches, or one cannot be read or is no view.
pub(crate) fn sql_views(origin: &PipelineOrigin, globs: &[String]) -> anyhow::Result<Vec<SqlView>> {
    let files = origin.sql_views(globs)?;
    let mut by_name: BTreeMap<String, Texts<'_>> = BTreeMap::new();
    for file in &files {
        let (name, engine) = name_of(&file.path).ok_or_else(|| {
            anyhow!(
                "load.sql_views: {}: a file is named VIEW.sql, or VIEW.duckdb.sql and VIEW.spark.sql \
                 where the engines need different texts",
                file.path
            )
        })?;
        let texts = by_name.entry(name).or_default();
        let place = match engine {
            None => &mut texts.both,
            Some(Engine::DuckDb) => &mut texts.duckdb,
            Some(Engine::Spark) => &mut texts.spark,
        };
        if let Some(before) = place.replace(file) {
            bail!(
                "load.sql_views: {} and {} make the same view, remove one",
                before.path,
                file.path
            );
        }
    }
    by_name
        .into_iter()
        .map(|(name, texts)| view_of(&name, &texts))
        .collect()
}

fn view_of(name: &str, texts: &Texts<'_>) -> anyhow::Result<SqlView> {
    let (duckdb, spark) = match texts {
        Texts {
            both: Some(both),
            duckdb: None,
            spark: None,
        } => (both, both),
        Texts {
            both: None,
            duckdb: Some(duckdb),
            spark: Some(spark),
        } => (duckdb, spark),
        Texts {
            both: None,
            duckdb: Some(alone),
            ..
        }
        | Texts {
            both: None,
            spark: Some(alone),
            ..
        } => bail!(
            "load.sql_views: {}: the other engine has no text: name the file {name}.sql if both read \
             it, else add {name}.duckdb.sql and {name}.spark.sql",
            alone.path
        ),
        _ => bail!(
            "load.sql_views: view '{name}': either {name}.sql for both engines, or a file for each, \
             not all"
        ),
    };
    let parse = |file: &ViewFile| {
        SqlView::parse(None, name, &file.text, &file.text)
            .map_err(|problem| anyhow!("load.sql_views: {}: {problem}", file.path))
    };
    // Each text is parsed by itself first, so that the error names its file.
    parse(duckdb)?;
    parse(spark)?;
    SqlView::parse(None, name, &duckdb.text, &spark.text).map_err(|problem| anyhow!(problem))
}

enum Engine {
    DuckDb,
    Spark,
}

/// The view that a file is of; whose text it is, where it is not both's.
fn name_of(path: &str) -> Option<(String, Option<Engine>)> {
    let file = Path::new(path).file_name()?.to_str()?;
    let name = file.strip_suffix(".sql")?;
    Some(match name.rsplit_once('.') {
        Some((name, "duckdb")) => (name.to_owned(), Some(Engine::DuckDb)),
        Some((name, "spark")) => (name.to_owned(), Some(Engine::Spark)),
        _ => (name.to_owned(), None),
    })
}

#[cfg(test)]
mod tests {
    use super::sql_views;
    use crate::pipeline::PipelineOrigin;

    fn refusal(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let origin = PipelineOrigin::File(folder.path().join("pipeline.toml"));
        let refused = sql_views(&origin, &["*.sql".to_owned()]).unwrap_err();
        format!("{refused:#}").replace(&format!("{}/", folder.path().display()), "")
    }

    const GOOD: &str = "SELECT 1 AS one";

    #[test]
    fn files_that_make_no_view_are_refused_with_what_to_do() {
        assert_eq!(
            refusal(&[]).replace("pipeline.toml: ", ""),
            "no file matches '*.sql' in load.sql_views"
        );
        assert_eq!(
            refusal(&[("stay.sql", "SELECT 1; DROP TABLE x")]),
            "load.sql_views: stay.sql: it is to be one query, without a semicolon within"
        );
        assert_eq!(
            refusal(&[("a-b.sql", GOOD)]),
            "load.sql_views: a-b.sql: the name 'a-b': letters, digits and '_' only"
        );
        assert!(
            refusal(&[("stay.duckdb.sql", GOOD)])
                .contains("add stay.duckdb.sql and stay.spark.sql")
        );
        let both = [("stay.sql", GOOD), ("stay.spark.sql", GOOD)];
        assert!(refusal(&both).contains("either stay.sql for both engines"));
        let second = [
            ("stay.duckdb.sql", GOOD),
            ("stay.spark.sql", "DELETE FROM x"),
        ];
        assert!(
            refusal(&second).starts_with("load.sql_views: stay.spark.sql: it is to be one query")
        );
    }

    #[test]
    fn the_built_in_views_are_read() {
        let origin = PipelineOrigin::Builtin("demo");
        let views = sql_views(&origin, &["sql/*.sql".to_owned()]).unwrap();
        assert!(views.len() >= 4);
    }
}
