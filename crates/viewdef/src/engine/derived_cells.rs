//! Cells of derived expressions: those that the engine has no program for, but whose inputs are
//! paths.
//!
//! The inputs are found on the tape, the rest of the expression is evaluated by the reference
//! evaluator, and the answer is remembered by the bytes of the inputs. Most such expressions format
//! or translate codes, of which there are few, so nearly every answer is remembered.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::derived::{Derived, Input, input_name};
use super::fast_view::FastColumn;
use super::row_maker::RowMaker;
use super::tape::{Kind, Position};
use super::tape_reader::{TapeReader, Unsupported};
use crate::column::{Cell, Scratch, cell_of_json};
use crate::json::unescape;
use crate::reference;

/// How many answers of one expression are remembered; after that all are discarded, so that memory
/// stays bounded.
const MAX_REMEMBERED: usize = 4096;
/// Answers for longer inputs are not remembered, since such inputs rarely occur again.
const MAX_INPUT_BYTES: usize = 128;

/// The answers of derived expressions, by what their inputs found.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// For each derived expression, its answers by the bytes of its inputs.
    answers: Vec<HashMap<Box<[u8]>, Option<Value>, foldhash::fast::RandomState>>,
    /// The bytes of the inputs at the current element.
    inputs: Vec<u8>,
}

impl Memory {
    /// The remembered answer for the current inputs: `None` if there is none; an empty result is
    /// remembered as `Some(None)`.
    fn answer(&self, of: usize) -> Option<&Option<Value>> {
        self.answers.get(of)?.get(self.inputs.as_slice())
    }

    /// Remembers an answer for the current inputs.
    fn remember(&mut self, of: usize, answer: Option<Value>) {
        if self.inputs.len() > MAX_INPUT_BYTES {
            return;
        }
        if self.answers.len() <= of {
            self.answers.resize_with(of + 1, HashMap::default);
        }
        if let Some(answers) = self.answers.get_mut(of) {
            if answers.len() >= MAX_REMEMBERED {
                answers.clear();
            }
            answers.insert(self.inputs.as_slice().into(), answer);
        }
    }
}

impl RowMaker<'_> {
    /// The cell of a derived expression at an element.
    pub(super) fn derived(
        &mut self,
        column: &FastColumn,
        derived: &Derived,
        this: Position,
        row_index: usize,
    ) -> Result<Cell, Unsupported> {
        self.memory.inputs.clear();
        for input in &derived.inputs {
            self.write_input(input, this, row_index)?;
        }
        let cell_of = |answer: &Option<Value>, scratch: &mut Scratch| match answer {
            None => Ok(Cell::Null),
            // What does not fit is explained by the reference evaluator, in its words.
            Some(value) => cell_of_json(column.scalar, value, scratch).map_err(|_| Unsupported),
        };
        if let Some(answer) = self.memory.answer(derived.memory) {
            return cell_of(answer, self.scratch);
        }
        let inputs = derived.inputs.iter();
        let found = inputs
            .map(|input| self.found(input, this, row_index))
            .collect::<Result<Vec<_>, _>>()?;
        let answer = self.evaluate(derived, &found)?;
        let cell = cell_of(&answer, self.scratch)?;
        self.memory.remember(derived.memory, answer);
        Ok(cell)
    }

    /// Writes what an input finds to the key of the memory.
    fn write_input(
        &mut self,
        input: &Input,
        this: Position,
        row_index: usize,
    ) -> Result<(), Unsupported> {
        let inputs = &mut self.memory.inputs;
        let reader = self.reader;
        match input {
            Input::Path(path) => {
                let mut is_element = false;
                reader.each(path, this, &mut |item| {
                    is_element |= !write_item(inputs, reader, item);
                    ControlFlow::Continue(())
                })?;
                if is_element {
                    return Err(Unsupported);
                }
            }
            Input::FirstOfUnion(union) => {
                if let Some(item) = reader.first_of_union(union, this)?
                    && !write_item(inputs, reader, item)
                {
                    return Err(Unsupported);
                }
            }
            Input::Truth(condition) => {
                let truth = reader.truth(condition, this)?;
                inputs.extend(truth.map_or(*b"?", |truth| if truth { *b"1" } else { *b"0" }));
            }
            Input::RowIndex => inputs.extend(row_index.to_le_bytes()),
        }
        // No item begins like this.
        inputs.push(u8::MAX);
        Ok(())
    }

    /// The result of an input.
    fn found(&self, input: &Input, this: Position, row_index: usize) -> Result<Found, Unsupported> {
        let reader = self.reader;
        Ok(match input {
            Input::Path(path) => {
                let mut items = Vec::new();
                reader.each(path, this, &mut |item| {
                    items.push(item);
                    ControlFlow::Continue(())
                })?;
                Found::Items(items)
            }
            Input::FirstOfUnion(union) => {
                Found::Items(reader.first_of_union(union, this)?.into_iter().collect())
            }
            Input::Truth(condition) => Found::Truth(reader.truth(condition, this)?),
            Input::RowIndex => Found::Index(row_index),
        })
    }

    /// Evaluates the rest of the expression on an object that has the inputs as members.
    fn evaluate(&self, derived: &Derived, found: &[Found]) -> Result<Option<Value>, Unsupported> {
        let mut object = Map::new();
        for (position, found) in found.iter().enumerate() {
            let value = match found {
                Found::Truth(None) => continue,
                Found::Truth(Some(truth)) => Value::Bool(*truth),
                Found::Index(index) => Value::from(*index),
                Found::Items(items) => {
                    let values = items.iter().map(|item| self.json(*item));
                    Value::Array(values.collect::<Result<_, _>>()?)
                }
            };
            object.insert(input_name(position), value);
        }
        let object = Value::Object(object);
        let mut answers =
            reference::evaluate_path(&derived.rest, &object, &[]).map_err(|_| Unsupported)?;
        match answers.len() {
            0 | 1 => Ok(answers.pop()),
            _ => Err(Unsupported),
        }
    }

    /// An item of the tape as JSON. Numbers keep their digits.
    fn json(&self, item: Position) -> Result<Value, Unsupported> {
        let raw = self.reader.raw(item);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| Unsupported);
        Ok(match self.reader.tape.entry(item).kind {
            Kind::Text => Value::String(text(raw.to_vec())?),
            Kind::EscapedText => Value::String(text(unescape(raw))?),
            Kind::Number => serde_json::from_slice(raw).map_err(|_| Unsupported)?,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Object => return Err(Unsupported),
        })
    }
}

/// Writes the kind and the text of an item; false where it is an element, which has no text of its own.
fn write_item(inputs: &mut Vec<u8>, reader: TapeReader<'_>, item: Position) -> bool {
    let kind = reader.tape.entry(item).kind;
    let raw = reader.raw(item);
    inputs.push(kind as u8);
    inputs.extend(u32::try_from(raw.len()).unwrap_or(u32::MAX).to_le_bytes());
    inputs.extend(raw);
    kind != Kind::Object
}

/// The result of an input.
enum Found {
    Truth(Option<bool>),
    Index(usize),
    Items(Vec<Position>),
}
