//! Whole numbers that may be the halves of numbers with decimal commas.

use crate::source::{is_whole, unsigned};

/// Number of fields that a decimal comma makes of a number where commas separate the fields.
pub(super) const HALVES: usize = 2;

/// Whether the values of a row may be the halves of numbers with decimal commas: whole numbers, the second of each
/// pair without a sign or blanks before it.
pub(super) fn may_be_halves<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    values.enumerate().all(|(at, value)| {
        let value = value.trim_ascii_end();
        is_whole(if at.is_multiple_of(HALVES) { unsigned(value.trim_ascii_start()) } else { value })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_be_halves() {
        let halves = |values: &[&str]| may_be_halves(values.iter().map(|value| value.as_bytes()));
        assert!(halves(&["-0", "5"]) && halves(&["1", "25", " +3", "0 "]));
        for values in
            [["0", "-5"], ["0", " 5"], ["0.5", "1"], ["1", "1e3"], ["", "1"], ["na", "1"], ["1", ""]]
        {
            assert!(!halves(&values), "{values:?}");
        }
    }
}
