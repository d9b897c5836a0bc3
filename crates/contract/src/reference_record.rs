//! What a reference of a landed line was resolved to: one line of `references-NNNNN.ndjson.zst`.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Identifier;

/// One record of a references file, about one line of the part.
///
/// It has a reference (or the identifier that a logical reference has in place of one) and either
/// the resource that it names or why there is none; or the `full_url` that the line's own resource
/// had in its Bundle. All of it is PHI: `Debug` shows the line only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRecord {
    /// The line within the frame of the part, from 1.
    pub line: u64,
    /// `Reference.reference` as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// `Reference.identifier`, of a reference that has no `reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// The type of the resource that it names.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The id of that resource, in the id space of the part's API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why the patient of the line is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<Unresolved>,
    /// The `fullUrl` of the line's own resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_url: Option<String>,
}

impl ReferenceRecord {
    /// The type and id that the reference names; `None` if it is not resolved.
    #[must_use]
    pub fn target(&self) -> Option<(&str, &str)> {
        Some((self.resource_type.as_deref()?, self.id.as_deref()?))
    }

    /// The patient that the reference names.
    #[must_use]
    pub fn patient(&self) -> Option<&str> {
        self.target()
            .and_then(|(resource, id)| (resource == crate::ResourceType::PATIENT).then_some(id))
    }

    /// The reference ([`ReferenceRecord::key`]) with the type and id that it names; `None` if it is
    /// not resolved.
    #[must_use]
    pub fn resolved(&self) -> Option<(Cow<'_, str>, &str, &str)> {
        let (resource, id) = self.target()?;
        Some((self.key()?, resource, id))
    }

    /// The reference as sent, or `?identifier=<system>|<value>` of a logical one.
    #[must_use]
    pub fn key(&self) -> Option<Cow<'_, str>> {
        match (&self.reference, &self.identifier) {
            (Some(reference), _) => Some(Cow::Borrowed(reference)),
            (None, Some(identifier)) => Some(Cow::Owned(format!("?identifier={identifier}"))),
            (None, None) => None,
        }
    }
}

impl fmt::Debug for ReferenceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceRecord(line {}, redacted)", self.line)
    }
}

/// Why the patient of a resource is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unresolved {
    /// The resource names no patient.
    NoReference,
    /// What it names is neither among the inputs nor in landing.
    NotFound,
    /// Several patients have the identifier or the `fullUrl` that it names.
    Ambiguous,
    /// The patient that it names has no id.
    NoId,
    /// It names a patient id, and no Patient with that id is among the inputs or in landing.
    NotHere,
}

impl Unresolved {
    /// The name in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Unresolved::NoReference => "no_reference",
            Unresolved::NotFound => "not_found",
            Unresolved::Ambiguous => "ambiguous",
            Unresolved::NoId => "no_id",
            Unresolved::NotHere => "not_here",
        }
    }

    /// The same as text.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Unresolved::NoReference => "it names no patient",
            Unresolved::NotFound => {
                "the patient it names is neither in the input nor in landing: import it again \
                 together with, or after, its Patient"
            }
            Unresolved::Ambiguous => {
                "several patients have the identifier or fullUrl that it names"
            }
            Unresolved::NoId => "the patient that it names has no id",
            Unresolved::NotHere => "no Patient with the id that it names is here",
        }
    }
}
