//! The template language of bodies and pages: a few marks of Mustache in JSON or HTML. Knows nothing
//! of claims. `templates/README.md` describes the language.

mod format;
mod parse;
mod render;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use format::{CREATED_PLACE, InstantStyle};
pub(crate) use parse::{Syntax, Template, TemplateError};
pub(crate) use render::Rendered;
pub(crate) use value::{Value, Values};
