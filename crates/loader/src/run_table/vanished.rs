//! Resources that the lake holds and the source no longer has: they stay, and `changes` tells once.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::LakeFile;

use super::changes::{ChangeKind, read_file};
use crate::error::Result;
use crate::merge::keys::{self, KeyRow};

/// What a resource is known by.
#[derive(Clone, Copy)]
pub struct ResourceName<'a> {
    /// `v2` or `v3`.
    pub source_api: &'a str,
    /// The FHIR resource type.
    pub resource_type: &'a str,
    /// The person it is about.
    pub patient_id: &'a str,
    /// Its id.
    pub resource_id: &'a str,
}

impl fmt::Debug for ResourceName<'_> {
    /// Without the ids of people and claims.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = formatter.debug_struct("ResourceName");
        name.field("source_api", &self.source_api);
        name.field("resource_type", &self.resource_type);
        name.finish_non_exhaustive()
    }
}

type Test = dyn Fn(ResourceName<'_>) -> bool + Send + Sync;

/// Tells whether the source no longer has a resource; by default it never says so.
#[derive(Clone, Default)]
pub struct IsVanished(Option<Arc<Test>>);

impl IsVanished {
    /// Asks `test` about every resource that the lake holds of a person.
    pub fn new(test: impl Fn(ResourceName<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(test)))
    }
}

impl fmt::Debug for IsVanished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.0.as_ref().map(|_| "asked");
        formatter.debug_tuple("IsVanished").field(&asked).finish()
    }
}

/// The test, and what it said before.
pub(crate) struct Vanished<'a> {
    test: Option<&'a Test>,
    told: HashSet<(String, String, String)>,
}

impl<'a> Vanished<'a> {
    /// `files` are those of table `changes` in `before`, oldest first.
    pub(crate) fn since(
        test: &'a IsVanished,
        before: Option<&Path>,
        files: &[LakeFile],
    ) -> Result<Self> {
        let test = test.0.as_deref();
        let mut told = HashSet::new();
        if let (Some(_), Some(before)) = (test, before) {
            for file in files {
                for change in read_file(&before.join(&file.path))? {
                    let change = change?;
                    let key = (change.source_api, change.resource_type, change.resource_id);
                    match change.kind == ChangeKind::Vanished.as_str() {
                        true => told.insert(key),
                        false => told.remove(&key),
                    };
                }
            }
        }
        Ok(Self { test, told })
    }

    /// Whether the resource vanished and `changes` does not say so yet.
    pub(crate) fn is_news(&self, row: &KeyRow<'_>) -> bool {
        let Some(test) = self.test else {
            return false;
        };
        let name = (
            row.text(keys::API),
            row.text(keys::RESOURCE_TYPE),
            row.text(keys::PATIENT),
            row.text(keys::ID),
        );
        let (Some(source_api), Some(resource_type), Some(patient_id), Some(resource_id)) = name
        else {
            return false;
        };
        let is_vanished = test(ResourceName {
            source_api,
            resource_type,
            patient_id,
            resource_id,
        });
        let key = || {
            (
                source_api.to_owned(),
                resource_type.to_owned(),
                resource_id.to_owned(),
            )
        };
        is_vanished && !self.told.contains(&key())
    }
}
