//! Keys of JSON objects as numbers, such that a choice (`valueString`) shows its element (`value`).
//!
//! FHIR writes a choice `value[x]` as one of many keys (<https://hl7.org/fhir/R4/formats.html#choice>).
//! With the element in the upper bits and the type in the lower ones, "this key" and "any choice of this
//! element" are both one comparison of integers. A key that ends in a type (`subscriberId`) has the code of
//! that choice also where a view asks for it as an element of its own.

use std::collections::HashMap;

use crate::fhirpath::choice_position;

/// The code of a key: the element's number in the upper bits, the position of the choice type plus
/// one in the lower (0 if the key is not a choice). 0 is the code of keys that no view reads.
pub(super) type KeyCode = u32;

/// Room for the position of a choice type; there are fewer than 128.
const TYPE_BITS: u32 = 7;
/// The bits of the type.
const TYPE_MASK: u32 = (1 << TYPE_BITS) - 1;

/// Whether two keys are choices of the same element, or one the element itself.
#[inline]
pub(super) fn same_element(one: KeyCode, other: KeyCode) -> bool {
    one >> TYPE_BITS == other >> TYPE_BITS
}

/// The number of an element's name, below [`Keys::elements`].
#[inline]
pub(super) fn element_number(code: KeyCode) -> usize {
    (code >> TYPE_BITS) as usize
}

/// The keys of the views of one resource type.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    /// The numbers of elements, from 1 in the order in which the views name them.
    elements: HashMap<String, u32>,
}

impl Keys {
    /// One more than the highest number of an element.
    pub(super) fn elements(&self) -> usize {
        self.elements.len() + 1
    }

    /// The code of a key, as a choice where its end is a type.
    pub(super) fn code(&mut self, key: &str) -> KeyCode {
        match split_choice(key) {
            Some((element, position)) => self.choice(element, position),
            None => self.element(key),
        }
    }

    /// The code of a key that is a choice by its end; nothing for others.
    pub(super) fn choice_by_name(&mut self, key: &str) -> Option<KeyCode> {
        split_choice(key).map(|(element, position)| self.choice(element, position))
    }

    /// The code of a name that always is an element, even if it ends with the name of a type;
    /// choices of it share the code.
    pub(super) fn element(&mut self, name: &str) -> KeyCode {
        let next = u32::try_from(self.elements.len() + 1).unwrap_or(u32::MAX >> TYPE_BITS);
        *self.elements.entry(name.to_owned()).or_insert(next) << TYPE_BITS
    }

    /// The code of a choice of an element.
    fn choice(&mut self, element: &str, position: usize) -> KeyCode {
        self.element(element) | (u32::try_from(position + 1).unwrap_or(0) & TYPE_MASK)
    }
}

/// The code of a choice of an element whose code is known.
pub(super) fn choice_of(element: KeyCode, position: usize) -> KeyCode {
    (element & !TYPE_MASK) | (u32::try_from(position + 1).unwrap_or(0) & TYPE_MASK)
}

/// `valueCodeableConcept` is `value` and the position of `CodeableConcept`.
fn split_choice(key: &str) -> Option<(&str, usize)> {
    let places = key.char_indices().skip(1);
    places
        .filter(|(_, letter)| letter.is_ascii_uppercase())
        .find_map(|(at, _)| {
            let element = &key[..at];
            choice_position(element, key).map(|position| (element, position))
        })
}

#[cfg(test)]
mod tests {
    use super::{Keys, same_element};

    #[test]
    fn a_choice_shares_its_element_and_no_other_key_does() {
        let mut keys = Keys::default();
        let value = keys.code("value");
        let concept = keys.code("valueCodeableConcept");
        assert!(same_element(value, concept));
        assert_ne!(value, concept);
        assert!(!same_element(value, keys.code("valued")));
        assert_eq!(keys.code("birthDate"), keys.code("birthDate"));
    }
}
