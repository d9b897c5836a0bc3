//! Keys of periods: what of a resource is kept when a newer body speaks of another period only.
//!
//! The rows of a table that are kept by period (such as a year) have, beside the key of their
//! resource, a key of their own in [`KEYS_TABLE`](crate::KEYS_TABLE): type, id and landing order are
//! made here, time, content hash and patient are the body's. A newer body replaces the rows of its
//! own periods, as a newer body of a resource replaces the resource's rows.
//!
//! The key with [`ALL_PERIODS`] has no rows. It is written where a body makes no rows any more, or
//! where the server no longer has the resource: all periods of older bodies end there.

/// The period of the key that speaks of all periods of a resource.
pub const ALL_PERIODS: &str = "";

/// Between type and table; no type has it.
const IN_TYPE: char = '.';

/// Before the period; no period has it.
const BEFORE_PERIOD: char = '|';

/// The type of the keys of a table that is kept by period: `Coverage.coverage_month`.
#[must_use]
pub fn period_type(resource_type: &str, table: &str) -> String {
    format!("{resource_type}{IN_TYPE}{table}")
}

/// The id of the key of a period of a resource: `part-a-1|2023`.
#[must_use]
pub fn period_id(resource_id: &str, period: &str) -> String {
    format!("{resource_id}{BEFORE_PERIOD}{period}")
}

/// What the key of a period names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PeriodOf<'k> {
    /// The type of the resource.
    pub resource_type: &'k str,
    /// The table.
    pub table: &'k str,
    /// The id of the resource.
    pub resource_id: &'k str,
    /// The period, or [`ALL_PERIODS`].
    pub period: &'k str,
}

impl std::fmt::Debug for PeriodOf<'_> {
    /// Without the id of the resource.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("PeriodOf");
        debug.field("resource_type", &self.resource_type);
        debug.field("table", &self.table);
        debug.finish_non_exhaustive()
    }
}

/// What a key of this type and id names; `None` if it is the key of a resource.
#[must_use]
pub fn period_of<'k>(key_type: &'k str, key_id: &'k str) -> Option<PeriodOf<'k>> {
    let (resource_type, table) = key_type.split_once(IN_TYPE)?;
    let (resource_id, period) = key_id.rsplit_once(BEFORE_PERIOD)?;
    Some(PeriodOf {
        resource_type,
        table,
        resource_id,
        period,
    })
}

/// Whether keys of this type are keys of periods.
#[must_use]
pub fn is_period_type(key_type: &str) -> bool {
    key_type.contains(IN_TYPE)
}

/// Set in the landing orders of periods, and in no other. They are not negative as signed numbers.
const OF_PERIOD: u64 = 1 << 62;

/// The bits of the number of a period within its body.
const INDEX_BITS: u32 = 8;

/// The last number that a period within its body can have. The periods of a body that has more than
/// this are one period together from there on.
pub const LAST_PERIOD: u8 = u8::MAX;

/// The landing order of a period's rows: that of the body, and the number of the period in it. It grows
/// with both. `None` beyond four million parts in a run.
#[must_use]
pub fn period_order(order: u64, index: u8) -> Option<u64> {
    let fits = order < OF_PERIOD >> INDEX_BITS;
    fits.then(|| OF_PERIOD | order << INDEX_BITS | u64::from(index))
}

/// The landing order of the body, of the landing order of a body or of one of its periods.
#[must_use]
pub fn body_order(order: u64) -> u64 {
    match order & OF_PERIOD {
        0 => order,
        _ => (order & !OF_PERIOD) >> INDEX_BITS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landing_order;

    #[test]
    fn a_key_names_the_period_of_a_resource_whatever_is_in_its_id() {
        let key_type = period_type("Coverage", "coverage_month");
        assert_eq!(key_type, "Coverage.coverage_month");
        for id in ["part-a-1", "-7", "a|b", "a.b", ""] {
            for period in ["2023", ALL_PERIODS] {
                let key_id = period_id(id, period);
                let found = period_of(&key_type, &key_id).unwrap();
                assert_eq!((found.resource_id, found.period), (id, period));
                let of = (found.resource_type, found.table);
                assert_eq!(of, ("Coverage", "coverage_month"));
            }
        }
        assert!(period_of("Coverage", "a|2023").is_none() && !is_period_type("Coverage"));
    }

    #[test]
    fn orders_of_periods_grow_as_bodies_land_and_lead_back_to_them() {
        let bodies = [(0, 0), (0, 1), (0, u32::MAX), (1, 0), ((1 << 22) - 1, 7)];
        let bodies = bodies.map(|(part, line)| landing_order(part, line));
        let orders: Vec<u64> = bodies
            .iter()
            .flat_map(|body| [0, 1, LAST_PERIOD].map(|index| period_order(*body, index).unwrap()))
            .collect();
        assert!(orders.is_sorted_by(|one, next| one < next));
        assert!(orders.iter().all(|order| *order < 1 << 63));
        let bodies_of_orders = bodies.iter().flat_map(|body| [body; 3]);
        assert!(
            orders
                .iter()
                .map(|order| body_order(*order))
                .eq(bodies_of_orders.copied())
        );
        assert!(bodies.iter().all(|body| body_order(*body) == *body));
        assert_eq!(period_order(landing_order(1 << 22, 0), 0), None);
    }
}
