//! Which versions of claims are current, decided once more from the rows of the lake.
//!
//! The loader decides while it goes through sorted groups and keeps what it knows of each row; here
//! rows are read from the tables, and the rule of the pipeline is followed by its words.

mod grouped_row;
mod groups;
mod kept;
mod row;

use claimlake_contract::ResourceType;
use claimlake_loader::CurrentRule;

use crate::lake::Snapshot;
use crate::report::Check;
use row::Rows;

/// Compares the rows that are current with what the rules say of them.
///
/// `key_of` is the column that holds the ids of a resource type's resources.
pub(crate) fn check<'k>(
    snapshot: &Snapshot,
    rules: &[CurrentRule],
    key_of: impl Fn(&ResourceType) -> Option<&'k str>,
) -> Vec<Check> {
    let mut decided = Check::hard(
        "is_current",
        "rows that are current are those of which the pipeline's rule says so",
    );
    let mut several = Check::warning("one_current", "claims have one current version");
    let mut types = Check::warning(
        "final_claim_type",
        "a preliminary claim and the final one that replaces it are of one type",
    );
    let mut other = Check::warning(
        "current_rule",
        "what is current was decided by the pipeline's rule, in every table that it names; if not, run transform --full, then load",
    );
    let mut known = Check::hard(
        "current_known",
        "what the lake knows of current versions against the rows that are current, in every table",
    );
    let is_by = claimlake_loader::is_decided_by(&snapshot.folder, &snapshot.manifest, rules);
    for rule in rules {
        let Some(table) = snapshot.table(&rule.table) else {
            continue;
        };
        match &is_by {
            Ok(true) => other.pass(),
            Ok(false) => {
                other.fail(|| format!("table '{}'", rule.table));
                continue;
            }
            Err(error) => {
                decided.fail(|| error.to_string());
                continue;
            }
        }
        let rows = Rows::new(snapshot, table, rule);
        let checks = [&mut decided, &mut several, &mut types];
        if let Err(error) = groups::check(&rows, checks) {
            decided.fail(|| format!("table '{}': {error}", rule.table));
        }
        let Some(key) = table.resource.as_ref().and_then(&key_of) else {
            continue;
        };
        if let Err(error) = kept::check(snapshot, rule, key, [&mut known, &mut other]) {
            known.fail(|| format!("table '{}': {error}", rule.table));
        }
    }
    if rules.is_empty() {
        return Vec::new();
    }
    vec![decided, known, other, several, types]
}
