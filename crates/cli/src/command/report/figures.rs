//! Numbers and text as the report shows them.

use super::content::Cell;
use super::content::mask::Masking;

use crate::plural::{self, grouped};

/// Shown in place of a number that is not shown.
pub(super) const FEW: &str = "1–10";

/// Shown in place of money that is not shown.
pub(super) const HIDDEN: &str = "not shown";

/// A number, or that it is few.
pub(super) fn number(masking: Masking, number: u64) -> String {
    match masking.shows(number) {
        true => grouped(number),
        false => FEW.into(),
    }
}

/// A count, or "few" if it is masked.
pub(super) fn counted(masking: Masking, number: u64, thing: &str) -> String {
    match masking.shows(number) {
        true => plural::counted(number, thing),
        false => format!("{FEW} {}", plural::several(thing)),
    }
}

/// A part of a whole that is shown, too.
pub(super) fn part(masking: Masking, part: u64, whole: u64) -> String {
    match (masking.shows(part), masking.shows_part(part, whole)) {
        (_, true) => grouped(part),
        (false, false) => FEW.into(),
        (true, false) => "nearly all".into(),
    }
}

/// Shown instead of an amount that no claim states.
pub(super) const NOT_KNOWN: &str = "not known";

/// What was paid, as far as claims say: a payment that no claim states is not 0.
pub(super) fn paid(masking: Masking, cell: &Cell) -> String {
    match cell.paid_cents() {
        None => NOT_KNOWN.into(),
        Some(_) if !masking.shows_money(cell) => HIDDEN.into(),
        Some(cents) => dollars(cents),
    }
}

/// How many claims of a cell say what was paid, where some do not.
pub(super) fn paid_of(masking: Masking, cell: &Cell) -> Option<String> {
    let some = cell.with_payment > 0 && cell.with_payment < cell.claims;
    some.then(|| {
        let known = part(masking, cell.with_payment, cell.claims);
        format!("payment known of {known} of {}", grouped(cell.claims))
    })
}

/// Whole dollars, rounded half away from zero.
pub(super) fn dollars(cents: i128) -> String {
    let whole = (cents.unsigned_abs() + 50) / 100;
    let sign = if cents < 0 && whole > 0 { "−" } else { "" };
    let whole = u64::try_from(whole).unwrap_or(u64::MAX);
    format!("{sign}${}", grouped(whole))
}

/// An amount a month, to the cent, rounded half away from zero; none without months.
pub(super) fn each_month(cents: i128, months: u64) -> Option<String> {
    let each = each_cents(cents, months)?;
    let sign = if each < 0 { "−" } else { "" };
    let whole = u64::try_from(each.unsigned_abs() / 100).unwrap_or(u64::MAX);
    let cents = each.unsigned_abs() % 100;
    Some(format!("{sign}${}.{cents:02}", grouped(whole)))
}

/// The same in cents.
pub(super) fn each_cents(cents: i128, months: u64) -> Option<i128> {
    let months = i128::from(months);
    let twice = cents.abs().saturating_mul(2).saturating_add(months);
    let each = twice.checked_div(months.saturating_mul(2))?;
    Some(each * cents.signum())
}

/// Dollars and cents as programs read them: `-1234.05`.
pub(in crate::command) fn decimal(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// `3.4` of 100, as SVG and CSS take it; 0 where the whole is 0.
pub(super) fn percent(part: i128, whole: i128) -> String {
    if whole <= 0 || part <= 0 {
        return "0".into();
    }
    let tenths = part.saturating_mul(1000) / whole;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Text between tags and within quoted attributes.
pub(in crate::command) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::content::mask::Masking;
    use super::{decimal, dollars, each_month, escaped, number, part, percent};

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(dollars(123_456_789), "$1,234,568");
        assert_eq!(dollars(-150), "−$2");
        assert_eq!(dollars(-20), "$0");
        assert_eq!(each_month(100_000, 3).as_deref(), Some("$333.33"));
        assert_eq!(each_month(-5, 2).as_deref(), Some("−$0.03"));
        assert_eq!(each_month(0, 7).as_deref(), Some("$0.00"));
        assert_eq!(each_month(5, 0), None);
        assert_eq!(
            each_month(-123_456_700, 100).as_deref(),
            Some("−$12,345.67")
        );
        assert_eq!(decimal(123_456_705), "1234567.05");
        assert_eq!(decimal(-5), "-0.05");
        assert_eq!(percent(1, 3), "33.3");
        assert_eq!(percent(1, 0), "0");
        assert_eq!(number(Masking::Masked, 10), "1–10");
        assert_eq!(number(Masking::Unmasked, 10), "10");
        assert_eq!(part(Masking::Masked, 95, 100), "nearly all");
        assert_eq!(escaped("<a b='c'>&"), "&lt;a b=&#39;c&#39;&gt;&amp;");
    }
}
