//! A place that the lake is published to, opened by the settings of the environment.

use std::path::PathBuf;

use anyhow::anyhow;
use claimlake_publisher::{OpenTarget, PublishError, Target};

use crate::failure::{Failure, Outcome};
use crate::invocation::{Invocation, quoted};
use crate::publish_record::overlaps;

/// A place, ready to be read and written.
#[derive(Debug)]
pub(crate) struct Place {
    /// The URL in one spelling.
    pub(crate) url: String,
    pub(crate) target: Target,
    pub(super) open: OpenTarget,
}

impl Place {
    /// Reads a URL. Nothing is looked at there.
    ///
    /// # Errors
    /// Exit 2: it is no place for a lake, or a setting of its store cannot be used.
    pub(crate) fn parse(text: &str, invocation: &Invocation) -> Outcome<Self> {
        let variable = |name: &str| std::env::var(name).ok();
        let target = Target::parse(text).and_then(|target| target.with_account(&variable));
        let target = target.map_err(failure)?;
        refuse_own_folders(&target, invocation)?;
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let open = target.open(&variable, home.as_deref()).map_err(failure)?;
        Ok(Self {
            url: target.to_string(),
            target,
            open,
        })
    }

    /// Access to it.
    pub(crate) fn opened(&self) -> &OpenTarget {
        &self.open
    }

    /// The places of `load.publish`.
    ///
    /// # Errors
    /// Exit 2: as above, or one is named twice or lies in another.
    pub(crate) fn configured(invocation: &Invocation) -> Outcome<Vec<Self>> {
        let mut places: Vec<Self> = Vec::new();
        for text in &invocation.pipeline()?.load.publish {
            let place = Self::parse(text, invocation).map_err(|failure| Failure {
                exit: failure.exit,
                cause: failure.cause.context("load.publish"),
            })?;
            if let Some(other) = places
                .iter()
                .find(|other| overlap(&place.target, &other.target))
            {
                return Err(Failure::usage(anyhow!(
                    "load.publish: {} and {} are one place, or one lies in the other",
                    quoted(&other.url),
                    quoted(&place.url)
                )));
            }
            places.push(place);
        }
        Ok(places)
    }
}

/// Whether two places are one, or one lies in the other.
pub(super) fn overlap(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Folder(one), Target::Folder(other)) => overlaps(one, other),
        _ => one.overlaps(other),
    }
}

/// A target inside the data directory or the lake would become part of them.
fn refuse_own_folders(target: &Target, invocation: &Invocation) -> Outcome<()> {
    let Target::Folder(folder) = target else {
        return Ok(());
    };
    let own = [invocation.data()?.root().to_path_buf(), invocation.lake()?];
    match own.iter().find(|own| overlaps(folder, own)) {
        None => Ok(()),
        Some(own) => Err(Failure::usage(anyhow!(
            "the target lies in {}, or that in the target: publish to a folder of its own",
            own.display()
        ))),
    }
}

/// A setting that cannot be used is exit 2.
pub(crate) fn failure(error: PublishError) -> Failure {
    match error.is_setting() {
        true => Failure::usage(error),
        false => error.into(),
    }
}
