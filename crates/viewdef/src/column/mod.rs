//! Values of JSON as cells of Arrow columns: exact, or a problem that says why not.

mod builder;
mod cell;
mod interner;
mod temporal;

pub use builder::{ColumnBuilder, Texts, arrow_type, dictionary_type};
pub use cell::{Cell, Scratch, Source, cell_of, cell_of_json, misfit_of, rounded_cell};
pub use temporal::{date_days, instant_micros, year};
