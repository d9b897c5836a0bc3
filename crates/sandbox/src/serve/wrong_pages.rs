//! Faults of a page's content and links.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fault::WrongTotal;
use crate::serve::bundle::Link;
use crate::serve::records::{Found, Kind, Search};

/// Moves an offset behind the end back among the matches.
pub(crate) fn wrap_offset(search: &mut Search, total: usize) {
    if total > 0 {
        search.offset %= total;
    }
}

/// Points `next`, which is added if it is missing, at the page this many matches further on.
pub(crate) fn link_next_page(links: &mut Vec<Link>, offset: usize, count: usize) {
    let own = links.iter().find(|(relation, _)| *relation == "self");
    let path = own.map_or("", |(_, url)| url.split('?').next().unwrap_or_default());
    let next = format!("{path}?_count={count}&_offset={}", offset + count);
    links.retain(|(relation, _)| *relation != "next");
    links.insert(0, ("next", next));
}

/// The number of matches, as it is stated.
pub(crate) fn total(form: WrongTotal, matches: usize) -> Option<Value> {
    match form {
        WrongTotal::Absent => None,
        WrongTotal::Less => Some(json!(matches.min(1))),
        WrongTotal::More => Some(json!(matches + 10)),
        WrongTotal::Text => Some(json!(matches.to_string())),
    }
}

/// Sets the year of the first resource's `lastUpdated` to 2099.
pub(crate) fn date_ahead(found: &mut Found) {
    const KEY: &[u8] = b"\"lastUpdated\":\"";
    let Some(first) = found.resources.first_mut() else {
        return;
    };
    let at = first.windows(KEY.len()).position(|window| window == KEY);
    let Some(year) = at.map(|at| at + KEY.len()) else {
        return;
    };
    let mut text = first.to_vec();
    if let Some(digits) = text.get_mut(year..year + 4) {
        digits.copy_from_slice(b"2099");
    }
    *first = Bytes::from(text);
}

/// Gives the first resource a second `resourceType`.
pub(crate) fn double_key(found: &mut Found, kind: Kind) {
    let Some(first) = found.resources.first_mut() else {
        return;
    };
    let rest = first.get(1..).unwrap_or_default();
    let mut text = format!(r#"{{"resourceType":"{}","#, kind.as_str()).into_bytes();
    text.extend_from_slice(rest);
    *first = Bytes::from(text);
}
