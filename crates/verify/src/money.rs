//! Money invariants of claims, by the pipeline's rules. Amounts are added as ten-thousandths from
//! the digits of the text, never as floating point.

mod rules;

use std::borrow::Cow;

use claimlake_viewdef::fhirpath::{Fit, fit};

pub use self::rules::MoneyRules;
use self::rules::{Amount, CodedAmounts, MoneyInvariant};
use crate::raw::{Name, Outline, Tree};

/// The pipeline's rules with their paths resolved in an outline.
#[derive(Debug, Clone)]
pub(crate) struct MoneyChecks {
    claim_type: Vec<Name>,
    coded: Vec<CodedPaths>,
    /// Every code that an invariant names.
    codes: Vec<String>,
    invariants: Vec<Invariant>,
}

/// The path of elements with a code and an amount.
#[derive(Debug, Clone)]
struct CodedPaths {
    elements: Vec<Name>,
    code: Vec<Name>,
    amount: Vec<Name>,
}

#[derive(Debug, Clone)]
struct Invariant {
    claim_types: Vec<String>,
    left: Operand,
    right: Operand,
}

#[derive(Debug, Clone)]
enum Operand {
    Path(Vec<Name>),
    /// Positions in `coded` and in `codes`.
    Sum(usize, Vec<usize>),
}

/// The sum under a code, by its position in `codes`; `None` if an amount is not a number.
type CodedSum = (usize, Option<i128>);

impl MoneyChecks {
    /// Asks `outline` for the members that the rules are about.
    pub(crate) fn new(rules: &MoneyRules, outline: &mut Outline) -> Self {
        let mut checks = Self {
            claim_type: outline.want(Outline::ROOT, &members(&rules.claim_type)).1,
            coded: Vec::new(),
            codes: Vec::new(),
            invariants: Vec::new(),
        };
        for CodedAmounts {
            elements,
            code,
            amount,
        } in rules.coded.values()
        {
            let (at, elements) = outline.want(Outline::ROOT, &members(elements));
            checks.coded.push(CodedPaths {
                elements,
                code: outline.want(at, &members(code)).1,
                amount: outline.want(at, &members(amount)).1,
            });
        }
        for invariant in &rules.invariants {
            let MoneyInvariant { left, right, .. } = invariant;
            let invariant = Invariant {
                claim_types: invariant.claim_types.clone(),
                left: checks.operand(left, rules, outline),
                right: checks.operand(right, rules, outline),
            };
            checks.invariants.push(invariant);
        }
        checks
    }

    fn operand(&mut self, amount: &Amount, rules: &MoneyRules, outline: &mut Outline) -> Operand {
        match amount {
            Amount::Path { path } => Operand::Path(outline.want(Outline::ROOT, &members(path)).1),
            Amount::Sum { coded, codes } => {
                let coded = rules.coded.keys().position(|name| name == coded);
                let codes = codes.iter().map(|code| self.number_of(code)).collect();
                Operand::Sum(coded.unwrap_or(usize::MAX), codes)
            }
        }
    }

    fn number_of(&mut self, code: &str) -> usize {
        let known = self.codes.iter().position(|known| known == code);
        known.unwrap_or_else(|| {
            self.codes.push(code.to_owned());
            self.codes.len() - 1
        })
    }

    /// How many invariants there are.
    pub(crate) fn len(&self) -> usize {
        self.invariants.len()
    }

    /// Calls `outcome` with the position of each invariant that applies to `claim` and whether it
    /// holds.
    pub(crate) fn evaluate(&self, claim: &Tree, text: &[u8], mut outcome: impl FnMut(usize, bool)) {
        let mut types: Vec<Cow<'_, str>> = Vec::new();
        claim.each(Tree::ROOT, &self.claim_type, &mut |code| {
            types.extend(claim.string(code, text));
        });
        let applies = |invariant: &Invariant| {
            let mut types = types.iter();
            types.any(|code| invariant.claim_types.iter().any(|known| known == code))
        };
        if !self.invariants.iter().any(applies) {
            return;
        }
        let coded = self.coded.iter();
        let sums: Vec<_> = coded.map(|paths| self.sums(paths, claim, text)).collect();
        let amount = |operand: &Operand| match operand {
            Operand::Path(path) => {
                let value = claim.first(Tree::ROOT, path)?;
                ten_thousandths(claim.raw(value, text))
            }
            Operand::Sum(coded, codes) => total(sums.get(*coded)?, codes),
        };
        for (position, invariant) in self.invariants.iter().enumerate() {
            if applies(invariant)
                && let Some(left) = amount(&invariant.left)
                && let Some(right) = amount(&invariant.right)
            {
                outcome(position, left == right);
            }
        }
    }

    /// The amounts under each code that an invariant names, added up.
    fn sums(&self, paths: &CodedPaths, claim: &Tree, text: &[u8]) -> Vec<CodedSum> {
        let mut sums: Vec<CodedSum> = Vec::new();
        let mut codes: Vec<usize> = Vec::new();
        claim.each(Tree::ROOT, &paths.elements, &mut |element| {
            codes.clear();
            claim.each(element, &paths.code, &mut |code| {
                let code = claim.string(code, text);
                let known = self.known_code(code.as_deref().unwrap_or_default());
                codes.extend(known.filter(|known| !codes.contains(known)));
            });
            for code in codes.iter().copied() {
                claim.each(element, &paths.amount, &mut |number| {
                    let amount = ten_thousandths(claim.raw(number, text));
                    match sums.iter_mut().find(|(of, _)| *of == code) {
                        Some((_, sum)) => *sum = sum.zip(amount).map(|(sum, amount)| sum + amount),
                        None => sums.push((code, amount)),
                    }
                });
            }
        });
        sums
    }

    /// The position of the code that `code` is, or whose URL it is (`…/line_nch_pmt_amt`).
    fn known_code(&self, code: &str) -> Option<usize> {
        let last = memchr::memrchr(b'/', code.as_bytes()).map_or(0, |slash| slash + 1);
        let last = code.get(last..)?;
        self.codes.iter().position(|known| known == last)
    }
}

fn members(path: &str) -> Vec<&str> {
    path.split('.').collect()
}

/// The amounts under any of the codes; `None` if there is none or one is not a number.
fn total(sums: &[CodedSum], codes: &[usize]) -> Option<i128> {
    let mut of_codes = sums.iter().filter(|(code, _)| codes.contains(code));
    let first = of_codes.next()?.1?;
    of_codes.try_fold(first, |total, (_, sum)| Some(total + (*sum)?))
}

/// The number in ten-thousandths, from its digits, as the tables hold it: without what a double
/// added; `None` if it has more.
fn ten_thousandths(number: &[u8]) -> Option<i128> {
    let fits = || match fit(number, 34, 4) {
        Fit::Exact(digits) | Fit::Rounded(digits) => Some(digits),
        Fit::Not(_) => None,
    };
    written_out(number).or_else(fits)
}

/// The same of a number without exponent and with at most four decimals: the common case.
fn written_out(number: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(number).ok()?;
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 4 || integer.len() > 30 {
        return None;
    }
    let mut scaled = 0_i128;
    let padded = fraction
        .bytes()
        .chain(std::iter::repeat_n(b'0', 4 - fraction.len()));
    for digit in integer.bytes().chain(padded) {
        scaled = scaled * 10 + i128::from(char::from(digit).to_digit(10)?);
    }
    Some(if negative { -scaled } else { scaled })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MoneyChecks, MoneyRules, ten_thousandths};
    use crate::raw::{Outline, Tree};

    #[test]
    fn digits_become_ten_thousandths_without_floating_point() {
        for (text, expected) in [
            ("0.1", Some(1_000)),
            ("-12.30", Some(-123_000)),
            ("90071992547409931.01", Some(900_719_925_474_099_310_100)),
            ("1.00001", None),
            ("1308.6999999999998", Some(13_087_000)),
            ("-3.0000000000000004e-1", Some(-3_000)),
            ("1.0000123456789012", None),
            ("\"1\"", None),
        ] {
            assert_eq!(ten_thousandths(text.as_bytes()), expected, "{text}");
        }
    }

    fn rules() -> serde_json::Value {
        json!({
            "claim_type": "type.coding.code",
            "coded": {"lines": {
                "elements": "item.adjudication",
                "code": "category.coding.code",
                "amount": "amount.value",
            }},
            "invariant": [
                {"name": "payments", "what": "", "claim_types": ["CARRIER"],
                    "left": {"coded": "lines", "codes": ["line_paid"]},
                    "right": {"path": "payment.amount.value"}},
                {"name": "parts", "what": "", "claim_types": ["CARRIER", "PDE"],
                    "left": {"coded": "lines", "codes": ["below", "above"]},
                    "right": {"coded": "lines", "codes": ["all"]}},
            ],
        })
    }

    fn outcomes(claim_type: &str, lines: &[(&str, f64)], paid: f64) -> Vec<(usize, bool)> {
        let rules: MoneyRules = serde_json::from_value(rules()).unwrap();
        let line = |(code, amount): &(&str, f64)| {
            json!({"adjudication": [
                {"category": {"coding": [{"code": code}]}, "amount": {"value": amount}}]})
        };
        let claim = json!({
            "type": {"coding": [{"code": claim_type}]},
            "item": lines.iter().map(line).collect::<Vec<_>>(),
            "payment": {"amount": {"value": paid}},
        });
        let mut outline = Outline::new();
        let checks = MoneyChecks::new(&rules, &mut outline);
        let (mut tree, text) = (Tree::default(), claim.to_string());
        tree.read(&outline, text.as_bytes()).unwrap();
        let mut outcomes = Vec::new();
        checks.evaluate(&tree, text.as_bytes(), |at, holds| {
            outcomes.push((at, holds));
        });
        outcomes
    }

    #[test]
    fn invariants_are_evaluated_where_they_apply_and_both_amounts_are_there() {
        let paid = [("line_paid", 10.1), ("https://x/line_paid", 10.1)];
        let parts = [("below", 1.5), ("above", 2.25), ("all", 3.75)];
        assert_eq!(outcomes("CARRIER", &paid, 20.2), [(0, true)]);
        assert_eq!(outcomes("CARRIER", &paid, 20.21), [(0, false)]);
        assert_eq!(outcomes("OUTPATIENT", &paid, 20.21), []);
        assert_eq!(outcomes("PDE", &parts, 0.0), [(1, true)]);
        assert_eq!(outcomes("PDE", &parts[1..], 0.0), [(1, false)]);
    }

    #[test]
    fn rules_with_an_unknown_key_or_an_unknown_sum_are_refused() {
        let refused = |change: fn(&mut serde_json::Value)| {
            let mut text = rules();
            change(&mut text);
            serde_json::from_value::<MoneyRules>(text)
                .unwrap_err()
                .to_string()
        };
        let error = refused(|rules| rules["invariant"][0]["holds"] = json!("x"));
        assert!(error.contains("unknown field `holds`"), "{error}");
        let error = refused(|rules| rules["invariant"][1]["left"]["coded"] = json!("liens"));
        assert_eq!(
            error,
            "invariant 'parts' adds up 'liens', which is not among 'coded'"
        );
    }
}
