//! What a comparison found, counted. Counts hold no value of a row, but small ones can still say
//! something about a person.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::class::Class;
use crate::rules::Confidence;
use crate::side::Which;

/// What two lakes have in common and what differs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Comparison {
    /// The left lake.
    pub left: SideCounts,
    /// The right lake.
    pub right: SideCounts,
    /// Persons.
    pub persons: PersonCounts,
    /// Claims by their type.
    pub kinds: BTreeMap<String, KindCounts>,
    /// Columns by claim type, table and name, in which something differs.
    pub columns: Vec<ColumnCounts>,
    /// Columns that only one of the lakes has, which are not compared.
    pub columns_of_one: Vec<ColumnOfOne>,
}

/// One of the lakes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SideCounts {
    /// The number of its snapshot.
    pub snapshot: u64,
    /// When that was published, RFC 3339.
    pub published_at: String,
    /// Its claims.
    pub claims: u64,
    /// Claims that no patient is known of; they are not compared.
    pub without_patient: u64,
}

/// Persons.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct PersonCounts {
    /// In both lakes.
    pub both: u64,
    /// In the left lake only.
    pub only_left: u64,
    /// In the right lake only.
    pub only_right: u64,
    /// With several ids of one API version in one lake.
    pub with_several_ids: u64,
}

/// Claims of one type.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KindCounts {
    /// In the left lake.
    pub left: u64,
    /// In the right lake.
    pub right: u64,
    /// Pairs that are certain.
    pub certain: u64,
    /// Pairs that are likely.
    pub likely: u64,
    /// Claims of the left lake with several candidates, which are not paired.
    pub ambiguous_left: u64,
    /// The same of the right lake.
    pub ambiguous_right: u64,
    /// Claims in the left lake only, by reason.
    pub only_left: BTreeMap<String, u64>,
    /// The same of the right lake.
    pub only_right: BTreeMap<String, u64>,
}

impl KindCounts {
    /// Claims of one side without a pair and without a candidate.
    #[must_use]
    pub fn only(&self, which: Which) -> u64 {
        match which {
            Which::Left => self.only_left.values().sum(),
            Which::Right => self.only_right.values().sum(),
        }
    }

    pub(crate) fn add_pair(&mut self, confidence: Confidence) {
        match confidence {
            Confidence::Certain => self.certain += 1,
            Confidence::Likely => self.likely += 1,
        }
    }

    pub(crate) fn add_claims(&mut self, which: Which, claims: u64) {
        match which {
            Which::Left => self.left += claims,
            Which::Right => self.right += claims,
        }
    }

    pub(crate) fn add_only(&mut self, which: Which, reason: &str) {
        let reasons = match which {
            Which::Left => &mut self.only_left,
            Which::Right => &mut self.only_right,
        };
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }

    pub(crate) fn add_ambiguous(&mut self, which: Which) {
        match which {
            Which::Left => self.ambiguous_left += 1,
            Which::Right => self.ambiguous_right += 1,
        }
    }
}

/// One column of the paired claims of one type.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnCounts {
    /// The type of the claims.
    pub kind: String,
    /// The table.
    pub table: String,
    /// The column; `None`: whole rows.
    pub column: Option<String>,
    /// Pairs of rows that were compared.
    pub compared: u64,
    /// Differences by kind.
    pub classes: BTreeMap<Class, u64>,
    /// For money that differs: the sums of both sides, where both state an amount, in hundredths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cents: Option<[i128; 2]>,
}

/// A column that one of the lakes does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnOfOne {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The lake that has it.
    pub lake: &'static str,
}

impl Comparison {
    /// Whether money or claims differ.
    #[must_use]
    pub fn differs(&self) -> bool {
        let kinds = self.kinds.values();
        let has_unpaired = |kind: &KindCounts| {
            kind.only(Which::Left)
                + kind.only(Which::Right)
                + kind.ambiguous_left
                + kind.ambiguous_right
                > 0
        };
        let columns = self.columns.iter();
        let is_weighty =
            |column: &ColumnCounts| column.classes.keys().any(|class| class.is_weighty());
        kinds.into_iter().any(has_unpaired) || columns.into_iter().any(is_weighty)
    }

    /// Differences of paired claims by kind, over all types and columns.
    #[must_use]
    pub fn by_class(&self) -> BTreeMap<Class, u64> {
        let mut sums = BTreeMap::new();
        for (class, count) in self.columns.iter().flat_map(|column| &column.classes) {
            *sums.entry(*class).or_default() += count;
        }
        sums
    }
}
