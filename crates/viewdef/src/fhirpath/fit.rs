//! Whether a written number fits a column of a precision and a scale, decided on its digits alone.

/// How a number fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The digits at the column's scale are the number.
    Exact(i128),
    /// The number is one of the column's scale that went through a double: `1308.6999999999998`
    /// is `1308.70`. The digits are those of the rounded number.
    Rounded(i128),
    /// It does not fit.
    Not(Excess),
}

/// What is too much about a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// So many digits behind the point, without zeros at the end.
    Decimals(u64),
    /// This many digits before the point.
    Whole(u64),
    /// The text is no number, or one beyond all bounds.
    Unreadable,
}

/// Seventeen digits write any double, and fifteen survive being one. A number of fewer digits was
/// written with them.
const DIGITS_OF_A_DOUBLE: usize = 15;
/// Rounding may change the number by less than one part in this many.
const PARTS: i128 = 1_000_000_000;
/// Digits that are looked at; whether any is behind them decides a tie, and is kept as one more.
const DIGITS_READ: usize = 35;

/// Whether a JSON number fits `DECIMAL(precision, scale)`: as it is written, zeros at the end of
/// its fraction apart, or rounded half away from zero where it has 15 or more significant digits
/// and rounding moves it by less than 1e-9 of itself.
///
/// ```
/// use claimlake_viewdef::fhirpath::{Excess, Fit, fit};
///
/// assert_eq!(fit(b"12.5", 18, 2), Fit::Exact(1250));
/// assert_eq!(fit(b"1308.6999999999998", 18, 2), Fit::Rounded(130_870));
/// assert_eq!(fit(b"12.125", 18, 2), Fit::Not(Excess::Decimals(3)));
/// ```
#[must_use]
pub fn fit(text: &[u8], precision: u8, scale: i8) -> Fit {
    let Some(number) = Written::read(text) else {
        return Fit::Not(Excess::Unreadable);
    };
    let (precision, scale) = (usize::from(precision), i64::from(scale.max(0)));
    let Ok(missing) = usize::try_from(scale.saturating_sub(number.decimals)) else {
        return number.rounded(precision, scale);
    };
    if number.digits.is_empty() {
        return Fit::Exact(0);
    }
    if number.digits.len().saturating_add(missing) > precision {
        return Fit::Not(number.excess_before_the_point());
    }
    let zeros = std::iter::repeat_n(&b'0', missing);
    match integer(number.digits.iter().chain(zeros)) {
        Some(digits) => Fit::Exact(number.signed(digits)),
        None => Fit::Not(number.excess_before_the_point()),
    }
}

/// What is too much about a number that does not fit, as text without any of its digits.
#[must_use]
pub fn misfit(text: &[u8], precision: u8, scale: i8) -> String {
    let decimals = scale.max(0).unsigned_abs();
    let counted = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    match fit(text, precision, scale) {
        Fit::Not(Excess::Decimals(found)) => {
            format!("number with {}, {decimals} fit", counted(found, "decimal"))
        }
        Fit::Not(Excess::Whole(found)) => format!(
            "number with {} before the point, {} fit",
            counted(found, "digit"),
            precision.saturating_sub(decimals)
        ),
        _ => "number".to_owned(),
    }
}

/// A number as it is written: `digits / 10^decimals`, without zeros at either end.
struct Written {
    /// Whether it has a minus.
    negative: bool,
    /// All digits without zeros in front.
    digits: Vec<u8>,
    /// How many of them are behind the point; negative where zeros follow.
    decimals: i64,
}

impl Written {
    /// The digits and the exponent of a number.
    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, Some(exponent)),
            None => (text, None),
        };
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (number, ""),
        };
        if whole.is_empty() {
            return None;
        }
        let written = whole.bytes().chain(fraction.bytes());
        let mut digits: Vec<u8> = written.skip_while(|digit| *digit == b'0').collect();
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let kept = digits.iter().rposition(|digit| *digit != b'0');
        let kept = kept.map_or(0, |last| last + 1);
        let zeros = digits.len() - kept;
        digits.truncate(kept);
        if digits.is_empty() {
            // Zero is zero, whatever its exponent.
            return Some(Self {
                negative: false,
                digits,
                decimals: 0,
            });
        }
        let exponent: i64 = exponent.map_or(Ok(0), str::parse).ok()?;
        let decimals = i64::try_from(fraction.len())
            .ok()?
            .checked_sub(i64::try_from(zeros).ok()?)?
            .checked_sub(exponent)?;
        Some(Self {
            negative,
            digits,
            decimals,
        })
    }

    /// The number at a scale that has fewer decimals, where it is one that went through a double.
    fn rounded(&self, precision: usize, scale: i64) -> Fit {
        let too_many = Fit::Not(Excess::Decimals(self.decimals.unsigned_abs()));
        let dropped = usize::try_from(self.decimals - scale).unwrap_or(usize::MAX);
        if self.digits.len() < DIGITS_OF_A_DOUBLE || dropped > self.digits.len() {
            return too_many;
        }
        // The digits behind those that are read are not all zero, and count as a single 1.
        let unread = self.digits.len().saturating_sub(DIGITS_READ + 1);
        let read = match unread {
            0 => integer(&self.digits),
            _ => integer(self.digits.iter().take(DIGITS_READ).chain(b"1")),
        };
        let factor = dropped
            .checked_sub(unread)
            .filter(|dropped| *dropped > 0)
            .and_then(|dropped| 10_i128.checked_pow(u32::try_from(dropped).ok()?));
        let (Some(read), Some(factor)) = (read, factor) else {
            return too_many;
        };
        let (mut digits, rest) = (read / factor, read % factor);
        let mut moved = rest;
        if rest >= factor / 2 {
            digits += 1;
            moved = factor - rest;
        }
        let is_noise = moved.checked_mul(PARTS).is_some_and(|moved| moved < read);
        if !is_noise {
            return too_many;
        }
        let length = digits.to_string().len();
        if length > precision {
            let scale = usize::try_from(scale).unwrap_or(0);
            let whole = length.saturating_sub(scale);
            return Fit::Not(Excess::Whole(u64::try_from(whole).unwrap_or(u64::MAX)));
        }
        Fit::Rounded(self.signed(digits))
    }

    /// Too many digits before the point.
    fn excess_before_the_point(&self) -> Excess {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let whole = digits.saturating_sub(self.decimals);
        Excess::Whole(u64::try_from(whole).unwrap_or(0))
    }

    /// The digits with the number's sign.
    fn signed(&self, digits: i128) -> i128 {
        if self.negative { -digits } else { digits }
    }
}

/// The integer of some digits, if it is one that fits.
fn integer<'d>(digits: impl IntoIterator<Item = &'d u8>) -> Option<i128> {
    digits.into_iter().try_fold(0_i128, |value, digit| {
        value
            .checked_mul(10)?
            .checked_add(i128::from(digit.wrapping_sub(b'0')))
    })
}

#[cfg(test)]
mod tests;
