//! The template language of resource bodies: a few marks of Mustache in JSON text. Knows nothing
//! of claims. `templates/README.md` describes the language.

mod format;
mod parse;
mod render;
#[cfg(test)]
mod tests;
mod value;

pub(super) use format::{CREATED_PLACE, InstantStyle};
pub(super) use parse::{Template, TemplateError};
pub(super) use value::{Value, Values};
