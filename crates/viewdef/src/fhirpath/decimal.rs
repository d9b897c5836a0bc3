//! Exact decimals of up to 38 digits, read from text and written as text; never through a float.
//!
//! FHIR's decimals keep their precision (`1.0` is not written `1.00`;
//! <https://hl7.org/fhir/R4/datatypes.html#decimal>), so digits in are digits out. 38 digits are what
//! Arrow's `Decimal128` and SQL's `DECIMAL` have.

use std::cmp::Ordering;
use std::fmt;

/// `mantissa / 10^scale`. Equality and order are those of the numbers: `1.0` equals `1.00`.
///
/// ```
/// use claimlake_viewdef::fhirpath::Decimal;
///
/// let amount = Decimal::parse("12.50").unwrap_or(Decimal::from_integer(0));
/// assert_eq!((amount.mantissa(), amount.scale()), (1250, 2));
/// assert_eq!(amount.to_string(), "12.50");
/// assert_eq!(Some(amount), Decimal::parse("1.25e1"));
/// assert_eq!(amount.rescaled(1).map(|it| it.to_string()), Some("12.5".into()));
/// assert_eq!(amount.rescaled(0), None);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    /// All digits as one integer.
    mantissa: i128,
    /// How many of them are behind the point.
    scale: u32,
}

/// No scale is larger, so that no computation can run away.
const MAX_SCALE: u32 = 37;
/// Digits behind the point of a quotient that does not end earlier: more than a double has, and so
/// few that the product of two quotients has a scale.
const QUOTIENT_SCALE: u32 = 18;

impl Decimal {
    /// `mantissa / 10^scale`, if the scale is one that decimals have.
    #[must_use]
    pub fn new(mantissa: i128, scale: u32) -> Option<Self> {
        (scale <= MAX_SCALE).then_some(Self { mantissa, scale })
    }

    /// Reads a JSON number: sign, digits, fraction, exponent. `None` where it is none or has more
    /// digits than fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let ends_in_point = digits.ends_with('.');
        if whole.is_empty() || ends_in_point {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(i128::from(digit - b'0'))?;
        }
        if negative {
            mantissa = -mantissa;
        }
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        if scale < 0 {
            let factor = power_of_ten(u32::try_from(-scale).ok()?);
            let mantissa = if mantissa == 0 {
                0
            } else {
                mantissa.checked_mul(factor?)?
            };
            return Self::new(mantissa, 0);
        }
        Self::new(mantissa, u32::try_from(scale).ok()?)
    }

    /// The number of an integer.
    #[must_use]
    pub fn from_integer(value: i64) -> Self {
        Self {
            mantissa: i128::from(value),
            scale: 0,
        }
    }

    /// The digits as one integer.
    #[must_use]
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// The digits behind the point.
    #[must_use]
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// The integer it is, if it is one that fits.
    #[must_use]
    pub fn to_integer(self) -> Option<i64> {
        let factor = power_of_ten(self.scale)?;
        (self.mantissa % factor == 0)
            .then(|| i64::try_from(self.mantissa / factor).ok())
            .flatten()
    }

    /// The same number with `scale` digits behind the point; `None` where digits would be lost or
    /// do not fit.
    #[must_use]
    pub fn rescaled(self, scale: u32) -> Option<Self> {
        if scale > MAX_SCALE {
            return None;
        }
        let mantissa = if scale >= self.scale {
            self.mantissa
                .checked_mul(power_of_ten(scale - self.scale)?)?
        } else {
            let factor = power_of_ten(self.scale - scale)?;
            if self.mantissa % factor != 0 {
                return None;
            }
            self.mantissa / factor
        };
        Some(Self { mantissa, scale })
    }

    /// The greatest number of `scale` digits behind the point that is not above this one, if the
    /// scale is one that decimals have.
    #[must_use]
    pub fn floored(self, scale: u32) -> Option<Self> {
        let factor = self.scale.checked_sub(scale).and_then(power_of_ten);
        match factor {
            None => (scale <= MAX_SCALE).then_some(self),
            Some(factor) => Self::new(self.mantissa.div_euclid(factor), scale),
        }
    }

    /// The nearest number with at most `scale` digits behind the point, the one farther from zero
    /// where two are as near.
    #[must_use]
    pub fn rounded(self, scale: u32) -> Self {
        let factor = self.scale.checked_sub(scale).and_then(power_of_ten);
        let Some(factor) = factor else {
            return self;
        };
        let (whole, rest) = (self.mantissa / factor, self.mantissa % factor);
        let up = match rest.unsigned_abs() >= factor.unsigned_abs().div_ceil(2) {
            true => self.mantissa.signum(),
            false => 0,
        };
        Self {
            mantissa: whole + up,
            scale,
        }
    }

    /// The same number without zeros at the end of its fraction.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// The sum, where it fits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Self::new(left.checked_add(right)?, scale)
    }

    /// The difference, where it fits.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.checked_neg()?)
    }

    /// The product, where it fits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let (left, right) = (self.normalized(), other.normalized());
        Self::new(
            left.mantissa.checked_mul(right.mantissa)?,
            left.scale + right.scale,
        )
    }

    /// The quotient, exact or cut after 18 digits behind the point; `None` for a zero divisor.
    #[must_use]
    pub fn checked_div(self, other: Self) -> Option<Self> {
        let (left, right) = (self.normalized(), other.normalized());
        if right.mantissa == 0 {
            return None;
        }
        // Widened as far as possible: the scale is smaller than wanted only with very many digits.
        let mut wanted = QUOTIENT_SCALE + right.scale;
        loop {
            let widened = power_of_ten(wanted.saturating_sub(left.scale))
                .and_then(|factor| left.mantissa.checked_mul(factor));
            if let Some(widened) = widened {
                let scale = left.scale.max(wanted).checked_sub(right.scale)?;
                return Self::new(widened / right.mantissa, scale).map(Self::normalized);
            }
            wanted = wanted.checked_sub(1)?;
        }
    }

    /// The integer part of the quotient; `None` for a zero divisor.
    #[must_use]
    pub fn checked_integer_div(self, other: Self) -> Option<Self> {
        let (left, right, _) = self.aligned(other)?;
        Self::new(left.checked_div(right)?, 0)
    }

    /// The remainder, with the sign of the dividend; `None` for a zero divisor.
    #[must_use]
    pub fn checked_rem(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Self::new(left.checked_rem(right)?, scale)
    }

    /// The number with the other sign.
    #[must_use]
    pub fn checked_neg(self) -> Option<Self> {
        Self::new(self.mantissa.checked_neg()?, self.scale)
    }

    /// Both mantissas at one scale.
    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        Some((
            self.rescaled(scale)?.mantissa,
            other.rescaled(scale)?.mantissa,
            scale,
        ))
    }
}

/// `10^exponent`, where it fits.
fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((left, right, _)) = self.aligned(*other) {
            return left.cmp(&right);
        }
        // Too far apart to align: the integer parts decide, or if they are equal the fractions.
        let parts = |number: &Self| {
            let factor = power_of_ten(number.scale).unwrap_or(i128::MAX);
            (number.mantissa / factor, number.mantissa % factor)
        };
        let (left_whole, left_fraction) = parts(self);
        let (right_whole, right_fraction) = parts(other);
        left_whole.cmp(&right_whole).then_with(|| {
            let align = |fraction: i128, scale: u32| {
                fraction * power_of_ten(MAX_SCALE - scale).unwrap_or(1)
            };
            align(left_fraction, self.scale).cmp(&align(right_fraction, other.scale))
        })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = usize::try_from(self.scale).unwrap_or(usize::MAX);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}
