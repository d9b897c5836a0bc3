//! JSON text at the level of bytes: where a string or number ends, and whether it is a right one.
//!
//! The functions read a buffer of lines. Each stops at the line's newline at the latest, since a
//! newline is neither part of a string nor of a number, so that a line needs no copy of its own;
//! the buffer ends in [`PADDING`] newlines, so that whole words can be read anywhere in it.
//! Specification: <https://www.rfc-editor.org/rfc/rfc8259>.

mod scan;
mod unescape;
mod value;

pub use scan::{Fault, PADDING, load, number_end, string_end};
pub use unescape::{unescape, unescape_into};
pub use value::{MAX_DEPTH, ValueFault, value};
