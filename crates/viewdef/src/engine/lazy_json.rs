//! The resource as a tree, for the reference evaluator: made only where that is needed.

use serde_json::Value;

use super::outcome::LineRefusal;
use crate::resolved_reference::ResolvedReference;

/// The resource as the reference evaluator reads it; parsed when it is needed.
pub(super) struct LazyJson<'p> {
    /// The line without its newline.
    pub(super) text: &'p [u8],
    /// The tree, once it was needed.
    value: Option<Value>,
    /// The targets to which references of the resource were resolved.
    pub(super) resolved: &'p [ResolvedReference<'p>],
}

impl<'p> LazyJson<'p> {
    /// For the text of a line, which is parsed when it is first needed.
    pub(super) fn new(text: &'p [u8], resolved: &'p [ResolvedReference<'p>]) -> Self {
        Self {
            text,
            value: None,
            resolved,
        }
    }

    /// The resource; parsed on the first call.
    pub(super) fn value(&mut self) -> Result<&Value, LineRefusal> {
        if self.value.is_none() {
            let value = crate::json::value(self.text).map_err(|_| LineRefusal::NotJson)?;
            self.value = Some(value);
        }
        self.value.as_ref().ok_or(LineRefusal::NotJson)
    }
}
