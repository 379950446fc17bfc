//! Units and numbers in texts for people: tables, figures and messages.

use std::ops::Range;

/// Unit of dimensionless quantities. A quantity whose unit is not known has an empty one.
pub const PURE: &str = "1";

/// Number of decimals of an error or a loss.
pub const DECIMALS: usize = 5;
/// Magnitudes of the numbers that are written without an exponent.
const USUAL: Range<f64> = 1e-3..1e6;

/// Returns the unit between `before` and `behind`, such as `" [eV]"`. Returns an empty text for a dimensionless
/// quantity, whose unit is `1`, and for an unknown unit. The logarithm of an unknown unit, `log10()`, is `log10`.
pub fn shown(before: &str, unit: &str, behind: &str) -> String {
    match unit.strip_suffix("()").unwrap_or(unit) {
        "" | PURE => String::new(),
        unit => format!("{before}{unit}{behind}"),
    }
}

/// Formats a number with the digits that suit one of the magnitude `size`: `decimals` decimals, or for magnitudes below
/// 10⁻³ and from 10⁶ on as many significant digits and an exponent. A `size` of 0 asks for decimals.
pub fn number(value: f64, size: f64, decimals: usize) -> String {
    let size = size.abs();
    if size == 0.0 || !size.is_finite() || USUAL.contains(&size) {
        return format!("{value:.decimals$}");
    }
    let decimals = decimals.saturating_sub(1);
    format!("{value:.decimals$e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_and_unknown_numbers_have_no_unit() {
        assert_eq!(shown(" [", "eV", "]"), " [eV]");
        assert_eq!(shown(" ", "log10(GPa)", ""), " log10(GPa)");
        assert_eq!(shown(", ", "1", ""), "");
        assert_eq!(shown(", ", "", ""), "");
        assert_eq!(shown(" in ", "log10()", ""), " in log10");
    }

    #[test]
    fn magnitudes_decide_about_an_exponent() {
        let own = |value: f64| number(value, value, DECIMALS);
        let usual = [1.109_28, 0.001, 0.123_456, 999_999.0, 0.0, -2.5].map(own);
        assert_eq!(usual, ["1.10928", "0.00100", "0.12346", "999999.00000", "0.00000", "-2.50000"]);
        let others = [3.16e-6, 9.99e-4, 1e6, 1e30, -1e-300].map(own);
        assert_eq!(others, ["3.1600e-6", "9.9900e-4", "1.0000e6", "1.0000e30", "-1.0000e-300"]);
        assert_eq!([f64::NAN, f64::INFINITY].map(own), ["NaN", "inf"]);
        // Numbers beside another have its digits.
        assert_eq!(number(4.2e-4, 0.5, DECIMALS), "0.00042");
        assert_eq!(number(0.0, 3e-6, DECIMALS), "0.0000e0");
        assert_eq!([1.3e-5, 1.3].map(|value| number(value, value, 6)), ["1.30000e-5", "1.300000"]);
    }
}
