//! The two forms of staged rows.

/// How staged rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Arrow IPC files (`.arrow`) with text as text: what any reader of Arrow opens.
    #[default]
    Files,
    /// Arrow IPC streams (`.arrows`) with the text of each batch stored once: quicker to write
    /// and to load, for a run that loads at once.
    Streams,
}

impl Form {
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Form::Files => "arrow",
            Form::Streams => "arrows",
        }
    }
}
