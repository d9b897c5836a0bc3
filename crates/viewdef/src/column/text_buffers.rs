//! Where the texts of cells lie.

use super::cell::{Cell, Scratch};

/// The buffers that contain the texts of cells.
#[derive(Debug, Clone, Copy)]
pub struct TextBuffers<'t> {
    /// The lines.
    pub buffer: &'t [u8],
    /// Texts that were computed from the resource.
    pub scratch: &'t Scratch,
}

impl<'t> TextBuffers<'t> {
    /// The text of a cell that has one.
    #[inline]
    pub(super) fn of(self, cell: Cell) -> Option<&'t [u8]> {
        match cell {
            Cell::Text { start, end } => self.buffer.get(start as usize..end as usize),
            Cell::ScratchText { start, end } => {
                self.scratch.bytes.get(start as usize..end as usize)
            }
            _ => None,
        }
    }
}
