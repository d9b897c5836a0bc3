#![doc = include_str!("../README.md")]

mod fault;
mod key;
mod members;
mod scan;
mod structure;
mod surrogates;
mod unescape;
mod value;

pub use fault::{Fault, MAX_DEPTH, ValueFault};
pub use key::key_says;
pub use members::{Elements, Member, Members, member};
pub use scan::{PADDING, load, number_end, string_end};
pub use structure::{plain_string, skip_space, value_end, walk_array, walk_object};
pub use surrogates::{tree, without_half_surrogates};
pub use unescape::{unescape, unescape_into};
pub use value::value;
