//! National Provider Identifiers.

/// A ten-digit NPI; its last digit checks the others, as in real ones.
pub(crate) fn npi(provider: u32) -> u64 {
    let first_nine = 199_000_000 + u64::from(provider % 1_000_000);
    let mut sum = 24;
    let mut rest = first_nine;
    for position in 0..9 {
        let digit = rest % 10;
        rest /= 10;
        let doubled = digit * 2;
        sum += if position % 2 == 0 {
            doubled / 10 + doubled % 10
        } else {
            digit
        };
    }
    first_nine * 10 + (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::npi;

    #[test]
    fn an_npi_passes_the_luhn_check_with_its_prefix() {
        for provider in [0, 1, 77, 4_242, 999_999] {
            let digits = format!("80840{}", npi(provider));
            let sum: u32 = digits
                .chars()
                .rev()
                .enumerate()
                .map(|(position, digit)| {
                    let digit = digit.to_digit(10).unwrap();
                    let doubled = if position % 2 == 1 { digit * 2 } else { digit };
                    doubled / 10 + doubled % 10
                })
                .sum();
            assert_eq!(sum % 10, 0, "{digits}");
        }
    }
}
