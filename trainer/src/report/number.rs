//! Formatting of numbers for people.

use etl::chart::signed;

/// Significant digits of a score.
const SIGNIFICANT: i32 = 4;
/// Magnitude that determines the digits of a coefficient of determination.
pub(super) const R2_SIZE: f64 = 1.0;
/// Maximum number of decimals before an exponent is used.
const MOST_DECIMALS: i32 = 7;
/// Magnitude from which on an exponent is used.
const LARGE: f64 = 1e7;

/// Format of the numbers of a column, so that their digits are aligned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// Number of decimals; `None` for an exponent.
    decimals: Option<usize>,
}

impl Format {
    /// Returns the format that shows a number of this magnitude with four significant digits.
    pub(crate) fn of(size: f64) -> Self {
        let size = size.abs();
        if size == 0.0 {
            return Self { decimals: Some(SIGNIFICANT as usize - 1) };
        }
        let decimals = SIGNIFICANT - 1 - size.log10().floor() as i32;
        if decimals > MOST_DECIMALS || size >= LARGE {
            return Self { decimals: None };
        }
        Self { decimals: Some(usize::try_from(decimals).unwrap_or(0)) }
    }

    /// Formats a number, with a true minus sign.
    pub(crate) fn write(self, value: f64) -> String {
        let text = match self.decimals {
            Some(decimals) if value.abs() < LARGE => format!("{value:.decimals$}"),
            _ => format!("{value:.3e}"),
        };
        signed(&text)
    }

    /// Formats a number with a sign, even if it is positive.
    pub(super) fn write_signed(self, value: f64) -> String {
        let text = self.write(value);
        if value > 0.0 { format!("+{text}") } else { text }
    }
}

/// Formats a count with thousands separators: `1,234,567`.
pub(crate) fn grouped(count: usize) -> String {
    etl::stats::number::grouped(count as u64)
}

/// Formats a count with its noun: `1 crystal`, `1,200 crystals`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    etl::stats::number::grouped_count(count as u64, noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_four_digits() {
        let written = [38.214_9, 0.123_45, 1234.5, 0.001_234_5].map(|value| Format::of(value).write(value));
        assert_eq!(written, ["38.21", "0.1235", "1234", "0.001234"]);
        assert_eq!(Format::of(0.0).write(0.0), "0.000");
        assert_eq!(Format::of(1e-9).write(1e-9), "1.000e-9");
        assert_eq!(Format::of(1e300).write(-1e300), "\u{2212}1.000e300");
        assert_eq!(Format::of(1.0).write(-1e-9), "0.000");
        assert_eq!(Format::of(1.0).write_signed(0.25), "+0.250");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            ["1", "1,000", "1,234,567"],
            [1, 1000, 1_234_567].map(grouped).each_ref().map(String::as_str)
        );
        assert_eq!(counted(1, "crystal"), "1 crystal");
        assert_eq!(counted(1200, "crystal"), "1,200 crystals");
    }
}
