//! Places in landing of bodies and periods, in little memory.

/// Ascending, each once.
#[derive(Debug, Default)]
pub(crate) struct Orders(Vec<u64>);

impl FromIterator<u64> for Orders {
    fn from_iter<I: IntoIterator<Item = u64>>(orders: I) -> Self {
        let mut orders: Vec<u64> = orders.into_iter().collect();
        orders.sort_unstable();
        orders.dedup();
        Self(orders)
    }
}

impl Orders {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    pub(crate) fn contains(&self, order: u64) -> bool {
        self.0.binary_search(&order).is_ok()
    }

    /// Whether one of them is from `first` on and before `end`.
    pub(crate) fn has_any(&self, first: u64, end: u64) -> bool {
        let next = self.0.partition_point(|order| *order < first);
        self.0.get(next).is_some_and(|order| *order < end)
    }
}

#[cfg(test)]
mod tests {
    use super::Orders;

    #[test]
    fn orders_are_found_alone_and_in_ranges() {
        let orders: Orders = [9, 3, 3, 7].into_iter().collect();
        assert!(orders.iter().eq([3, 7, 9]));
        assert!(orders.contains(7) && !orders.contains(8));
        assert!(orders.has_any(4, 8) && orders.has_any(3, 4));
        assert!(!orders.has_any(4, 7) && !orders.has_any(10, 99));
        assert!(Orders::default().is_empty());
    }
}
