//! Search requests ([FHIR R4, search](https://hl7.org/fhir/R4/search.html)): built from base URL and
//! parameters, never from a link.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, PatientId, ResourceType};
use url::Url;

use crate::http::failure::RequestName;

/// Every source of claims on v3; prior authorizations are requested separately.
const V3_CLAIM_SOURCES: &str = "NCH,DDPS,FISS,MCS,VMS";
const V3_PRIOR_AUTHORIZATIONS: &str = "CWF";

/// A parameter that the server does not know is an error instead of being dropped.
const STRICT: &[(&str, &str)] = &[("prefer", "handling=strict")];

/// A search for changes begins this much before the watermark: more than the week between two loads
/// of the server.
const OVERLAP: TimeDelta = TimeDelta::days(8);

/// Before this the server kept no `_lastUpdated`.
const FIRST_LAST_UPDATED: &str = "2020-02-13T00:00:00Z";

/// Which resources of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Selection {
    /// All there are (v2), or all but prior authorizations (v3).
    Main,
    /// v3: prior authorizations, which know no `_lastUpdated` and come every time.
    PriorAuthorizations,
}

/// A search of one patient's resources of one type.
#[derive(Debug, Clone)]
pub(crate) struct Search<'a> {
    pub(crate) base_url: &'a Url,
    pub(crate) api: ApiVersion,
    pub(crate) resource: &'a ResourceType,
    pub(crate) patient: &'a PatientId,
    pub(crate) selection: Selection,
    pub(crate) page_size: u32,
    /// Only what changed after this watermark.
    pub(crate) since: Option<DateTime<Utc>>,
}

impl Search<'_> {
    /// All sources of claims that the searches of v3 ask for together.
    pub(crate) fn all_sources() -> String {
        format!("{V3_CLAIM_SOURCES},{V3_PRIOR_AUTHORIZATIONS}")
    }

    /// The request for the page at an offset.
    pub(crate) fn url(&self, offset: u64) -> Url {
        let mut url = self.base_url.clone();
        let base_path = self.base_url.path().trim_end_matches('/');
        url.set_path(&format!("{base_path}/{}/fhir/{}", self.api, self.resource));
        url.set_fragment(None);
        let claims = *self.resource == ResourceType::explanation_of_benefit();
        {
            let mut query = url.query_pairs_mut();
            query.clear();
            // `patient` with a type before the id is refused; every parameter takes the bare id.
            query.append_pair(self.patient_parameter(), self.patient.expose());
            query.append_pair("_count", &self.page_size.to_string());
            if offset > 0 {
                query.append_pair(self.offset_parameter(), &offset.to_string());
            }
            if claims && self.api == ApiVersion::V3 {
                let sources = match self.selection {
                    Selection::Main => V3_CLAIM_SOURCES,
                    Selection::PriorAuthorizations => V3_PRIOR_AUTHORIZATIONS,
                };
                query.append_pair("_source", sources);
            }
            if let Some(since) = self.since.and_then(lower_bound) {
                query.append_pair("_lastUpdated", &since);
            }
        }
        url
    }

    /// The request's name in failures.
    pub(crate) fn name(&self, offset: u64) -> RequestName<'_> {
        let is_beside = self.selection == Selection::PriorAuthorizations;
        RequestName {
            resource: self.resource,
            part: is_beside.then_some("prior authorizations"),
            offset,
            page_size: self.page_size,
        }
    }

    /// Headers in addition to those of every request.
    pub(crate) fn headers(&self) -> &'static [(&'static str, &'static str)] {
        let claims = *self.resource == ResourceType::explanation_of_benefit();
        match self.api {
            ApiVersion::V3 if claims => STRICT,
            _ => &[],
        }
    }

    fn patient_parameter(&self) -> &'static str {
        match self.resource.as_str() {
            "Patient" => "_id",
            "Coverage" => "beneficiary",
            _ => "patient",
        }
    }

    fn offset_parameter(&self) -> &'static str {
        match self.api {
            ApiVersion::V2 => "startIndex",
            ApiVersion::V3 | ApiVersion::Carin => "_offset",
        }
    }
}

/// `ge2026-11-15T00:00:00Z`; `None` if that is earlier than every `lastUpdated` of the server.
fn lower_bound(watermark: DateTime<Utc>) -> Option<String> {
    let since = watermark.checked_sub_signed(OVERLAP)?;
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    (since.as_str() > FIRST_LAST_UPDATED).then(|| format!("ge{since}"))
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use claimlake_contract::{ApiVersion, PatientId, ResourceType};
    use url::Url;

    use super::{Search, Selection};

    fn url(api: ApiVersion, resource: &ResourceType, selection: Selection, year: i32) -> String {
        let search = Search {
            base_url: &Url::parse("https://example.org/").unwrap(),
            api,
            resource,
            patient: &PatientId::new("-19"),
            selection,
            page_size: 50,
            since: Some(Utc.with_ymd_and_hms(year, 3, 10, 5, 6, 7).unwrap()),
        };
        search.url(100).to_string()
    }

    #[test]
    fn requests_carry_the_bare_id_the_offset_and_the_sources_of_their_version() {
        let claims = ResourceType::explanation_of_benefit();
        assert_eq!(
            url(ApiVersion::V2, &claims, Selection::Main, 2026),
            "https://example.org/v2/fhir/ExplanationOfBenefit?patient=-19&_count=50&startIndex=100\
             &_lastUpdated=ge2026-03-02T05%3A06%3A07Z"
        );
        assert_eq!(
            url(
                ApiVersion::V3,
                &claims,
                Selection::PriorAuthorizations,
                2020
            ),
            "https://example.org/v3/fhir/ExplanationOfBenefit?patient=-19&_count=50&_offset=100\
             &_source=CWF&_lastUpdated=ge2020-03-02T05%3A06%3A07Z"
        );
        let coverage = ResourceType::coverage();
        assert_eq!(
            url(ApiVersion::V2, &coverage, Selection::Main, 2020),
            "https://example.org/v2/fhir/Coverage?beneficiary=-19&_count=50&startIndex=100\
             &_lastUpdated=ge2020-03-02T05%3A06%3A07Z"
        );
    }

    #[test]
    fn a_watermark_older_than_the_servers_memory_asks_for_everything() {
        let claims = ResourceType::explanation_of_benefit();
        let early = url(ApiVersion::V2, &claims, Selection::Main, 2019);
        assert!(!early.contains("_lastUpdated"), "{early}");
    }
}
