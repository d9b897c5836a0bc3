//! Programs over a tape: paths to items. What conditions say is in `conditions`.
//!
//! Every answer is the reference evaluator's, or [`Unsupported`]: then that makes the rows. Unknown is
//! `None`, as FHIRPath's three-valued logic has it (<https://hl7.org/fhirpath/#boolean-logic>).

use std::ops::ControlFlow;

use super::keys::{KeyCode, same_element};
use super::lookup::Shared;
use super::program::{Failure, Indexed, Path, Start, Step};
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
    /// Results already found in the resource.
    pub(super) cache: &'t ResourceCache,
    /// The element that makes the row, `%context`.
    pub(super) context: Position,
}

/// The result of one step from an item.
#[derive(Debug)]
pub(super) enum Items<'s> {
    None,
    One(Position),
    /// The elements of an array: the first, and the entry after the last.
    Run(Position, Position),
    /// The members of an object that are choices of an element.
    Choices(Position, KeyCode),
    /// The members of an object with one of these keys.
    AnyOf(Position, &'s [KeyCode]),
    Several(Vec<Position>),
}

/// The result of steps as long as each finds one item.
enum Descent<'s> {
    Nothing,
    One(Position),
    /// Several items, and the steps to take from each.
    Several(Items<'s>, &'s [Step]),
}

/// Whether to continue with further items.
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
        // An error after the first item is still an error, although the first item would be enough.
        let to_the_end = path.failure == Failure::AnyItem;
        let mut from = self.start(path, this);
        for part in &path.indexed {
            match self.nth(part, from, to_the_end)? {
                Some(item) => from = item,
                None => return Ok(()),
            }
        }
        if !to_the_end {
            return self.walk(&path.tail, from, found).map(|_| ());
        }
        let mut flow = ControlFlow::Continue(());
        let walked = self.walk(&path.tail, from, &mut |item| {
            if flow.is_continue() {
                flow = found(item);
            }
            ControlFlow::Continue(())
        });
        walked.map(|_| ())
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

    /// All items that steps find.
    pub(super) fn items(
        &self,
        steps: &[Step],
        from: Position,
    ) -> Result<Vec<Position>, Unsupported> {
        let mut items = Vec::new();
        let _ = self.walk(steps, from, &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        })?;
        Ok(items)
    }

    /// The one item of an indexed part of a path.
    #[inline]
    fn nth(
        &self,
        part: &Indexed,
        from: Position,
        to_the_end: bool,
    ) -> Result<Option<Position>, Unsupported> {
        if let Some(list) = part.list {
            return self.item_of_list(list, part, from);
        }
        if part.position == 0 && !to_the_end {
            match self.descend_fast(&part.steps, from)? {
                Descent::Nothing => return Ok(None),
                Descent::One(item) => return Ok(Some(item)),
                Descent::Several(..) => {}
            }
        }
        let mut count = 0;
        let mut item = None;
        let _ = self.walk(&part.steps, from, &mut |position| {
            if count == part.position {
                item = Some(position);
            }
            count += 1;
            match item.is_some() && !to_the_end {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(item)
    }

    /// Calls `found` with each item that steps find from an item, in order.
    pub(super) fn walk<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        steps: &[Step],
        from: Position,
        found: &mut F,
    ) -> Flow {
        match self.descend(steps, from)? {
            Descent::Nothing => Ok(ControlFlow::Continue(())),
            Descent::One(item) => Ok(found(item)),
            Descent::Several(items, rest) => self.walk_items(items, rest, found),
        }
    }

    /// Goes on from several items, in order.
    fn walk_items<F: FnMut(Position) -> ControlFlow<()>>(
        &self,
        items: Items<'_>,
        rest: &[Step],
        found: &mut F,
    ) -> Flow {
        match items {
            Items::None => {}
            Items::One(item) => return self.walk(rest, item, found),
            Items::Run(position, end) => return self.walk_run(rest, position, end, found),
            Items::Choices(from, element) => {
                return self.walk_where(rest, from, found, |code| same_element(code, element));
            }
            Items::AnyOf(from, codes) => {
                return self.walk_where(rest, from, found, |code| codes.contains(&code));
            }
            Items::Several(items) => {
                for item in items {
                    if self.walk(rest, item, found)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes steps as long as each finds one item; members first, which is all that most paths have.
    #[inline(always)]
    fn descend_fast<'s>(
        &self,
        steps: &'s [Step],
        from: Position,
    ) -> Result<Descent<'s>, Unsupported> {
        let (mut steps, mut from) = (steps, from);
        while let [Step::Member(code), rest @ ..] = steps {
            match self.member(from, *code, *code) {
                Items::None => return Ok(Descent::Nothing),
                Items::One(item) => from = item,
                _ => break,
            }
            steps = rest;
        }
        match steps {
            [] => Ok(Descent::One(from)),
            _ => self.descend(steps, from),
        }
    }

    /// Takes steps as long as each finds one item.
    #[inline(never)]
    fn descend<'s>(&self, steps: &'s [Step], from: Position) -> Result<Descent<'s>, Unsupported> {
        let (mut steps, mut from) = (steps, from);
        while let Some((step, rest)) = steps.split_first() {
            match self.step(step, from)? {
                Items::None => return Ok(Descent::Nothing),
                Items::One(item) => from = item,
                several => return Ok(Descent::Several(several, rest)),
            }
            steps = rest;
        }
        Ok(Descent::One(from))
    }

    /// The result of one step.
    #[inline(always)]
    fn step<'s>(&self, step: &'s Step, from: Position) -> Result<Items<'s>, Unsupported> {
        let kept = |is_kept: bool| match is_kept {
            true => Items::One(from),
            false => Items::None,
        };
        Ok(match step {
            Step::Member(code) => self.member(from, *code, *code),
            Step::MemberOrChoice { key, element } => self.member(from, *key, *element),
            Step::Choice(choice) => self.choice(choice, from),
            Step::Filter(condition) => kept(self.truth(condition, from)? == Some(true)),
            Step::Pivot(pivot) => kept(self.meets(pivot, from)?),
            Step::MemberPivot(pivot) => self.pivoted(pivot, from)?,
            Step::Lookup(lookup) => self.looked_up(lookup, from)?,
        })
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
            let flow = match rest {
                [] => found(position),
                _ => self.walk(rest, position, found)?,
            };
            if flow.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            position = self.tape.entry(position).next;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Continues with the members whose key is wanted.
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
        if path.failure != Failure::AnyItem {
            let mut from = self.start(path, this);
            for part in &path.indexed {
                match self.nth(part, from, false)? {
                    Some(item) => from = item,
                    None => return Ok(Ok(None)),
                }
            }
            match self.descend_fast(&path.tail, from)? {
                Descent::Nothing => return Ok(Ok(None)),
                Descent::One(item) => return Ok(Ok(Some(item))),
                Descent::Several(..) => {}
            }
        }
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

    /// The first item of the first path that finds one. Later paths that may fail are evaluated
    /// nevertheless: the reference evaluator evaluates all of them.
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
