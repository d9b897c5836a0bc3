//! Expressions as compiled programs.
//!
//! What they cannot say is left to the reference evaluator, view by view; what they say must agree
//! with it. Collections and their order are those of FHIRPath, <https://hl7.org/fhirpath/>.

use super::derived::Derived;
use super::keys::KeyCode;
use crate::fhirpath::{Decimal, Literal, Pattern};

/// The program of a column, a filter or an iteration.
#[derive(Debug, Clone)]
pub(super) enum Program {
    /// The items that a path finds.
    Path(Path),
    /// The first item of the first path that finds one: `(a | b).first()`.
    FirstOfUnion(Union),
    /// Like [`Self::Path`] or [`Self::FirstOfUnion`], but with the same result for every element, so
    /// that it is found once for each resource: the position in
    /// [`super::lookup::Shared::resource_items`].
    OfResource(usize),
    /// The truth of a condition.
    Truth(Condition),
    /// An expression whose inputs are found by paths.
    Derived(Box<Derived>),
    /// A literal, or a constant of the view.
    Literal(Literal),
    /// `%rowIndex`
    RowIndex,
    /// `getReferenceKey()` of what a path finds, of references to one type.
    ReferenceKey(Path, Option<String>),
    /// `{}`
    Nothing,
}

/// Paths of which the first that finds an item is taken.
#[derive(Debug, Clone)]
pub(super) struct Union {
    pub(super) paths: Vec<Path>,
    /// The position in [`super::lookup::Shared::unions`].
    pub(super) place: usize,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// `$this`
    This,
    /// `%resource`
    Resource,
    /// `%context` in an argument: the element that makes the row.
    Context,
}

/// What a path may do that the reference evaluator reports as an error. An evaluation that has
/// enough stops early, and must not miss an error behind that point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// Nothing, whatever the resource.
    Never,
    /// Only where a lookup meets something unusual; that is found before its first item.
    InLookup,
    /// Any item may fail.
    AnyItem,
}

/// Steps from an element. Each indexed part ends in taking one item by its position; the tail finds
/// any number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The item that the first step is taken from.
    pub(super) start: Start,
    /// `a.b[1]`, `a.first()`: each begins where the one before it ended.
    pub(super) indexed: Vec<Indexed>,
    /// The steps behind the last index.
    pub(super) tail: Vec<Step>,
    /// Whether what it finds may be a date or time by its name, not by its text.
    pub(super) temporal: bool,
    /// Whether stopping early could miss an error.
    pub(super) failure: Failure,
}

/// Steps, and the position of the one item to continue from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Indexed {
    pub(super) steps: Vec<Step>,
    pub(super) position: usize,
    /// The position in [`super::lookup::Shared::lists`] where other columns take other items of the
    /// same steps.
    pub(super) list: Option<usize>,
}

/// One step of a path. It is small, since a plan has thousands that are read for each row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// An element, or its choices where it is not there.
    Member(KeyCode),
    /// An element whose name ends in a type, or its choices where it is not there.
    MemberOrChoice {
        /// Its code as a choice of a shorter name, which is how it is recorded.
        key: KeyCode,
        /// Its code as an element, which its choices share.
        element: KeyCode,
    },
    /// The first of these groups of choices that is there.
    Choice(Box<Choice>),
    /// `where(condition)`
    Filter(Box<Condition>),
    /// `where(condition)`, one of several that look for codings; answered for all of them at once.
    Pivot(Box<Pivot>),
    /// `member.where(condition)`, where several are answered for all elements of the member at once.
    MemberPivot(Box<MemberPivot>),
    /// `array.where(key in wanted)` from the resource, answered by a map from keys to positions.
    Lookup(Box<Lookup>),
}

/// Choices of an element that are of a type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// The element, which all choices share.
    pub(super) element: KeyCode,
    /// The exact type, then narrower ones.
    pub(super) groups: Vec<Vec<KeyCode>>,
}

/// One condition of a group that [`super::pivot_masks`] answers for an element in one pass.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pivot {
    /// The group's position in [`super::lookup::Shared::pivot_groups`].
    pub(super) group: usize,
    /// The condition's position in the group.
    pub(super) position: u32,
    /// The condition itself.
    pub(super) condition: Condition,
}

/// The elements of a member that meet one condition of a group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MemberPivot {
    pub(super) member: KeyCode,
    pub(super) pivot: Pivot,
    /// The position in [`super::lookup::Shared::member_pivots`].
    pub(super) place: usize,
}

/// Elements of an array of the resource by a key that each has once, such as `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lookup {
    /// The map's position in [`super::lookup::Shared::maps`].
    pub(super) map: usize,
    /// The path of the keys to look for.
    pub(super) wanted: Path,
    /// Whether the result is empty if there are several keys to look for, as for `=`.
    pub(super) one_only: bool,
    /// The array and the filter as plain steps, for keys that are no small integers.
    pub(super) steps: Vec<Step>,
}

/// Something true, false or unknown (FHIRPath's three-valued logic).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The same result for every element.
    Constant(Option<bool>),
    /// The truth of what a path finds.
    Path(Path),
    /// `path = 'text'`
    EqualsText(Path, Box<[u8]>),
    /// `path = true`
    EqualsBoolean(Path, bool),
    /// `path = 1`
    EqualsNumber(Path, Decimal),
    /// `left = right`
    EqualsPath(Path, Path),
    /// `left = right.substring(start)`
    EqualsTail(Path, Path, usize),
    /// `left in right`
    In(Path, Path),
    /// `path.matches(pattern)`
    Matches(Path, Pattern),
    /// `path.exists()`
    Exists(Path),
    /// `condition.not()`
    Not(Box<Condition>),
    /// One that is the same for all elements of the resource: its position in
    /// [`super::lookup::Shared::resource_conditions`], and its [`Condition::failure`].
    OfResource { position: usize, failure: Failure },
    /// A condition that other programs evaluate as well.
    Repeated {
        /// The position in [`super::lookup::Shared::conditions`].
        place: usize,
        condition: Box<Condition>,
    },
    /// `left and right`
    And(Box<Condition>, Box<Condition>),
    /// `left or right`
    Or(Box<Condition>, Box<Condition>),
}

impl Path {
    /// A path without steps.
    pub(super) fn from(start: Start) -> Self {
        Self {
            start,
            indexed: Vec::new(),
            tail: Vec::new(),
            temporal: false,
            failure: Failure::Never,
        }
    }

    /// Whether it is `$this` and nothing else.
    pub(super) fn is_this(&self) -> bool {
        self.start == Start::This && self.indexed.is_empty() && self.tail.is_empty()
    }

    /// A path of members from the element.
    pub(super) fn of_members(members: impl IntoIterator<Item = KeyCode>) -> Self {
        Self {
            tail: members.into_iter().map(Step::Member).collect(),
            ..Self::from(Start::This)
        }
    }

    /// The item at a position of what the path finds.
    pub(super) fn at(mut self, position: usize) -> Self {
        self.indexed.push(Indexed {
            steps: std::mem::take(&mut self.tail),
            position,
            list: None,
        });
        self
    }

    /// The items for which a condition is true.
    pub(super) fn filtered(mut self, condition: Condition) -> Self {
        if condition.failure() != Failure::Never {
            // A condition may be decided before it comes to what fails.
            self.failure = Failure::AnyItem;
        }
        self.tail.push(Step::Filter(Box::new(condition)));
        self
    }
}

impl Condition {
    /// Whether it is true, false or unknown whatever it meets: the truth of a path is an error
    /// where the path finds several values, so is the membership of several, and only a text
    /// matches a pattern.
    pub(super) fn failure(&self) -> Failure {
        match self {
            // `$this` is never several.
            Self::In(item, among) if item.is_this() => among.failure,
            Self::Path(_) | Self::In(..) | Self::Matches(..) | Self::EqualsTail(..) => {
                Failure::AnyItem
            }
            Self::Constant(_) => Failure::Never,
            Self::OfResource { failure, .. } => *failure,
            Self::EqualsText(path, _)
            | Self::EqualsBoolean(path, _)
            | Self::EqualsNumber(path, _)
            | Self::Exists(path) => path.failure,
            Self::EqualsPath(left, right) => left.failure.max(right.failure),
            Self::Not(inner)
            | Self::Repeated {
                condition: inner, ..
            } => inner.failure(),
            Self::And(left, right) | Self::Or(left, right) => left.failure().max(right.failure()),
        }
    }
}
