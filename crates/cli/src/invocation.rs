//! One call of the binary: the settings that follow from flags, environment and pipeline, read once.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use claimlake_contract::{Clock, Progress, SystemClock};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::global_arguments::GlobalArguments;
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::pipeline::{self, Pipeline, PipelineOrigin, Variable};
use crate::progress;
use crate::running::Process;
use crate::zone::ZonesHeld;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Invocation {
    global: GlobalArguments,
    origin: PipelineOrigin,
    pipeline: OnceCell<Pipeline>,
    output: Arc<Output>,
    progress: Arc<dyn Progress>,
    is_chained: Cell<bool>,
    command: &'static str,
    interrupts: OnceCell<Interrupts>,
    pub(crate) zones_held: ZonesHeld,
}

impl Invocation {
    /// `command` is the name that it has in summaries.
    pub(crate) fn new(global: GlobalArguments, command: &'static str) -> Self {
        let output = Arc::new(Output::new(&global));
        Self {
            origin: PipelineOrigin::find(&global.pipeline),
            pipeline: OnceCell::new(),
            progress: progress::for_output(&output),
            output,
            is_chained: Cell::new(false),
            command,
            interrupts: OnceCell::new(),
            zones_held: ZonesHeld::default(),
            global,
        }
    }

    /// This process, as lock files name it.
    pub(crate) fn process(&self) -> Process {
        Process::this(self.command, self.clock().now())
    }

    /// Ctrl-C and SIGTERM, which are caught from the first call on.
    pub(crate) fn interrupts(&self) -> Outcome<&Interrupts> {
        if let Some(interrupts) = self.interrupts.get() {
            return Ok(interrupts);
        }
        let caught = Interrupts::catch(self.command, &self.output)
            .context("listening to Ctrl-C and SIGTERM")?;
        Ok(self.interrupts.get_or_init(|| caught))
    }

    /// Whether this process was asked to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupts.get().is_some_and(Interrupts::are_asked)
    }

    pub(crate) fn global(&self) -> &GlobalArguments {
        &self.global
    }

    pub(crate) fn output(&self) -> &Arc<Output> {
        &self.output
    }

    pub(crate) fn progress(&self) -> &Arc<dyn Progress> {
        &self.progress
    }

    pub(crate) fn clock(&self) -> &'static dyn Clock {
        &SystemClock
    }

    /// Where the pipeline comes from.
    pub(crate) fn origin(&self) -> &PipelineOrigin {
        &self.origin
    }

    /// The pipeline; errors in it are configuration errors.
    pub(crate) fn pipeline(&self) -> Outcome<&Pipeline> {
        if let Some(pipeline) = self.pipeline.get() {
            return Ok(pipeline);
        }
        let variable = |name: &str| std::env::var(name).ok();
        let read = pipeline::read(&self.origin, variable).map_err(Failure::usage)?;
        Ok(self.pipeline.get_or_init(|| read))
    }

    /// Refuses variables that look like settings and are none, and warns of others; where the
    /// pipeline cannot be read, whoever needs it says why.
    pub(crate) fn check_environment(&self) -> Outcome<()> {
        let Ok(pipeline) = self.pipeline() else {
            return Ok(());
        };
        let set: Vec<(String, bool)> = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_str().is_some(),
                )
            })
            .collect();
        let variables = set.iter().map(|(name, is_text)| Variable {
            name,
            is_text: *is_text,
        });
        let found = pipeline::strangers(pipeline, variables);
        if let Some(refused) = found.refused {
            return Err(Failure::usage(anyhow!(refused)));
        }
        for warning in found.warnings {
            self.output.warn(&format!("warning: {warning}"));
        }
        Ok(())
    }

    /// The data directory; nothing is made yet.
    pub(crate) fn data(&self) -> Outcome<DataDir> {
        let root = match &self.global.data {
            Some(data) => data.clone(),
            None => PathBuf::from("data").join(&self.pipeline()?.name),
        };
        if root.exists() && !root.is_dir() {
            return Err(Failure::usage(anyhow!(
                "the data directory {} is a file: name a folder with --data",
                root.display()
            )));
        }
        refuse_copy(&root)?;
        Ok(DataDir::at(root))
    }

    /// The data directory, which must exist: a mistyped name would be an empty one.
    pub(crate) fn existing_data(&self) -> Outcome<DataDir> {
        let data = self.data()?;
        match data.root().is_dir() {
            true => Ok(data),
            false => Err(Failure::usage(anyhow!(
                "there is no data directory {}: name it with --data",
                data.root().display()
            ))),
        }
    }

    /// `<data>/lake`, unless the pipeline says otherwise.
    pub(crate) fn lake(&self) -> Outcome<PathBuf> {
        Ok(match &self.pipeline()?.load.dir {
            Some(dir) => {
                refuse_copy(dir)?;
                dir.clone()
            }
            None => self.data()?.root().join("lake"),
        })
    }

    /// The flags that lead a further command to the same pipeline and data directory.
    pub(crate) fn same_flags(&self) -> String {
        let mut flags = String::new();
        if self.global.pipeline != "demo" {
            flags.push_str(&format!(" --pipeline {}", quoted(&self.global.pipeline)));
        }
        if let Some(data) = &self.global.data {
            flags.push_str(&format!(" --data {}", quoted(&data.display().to_string())));
        }
        flags
    }

    /// From now on the next stage follows by itself.
    pub(crate) fn chain_stages(&self) {
        self.is_chained.set(true);
    }

    /// Whether the next stage follows by itself, so that it is not named as the next command.
    pub(crate) fn is_chained(&self) -> bool {
        self.is_chained.get()
    }

    /// `claimlake <command>` with the same flags.
    pub(crate) fn next(&self, command: &str) -> String {
        format!("claimlake{} {command}", self.same_flags())
    }
}

/// A de-identified copy is no data directory: rows with identifiers do not go into it.
fn refuse_copy(folder: &Path) -> Outcome<()> {
    match claimlake_deidentify::is_copy(folder) {
        false => Ok(()),
        true => Err(Failure::usage(anyhow!(
            "{} is a de-identified copy: nothing is loaded into it, and no command works in it; \
             `claimlake deidentify` makes it anew from the lake",
            folder.display()
        ))),
    }
}

/// Quoted for a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
