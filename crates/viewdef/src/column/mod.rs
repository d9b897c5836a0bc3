//! Values of JSON as cells of Arrow columns: exact, or a problem that says why not.
//!
//! A [`Cell`] is one value, small and free of lifetimes: its text stays where it is, in the buffer of
//! the line or in a [`Scratch`]. A [`ColumnBuilder`] copies cells into Arrow arrays. The same rules
//! serve both evaluators: [`cell_of`] for the bytes of a line, [`cell_of_json`] for values that the
//! reference evaluator computed.
//!
//! | column | takes | else |
//! |---|---|---|
//! | text | strings, numbers and booleans as they are written | elements are a problem |
//! | boolean | booleans | a problem, also of `"true"` |
//! | integers | numbers without a fraction, in range; `integer64` also as a string | a problem |
//! | `DECIMAL(p,s)` | numbers whose digits fit, never rounded, unless [`fit`](crate::fhirpath::fit) says that a double wrote them | a problem |
//! | `DATE` | a whole date, or the first ten characters of a dateTime | a problem |
//! | `TIMESTAMP` | an instant with its zone, as microseconds in UTC | a problem |
//!
//! Arrow's layouts: <https://arrow.apache.org/docs/format/Columnar.html>.

mod arrow_type;
mod builder;
mod cell;
mod interner;
mod json_rows;
mod offsets;
mod temporal;
mod text_buffers;

pub use arrow_type::{arrow_type, dictionary_type};
pub use builder::ColumnBuilder;
pub use cell::{Cell, Scratch, Source, cell_of, cell_of_json, misfit_of, rounded_cell};
pub use json_rows::JsonRows;
pub use temporal::{date_days, instant_micros, year};
pub use text_buffers::TextBuffers;
