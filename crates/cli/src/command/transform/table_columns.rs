//! The columns that tables will have.

use std::collections::{BTreeMap, BTreeSet};

/// The columns of tables, by their names.
pub(super) type TableColumns = BTreeMap<String, BTreeSet<String>>;
