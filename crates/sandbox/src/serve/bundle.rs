//! Search bundles: links in the forms of the two backends, entries strung together unparsed.

use bytes::Bytes;
use claimlake_contract::ApiVersion;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::fault::NextTrick;
use crate::serve::query::Checked;
use crate::serve::records::{Found, Kind};
use crate::service::Api;

const FORMAT: &str = "application/fhir+json";
const ENTRY_OPEN: Bytes = Bytes::from_static(b"{\"resource\":");
const ENTRY_NEXT: Bytes = Bytes::from_static(b"},{\"resource\":");
const ENTRIES_CLOSE: Bytes = Bytes::from_static(b"}]}");

/// What the links of a page are built of.
#[derive(Debug)]
pub(crate) struct LinkBase<'a> {
    pub(crate) origin: &'a str,
    pub(crate) api: Api,
    pub(crate) kind: Kind,
    pub(crate) patient_id: &'a str,
}

/// A link: its relation and URL.
pub(crate) type Link = (&'static str, String);

impl LinkBase<'_> {
    fn url(&self, slash: &str, pairs: &[(String, String)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let (version, kind) = (self.api.0, self.kind.as_str());
        format!("{}/v{version}/fhir/{kind}{slash}?{query}", self.origin)
    }

    fn patient_pair(&self) -> (String, String) {
        match self.kind {
            Kind::Patient => pair("_id", self.patient_id),
            Kind::Coverage => pair("beneficiary", format!("Patient/{}", self.patient_id)),
            Kind::ExplanationOfBenefit => pair("patient", self.patient_id),
        }
    }

    /// `first`, `next`, `previous`, `last`, `self` of v2.
    pub(crate) fn v2_links(&self, checked: &Checked, total: usize) -> Vec<Link> {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let (start, count) = (whole(checked.search.offset), whole(checked.search.count));
        let total = whole(total);
        let at = |start: i64| {
            let mut pairs = vec![
                pair("_format", FORMAT),
                pair("startIndex", start),
                pair("_count", count),
            ];
            pairs.extend(checked.kept.iter().cloned());
            pairs.push(self.patient_pair());
            self.url("", &pairs)
        };
        let mut links = vec![("first", at(0))];
        if start + count < total {
            links.push(("next", at(start + count)));
        }
        if start > 0 {
            links.push(("previous", at((start - count).max(0))));
        }
        links.push(("last", at((total - 1) / count.max(1) * count)));
        let mut own = vec![pair("_count", count), pair("_format", FORMAT)];
        own.extend(checked.kept.iter().cloned());
        own.push(self.patient_pair());
        if start > 0 {
            own.push(pair("startIndex", start));
        }
        links.push(("self", self.url("/", &own)));
        links
    }

    /// `next`, `previous`, `self` of v3; the offset travels as `_offset`.
    pub(crate) fn v3_links(
        &self,
        checked: &Checked,
        added: &[(String, String)],
        found: &Found,
        has_next: bool,
    ) -> Vec<Link> {
        let (start, count) = (checked.search.offset, checked.search.count);
        let mut pairs: Vec<(String, String)> = checked.kept.clone();
        pairs.extend(added.iter().cloned());
        pairs.push(pair("_count", count));
        pairs.push(pair("_format", FORMAT));
        pairs.push(self.patient_pair());
        let at = |offset: usize| {
            let mut pairs = pairs.clone();
            if offset > 0 {
                pairs.push(pair("_offset", offset));
            }
            self.url("/", &pairs)
        };
        let mut links = Vec::new();
        if has_next {
            links.push(("next", at(start + count)));
        }
        if start > 0 && self.kind == Kind::ExplanationOfBenefit && !found.resources.is_empty() {
            links.push(("previous", at(start.saturating_sub(count))));
        }
        let mut own = pairs.clone();
        own.sort();
        if start > 0 {
            own.push(pair("_offset", start));
        }
        links.push(("self", self.url("/", &own)));
        links
    }
}

/// Points the `next` link elsewhere.
pub(crate) fn link_next_elsewhere(
    links: &mut [Link],
    foreign: &str,
    origin: &str,
    trick: NextTrick,
) {
    let Some((_, url)) = links.iter_mut().find(|(relation, _)| *relation == "next") else {
        return;
    };
    let path = url.strip_prefix(origin).unwrap_or_default().to_owned();
    let foreign_host = foreign.trim_start_matches("http://");
    *url = match trick {
        NextTrick::Origin => format!("{foreign}{path}"),
        NextTrick::UserInfo => format!("{origin}@{foreign_host}{path}"),
        NextTrick::Suffix => format!("{origin}.evil.example{path}"),
    };
}

/// Points the `next` link, or a new one, at the page itself.
pub(crate) fn loop_next(links: &mut Vec<Link>) {
    let own = links.iter().find(|(relation, _)| *relation == "self");
    let own = own.map(|(_, url)| url.clone()).unwrap_or_default();
    match links.iter_mut().find(|(relation, _)| *relation == "next") {
        Some((_, url)) => *url = own,
        None => links.insert(0, ("next", own)),
    }
}

/// A bundle of type `searchset`.
pub(crate) fn searchset(
    id: &str,
    found: Found,
    total: Option<Value>,
    links: &[Link],
) -> Vec<Bytes> {
    let mut head = json!({
        "resourceType": "Bundle",
        "id": id,
        "meta": {"lastUpdated": found.last_updated},
        "type": "searchset",
    });
    if let Some(total) = total {
        head["total"] = total;
    }
    head["link"] = links
        .iter()
        .map(|(relation, url)| json!({"relation": relation, "url": url}))
        .collect();
    let mut text = head.to_string();
    if found.resources.is_empty() {
        return vec![Bytes::from(text)];
    }
    text.pop();
    text.push_str(",\"entry\":[");
    let mut body = Vec::with_capacity(found.resources.len() * 2 + 2);
    body.push(Bytes::from(text));
    let mut open = ENTRY_OPEN;
    for resource in found.resources {
        body.push(std::mem::replace(&mut open, ENTRY_NEXT));
        body.push(resource);
    }
    body.push(ENTRIES_CLOSE);
    body
}

/// Whether a space pages a resource type; v3 pages claims only.
pub(crate) fn is_paged(space: ApiVersion, kind: Kind) -> bool {
    space == ApiVersion::V2 || kind == Kind::ExplanationOfBenefit
}

pub(crate) fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}
