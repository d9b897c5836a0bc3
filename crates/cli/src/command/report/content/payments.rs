//! Money of a kind of claims that is in a table of its own: who paid how much.

use super::claims::{Claims, ClaimsOfType};
use super::counted::{NotCounted, Source};
use super::lake::Lake;
use crate::pipeline::PaymentColumns;

/// The payments in a table.
#[derive(Debug, Clone)]
pub(crate) struct Payments {
    /// Its columns, and what they mean.
    pub(crate) columns: PaymentColumns,
    /// What each of its amounts adds up to; empty where the lake has no such table.
    pub(crate) sums: Vec<Claims>,
}

impl Payments {
    pub(super) fn read(
        lake: &mut Lake<'_>,
        payments: &PaymentColumns,
        not_counted: &NotCounted,
    ) -> Self {
        let table = lake.table(&payments.table);
        let sums = payments.sums.iter().filter_map(|sum| {
            let source = Source {
                table: table?,
                day: &payments.day,
                amount: &sum.column,
            };
            Some(Claims::read(lake, source, not_counted))
        });
        Self {
            sums: sums.collect(),
            columns: payments.clone(),
        }
    }

    /// What each amount of one API version adds up to, each with its name.
    pub(crate) fn of_api(&self, api: &str) -> Vec<(&str, &ClaimsOfType)> {
        let key = (api.to_owned(), self.columns.kind.clone());
        let sums = self.columns.sums.iter().zip(&self.sums);
        sums.filter_map(|(sum, claims)| Some((sum.name.as_str(), claims.kinds.get(&key)?)))
            .collect()
    }
}
