//! The type of a column in the table: from its `ansi/type` tag, else from its FHIR type.
//!
//! SQL-on-FHIR, StructureDefinition-ViewDefinition, "Type hinting": the tag has the name of an ISO SQL
//! type, in any case and with the usual other names. Without it only types that every implementation
//! reads alike are typed: money and dates are text until a view says what they are, because a wrong
//! guess would lose digits or zones.

use std::fmt;

/// The type of a column's values, and whether it holds a list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColumnType {
    /// The type of one value.
    pub scalar: ScalarType,
    /// Whether the column holds a list.
    pub list: bool,
}

/// The types columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// Text as it is written in the source; numbers and booleans as their JSON text.
    Utf8,
    /// A boolean.
    Boolean,
    /// 16 bits.
    Int16,
    /// 32 bits.
    Int32,
    /// 64 bits.
    Int64,
    /// A double, for those who ask for it.
    Float64,
    /// Exact, read from the digits of the source.
    Decimal {
        /// All digits.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
    /// A day; the source must be `YYYY-MM-DD`, or a dateTime, whose first ten characters count.
    Date,
    /// An instant, microseconds since the epoch, UTC.
    Timestamp,
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScalarType::Utf8 => f.write_str("VARCHAR"),
            ScalarType::Boolean => f.write_str("BOOLEAN"),
            ScalarType::Int16 => f.write_str("SMALLINT"),
            ScalarType::Int32 => f.write_str("INTEGER"),
            ScalarType::Int64 => f.write_str("BIGINT"),
            ScalarType::Float64 => f.write_str("DOUBLE"),
            ScalarType::Decimal { precision, scale } => write!(f, "DECIMAL({precision},{scale})"),
            ScalarType::Date => f.write_str("DATE"),
            ScalarType::Timestamp => f.write_str("TIMESTAMP"),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = if self.list { "[]" } else { "" };
        write!(f, "{}{list}", self.scalar)
    }
}

/// The type of a column with this `ansi/type` tag, FHIR type and `collection`.
///
/// # Errors
/// The tag names a type that columns cannot have. The text completes a sentence about the tag.
///
/// ```
/// use claimlake_viewdef::definition::{ScalarType, column_type};
///
/// let money = column_type(Some("decimal(18, 2)"), Some("decimal"), false)?;
/// assert_eq!(money.scalar, ScalarType::Decimal { precision: 18, scale: 2 });
/// assert_eq!(money.to_string(), "DECIMAL(18,2)");
/// assert_eq!(column_type(None, Some("decimal"), false)?.scalar, ScalarType::Utf8);
/// assert!(column_type(Some("DECIMAL(39,2)"), None, false).is_err());
/// # Ok::<(), String>(())
/// ```
pub fn column_type(
    ansi_type: Option<&str>,
    fhir_type: Option<&str>,
    collection: bool,
) -> Result<ColumnType, String> {
    let Some(ansi_type) = ansi_type else {
        return Ok(ColumnType {
            scalar: fhir_type.map_or(ScalarType::Utf8, of_fhir_type),
            list: collection,
        });
    };
    let upper = ansi_type.trim().to_ascii_uppercase();
    let (element, is_array) = match upper.strip_suffix("[]").or(upper.strip_suffix(" ARRAY")) {
        Some(element) => (element.trim().to_owned(), true),
        None => (upper.clone(), false),
    };
    if is_array && !collection {
        return Err(format!(
            "'{ansi_type}' is a list, so the column needs \"collection\": true"
        ));
    }
    Ok(ColumnType {
        scalar: of_ansi_type(&element)
            .map_err(|reason| format!("ansi/type '{ansi_type}' {reason}"))?,
        list: collection,
    })
}

/// The type without a tag.
fn of_fhir_type(fhir_type: &str) -> ScalarType {
    match fhir_type {
        "boolean" | "Boolean" => ScalarType::Boolean,
        "integer" | "positiveInt" | "unsignedInt" | "Integer" => ScalarType::Int32,
        "integer64" | "Long" => ScalarType::Int64,
        "instant" => ScalarType::Timestamp,
        _ => ScalarType::Utf8,
    }
}

/// The type of a tag in upper case, without `[]`.
fn of_ansi_type(ansi_type: &str) -> Result<ScalarType, String> {
    let (name, arguments) = split_arguments(ansi_type)?;
    let takes_a_length = matches!(
        name.as_str(),
        "VARCHAR"
            | "CHARACTER VARYING"
            | "CHAR VARYING"
            | "CHAR"
            | "CHARACTER"
            | "TIMESTAMP"
            | "TIMESTAMP WITH TIME ZONE"
            | "FLOAT"
    );
    let takes_precision = matches!(name.as_str(), "DECIMAL" | "NUMERIC" | "DEC");
    if arguments.len() > usize::from(takes_a_length) && !takes_precision {
        return Err("has more arguments than the type takes".into());
    }
    Ok(match name.as_str() {
        "VARCHAR"
        | "CHARACTER VARYING"
        | "CHAR VARYING"
        | "CHAR"
        | "CHARACTER"
        | "TEXT"
        | "STRING"
        | "CLOB"
        | "CHARACTER LARGE OBJECT" => ScalarType::Utf8,
        "BOOLEAN" | "BOOL" => ScalarType::Boolean,
        "SMALLINT" => ScalarType::Int16,
        "INTEGER" | "INT" => ScalarType::Int32,
        "BIGINT" => ScalarType::Int64,
        "DOUBLE" | "DOUBLE PRECISION" | "FLOAT" | "REAL" => ScalarType::Float64,
        "DATE" => ScalarType::Date,
        "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => ScalarType::Timestamp,
        "DECIMAL" | "NUMERIC" | "DEC" => decimal(&arguments)?,
        _ => return Err("is not a type that columns can have".into()),
    })
}

/// `DECIMAL(p,s)` with at most 38 digits, which is what `Decimal128` has.
fn decimal(arguments: &[u8]) -> Result<ScalarType, String> {
    let (precision, scale) = match arguments {
        [] => return Err("needs its digits, such as DECIMAL(18,2)".into()),
        [precision] => (*precision, 0),
        [precision, scale] => (*precision, *scale),
        _ => return Err("has more arguments than the type takes".into()),
    };
    if precision == 0 || precision > 38 || scale > precision {
        return Err("must have 1 to 38 digits, and no more behind the point than in all".into());
    }
    let scale = i8::try_from(scale).map_err(|_| "has too many digits".to_owned())?;
    Ok(ScalarType::Decimal { precision, scale })
}

/// `TIMESTAMP(6) WITH TIME ZONE` is `TIMESTAMP WITH TIME ZONE` and `[6]`.
fn split_arguments(ansi_type: &str) -> Result<(String, Vec<u8>), String> {
    let Some((name, rest)) = ansi_type.split_once('(') else {
        let words: Vec<&str> = ansi_type.split_whitespace().collect();
        return Ok((words.join(" "), Vec::new()));
    };
    let (inside, behind) = rest
        .split_once(')')
        .ok_or_else(|| "has no closing parenthesis".to_owned())?;
    let words: Vec<&str> = name
        .split_whitespace()
        .chain(behind.split_whitespace())
        .collect();
    let arguments = inside
        .split(',')
        .map(|argument| {
            let digits = argument.trim();
            // Lengths of text say nothing here; only their being numbers is checked.
            digits
                .parse::<u32>()
                .map(|number| u8::try_from(number).unwrap_or(u8::MAX))
                .map_err(|_| "has an argument that is no number".to_owned())
        })
        .collect::<Result<Vec<u8>, String>>()?;
    Ok((words.join(" "), arguments))
}
