#![doc = include_str!("../README.md")]

mod members;
mod scan;
mod structure;
mod surrogates;
mod unescape;
mod value;

pub use members::{Elements, Member, Members, key_says, member};
pub use scan::{Fault, PADDING, load, number_end, string_end};
pub use structure::{plain_string, skip_space, value_end, walk_array, walk_object};
pub use surrogates::{tree, without_half_surrogates};
pub use unescape::{unescape, unescape_into};
pub use value::{MAX_DEPTH, ValueFault, value};
