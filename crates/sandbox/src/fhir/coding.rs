//! The shapes that FHIR repeats most: codings, concepts, money, and CMS's variables as extensions.

use super::json::{Json, VARIABLE};

impl Json {
    /// `{"system":…,"code":…[,"display":…]}` as the next element.
    pub(crate) fn coding(&mut self, system: &str, code: &str, display: &str) {
        self.open();
        self.coding_members(system, code, display);
        self.close();
    }

    /// The members of a coding whose system is the CMS variable `name`.
    fn variable_members(&mut self, name: &str, code: &str, display: &str) {
        self.text2("system", VARIABLE, name);
        self.text("code", code);
        if !display.is_empty() {
            self.text("display", display);
        }
    }

    /// A coding whose system is a CMS variable.
    pub(crate) fn variable(&mut self, name: &str, code: &str, display: &str) {
        self.open();
        self.variable_members(name, code, display);
        self.close();
    }

    fn coding_members(&mut self, system: &str, code: &str, display: &str) {
        self.text("system", system);
        self.text("code", code);
        if !display.is_empty() {
            self.text("display", display);
        }
    }

    /// `"key":{"coding":[{…}]}`.
    pub(crate) fn concept(&mut self, key: &str, system: &str, code: &str, display: &str) {
        self.object(key);
        self.array("coding");
        self.coding(system, code, display);
        self.close_array();
        self.close();
    }

    /// `{"coding":[{…}]}` as the next element.
    pub(crate) fn concept_element(&mut self, system: &str, code: &str, display: &str) {
        self.open();
        self.array("coding");
        self.coding(system, code, display);
        self.close_array();
        self.close();
    }

    /// `"key":{"value":1.20,"currency":"USD"}`.
    pub(crate) fn money(&mut self, key: &str, cents: i64) {
        self.object(key);
        self.cents("value", cents);
        self.text("currency", "USD");
        self.close();
    }

    /// An extension of a CMS variable whose value is a coding of the same variable.
    pub(crate) fn variable_extension(&mut self, name: &str, code: &str, display: &str) {
        self.open();
        self.text2("url", VARIABLE, name);
        self.object("valueCoding");
        self.variable_members(name, code, display);
        self.close();
        self.close();
    }

    /// As `variable_extension`, of a variable with a number in its name.
    pub(crate) fn numbered_extension(
        &mut self,
        name: &str,
        number: u32,
        code: &str,
        display: &str,
    ) {
        let digits = number.to_string();
        self.open();
        self.text3("url", VARIABLE, name, &digits);
        self.object("valueCoding");
        self.text3("system", VARIABLE, name, &digits);
        self.text("code", code);
        if !display.is_empty() {
            self.text("display", display);
        }
        self.close();
        self.close();
    }

    /// An extension of a CMS variable whose value is an identifier.
    pub(crate) fn identifier_extension(&mut self, name: &str, value: u64, width: usize) {
        self.open();
        self.text2("url", VARIABLE, name);
        self.object("valueIdentifier");
        self.text2("system", VARIABLE, name);
        self.number_text("value", value, width);
        self.close();
        self.close();
    }
}
