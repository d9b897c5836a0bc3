//! Kinds of claims that an answer may be without, by the text of a body.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use claimlake_contract::{ApiVersion, ResourceType};
use memchr::memmem::Finder;
use serde::Deserialize;

static PART_2: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"42CFRPart2\""));
static PART_D: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"DDPS\""));

/// Whether an answer may be without some kinds: claims of v3, where a consent or an app may be.
pub(crate) fn apply_to(api: ApiVersion, resource: &ResourceType) -> bool {
    api == ApiVersion::V3 && *resource == ResourceType::explanation_of_benefit()
}

/// Which of these kinds occur among bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ClaimKinds {
    /// Labelled 42 CFR Part 2: a patient may leave these out of a consent, which no scope shows.
    pub(super) part_2: bool,
    /// Other than Part D events: an app may be limited to those.
    pub(super) beyond_part_d: bool,
    /// The systems that claims come from: one of them may fail by itself.
    pub(super) sources: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    source: serde_json::Value,
    #[serde(default)]
    tag: Vec<serde_json::Value>,
}

impl ClaimKinds {
    /// The kinds of one body. If a label is in an unexpected place, the body counts as labelled, so
    /// that it is kept.
    pub(super) fn of(body: &[u8]) -> Self {
        Self {
            part_2: PART_2.find(body).is_some(),
            beyond_part_d: PART_D.find(body).is_none(),
            sources: sources(body),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.part_2 |= other.part_2;
        self.beyond_part_d |= other.beyond_part_d;
        for source in &other.sources {
            if !self.sources.contains(source) {
                self.sources.insert(source.clone());
            }
        }
    }

    /// Whether bodies of these kinds can say that one of `missing` is gone: its kind was served.
    pub(super) fn cover(&self, missing: &Self) -> bool {
        (self.part_2 || !missing.part_2)
            && (self.beyond_part_d || !missing.beyond_part_d)
            && missing.sources.is_subset(&self.sources)
    }
}

/// `meta.source`, and the code of the tag that names the system.
fn sources(body: &[u8]) -> BTreeSet<String> {
    let meta = claimlake_landing::json::member(body, 0, "meta");
    let meta = meta.and_then(|member| body.get(member.value));
    let meta = meta.and_then(|meta| serde_json::from_slice::<Meta>(meta).ok());
    let Some(meta) = meta else {
        return BTreeSet::new();
    };
    // What servers append after `#` identifies a request.
    let source = meta.source.as_str().and_then(|text| text.split('#').next());
    let tags = meta.tag.iter().filter_map(|tag| {
        let is_system = tag["system"].as_str()?.ends_with("/System-Type");
        tag["code"].as_str().filter(|_| is_system)
    });
    let texts = source
        .into_iter()
        .chain(tags)
        .filter(|text| !text.is_empty());
    texts.map(str::to_owned).collect()
}
