//! The query of a FHIR search: checked by the proxy's rules, then by those of the backend.

use claimlake_contract::ApiVersion;
use serde_json::json;

use crate::http::{Fields, Reply};
use crate::oauth::refusal::server_error;
use crate::population::claim::ClaimKind;
use crate::reply_headers::{VARY_ANSWERED, VARY_REFUSED};
use crate::serve::date_range::DateRange;
use crate::serve::records::{Kind, Search};

const LARGEST_PAGE: i64 = 50;
const DEFAULT_PAGE: i64 = 10;
const SOURCES: [&str; 6] = ["NCH", "DDPS", "MCS", "VMS", "FISS", "CWF"];
const TYPE_SYSTEM: &str = "https://bluebutton.cms.gov/resources/codesystem/eob-type|";

/// A search and the parameters that its links repeat.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checked {
    pub(crate) search: Search,
    /// What the client sent and the server knows, without paging and patient.
    pub(crate) kept: Vec<(String, String)>,
}

/// `{"detail":…}` with status 400.
pub(crate) fn refuse(detail: &str) -> Reply {
    Reply::json(400, &json!({"detail": detail})).with("vary", VARY_REFUSED)
}

/// What a backend's refusal looks like behind the proxy.
pub(crate) fn backend_refusal(space: ApiVersion, diagnostics: &str) -> Reply {
    match space {
        ApiVersion::V2 => refuse(&format!(
            "An error occurred contacting the upstream server:{diagnostics}"
        ))
        .with("vary", VARY_ANSWERED),
        ApiVersion::V3 | ApiVersion::Carin => outcome(400, diagnostics),
    }
}

/// An OperationOutcome of the v3 backend, passed through.
pub(crate) fn outcome(status: u16, diagnostics: &str) -> Reply {
    let body = json!({
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "processing", "diagnostics": diagnostics}],
    });
    Reply::json(status, &body)
}

/// Parameters that every search knows and no link repeats.
const PAGING: [&str; 4] = ["_count", "count", "startIndex", "_format"];

/// Names that a search of `kind` knows; all others are dropped.
fn known(kind: Kind, space: ApiVersion, name: &str) -> bool {
    let own: &[&str] = match (kind, space) {
        (Kind::Coverage, _) => &["beneficiary"],
        (Kind::Patient, _) => &["_id", "identifier"],
        (Kind::ExplanationOfBenefit, ApiVersion::V3) if name == "_security:not" => &[name],
        (Kind::ExplanationOfBenefit, _) => &[
            "_offset",
            "service-date",
            "type",
            "_source",
            "_tag",
            "patient",
        ],
    };
    name == "_lastUpdated" || PAGING.contains(&name) || own.contains(&name)
}

/// Whether links repeat a parameter that the search knows: neither paging nor the patient.
fn is_repeated(space: ApiVersion, name: &str) -> bool {
    let is_left_out = match name {
        "patient" | "_id" | "beneficiary" | "_security:not" => true,
        "_offset" => space == ApiVersion::V3,
        _ => PAGING.contains(&name),
    };
    !is_left_out
}

/// Checks the parameters of a search.
pub(crate) fn check(
    kind: Kind,
    space: ApiVersion,
    fields: &Fields,
    prefer: Option<&str>,
) -> Result<Checked, Reply> {
    if space == ApiVersion::V3 && prefer.is_some_and(|text| text.contains("handling=strict")) {
        let names = fields.0.iter().map(|(name, _)| name);
        let unknown = names.filter(|name| !known(kind, space, name));
        let unknown: Vec<String> = unknown.map(|name| format!("'{name}'")).collect();
        if !unknown.is_empty() {
            let text = format!("Invalid parameters: [{}]", unknown.join(", "));
            return Err(Reply::json(400, &json!({"error": text})).with("vary", VARY_REFUSED));
        }
    }
    let count = integer(fields.get("_count").or_else(|| fields.get("count")))?;
    let start_index = integer(fields.get("startIndex"))?;
    let is_eob = kind == Kind::ExplanationOfBenefit;
    let v3_offset = integer(fields.get("_offset").filter(|_| is_eob))?;
    let count = count.unwrap_or(DEFAULT_PAGE);
    if count > LARGEST_PAGE {
        return Err(refuse(&format!("value must be at most {LARGEST_PAGE}")));
    }
    if count < 0 {
        return Err(refuse("value must be at least 0"));
    }
    let mut checked = Checked::default();
    checked.search.count = usize::try_from(count).unwrap_or_default();
    checked.search.last_updated = dates(fields, "_lastUpdated", space)?;
    if is_eob {
        checked.search.service_date = dates(fields, "service-date", space)?;
        checked.search.types = types(fields)?;
        if space == ApiVersion::V3 {
            v3_filters(fields, &mut checked.search)?;
        }
    }
    if count == 0 && space == ApiVersion::V2 {
        return Err(backend_refusal(space, "Invalid pageSize '0'"));
    }
    let offset = match space {
        ApiVersion::V3 | ApiVersion::Carin => v3_offset.or(start_index),
        ApiVersion::V2 => start_index,
    }
    .unwrap_or_default();
    checked.search.offset = match (usize::try_from(offset), space) {
        (Ok(offset), _) => offset,
        (Err(_), ApiVersion::V2) => {
            let text = format!("Value for startIndex cannot be negative: {offset}");
            return Err(backend_refusal(space, &text));
        }
        (Err(_), ApiVersion::V3 | ApiVersion::Carin) => return Err(server_error()),
    };
    let is_kept = |name: &str| known(kind, space, name) && is_repeated(space, name);
    checked.kept = fields.0.clone();
    checked.kept.retain(|(name, _)| is_kept(name));
    Ok(checked)
}

fn integer(text: Option<&str>) -> Result<Option<i64>, Reply> {
    let number = text.map(|text| text.trim().parse());
    number.transpose().map_err(|_| refuse("expected int"))
}

fn dates(fields: &Fields, name: &str, space: ApiVersion) -> Result<DateRange, Reply> {
    let mut span = DateRange::default();
    for value in fields.all(name) {
        let is_operator = |prefix: &&str| value.starts_with(*prefix);
        if !["lt", "le", "gt", "ge"].iter().any(is_operator) {
            return Err(refuse(&format!("the {name} operator is not valid")));
        }
        span.narrow(value).map_err(|()| {
            let text = format!("Invalid date/time format: \"{}\"", &value[2..]);
            backend_refusal(space, &text)
        })?;
    }
    Ok(span)
}

fn types(fields: &Fields) -> Result<Option<Vec<String>>, Reply> {
    let Some(value) = fields.get("type") else {
        return Ok(None);
    };
    let mut types = Vec::new();
    for one in value.split(',') {
        let code = one.strip_prefix(TYPE_SYSTEM).unwrap_or(one).to_lowercase();
        if !ClaimKind::ALL.iter().any(|kind| kind.lower() == code) {
            return Err(refuse("the type parameter value is not valid"));
        }
        types.push(code);
    }
    Ok(Some(types))
}

fn v3_filters(fields: &Fields, search: &mut Search) -> Result<(), Reply> {
    for value in fields.all("_source") {
        let list: Vec<String> = value.split(',').map(str::to_owned).collect();
        if !list.iter().all(|source| SOURCES.contains(&source.as_str())) {
            let text = "Unknown source. Supported sources are: [DDPS, NCH, FISS, MCS, VMS, CWF]";
            return Err(outcome(400, text));
        }
        search.sources.push(list);
    }
    for value in fields.all("_tag") {
        let mut list = Vec::new();
        for one in value.split(',') {
            let Some((system, code)) = one.split_once('|') else {
                let text = "Tag must have a system and a code: system|code";
                return Err(outcome(400, text));
            };
            list.push((system.to_owned(), code.to_owned()));
        }
        search.tags.push(list);
    }
    search.without_samhsa = fields
        .all("_security:not")
        .any(|value| value.ends_with("42CFRPart2"));
    Ok(())
}
