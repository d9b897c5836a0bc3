//! What kind of difference two values have.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cell::Cell;
use crate::rules::ClassRules;

/// A kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Money differs.
    Money,
    /// Money is stated in one lake only; nothing stated is not 0.
    MoneyMissing,
    /// A row of a paired claim is in the left lake only.
    OnlyLeft,
    /// A row of a paired claim is in the right lake only.
    OnlyRight,
    /// Another value.
    Value,
    /// A value in one lake only.
    Missing,
    /// The same code under another name.
    CodeRenamed,
    /// The same in another form: padding, points, case.
    OtherForm,
    /// Another id of the same thing.
    IdMoved,
}

impl Class {
    /// All, the weightiest first.
    pub const ALL: [Self; 9] = [
        Self::Money,
        Self::MoneyMissing,
        Self::OnlyLeft,
        Self::OnlyRight,
        Self::Value,
        Self::Missing,
        Self::CodeRenamed,
        Self::OtherForm,
        Self::IdMoved,
    ];

    /// The word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::MoneyMissing => "money_missing",
            Self::OnlyLeft => "only_left",
            Self::OnlyRight => "only_right",
            Self::Value => "value",
            Self::Missing => "missing",
            Self::CodeRenamed => "code_renamed",
            Self::OtherForm => "other_form",
            Self::IdMoved => "id_moved",
        }
    }

    /// Its place in [`Class::ALL`].
    pub(crate) fn place(self) -> usize {
        self as usize
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Money => "money differs",
            Self::MoneyMissing => "money stated in one lake only",
            Self::OnlyLeft => "row only left",
            Self::OnlyRight => "row only right",
            Self::Value => "another value",
            Self::Missing => "a value in one lake only",
            Self::CodeRenamed => "code renamed",
            Self::OtherForm => "equal in other form",
            Self::IdMoved => "id moved",
        }
    }

    /// Whether money or claims differ by it.
    #[must_use]
    pub fn is_weighty(self) -> bool {
        matches!(
            self,
            Self::Money | Self::MoneyMissing | Self::OnlyLeft | Self::OnlyRight | Self::Value
        )
    }
}

/// How a column is compared.
#[derive(Debug, Clone)]
pub(crate) struct ColumnClass {
    is_id: bool,
    pub(crate) is_money: bool,
    /// The two names of codes, both ways.
    renamed: BTreeMap<(String, String), ()>,
}

impl ColumnClass {
    pub(crate) fn of(table: &str, column: &str, rules: &ClassRules) -> Self {
        let place = format!("{table}.{column}");
        let renamed = rules
            .renamed
            .iter()
            .filter(|renamed| renamed.column == place);
        let both_ways = renamed
            .flat_map(|renamed| &renamed.names)
            .flat_map(|[one, other]| [(one.clone(), other.clone()), (other.clone(), one.clone())]);
        Self {
            is_id: rules.ids.iter().any(|id| id == column),
            is_money: column.ends_with(&rules.money_suffix),
            renamed: both_ways.map(|names| (names, ())).collect(),
        }
    }

    /// The kind of difference; `None` where there is none.
    pub(crate) fn difference(&self, left: Cell<'_>, right: Cell<'_>) -> Option<Class> {
        if left.is_same(right) {
            return None;
        }
        let is_missing = left.is_none() || right.is_none();
        Some(match (self.is_money, is_missing) {
            (true, true) => Class::MoneyMissing,
            (true, false) => Class::Money,
            (false, true) => Class::Missing,
            (false, false) if self.is_id => Class::IdMoved,
            (false, false) if self.is_renamed(left, right) => Class::CodeRenamed,
            (false, false) if left.is_same_in_other_form(right) => Class::OtherForm,
            (false, false) => Class::Value,
        })
    }

    fn is_renamed(&self, left: Cell<'_>, right: Cell<'_>) -> bool {
        let (Cell::Text(left), Cell::Text(right)) = (left, right) else {
            return false;
        };
        !self.renamed.is_empty()
            && self
                .renamed
                .contains_key(&(left.to_owned(), right.to_owned()))
    }
}
