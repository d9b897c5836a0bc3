//! Programs over a tape: paths to items. What conditions say is in `conditions`.
//!
//! Every answer is the reference evaluator's, or [`Unsupported`]: then that makes the rows. Unknown is
//! `None`, as FHIRPath's three-valued logic has it (<https://hl7.org/fhirpath/#boolean-logic>).

use std::ops::ControlFlow;

use super::keys::{KeyCode, same_element};
use super::lookup::Shared;
use super::program::{Failure, Path, Start, Step};
use super::resource_cache::ResourceCache;
use super::tape::{Kind, Position, Tape};
use crate::json::unescape;

/// The compiled program has no answer; the reference evaluator must give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsupported;

/// A resource on its tape, with the text it was recorded in.
#[derive(Debug, Clone, Copy)]
pub(super) struct TapeReader<'t> {
    /// Where values are and how they nest.
    pub(super) tape: &'t Tape,
    /// The text that positions of entries refer to.
    pub(super) buffer: &'t [u8],
    /// What the programs share.
    pub(super) shared: &'t Shared,
    /// What was found of the resource before.
    pub(super) cache: &'t ResourceCache,
    /// The element that makes the row, `%context`.
    pub(super) context: Position,
}

/// Whether to go on with further items.
type Flow = Result<ControlFlow<()>, Unsupported>;

impl<'t> TapeReader<'t> {
    /// Calls `found` with each item of a path, in order, until it has enough.
    #[inline]
    pub(super) fn each<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        path: &Path,
        this: Position,
        found: &mut F,
    ) -> Result<(), Unsupported> {
        if path.failure == Failure::AnyItem {
            self.check(path, this)?;
        }
        let mut from = self.start(path, this);
        for (steps, position) in &path.indexed {
            match self.nth(steps, from, *position)? {
                Some(item) => from = item,
                None => return Ok(()),
            }
        }
        self.walk(&path.tail, from, found).map(|_| ())
    }

    /// The item that a path begins with.
    #[inline]
    fn start(&self, path: &Path, this: Position) -> Position {
        match path.start {
            Start::This => this,
            Start::Resource => 0,
            Start::Context => self.context,
        }
    }

    /// Evaluates a path to its end: an error behind the item that is enough is one all the same.
    fn check(&self, path: &Path, this: Position) -> Result<(), Unsupported> {
        let mut from = self.start(path, this);
        for (steps, position) in &path.indexed {
            match self.items(steps, from)?.get(*position) {
                Some(item) => from = *item,
                None => return Ok(()),
            }
        }
        self.items(&path.tail, from).map(|_| ())
    }

    /// All items that steps find.
    fn items(&self, steps: &[Step], from: Position) -> Result<Vec<Position>, Unsupported> {
        let mut items = Vec::new();
        let _ = self.walk(steps, from, &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        })?;
        Ok(items)
    }

    /// The item at a position of what steps find.
    fn nth(
        &self,
        steps: &[Step],
        from: Position,
        nth: usize,
    ) -> Result<Option<Position>, Unsupported> {
        let mut left = nth;
        let mut item = None;
        let _ = self.walk(steps, from, &mut |position| {
            if left == 0 {
                item = Some(position);
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        })?;
        Ok(item)
    }

    /// Calls `found` with each item that steps find from an item, in order.
    fn walk<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        steps: &[Step],
        from: Position,
        found: &mut F,
    ) -> Flow {
        let Some((step, rest)) = steps.split_first() else {
            return Ok(found(from));
        };
        match step {
            Step::Member(code) => self.walk_member(rest, from, (*code, *code), found),
            Step::MemberOrChoice { key, element } => {
                self.walk_member(rest, from, (*key, *element), found)
            }
            Step::Choice(groups) => {
                let own = self.tape.entry(from);
                for group in groups {
                    let mut position = from + 1;
                    while position < own.next {
                        let entry = self.tape.entry(position);
                        if group.contains(&entry.code) {
                            return self
                                .walk_where(rest, from, found, |code| group.contains(&code));
                        }
                        position = entry.run_end;
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Step::Pivot(pivot) => match self.meets(pivot, from)? {
                true => self.walk(rest, from, found),
                false => Ok(ControlFlow::Continue(())),
            },
            Step::Lookup(lookup) => {
                let elements = match self.looked_up(lookup)? {
                    Some(elements) => elements,
                    None => self.items(&lookup.steps, from)?,
                };
                for element in elements {
                    if self.walk(rest, element, found)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Step::Filter(condition) => {
                if self.truth(condition, from)? == Some(true) {
                    self.walk(rest, from, found)
                } else {
                    Ok(ControlFlow::Continue(()))
                }
            }
        }
    }

    /// Goes on with a member, or with the choices of the element where it is not there.
    #[inline]
    fn walk_member<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        rest: &[Step],
        from: Position,
        (key, element): (KeyCode, KeyCode),
        found: &mut F,
    ) -> Flow {
        let own = self.tape.entry(from);
        let mut position = from + 1;
        let mut choices = false;
        while position < own.next {
            let entry = self.tape.entry(position);
            if entry.code == key {
                return self.walk_run(rest, position, entry.run_end, found);
            }
            choices |= same_element(entry.code, element);
            position = entry.run_end;
        }
        if choices {
            return self.walk_where(rest, from, found, |other| same_element(other, element));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The elements from `position` up to `end`, which are one array.
    #[inline]
    fn walk_run<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        rest: &[Step],
        position: Position,
        end: Position,
        found: &mut F,
    ) -> Flow {
        let mut position = position;
        while position < end {
            if self.walk(rest, position, found)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            position = self.tape.entry(position).next;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Goes on with the members whose key is wanted.
    fn walk_where<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        rest: &[Step],
        from: Position,
        found: &mut F,
        is_wanted: impl Fn(u32) -> bool,
    ) -> Flow {
        let end = self.tape.entry(from).next;
        let mut position = from + 1;
        while position < end {
            let entry = self.tape.entry(position);
            if is_wanted(entry.code)
                && self
                    .walk_run(rest, position, entry.run_end, found)?
                    .is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            position = entry.run_end;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// No item, the one item, or `Err` of how many there are at the least.
    #[inline]
    pub(super) fn one(
        &self,
        path: &Path,
        this: Position,
    ) -> Result<Result<Option<Position>, usize>, Unsupported> {
        let mut item = None;
        let mut count = 0;
        self.each(path, this, &mut |position| {
            count += 1;
            item.get_or_insert(position);
            if count > 1 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(if count > 1 { Err(count) } else { Ok(item) })
    }

    /// The one value of a member; nothing for none and for several.
    pub(super) fn one_member(&self, member: KeyCode, this: Position) -> Option<Position> {
        let mut item = None;
        let mut count = 0;
        let _ = self.walk(&[Step::Member(member)], this, &mut |position| {
            count += 1;
            item = Some(position);
            ControlFlow::Continue(())
        });
        item.filter(|_| count == 1)
    }

    /// The first item of the first path that finds one. A path that may fail is walked all the same:
    /// the reference evaluator evaluates all of them.
    pub(super) fn first_of(
        &self,
        paths: &[Path],
        this: Position,
    ) -> Result<Option<Position>, Unsupported> {
        let mut first = None;
        for path in paths {
            if first.is_some() && path.failure == Failure::Never {
                continue;
            }
            if let Ok(Some(item)) = self.one(path, this)? {
                first.get_or_insert(item);
            }
        }
        Ok(first)
    }

    /// How many items a path finds.
    pub(super) fn count(&self, path: &Path, this: Position) -> Result<usize, Unsupported> {
        let mut count = 0;
        self.each(path, this, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// The text between the quotes of a string, or of any other value.
    #[inline]
    pub(super) fn raw(&self, item: Position) -> &'t [u8] {
        let entry = self.tape.entry(item);
        self.buffer
            .get(entry.start as usize..entry.end as usize)
            .unwrap_or_default()
    }

    /// Whether an item is a string with this text.
    #[inline]
    pub(super) fn is_text(&self, item: Position, text: &[u8]) -> bool {
        match self.tape.entry(item).kind {
            Kind::Text => self.raw(item) == text,
            Kind::EscapedText => unescape(self.raw(item)) == text,
            _ => false,
        }
    }
}
