//! Conditions and items that are the same for all elements of a resource, such as the type of a claim in
//! columns of its lines: they are evaluated once a resource.

use super::lookup::{Shared, position_of};
use super::program::{Condition, Path, Program, Start, Step};

/// The expression of a column that depends only on the resource.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ResourceItem {
    /// The one item of a path.
    One(Path),
    /// The first item of the first path that finds one.
    FirstOfUnion(Vec<Path>),
}

impl Shared {
    /// The program, by its position among the items of the resource if it is one.
    pub(super) fn remembered_item(&mut self, program: Program) -> Program {
        let is_of_resource = |path: &Path| path.start == Start::Resource && !mentions_context(path);
        let item = match program {
            Program::Path(path) if is_of_resource(&path) => ResourceItem::One(path),
            Program::FirstOfUnion(union) if union.paths.iter().all(is_of_resource) => {
                ResourceItem::FirstOfUnion(union.paths)
            }
            other => return other,
        };
        Program::OfResource(position_of(&mut self.resource_items, item))
    }

    /// The condition, by its position among those of the resource if it is one. A path is left as it is:
    /// as a filter of a view it may not find text.
    pub(super) fn remembered(&mut self, condition: Condition) -> Condition {
        let is_plain = matches!(
            condition,
            Condition::Constant(_) | Condition::Path(_) | Condition::OfResource { .. }
        );
        if is_plain || !condition.is_of_resource() {
            return condition;
        }
        let failure = condition.failure();
        let position = position_of(&mut self.resource_conditions, condition);
        Condition::OfResource { position, failure }
    }
}

impl Condition {
    /// The same condition on the resource, where `$this` is the resource.
    pub(super) fn at_resource(mut self) -> Self {
        self.each_path(&mut |path| {
            if path.start == Start::This {
                path.start = Start::Resource;
            }
        });
        self
    }

    /// Whether it looks at nothing but the resource.
    fn is_of_resource(&self) -> bool {
        self.all_paths(&|path| path.start == Start::Resource && !mentions_context(path))
    }

    fn each_path(&mut self, change: &mut impl FnMut(&mut Path)) {
        match self {
            Self::Constant(_) | Self::OfResource { .. } => {}
            Self::Path(path)
            | Self::EqualsText(path, _)
            | Self::EqualsBoolean(path, _)
            | Self::EqualsNumber(path, _)
            | Self::Matches(path, _)
            | Self::Exists(path) => change(path),
            Self::EqualsPath(left, right)
            | Self::EqualsTail(left, right, _)
            | Self::In(left, right) => {
                change(left);
                change(right);
            }
            Self::Not(inner)
            | Self::Repeated {
                condition: inner, ..
            } => inner.each_path(change),
            Self::And(left, right) | Self::Or(left, right) => {
                left.each_path(change);
                right.each_path(change);
            }
        }
    }

    fn all_paths(&self, is_met: &impl Fn(&Path) -> bool) -> bool {
        match self {
            Self::Constant(_) | Self::OfResource { .. } => true,
            Self::Path(path)
            | Self::EqualsText(path, _)
            | Self::EqualsBoolean(path, _)
            | Self::EqualsNumber(path, _)
            | Self::Matches(path, _)
            | Self::Exists(path) => is_met(path),
            Self::EqualsPath(left, right)
            | Self::EqualsTail(left, right, _)
            | Self::In(left, right) => is_met(left) && is_met(right),
            Self::Not(inner)
            | Self::Repeated {
                condition: inner, ..
            } => inner.all_paths(is_met),
            Self::And(left, right) | Self::Or(left, right) => {
                left.all_paths(is_met) && right.all_paths(is_met)
            }
        }
    }
}

/// Whether a path, or a filter on its way, begins at the element that makes the row.
fn mentions_context(path: &Path) -> bool {
    let indexed = path.indexed.iter().flat_map(|part| &part.steps);
    let mut steps = indexed.chain(&path.tail);
    path.start == Start::Context
        || steps.any(|step| match step {
            Step::Member(_) | Step::MemberOrChoice { .. } | Step::Choice(_) => false,
            Step::Filter(condition) => !condition.all_paths(&|path| !mentions_context(path)),
            Step::Pivot(pivot) => !pivot.condition.all_paths(&|path| !mentions_context(path)),
            // Its condition compares members with texts.
            Step::MemberPivot(_) => false,
            Step::Lookup(_) => true,
        })
}
