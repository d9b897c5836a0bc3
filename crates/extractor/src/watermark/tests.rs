use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType};
use claimlake_vault::ExtractState;

use super::{is_ahead, latest, usable};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn state(as_of: &str, watermark: Option<&str>) -> ExtractState {
    ExtractState {
        grant: GrantHandle::from_random([7; 8]),
        api: ApiVersion::V2,
        resource: ResourceType::explanation_of_benefit(),
        run: "20261123T164012.345Z-7f3a".parse().unwrap(),
        as_of: at(as_of),
        state: PatientState::Complete,
        reason: None,
        served: 1,
        landed: 1,
        complete_at: Some(at(as_of)),
        full_at: None,
        watermark: watermark.map(at),
        known_count: 1,
    }
}

#[test]
fn a_watermark_ahead_of_its_own_time_or_of_now_counts_as_none() {
    let now = "2026-11-29T12:00:00Z";
    let last_week = "2026-11-22T12:00:00Z";
    for (as_of, now, watermark, is_used) in [
        (last_week, now, "2026-11-20T00:00:00Z", true),
        // A zone mistake of the server is no reason to read everything.
        (last_week, now, "2026-11-23T11:59:59Z", true),
        (last_week, now, "2026-11-23T12:00:00Z", true),
        (last_week, now, "2026-11-23T12:00:01Z", false),
        (last_week, now, "2026-11-28T00:00:00Z", false),
        (last_week, now, "2099-01-01T00:00:00Z", false),
        (last_week, now, "9999-12-31T23:59:59Z", false),
        (last_week, now, "0001-01-01T00:00:00Z", true),
        // The clock was wrong when it was noted.
        ("2099-06-01T00:00:00Z", now, "2099-01-01T00:00:00Z", false),
        // The clock is wrong now: rather everything than nothing.
        (
            last_week,
            "1970-01-02T00:00:00Z",
            "2026-11-20T00:00:00Z",
            false,
        ),
    ] {
        let state = state(as_of, Some(watermark));
        let used = usable(&state, at(now)).is_some();
        assert_eq!(used, is_used, "{as_of} {now} {watermark}");
        assert_eq!(is_ahead(&state, at(now)), !is_used);
    }
    assert!(!is_ahead(&state(last_week, None), at(now)));
}

#[test]
fn what_is_believed_is_a_day_beyond_the_request() {
    assert_eq!(
        latest(at("2026-11-29T12:00:00Z")),
        at("2026-11-30T12:00:00Z")
    );
    assert_eq!(latest(DateTime::<Utc>::MAX_UTC), DateTime::<Utc>::MAX_UTC);
}
