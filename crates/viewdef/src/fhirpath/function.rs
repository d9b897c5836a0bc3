//! The functions views may call, with their arity, and why others are refused.
//!
//! FHIRPath section 5, and the functions that SQL-on-FHIR adds (`getResourceKey`, `getReferenceKey`,
//! `extension`, `ofType`, boundaries). A function is refused with a reason where it would need another
//! resource, a terminology service, the clock or a log.

/// A function with neither a type argument nor a form of its own in the tree: `ofType`, `as`, `is` and
/// `getReferenceKey` are kinds of expression, see [`ExprKind`](super::ExprKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `where(criteria)`: the items for which the criteria are true.
    Where,
    /// `exists([criteria])`
    Exists,
    /// `all(criteria)`
    All,
    /// `empty()`
    Empty,
    /// `not()`
    Not,
    /// `count()`
    Count,
    /// `first()`
    First,
    /// `last()`
    Last,
    /// `tail()`: all but the first.
    Tail,
    /// `skip(n)`
    Skip,
    /// `take(n)`
    Take,
    /// `single()`: the one item; several are an error.
    Single,
    /// `select(projection)`
    Select,
    /// `distinct()`
    Distinct,
    /// `iif(criterion, then[, otherwise])`
    Iif,
    /// `hasValue()`: one item, and it is a primitive with a value.
    HasValue,
    /// `extension(url)`
    Extension,
    /// `join([separator])`
    Join,
    /// `lowBoundary([precision])`
    LowBoundary,
    /// `highBoundary([precision])`
    HighBoundary,
    /// `getResourceKey()`
    ResourceKey,
    /// `startsWith(prefix)`
    StartsWith,
    /// `endsWith(suffix)`
    EndsWith,
    /// `contains(part)`
    ContainsText,
    /// `length()`
    Length,
    /// `upper()`
    Upper,
    /// `lower()`
    Lower,
    /// `trim()`
    Trim,
    /// `substring(start[, length])`, in characters.
    Substring,
    /// `replace(pattern, substitution)`, plain text.
    Replace,
    /// `toString()`
    ToText,
    /// `toInteger()`
    ToInteger,
    /// `toDecimal()`
    ToDecimal,
    /// `abs()`
    Abs,
}

/// Name, function, least and most arguments.
const FUNCTIONS: &[(&str, Function, usize, usize)] = &[
    ("where", Function::Where, 1, 1),
    ("exists", Function::Exists, 0, 1),
    ("all", Function::All, 1, 1),
    ("empty", Function::Empty, 0, 0),
    ("not", Function::Not, 0, 0),
    ("count", Function::Count, 0, 0),
    ("first", Function::First, 0, 0),
    ("last", Function::Last, 0, 0),
    ("tail", Function::Tail, 0, 0),
    ("skip", Function::Skip, 1, 1),
    ("take", Function::Take, 1, 1),
    ("single", Function::Single, 0, 0),
    ("select", Function::Select, 1, 1),
    ("distinct", Function::Distinct, 0, 0),
    ("iif", Function::Iif, 2, 3),
    ("hasValue", Function::HasValue, 0, 0),
    ("extension", Function::Extension, 1, 1),
    ("join", Function::Join, 0, 1),
    ("lowBoundary", Function::LowBoundary, 0, 1),
    ("highBoundary", Function::HighBoundary, 0, 1),
    ("getResourceKey", Function::ResourceKey, 0, 0),
    ("startsWith", Function::StartsWith, 1, 1),
    ("endsWith", Function::EndsWith, 1, 1),
    ("contains", Function::ContainsText, 1, 1),
    ("length", Function::Length, 0, 0),
    ("upper", Function::Upper, 0, 0),
    ("lower", Function::Lower, 0, 0),
    ("trim", Function::Trim, 0, 0),
    ("substring", Function::Substring, 1, 2),
    ("replace", Function::Replace, 2, 2),
    ("toString", Function::ToText, 0, 0),
    ("toInteger", Function::ToInteger, 0, 0),
    ("toDecimal", Function::ToDecimal, 0, 0),
    ("abs", Function::Abs, 0, 0),
];

impl Function {
    /// The function of a name with its arity, or why there is none.
    pub(super) fn named(name: &str) -> Result<(Function, usize, usize), String> {
        if let Some((_, function, least, most)) =
            FUNCTIONS.iter().find(|(known, ..)| *known == name)
        {
            return Ok((*function, *least, *most));
        }
        let reason = match name {
            "resolve" => "a view reads one resource and cannot follow references; join the tables",
            "memberOf" | "subsumes" | "subsumedBy" | "conformsTo" => {
                "it needs a terminology or profile service"
            }
            "now" | "today" | "timeOfDay" => "the same input must give the same rows",
            "repeat" | "children" | "descendants" => "use the select's 'repeat' instead",
            "trace" => "it would write values into a log",
            _ => return Err(format!("there is no function '{name}' in views")),
        };
        Err(format!("the function '{name}' is not supported: {reason}"))
    }

    /// The name it is called by.
    #[must_use]
    pub fn name(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or("", |(name, ..)| name)
    }

    /// Whether the arguments are evaluated once per item, with the item as `$this`.
    #[must_use]
    pub fn iterates(self) -> bool {
        matches!(
            self,
            Function::Where | Function::Exists | Function::All | Function::Select
        )
    }
}
