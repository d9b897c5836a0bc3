//! Kinds of claims that a consent or an app may be without, told from the text of a body.

use std::sync::LazyLock;

use memchr::memmem::Finder;

static PART_2: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"42CFRPart2\""));
static PART_D: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"DDPS\""));

/// Which of these kinds occur among bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds {
    /// Labelled 42 CFR Part 2: a person may leave these out of a consent, which no scope shows.
    pub(super) part_2: bool,
    /// Other than Part D events: an app may be limited to those.
    pub(super) beyond_part_d: bool,
}

impl Kinds {
    /// Of one body. Where a label stands in another place of it, too much is taken for labelled,
    /// which keeps it.
    pub(super) fn of(body: &[u8]) -> Self {
        Self {
            part_2: PART_2.find(body).is_some(),
            beyond_part_d: PART_D.find(body).is_none(),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.part_2 |= other.part_2;
        self.beyond_part_d |= other.beyond_part_d;
    }

    /// Whether bodies of these kinds can say that one of `missing` is gone: its kind was served.
    pub(super) fn speak_for(self, missing: Self) -> bool {
        (self.part_2 || !missing.part_2) && (self.beyond_part_d || !missing.beyond_part_d)
    }
}
