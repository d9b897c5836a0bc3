//! Which random code stands for what, for one recipient.

use std::collections::HashMap;

use claimlake_contract::hex;

use crate::error::{DeidentifyError, Result};

/// The kind of a patient's own code.
pub const PATIENT: &str = "patient";

/// Bytes of a code: two of a billion codes are the same by chance once in 2,000,000 codebooks.
const CODE_BYTES: usize = 10;

/// A code that was drawn.
#[derive(Clone, PartialEq, Eq)]
pub struct DrawnCode {
    /// The kind of identifier; two kinds never share a code.
    pub kind: String,
    /// What it stands for. PHI.
    pub value: String,
    /// The random code.
    pub code: String,
    /// Whose identifier it is, `<api>/<id>`; none for providers.
    pub patient: Option<String>,
}

/// Draws random bytes.
pub type Random<'r> = &'r mut dyn FnMut(&mut [u8]) -> std::result::Result<(), String>;

/// The codes of one recipient: those known already, and those drawn since.
pub struct Codebook<'r> {
    random: Random<'r>,
    known: HashMap<String, HashMap<String, String>>,
    drawn: Vec<DrawnCode>,
}

impl<'r> Codebook<'r> {
    /// A codebook that holds what was stored.
    pub fn new(stored: impl IntoIterator<Item = DrawnCode>, random: Random<'r>) -> Self {
        let mut known: HashMap<String, HashMap<String, String>> = HashMap::new();
        for code in stored {
            known
                .entry(code.kind)
                .or_default()
                .insert(code.value, code.code);
        }
        Self {
            random,
            known,
            drawn: Vec::new(),
        }
    }

    /// The codes that were not known before, in the order they were drawn.
    #[must_use]
    pub fn drawn(&self) -> &[DrawnCode] {
        &self.drawn
    }

    /// The code of an identifier; one is drawn where there is none.
    pub(crate) fn code(&mut self, kind: &str, value: &str, patient: Option<&str>) -> Result<&str> {
        let is_known = |codes: &HashMap<String, String>| codes.contains_key(value);
        if !self.known.get(kind).is_some_and(is_known) {
            let code = self.draw()?;
            self.add(kind, value, code, patient);
        }
        let found = self.known.get(kind).and_then(|codes| codes.get(value));
        Ok(found.map_or("", String::as_str))
    }

    /// By how many days all dates of a patient are moved: up to a year either way, never by none.
    pub(crate) fn shift_days(&mut self, patient: &str) -> Result<i32> {
        const KIND: &str = "shift_days";
        const SPAN: u32 = 364;
        if let Some(days) = self.known.get(KIND).and_then(|codes| codes.get(patient)) {
            return days.parse().map_err(|_| {
                DeidentifyError::Setting("a line of the codebook cannot be read".into())
            });
        }
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        let drawn = u32::from_le_bytes(bytes) % (2 * SPAN);
        let days = match drawn < SPAN {
            true => -1 - i32::try_from(drawn).unwrap_or(0),
            false => 1 + i32::try_from(drawn - SPAN).unwrap_or(0),
        };
        self.add(KIND, patient, days.to_string(), Some(patient));
        Ok(days)
    }

    fn add(&mut self, kind: &str, value: &str, code: String, patient: Option<&str>) {
        self.drawn.push(DrawnCode {
            kind: kind.to_owned(),
            value: value.to_owned(),
            code: code.clone(),
            patient: patient.map(str::to_owned),
        });
        let codes = self.known.entry(kind.to_owned()).or_default();
        codes.insert(value.to_owned(), code);
    }

    fn draw(&mut self) -> Result<String> {
        let mut bytes = [0; CODE_BYTES];
        self.fill(&mut bytes)?;
        Ok(hex(&bytes))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        (self.random)(bytes).map_err(DeidentifyError::Setting)
    }
}
