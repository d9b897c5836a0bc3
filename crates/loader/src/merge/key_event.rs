//! The change of one resource, from its key in the lake and its key in the staged runs. All rules
//! about newer, older and removed bodies are in this file; [`super::key_walk`] only brings the keys
//! together.
//!
//! If the newest body produces no rows, its key remains as a tombstone with the content hash
//! [`WITHDRAWN`](claimlake_contract::key_columns::WITHDRAWN), so that no older body brings the
//! resource back. A program that does not know tombstones treats it as a resource with that
//! content, with the same effect.
//!
//! If the server no longer has the resource, the tombstone has the content hash
//! [`GONE`](claimlake_contract::key_columns::GONE), and its position in landing replaces the time:
//! bodies that landed before it are ignored, and bodies that landed later are used, however old
//! they are.

use std::cmp::Ordering;

use crate::merge::decision::KeyDecision;
use crate::merge::keys::KeyRow;
use crate::merge::staged_resources::StagedResource;

/// What happens to a resource. [`Same`](Self::Same), [`Older`](Self::Older) and
/// [`Kept`](Self::Kept) can also be about a tombstone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyEvent<'a> {
    /// It is staged and was not in the lake.
    New {
        after: KeyRow<'a>,
        /// Whether the staged body is older than its tombstone, and yet all that landing has.
        is_older: bool,
    },
    /// It is staged with another content.
    Changed {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
        /// Whether the staged body is older, and yet all that landing has.
        is_older: bool,
    },
    /// It is staged as the lake has it.
    Same {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
    },
    /// It is staged with an older body than the lake's.
    Older(KeyRow<'a>),
    /// It is in the lake and not staged.
    Kept(KeyRow<'a>),
    /// It is in the lake, and its newest body is to make no rows.
    Withdrawn {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
        /// Whether the staged body is older, and yet all that landing has.
        is_older: bool,
    },
    /// It is in the lake, and the server no longer has it.
    Gone {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
    },
    /// It is not in the lake, and its newest body, which makes no rows, is news, or that it is gone.
    LeftOut(KeyRow<'a>),
    /// It is in the lake, and all of landing lacks it.
    Dropped(KeyRow<'a>),
    /// It is a period that the lake has and that ends: its resource is gone, or has a newer body
    /// without rows.
    Ended(KeyRow<'a>),
    /// It has a tombstone, and landing no longer has it, so the tombstone is not needed any more.
    Lapsed,
}

impl<'a> KeyEvent<'a> {
    /// The event of a resource that has no key in the lake.
    pub(super) fn first(staged: StagedResource<'a>) -> Option<Self> {
        match (staged.body, staged.gone) {
            (Some(body), _) => Some(Self::first_body(body)),
            (None, gone) => gone.map(KeyEvent::LeftOut),
        }
    }

    /// The event of a body whose resource the lake does not have.
    fn first_body(after: KeyRow<'a>) -> Self {
        match after.is_withdrawn() {
            true => KeyEvent::LeftOut(after),
            false => KeyEvent::New {
                after,
                is_older: false,
            },
        }
    }

    /// The event of a resource that is not staged.
    pub(super) fn unstaged(before: KeyRow<'a>, full: bool, has_ended: bool) -> Self {
        if has_ended {
            return KeyEvent::Ended(before);
        }
        match (full, before.is_tombstone()) {
            (false, _) => KeyEvent::Kept(before),
            (true, false) => KeyEvent::Dropped(before),
            (true, true) => KeyEvent::Lapsed,
        }
    }

    /// The event of a resource that is staged and has a key in the lake.
    /// If it is a period that `has_ended`, the staged body is of a later beginning.
    pub(super) fn compared(
        before: KeyRow<'a>,
        staged: StagedResource<'a>,
        full: bool,
        has_ended: bool,
    ) -> Self {
        let is_over = staged.gone.filter(|gone| before.place() < gone.place());
        match (staged.body, is_over) {
            (None, Some(_)) if before.is_gone() => KeyEvent::Kept(before),
            (None, Some(gone)) if before.is_withdrawn() => KeyEvent::LeftOut(gone),
            (None, Some(after)) => KeyEvent::Gone { before, after },
            // It landed after that.
            (None, None) => KeyEvent::Kept(before),
            (Some(after), Some(_)) => Self::came_back(before, after),
            (Some(after), None) if has_ended => Self::came_back(before, after),
            (Some(after), None) if before.is_gone() => match after.place() > before.place() {
                true => Self::first_body(after),
                false => KeyEvent::Older(before),
            },
            (Some(after), None) => Self::body(before, after, full),
        }
    }

    /// A body landed after the resource was gone: it is used whatever its time, and the lake's body
    /// is not.
    fn came_back(before: KeyRow<'a>, after: KeyRow<'a>) -> Self {
        let is_older = false;
        match (before.is_tombstone(), after.is_withdrawn()) {
            (true, true) if before.is_withdrawn() => Self::left_out_again(before, after, true),
            (true, _) => Self::first_body(after),
            (false, true) => KeyEvent::Withdrawn {
                before,
                after,
                is_older,
            },
            (false, false) if before.content_hash() == after.content_hash() => {
                KeyEvent::Same { before, after }
            }
            (false, false) => KeyEvent::Changed {
                before,
                after,
                is_older,
            },
        }
    }

    /// Compares two bodies by age and content. If all of landing is staged (`full`), an older
    /// staged body replaces the lake's: landing is the source of truth. It counts as absent, so
    /// that the load refuses unless asked otherwise.
    fn body(before: KeyRow<'a>, after: KeyRow<'a>, full: bool) -> Self {
        let is_older = after.age() <= before.age();
        match (before.is_withdrawn(), after.is_withdrawn()) {
            (true, true) => Self::left_out_again(before, after, full),
            (false, false) if before.content_hash() == after.content_hash() => {
                KeyEvent::Same { before, after }
            }
            _ if is_older && !full => KeyEvent::Older(before),
            (true, false) => KeyEvent::New { after, is_older },
            (false, true) => KeyEvent::Withdrawn {
                before,
                after,
                is_older,
            },
            (false, false) => KeyEvent::Changed {
                before,
                after,
                is_older,
            },
        }
    }

    /// Both bodies are tombstones, whose hashes are equal whatever the bodies contain. The time
    /// decides: a newer tombstone must be stored, because it decides which bodies are older.
    fn left_out_again(before: KeyRow<'a>, after: KeyRow<'a>, full: bool) -> Self {
        match after.last_updated().cmp(&before.last_updated()) {
            Ordering::Equal => KeyEvent::Same { before, after },
            Ordering::Less if !full => KeyEvent::Older(before),
            _ => KeyEvent::LeftOut(after),
        }
    }

    /// The key that it is about: the staged one if there is any. `None` of a tombstone that lapses.
    pub(super) fn row(&self) -> Option<KeyRow<'a>> {
        match *self {
            KeyEvent::New { after, .. }
            | KeyEvent::Changed { after, .. }
            | KeyEvent::Same { after, .. }
            | KeyEvent::Withdrawn { after, .. }
            | KeyEvent::Gone { after, .. }
            | KeyEvent::LeftOut(after) => Some(after),
            KeyEvent::Older(before)
            | KeyEvent::Kept(before)
            | KeyEvent::Dropped(before)
            | KeyEvent::Ended(before) => Some(before),
            KeyEvent::Lapsed => None,
        }
    }

    /// Whether it is about a period.
    pub(crate) fn is_of_period(&self) -> bool {
        self.row().is_some_and(|row| row.is_of_period())
    }

    /// The decision about the staged body, if its rows are or will be in the lake.
    pub(super) fn decision(self) -> Option<KeyDecision> {
        let (row, differs) = match self {
            KeyEvent::New { after, .. } | KeyEvent::Changed { after, .. } => (after, true),
            KeyEvent::Same { after, .. } if !after.is_withdrawn() => (after, false),
            _ => return None,
        };
        Some(KeyDecision {
            order: row.order(),
            resource: row.resource(),
            last_updated: row.last_updated(),
            differs,
        })
    }
}
