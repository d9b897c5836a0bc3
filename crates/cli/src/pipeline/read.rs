//! Reading a pipeline and its views, from files or from within the binary.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use claimlake_contract::ApiVersion;
use claimlake_publisher::Target;
use toml::de::DeTable;
use url::{Host, Url};

use super::overrides::{self, Override};
use super::{Pipeline, SourceKind, builtin, glob, keys};
use crate::text_file;

/// Where a pipeline comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PipelineOrigin {
    /// Built into the binary, under this name.
    Builtin(&'static str),
    /// A file.
    File(PathBuf),
}

/// A view file's name and text.
#[derive(Debug, Clone)]
pub(crate) struct ViewFile {
    /// The path, for messages.
    pub(crate) path: String,
    /// The JSON text.
    pub(crate) text: String,
}

impl PipelineOrigin {
    /// A file of that path, or else a built-in pipeline of that name.
    pub(crate) fn find(wanted: &str) -> Self {
        let path = Path::new(wanted);
        match builtin::name(wanted) {
            Some(name) if !path.is_file() => Self::Builtin(name),
            _ => Self::File(path.to_path_buf()),
        }
    }

    /// How messages name it.
    pub(crate) fn display(&self) -> String {
        match self {
            Self::Builtin(name) => format!("{name} (built in)"),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The folder that paths of the pipeline are relative to.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Builtin(_) => Path::new(""),
            Self::File(file) => file.parent().unwrap_or(Path::new("")),
        }
    }

    /// The views that the globs name, each once, in the order of their paths.
    pub(crate) fn views(&self, globs: &[String]) -> anyhow::Result<Vec<ViewFile>> {
        self.files(globs, "transform.views", builtin::views)
    }

    /// The same for the views that are SQL.
    pub(super) fn sql_views(&self, globs: &[String]) -> anyhow::Result<Vec<ViewFile>> {
        self.files(globs, "load.sql_views", builtin::sql_views)
    }

    /// The files of schemas under other names.
    pub(super) fn renamed_schemas(&self, globs: &[String]) -> anyhow::Result<Vec<ViewFile>> {
        self.files(globs, "load.renamed_schemas", builtin::renamed_schemas)
    }

    fn files(
        &self,
        globs: &[String],
        key: &str,
        built_in: impl Fn(&str) -> Vec<ViewFile>,
    ) -> anyhow::Result<Vec<ViewFile>> {
        let mut files: Vec<ViewFile> = Vec::new();
        for pattern in globs {
            let found = match self {
                Self::Builtin(_) => built_in(pattern),
                Self::File(_) => files_of(self.folder(), pattern, key)?,
            };
            if found.is_empty() {
                bail!("{}: no file matches '{pattern}' in {key}", self.display());
            }
            files.extend(found);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(files)
    }
}

fn files_of(base: &Path, pattern: &str, key: &str) -> anyhow::Result<Vec<ViewFile>> {
    let paths = glob::files(base, pattern)
        .with_context(|| format!("reading the folder of '{pattern}' in {key}"))?;
    let read = |path: PathBuf| {
        let text = text_file::read(&path)
            .with_context(|| format!("reading the view {}", path.display()))?;
        Ok(ViewFile {
            path: path.display().to_string(),
            text,
        })
    };
    paths.into_iter().map(read).collect()
}

/// Reads and checks the pipeline at `origin`, the environment over it.
pub(crate) fn read(
    origin: &PipelineOrigin,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Pipeline> {
    let text = match origin {
        PipelineOrigin::Builtin(name) => builtin::text(name).to_owned(),
        PipelineOrigin::File(path) => text_file::read(path).map_err(|error| {
            let known = builtin::NAMES.join(", ");
            anyhow!(
                "cannot read the pipeline file {}: {error} (--pipeline takes a file, or one of the built-in {known})",
                path.display()
            )
        })?,
    };
    parse(&text, variable).with_context(|| format!("pipeline {}", origin.display()))
}

fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Pipeline> {
    let spanned = DeTable::parse(text).map_err(|error| anyhow!("{}", one_line(&error, text)))?;
    if let Some(unknown) = keys::unknown_key(spanned.get_ref(), text) {
        bail!(unknown);
    }
    let mut table: toml::Table = text
        .parse()
        .map_err(|error| anyhow!("{}", one_line(&error, text)))?;
    // Whatever is wrong in the file itself is reported with its line, before the environment is read.
    toml::from_str::<Pipeline>(text).map_err(|error| anyhow!("{}", one_line(&error, text)))?;
    let file = table.clone();
    let applied = overrides::apply(&mut table, &variable);
    // Not by its text, in which tables come after plain values: the order of columns would be another.
    let pipeline: Pipeline = table.try_into().map_err(|_: toml::de::Error| {
        // Without the variables the file is right, so one of them is wrong.
        let is_wrong = |found: &&Override| {
            let mut alone = file.clone();
            overrides::apply(&mut alone, |name| {
                (name == found.variable).then(|| variable(name)).flatten()
            });
            alone.try_into::<Pipeline>().is_err()
        };
        match applied.iter().find(is_wrong) {
            Some(found) => {
                let (key, variable) = (&found.key, &found.variable);
                anyhow!("{key} in {variable}: expected {}", found.expected)
            }
            None => {
                let names: Vec<&str> = applied
                    .iter()
                    .map(|found| found.variable.as_str())
                    .collect();
                anyhow!("the variables {} do not go together", names.join(", "))
            }
        }
    })?;
    check(&pipeline)?;
    Ok(pipeline)
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().replace('\n', " ");
    match error.span() {
        Some(span) => {
            let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        None => message,
    }
}

/// Ten years: a longer time is most likely meant in other units.
const MOST_DAYS: u32 = 3650;

/// Checks what TOML's types cannot express.
fn check(pipeline: &Pipeline) -> anyhow::Result<()> {
    let name_is_plain = pipeline
        .name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if pipeline.name.is_empty() || !name_is_plain {
        bail!("name: letters, digits, '-' and '_' only, since it names the data directory");
    }
    if let Err(error) = ApiVersion::of_server(pipeline.source.api.as_str()) {
        bail!("source.api: {error}");
    }
    if !(0.0..=1.0).contains(&pipeline.transform.max_reject_share) {
        bail!("transform.max_reject_share: a share between 0 and 1");
    }
    let extract = &pipeline.extract;
    if extract.page_size == 0 || extract.concurrency == 0 || extract.per_patient == 0 {
        bail!("extract: page_size, concurrency and per_patient are at least 1");
    }
    // NaN is no rate either.
    if extract
        .max_rps
        .is_some_and(|rate| rate.is_nan() || rate <= 0.0)
    {
        bail!("extract.max_rps: more than 0 requests a second");
    }
    if extract.full_every > MOST_DAYS {
        bail!("extract.full_every: at most {MOST_DAYS} days, or 0 for never");
    }
    if pipeline.load.keep_snapshots == 0 || pipeline.load.target_file_mb == 0 {
        bail!("load: keep_snapshots and target_file_mb are at least 1");
    }
    for target in &pipeline.load.publish {
        Target::parse(target).map_err(|error| anyhow!("load.publish: {error}"))?;
    }
    let source = &pipeline.source;
    if source.resources.is_empty() {
        bail!("source.resources: at least one resource type");
    }
    match source.kind {
        SourceKind::Sandbox => Ok(()),
        SourceKind::BlueButton => check_server(pipeline),
    }
}

fn check_server(pipeline: &Pipeline) -> anyhow::Result<()> {
    let Some(base_url) = &pipeline.source.base_url else {
        bail!("source.base_url: missing, and kind = \"blue_button\" needs it");
    };
    let Ok(url) = Url::parse(base_url) else {
        bail!("source.base_url: no address, expected https://host (ports go to 65535)");
    };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if !url.username().is_empty() || url.password().is_some() {
        bail!("source.base_url: no user name in it, credentials come from the environment");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => bail!("source.base_url: plain http only goes to loopback, use https"),
        _ => bail!("source.base_url: expected https://host"),
    }
}

#[cfg(test)]
mod tests;
