//! Formatting of numbers in messages.

/// Number of digits that [`significant`] writes.
const SIGNIFICANT: i32 = 4;
/// [`significant`] writes values of at least this magnitude with an exponent.
const LARGE: f64 = 1e6;
/// [`significant`] writes values below this magnitude with an exponent.
const SMALL: f64 = 1e-4;

/// [`exact`] writes values below this magnitude with an exponent.
const SMALLEST_PLAIN: f64 = 1e-9;
/// [`exact`] writes values of at least this magnitude with an exponent.
const LARGEST_PLAIN: f64 = 1e15;

/// Formats a value with four significant digits and without trailing zeros. Very large and very small values have
/// three significant digits and an exponent.
pub fn significant(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    if !(SMALL..LARGE).contains(&size) {
        return format!("{value:.2e}");
    }
    let magnitude = size.log10().floor() as i32;
    let decimals = usize::try_from(SIGNIFICANT - 1 - magnitude).unwrap_or(0);
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

/// Formats a value with the fewest digits that determine it exactly. Very large and very small values have an
/// exponent.
pub fn exact(value: f64) -> String {
    let size = value.abs();
    let plain = value == 0.0 || !size.is_finite() || (SMALLEST_PLAIN..LARGEST_PLAIN).contains(&size);
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// Removes the trailing zeros of a decimal number.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-1.790_168_2, "-1.79"),
            (8.5, "8.5"),
            (0.012_345_6, "0.01235"),
            (123.456, "123.5"),
            (98_765.4, "98765"),
            (-0.000_012_3, "-1.23e-5"),
            (2.5e9, "2.50e9"),
            (100.0, "100"),
            (f64::MIN_POSITIVE, "2.23e-308"),
            (f64::MAX, "1.80e308"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(significant(value), text);
        }
    }

    #[test]
    fn exact_values_are_written_as_they_are() {
        for (value, text) in [
            (0.0, "0"),
            (4.0, "4"),
            (-0.333_333_333_333, "-0.333333333333"),
            (1e-8, "0.00000001"),
            (5e-10, "5e-10"),
            (1.234e308, "1.234e308"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(exact(value), text);
        }
    }
}
