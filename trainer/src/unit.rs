//! Units in texts for people: tables, figures and messages.

/// Unit of dimensionless quantities.
pub const PURE: &str = "1";

/// Returns the unit between `before` and `behind`, such as `" [eV]"`. Returns an empty text for a dimensionless
/// quantity, whose unit is `1`.
pub fn shown(before: &str, unit: &str, behind: &str) -> String {
    if unit == PURE { String::new() } else { format!("{before}{unit}{behind}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_numbers_have_no_unit() {
        assert_eq!(shown(" [", "eV", "]"), " [eV]");
        assert_eq!(shown(" ", "log10(GPa)", ""), " log10(GPa)");
        assert_eq!(shown(", ", "1", ""), "");
    }
}
