//! Steps to a member of an object, or to a choice of it.

use std::ops::ControlFlow;

use super::keys::{KeyCode, same_element};
use super::member_index::Place;
use super::program::{Choice, Step};
use super::tape::{Entry, Position};
use super::tape_reader::{Items, TapeReader, Unsupported};

impl TapeReader<'_> {
    /// A member, or the choices of the element where it is not there.
    #[inline(always)]
    pub(super) fn member<'s>(&self, from: Position, key: KeyCode, element: KeyCode) -> Items<'s> {
        if let Some(known) = self.cache.members.of(from) {
            match known.place(key) {
                Place::At(position) if self.tape.entry(position).code == key => {
                    return one_or_run(position, self.tape.entry(position));
                }
                Place::At(_) if key == element => return Items::Choices(from, element),
                Place::Missing if key == element => return Items::None,
                _ => {}
            }
        }
        let end = self.tape.entry(from).next;
        let mut position = from + 1;
        let mut choices = false;
        while position < end {
            let entry = self.tape.entry(position);
            if entry.code == key {
                return one_or_run(position, entry);
            }
            choices |= same_element(entry.code, element);
            position = entry.run_end;
        }
        if choices {
            Items::Choices(from, element)
        } else {
            Items::None
        }
    }

    /// The first of groups of choices that is there.
    #[inline]
    pub(super) fn choice<'s>(&self, choice: &'s Choice, from: Position) -> Items<'s> {
        if let Some(known) = self.cache.members.of(from) {
            match known.place(choice.element) {
                Place::Missing => return Items::None,
                Place::At(position) => return self.only_choice(choice, position),
                Place::Unknown => return self.any_choice(choice, from),
            }
        }
        let end = self.tape.entry(from).next;
        let mut only = None;
        let mut position = from + 1;
        while position < end {
            let entry = self.tape.entry(position);
            if same_element(entry.code, choice.element) {
                if only.is_some() {
                    return self.any_choice(choice, from);
                }
                only = Some(position);
            }
            position = entry.run_end;
        }
        match only {
            None => Items::None,
            Some(position) => self.only_choice(choice, position),
        }
    }

    /// The one member that is a choice of the element, if it is of the type.
    #[inline]
    fn only_choice<'s>(&self, choice: &Choice, position: Position) -> Items<'s> {
        let entry = self.tape.entry(position);
        let mut wanted = choice.groups.iter().flatten();
        match wanted.any(|code| *code == entry.code) {
            true => one_or_run(position, entry),
            false => Items::None,
        }
    }

    /// The first group of which there is any among several choices of the element.
    #[cold]
    fn any_choice<'s>(&self, choice: &'s Choice, from: Position) -> Items<'s> {
        let end = self.tape.entry(from).next;
        for group in &choice.groups {
            let mut position = from + 1;
            while position < end {
                let entry = self.tape.entry(position);
                if group.contains(&entry.code) {
                    return Items::AnyOf(from, group);
                }
                position = entry.run_end;
            }
        }
        Items::None
    }

    /// The one value of a member; nothing for none and for several.
    #[inline]
    pub(super) fn one_member(&self, member: KeyCode, this: Position) -> Option<Position> {
        match self.member(this, member, member) {
            Items::One(item) => Some(item),
            Items::Choices(..) => self.one_choice(member, this),
            _ => None,
        }
    }

    /// The one choice of an element; nothing for none and for several.
    #[cold]
    fn one_choice(&self, element: KeyCode, this: Position) -> Option<Position> {
        let items = self.items(&[Step::Member(element)], this).ok()?;
        match items.as_slice() {
            [item] => Some(*item),
            _ => None,
        }
    }

    /// Calls `found` with each item that steps find, which are members only.
    pub(super) fn each_of_members(
        &self,
        members: &[Step],
        from: Position,
        found: &mut dyn FnMut(Position),
    ) -> Result<(), Unsupported> {
        let [Step::Member(code), rest @ ..] = members else {
            if members.is_empty() {
                found(from);
                return Ok(());
            }
            return Err(Unsupported);
        };
        match self.member(from, *code, *code) {
            Items::None => Ok(()),
            Items::One(item) => self.each_of_members(rest, item, found),
            Items::Run(first, end) => {
                let mut item = first;
                while item < end {
                    self.each_of_members(rest, item, found)?;
                    item = self.tape.entry(item).next;
                }
                Ok(())
            }
            _ => self
                .walk(members, from, &mut |item| {
                    found(item);
                    ControlFlow::Continue(())
                })
                .map(|_| ()),
        }
    }
}

/// A value, or all elements of its array.
#[inline]
fn one_or_run<'s>(position: Position, entry: Entry) -> Items<'s> {
    match entry.next == entry.run_end {
        true => Items::One(position),
        false => Items::Run(position, entry.run_end),
    }
}
