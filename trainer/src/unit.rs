//! Units beside numbers.

/// Unit of pure numbers.
pub const PURE: &str = "1";

/// A unit with what joins it to its number or name, such as `" [eV]"`; nothing for pure numbers.
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
